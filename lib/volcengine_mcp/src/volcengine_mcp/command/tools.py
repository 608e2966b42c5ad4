"""The command `tools`: lists the tools, or shows what one of them takes."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from volcengine_mcp.command.serve import local_server
from volcengine_mcp.declare import Service
from volcengine_mcp.errors import ConfigurationError
from volcengine_mcp.settings.load import Loaded
from volcengine_mcp.settings.model import Settings

if TYPE_CHECKING:
    from mcp_types import Tool


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("tool", nargs="?", metavar="TOOL", help="show this tool's schema")
    parser.add_argument("--json", action="store_true", help="print JSON, exactly as an MCP client receives it")


def run(service: Service, options: argparse.Namespace, loaded: Loaded, environment: Mapping[str, str]) -> int:
    """Print the tools, or the one that is named.

    Raises:
        ConfigurationError: there is no such tool.
    """
    import anyio

    from volcengine_mcp.command.terminal import as_json, overview, tool_help

    tools = anyio.run(_listed, service, loaded.settings, environment)
    if options.tool is None:
        print(as_json([_plain(tool) for tool in tools]) if options.json else overview(tools))
        return 0
    found = next((tool for tool in tools if tool.name == options.tool), None)
    if found is None:
        from volcengine_mcp.validation import nearest

        suggestion = nearest(options.tool, [tool.name for tool in tools])
        advice = f"Did you mean {suggestion}?" if suggestion else f"See `{service.command} tools`."
        raise ConfigurationError(f"There is no tool {options.tool}. {advice}")
    print(as_json(_plain(found)) if options.json else tool_help(found))
    return 0


async def _listed(service: Service, settings: Settings, environment: Mapping[str, str]) -> list[Tool]:
    """The tools as an MCP client in the same process receives them."""
    from mcp.client import Client

    async with Client(local_server(service, settings, environment)) as client:
        return (await client.list_tools()).tools


def _plain(tool: Tool) -> dict[str, Any]:
    return tool.model_dump(mode="json", by_alias=True, exclude_none=True)
