"""The command `call`: calls a tool as an MCP client does, and shows what it answers."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from volcengine_mcp.command.serve import local_server
from volcengine_mcp.declare import Service
from volcengine_mcp.settings.load import Loaded
from volcengine_mcp.settings.model import Settings

if TYPE_CHECKING:
    from mcp_types import CallToolResult


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("tool", metavar="TOOL")
    parser.add_argument(
        "arguments",
        nargs="*",
        default=[],
        metavar="JSON | key=value",
        help="the arguments; repeat a key to give a list",
    )
    parser.add_argument("--json", action="store_true", help="print JSON even on a terminal")


def run(service: Service, options: argparse.Namespace, loaded: Loaded, environment: Mapping[str, str]) -> int:
    """Call the tool and print its answer; 1 when the answer is an error.

    Raises:
        ArgumentsError: the words are neither a JSON object nor `key=value`.
    """
    import anyio

    from volcengine_mcp.command.terminal import as_json, problem, readable

    result = anyio.run(_called, service, loaded.settings, environment, options.tool, options.arguments)
    content = result.structured_content
    if options.json or not sys.stdout.isatty():
        print(as_json(content))
    elif result.is_error:
        print(problem(content), file=sys.stderr)
    else:
        print(readable(content, service.columns))
    return 1 if result.is_error else 0


async def _called(
    service: Service, settings: Settings, environment: Mapping[str, str], name: str, given: Sequence[str]
) -> CallToolResult:
    """The result of a call as an MCP client in the same process receives it."""
    from mcp.client import Client

    from volcengine_mcp.command.arguments import parse

    server = local_server(service, settings, environment)
    schemas = {tool.name: tool.input_schema for tool in await server.list_tools()}
    words = parse(given, schemas.get(name, {}))
    async with Client(server) as client:
        return await client.call_tool(name, words)
