"""The sandbox as a process of its own that can serve TLS, hold more events, and count the connections it accepts.

Prints `NAME=value` lines and an empty line, then answers each line on stdin with the count so far.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from volcengine_sandbox import Sandbox
from volcengine_sandbox.events import Actor, Event

KEY = "AKLTbenchmark"
"""The access key that made the further events."""

DAYS = 6
"""Days over which they are spread."""

DEEDS = (("ecs", "DescribeInstances", True), ("ecs", "RunInstances", False), ("iam", "GetUser", True))


def main() -> None:
    """Serve until stdin closes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tls", type=Path, metavar="DIRECTORY", help="serve TLS with the cert.pem and key.pem in it")
    parser.add_argument("--events", type=int, default=0, metavar="N", help=f"hold N further events, made by {KEY}")
    options = parser.parse_args()
    directory: Path | None = options.tls
    tls = (str(directory / "cert.pem"), str(directory / "key.pem")) if directory else None
    with Sandbox(tls=tls) as sandbox:
        sandbox.state.events.fill(_events(sandbox.administrator.account_id, options.events))
        print(f"VOLCENGINE_ENDPOINT={sandbox.endpoint}")
        print(f"VOLCENGINE_ACCESS_KEY={sandbox.administrator.access_key}")
        print(f"VOLCENGINE_SECRET_KEY={sandbox.administrator.secret_key}")
        if directory:
            print(f"VOLCENGINE_CA_BUNDLE={directory / 'cert.pem'}")
        print(flush=True)
        for _ in sys.stdin:
            print(sandbox.connections, flush=True)


def _events(account: str, count: int) -> Iterator[Event]:
    """Events of one key from a few addresses, some of them failed, at equal distances before now."""
    actor = Actor(account, "IAMUser", "1", f"trn:iam::{account}:user/benchmark", "benchmark", KEY)
    newest = int(time.time()) - 600
    for number in range(count):
        source, name, read_only = DEEDS[number % len(DEEDS)]
        yield Event(
            time=newest - number * DAYS * 86400 // count,
            event_id=f"benchmark-{number}",
            request_id=f"request-{number}",
            actor=actor,
            source=source,
            name=name,
            version="2020-04-01",
            region="cn-beijing",
            read_only=read_only,
            source_ip=f"203.0.113.{number % 7}",
            user_agent="benchmark",
            error_code="AccessDenied" if number % 11 == 0 else "",
            request_parameters='{"InstanceId":"i-benchmark"}',
        )


if __name__ == "__main__":
    main()
