"""The command line of every server: serve, list tools, call one, show the settings."""

from __future__ import annotations

import argparse
import gc
import json
import logging
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from volcengine_mcp.declare import Service
from volcengine_mcp.errors import ConfigurationError, VolcengineError
from volcengine_mcp.settings.model import Settings
from volcengine_mcp.settings.reading import CONFIG_VARIABLE, SECRETS, Loaded, leaves, load

if TYPE_CHECKING:
    from mcp_types import CallToolResult, Tool

    from volcengine_mcp.mcp.server import Server

BAD_USAGE = 2
"""Exit status for a command line or a configuration that cannot be used."""


def main(service: Service, arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line of a server and end the process with its exit status."""
    _start_fast()
    _speak_utf8()
    options = _options(_parser(service), arguments)
    _end_on_signals(quietly=options.run is _serve)
    try:
        with _environment(options) as environment:
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
    """Collect no garbage while modules are imported, which makes a lot of objects and hardly any garbage."""
    gc.disable()


def _started() -> None:
    """Collect garbage from now on, but never look again at what start-up made."""
    gc.freeze()
    gc.enable()


def _speak_utf8() -> None:
    """Write UTF-8 to pipes whatever the locale says, as JSON must be; on a terminal, mark what it cannot show."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")


def _end_on_signals(*, quietly: bool) -> None:
    """End at once on Ctrl-C and SIGTERM: a blocked read of stdin would delay it.

    Args:
        quietly: with success, as a server that is told to stop; a command that did not finish tells so, as shells do.
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
    """A server logs as it is told; a command for a person only warns, unless it is told to say more."""
    quiet = options.run is not _serve and loaded.origins["log_level"] == "default"
    return "warning" if quiet else loaded.settings.log_level


def _options(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """The parsed command line; `key=value` words may stand before and after options."""
    defaults = argparse.Namespace(config=None, transport=None, port=None, sandbox=False)
    options, rest = parser.parse_known_args(arguments, defaults)
    if rest and (options.run is not _call or any(word.startswith("-") for word in rest)):
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
    parser.set_defaults(run=_serve)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    listing = commands.add_parser("tools", parents=[common], help="list the tools, or show the schema of one")
    listing.add_argument("tool", nargs="?", metavar="TOOL", help="show this tool's schema")
    listing.add_argument("--json", action="store_true", help="print JSON, exactly as an MCP client receives it")
    listing.set_defaults(run=_tools)
    call = commands.add_parser(
        "call",
        parents=[common],
        help="call a tool as an MCP client does",
        epilog=f"Example:  {service.command} call {service.example} --sandbox",
    )
    call.add_argument("tool", metavar="TOOL")
    call.add_argument(
        "arguments",
        nargs="*",
        default=[],
        metavar="JSON | key=value",
        help="the arguments; repeat a key to give a list",
    )
    call.add_argument("--json", action="store_true", help="print JSON even on a terminal")
    call.set_defaults(run=_call)
    token = commands.add_parser(
        "token", parents=[common], help="make the Authorization header for a server with credential: token"
    )
    token.set_defaults(run=_token)
    config = commands.add_parser("config", parents=[common], help="show the settings in force and their origins")
    config.add_argument("--json", action="store_true", help="print JSON")
    config.set_defaults(run=_config)
    return parser


@contextmanager
def _environment(options: argparse.Namespace) -> Iterator[Mapping[str, str]]:
    """The process's environment; with `--sandbox`, that of a sandbox which runs as long as the block does."""
    if not options.sandbox:
        yield os.environ
        return
    from volcengine_sandbox import Sandbox

    with Sandbox(pack=os.environ.get("VOLCENGINE_SANDBOX_PACK") or "default") as sandbox:
        someone = sandbox.administrator
        yield {
            **{name: value for name, value in os.environ.items() if name not in _REPLACED_BY_SANDBOX},
            "VOLCENGINE_ENDPOINT": sandbox.endpoint,
            "VOLCENGINE_ACCESS_KEY": someone.access_key,
            "VOLCENGINE_SECRET_KEY": someone.secret_key,
        }


_REPLACED_BY_SANDBOX = frozenset(
    {
        "VOLCENGINE_ACCESS_SESSION_TOKEN",
        "VOLCENGINE_SESSION_TOKEN",
        "VOLCENGINE_CREDENTIAL_TYPE",
        "VOLCENGINE_REGION",
        "VOLCENGINE_CA_BUNDLE",
    }
)
"""Variables that are meant for the real service."""


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


def _serve(service: Service, options: argparse.Namespace, loaded: Loaded, environment: Mapping[str, str]) -> int:
    from volcengine_mcp.mcp.server import missing_credentials, serve_stdio
    from volcengine_mcp.observe import start_tracing

    settings = loaded.settings
    flush_traces = start_tracing(service.command)
    if error := missing_credentials(settings, environment):
        print(f"{service.command}: {error.message} {error.hint} Until then every call fails.", file=sys.stderr)
    if settings.transport != "stdio":
        from volcengine_mcp.http.app import serve

        _started()
        serve(service, settings, environment, flush_traces)
        return 0
    if sys.stdin.isatty():
        print(
            f"{service.command} {service.version} waits for an MCP client on stdin; Ctrl-C ends it. "
            f"To try it by hand: {service.command} call {service.example} --sandbox",
            file=sys.stderr,
        )
    server = _local(service, settings, environment)
    _started()
    serve_stdio(server, flush_traces)
    return 0


def _local(service: Service, settings: Settings, environment: Mapping[str, str]) -> Server:
    """The server for one person on this machine, who uses its keys."""
    from volcengine_mcp.mcp.server import Server
    from volcengine_mcp.signin.access import signed_by_server

    credential = "env" if settings.credential == "token" else settings.credential
    return Server(service, settings, signed_by_server(credential, environment))


def _tools(service: Service, options: argparse.Namespace, loaded: Loaded, environment: Mapping[str, str]) -> int:
    import anyio

    from volcengine_mcp.command.terminal import overview, tool_help

    tools = anyio.run(_listed, service, loaded.settings, environment)
    if options.tool is not None:
        from volcengine_mcp.validation import nearest

        found = next((tool for tool in tools if tool.name == options.tool), None)
        if found is None:
            suggestion = nearest(options.tool, [tool.name for tool in tools])
            advice = f"Did you mean {suggestion}?" if suggestion else f"See `{service.command} tools`."
            raise ConfigurationError(f"There is no tool {options.tool}. {advice}")
        print(_json(_plain(found)) if options.json else tool_help(found))
    else:
        print(_json([_plain(tool) for tool in tools]) if options.json else overview(tools))
    return 0


def _call(service: Service, options: argparse.Namespace, loaded: Loaded, environment: Mapping[str, str]) -> int:
    import anyio

    from volcengine_mcp.command.terminal import problem, readable

    result = anyio.run(_called, service, loaded.settings, environment, options.tool, options.arguments)
    content = result.structured_content
    if options.json or not sys.stdout.isatty():
        print(_json(content))
    elif result.is_error:
        print(problem(content), file=sys.stderr)
    else:
        print(readable(content, service.columns))
    return 1 if result.is_error else 0


def _token(service: Service, options: argparse.Namespace, loaded: Loaded, environment: Mapping[str, str]) -> int:
    from volcengine_mcp.api.credentials import from_environment
    from volcengine_mcp.mcp.server import missing_credentials
    from volcengine_mcp.signin.header import to_header

    if missing_credentials(loaded.settings.model_copy(update={"credential": "env"}), environment):
        environment = {**environment, **_asked()}
    print(f"Authorization: {to_header(from_environment(environment))}")
    return 0


def _asked() -> dict[str, str]:
    """The keys as a person types them, without echo; nothing where nobody sits."""
    from getpass import getpass

    from volcengine_mcp.api.credentials import ACCESS_KEY, SECRET_KEY, SESSION_TOKENS

    if not sys.stdin.isatty():
        return {}
    return {
        ACCESS_KEY: getpass("Access key: "),
        SECRET_KEY: getpass("Secret key: "),
        SESSION_TOKENS[0]: getpass("Session token (empty if none): "),
    }


def _config(service: Service, options: argparse.Namespace, loaded: Loaded, environment: Mapping[str, str]) -> int:
    from volcengine_mcp.mcp.server import missing_credentials

    in_force = list(_in_force(loaded.settings, loaded.origins))
    if options.json:
        print(_json({name: {"value": value, "origin": origin} for name, value, origin in in_force}))
        return 0
    print(f"{'Setting':<30}{'Value':<14}  Origin")
    for name, value, origin in in_force:
        text = value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
        print(f"{name:<30}{text:<14}  {origin}")
    if loaded.settings.credential == "env":
        error = missing_credentials(loaded.settings, environment)
        print(f"\n{error.message} {error.hint}" if error else "\nVolcengine credentials are set in the environment.")
    return 0


def _in_force(settings: Settings, origins: Mapping[str, str]) -> Iterator[tuple[str, Any, str]]:
    """Each setting with its value, secrets masked, and its origin."""
    values = settings.model_dump(mode="json")
    for path in leaves(type(settings)):
        value = values["oauth"][path.removeprefix("oauth.")] if path.startswith("oauth.") else values[path]
        shown = "***" if path in SECRETS and value not in ("", "memory") else value
        yield path, shown, origins[path]


async def _listed(service: Service, settings: Settings, environment: Mapping[str, str]) -> list[Tool]:
    """The tools as an MCP client in the same process receives them."""
    from mcp.client import Client

    async with Client(_local(service, settings, environment)) as client:
        return (await client.list_tools()).tools


async def _called(
    service: Service, settings: Settings, environment: Mapping[str, str], name: str, given: Sequence[str]
) -> CallToolResult:
    """The result of a call as an MCP client in the same process receives it."""
    from mcp.client import Client

    from volcengine_mcp.command.arguments import parse

    server = _local(service, settings, environment)
    schemas = {tool.name: tool.input_schema for tool in await server.list_tools()}
    arguments = parse(given, schemas.get(name, {}))
    async with Client(server) as client:
        return await client.call_tool(name, arguments)


def _plain(tool: Tool) -> dict[str, Any]:
    return tool.model_dump(mode="json", by_alias=True, exclude_none=True)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
