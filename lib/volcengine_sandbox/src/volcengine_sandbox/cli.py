"""The command `volcengine-sandbox`."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from importlib.metadata import version
from types import FrameType

from volcengine_sandbox.sandbox import Sandbox
from volcengine_sandbox.seed import PACKS

DESCRIPTION = """\
A local Volcengine OpenAPI for Cloud Trail (cloud_trail) and Organization (organization).

It verifies signatures, keeps state in memory and starts with a made-up enterprise: 14 accounts in
7 units, service control policies, trails, and about 5,000 audit events of the last 90 days.
With --pack incidents the log is a month of 20,000 ordinary events instead, with ten attacks and
harmless things that look like them. Point any Volcengine SDK at it; nothing leaves this computer
and nothing outlives the process.
"""
EXAMPLES = """\
examples:
  volcengine-sandbox                        serve on a free port and say how to connect
  volcengine-sandbox --port 8080 --seed 7   always the same port, another made-up enterprise
  volcengine-sandbox --print-env            only the three settings, as NAME=value lines, for scripts
  volcengine-sandbox --pack incidents       a log to investigate
  volcengine-sandbox --pack incidents --truth   what is in it, as JSON
"""
BAD_ARGUMENT = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until interrupted. Returns 0, or 2 when the arguments or the address cannot be used."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.truth and arguments.pack != "incidents":
        parser.error("--truth needs --pack incidents: only that pack has a ground truth")
    if arguments.truth:
        sys.stdout.write(_truth(arguments.seed))
        return 0
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    stop = threading.Event()

    def asked(number: int, frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, asked)
    box = Sandbox(seed=arguments.seed, port=arguments.port, host=arguments.host, pack=arguments.pack)
    try:
        box.start()
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        sys.stderr.write(
            f"volcengine-sandbox: cannot listen on {arguments.host}:{arguments.port}: {reason}. "
            "Choose another --port, or 0 for a free one.\n"
        )
        return BAD_ARGUMENT
    try:
        sys.stdout.write(environment(box) if arguments.print_env else welcome(box))
        sys.stdout.flush()
        # Waking up now and then lets Windows deliver Ctrl+C.
        while not stop.wait(0.5):
            pass
    finally:
        box.stop()
    return 0


def environment(box: Sandbox) -> str:
    """The settings that a client needs, a line each."""
    return (
        f"VOLCENGINE_ENDPOINT={box.endpoint}\n"
        f"VOLCENGINE_ACCESS_KEY={box.administrator.access_key}\n"
        f"VOLCENGINE_SECRET_KEY={box.administrator.secret_key}\n"
    )


def welcome(box: Sandbox) -> str:
    """How to connect, and the other credentials with what each is for."""
    lines = [f"A local Volcengine OpenAPI is serving at {box.endpoint} (Ctrl+C stops it).", ""]
    lines += ["Use it as the organization's administrator:", "", *environment(box).splitlines(), ""]
    lines += ["Other credentials:", ""]
    for identity in (box.reader, box.temporary, box.expired, box.disabled, box.member, box.outsider):
        lines.append(f"{identity.name}: {identity.purpose} (account {identity.account_id})")
        lines.append(f"  access key     {identity.access_key}")
        lines.append(f"  secret key     {identity.secret_key}")
        if identity.session_token:
            lines.append(f"  session token  {identity.session_token}")
    lines += ["", f"Faults, requests and reset: {box.endpoint}/_sandbox/ (see the README)", ""]
    return "\n".join(lines)


def _truth(seed: int) -> str:
    from volcengine_sandbox.seed.incidents import dump

    now = time.time()
    return dump(Sandbox(seed=seed, clock=lambda: now, pack="incidents").incidents, seed, now)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="volcengine-sandbox",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this computer only)")
    parser.add_argument("--port", type=_port, default=0, help="port to listen on; 0, the default, takes a free one")
    parser.add_argument("--seed", type=int, default=1, help="which made-up enterprise; the same seed, the same IDs")
    parser.add_argument("--pack", choices=PACKS, default="default", help="what the audit log holds")
    parser.add_argument("--truth", action="store_true", help="print the incidents of --pack incidents, do not serve")
    parser.add_argument("--print-env", action="store_true", help="print only NAME=value lines, then serve")
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('volcengine-sandbox')}")
    return parser


def _port(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: give a number from 0 to 65535")
    return number
