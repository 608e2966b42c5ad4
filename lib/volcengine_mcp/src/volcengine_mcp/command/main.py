"""The command line of every server: its words and options, and what all commands share from start to end."""

from __future__ import annotations

import argparse
import gc
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import Any, NoReturn

from volcengine_mcp.command import call, config, serve, token, tools
from volcengine_mcp.command.sandboxed import variables
from volcengine_mcp.declare import Service
from volcengine_mcp.errors import VolcengineError
from volcengine_mcp.settings.load import CONFIG_VARIABLE, Loaded, load

BAD_USAGE = 2
"""Exit status for a command line or a configuration that cannot be used."""

Run = Callable[[Service, argparse.Namespace, Loaded, Mapping[str, str]], int]
"""What runs a command and returns its exit status."""


def main(service: Service, arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line of a server and end the process with its exit status."""
    _start_fast()
    _speak_utf8()
    options = _options(_parser(service), arguments)
    _end_on_signals(quietly=options.run is serve.run)
    try:
        with variables(sandbox=options.sandbox) as environment:
            loaded = _load(service, options, environment)
            _log_to_stderr(_log_level(options, loaded))
            status = options.run(service, options, loaded, environment)
        sys.stdout.flush()
    except VolcengineError as error:
        print(f"{service.command}: {error.message}{' ' + error.hint if error.hint else ''}", file=sys.stderr)
        status = BAD_USAGE
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    sys.exit(status)


def _start_fast() -> None:
    """Collect no garbage while modules are imported, which makes many objects and hardly any garbage."""
    gc.disable()


def _speak_utf8() -> None:
    """Write UTF-8 to pipes whatever the locale says, as JSON must be; on a terminal, mark what it cannot show."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")


def _end_on_signals(*, quietly: bool) -> None:
    """End at once on Ctrl-C and SIGTERM: a blocked read of stdin would delay it.

    Args:
        quietly: with success, as a server that is asked to stop; a command that did not finish says so by its status,
            as shells expect.
    """

    def end(number: int, _frame: object) -> None:
        os._exit(0 if quietly else 128 + number)

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)


def _log_to_stderr(level: str) -> None:
    logging.basicConfig(
        level=level.upper(), stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    # At debug the SDK writes whole answers, with whatever the events in them hold.
    logging.getLogger("volcenginesdkcore").setLevel(logging.INFO)
    if level != "debug":
        for chatty in ("mcp", "uvicorn"):
            logging.getLogger(chatty).setLevel(logging.WARNING)


def _log_level(options: argparse.Namespace, loaded: Loaded) -> str:
    """A server logs at the level of the settings; a command for a person only warns, unless a level is set."""
    quiet = options.run is not serve.run and loaded.origins["log_level"] == "default"
    return "warning" if quiet else loaded.settings.log_level


def _options(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """The parsed command line; `key=value` words may stand before and after options."""
    defaults = argparse.Namespace(config=None, transport=None, port=None, sandbox=False)
    options, rest = parser.parse_known_args(arguments, defaults)
    if rest and (options.run is not call.run or any(word.startswith("-") for word in rest)):
        parser.error(f"there is no argument {' '.join(rest)} here; see --help")
    if rest:
        options.arguments += rest
    return options


def _parser(service: Service) -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    common.add_argument("--config", metavar="FILE", help=f"read this cfg.yaml (or set {CONFIG_VARIABLE})")
    common.add_argument("--transport", metavar="NAME", help="stdio, sse or streamable-http")
    common.add_argument("--port", metavar="N", help="port for sse and streamable-http")
    common.add_argument(
        "--sandbox",
        action="store_true",
        help="use a local Volcengine with invented data; no account or key is needed",
    )
    parser = argparse.ArgumentParser(
        prog=service.command,
        description=f"MCP server for Volcengine {service.title}. Without a command it serves an MCP client "
        "over stdio, as client configurations expect.",
        epilog=f"First try, without an account:  {service.command} call {service.example} --sandbox",
        parents=[common],
    )
    parser.add_argument("--version", action="version", version=f"{service.command} {service.version}")
    parser.set_defaults(run=serve.run)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")

    def add(name: str, run: Run, about: str, **more: Any) -> argparse.ArgumentParser:
        added = commands.add_parser(name, parents=[common], help=about, **more)
        added.set_defaults(run=run)
        return added

    tools.arguments(add("tools", tools.run, "list the tools, or show the schema of one"))
    example = f"Example:  {service.command} call {service.example} --sandbox"
    call.arguments(add("call", call.run, "call a tool as an MCP client does", epilog=example))
    add("token", token.run, "make the Authorization header for a server with credential: token")
    config.arguments(add("config", config.run, "show the settings in force and their origins"))
    for own in service.commands:
        own.arguments(add(own.name, own.run, own.about))
    return parser


def _load(service: Service, options: argparse.Namespace, environment: Mapping[str, str]) -> Loaded:
    named = options.config or environment.get(CONFIG_VARIABLE, "").strip()
    given = {"transport": options.transport, "sse_port": options.port}
    return load(
        Path(named).expanduser() if named else service.config,
        environment,
        {name: value for name, value in given.items() if value is not None},
        service_code=service.code,
        toolsets=service.toolsets,
        model=service.settings,
    )
