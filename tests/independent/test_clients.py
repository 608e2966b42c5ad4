"""Clients that others wrote: the TypeScript SDK, mcp-remote and the Inspector, with the credentials in a header."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from independent.conftest import Node
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from support.http import CLOUD_TRAIL, ORGANIZATION, PATIENCE, Running, bearer, program
from volcengine_sandbox import Identity, Sandbox

TRANSPORTS = (("sse", "/sse"), ("http", "/mcp"))
INSPECTOR = ".bin/mcp-inspector"


def authorization(who: Identity) -> str:
    """The value of the header."""
    return bearer(who)["Authorization"]


@pytest.mark.parametrize(("transport", "path"), TRANSPORTS)
def test_typescript_sdk(node: Node, remote: Running, box: Sandbox, transport: str, path: str) -> None:
    for who, owner in ((box.administrator, box.administrator.account_id), (box.outsider, None)):
        words = ("client.mjs", transport, remote.url + path, authorization(who), "DescribeOrganization", "{}")
        said = json.loads(node.run(*words).stdout)
        assert said["server"]["name"] == "volcengine-organization"
        assert {"ListAccounts", "CreateServiceControlPolicy"} <= set(said["tools"])
        assert said["result"].get("isError", False) == (owner is None)
        assert said["result"]["structuredContent"].get("Organization", {}).get("Owner") == owner
        assert box.requests[-1].access_key == who.access_key


@pytest.mark.parametrize(("transport", "path"), TRANSPORTS)
def test_typescript_sdk_is_refused_and_stays_off_the_path_of_oauth(
    node: Node, remote: Running, transport: str, path: str
) -> None:
    said = json.loads(node.run("client.mjs", transport, remote.url + path, "Bearer x", "ListAccounts", "{}").stdout)
    assert said["status"] == 401
    assert "OAuth" not in said["error"]


@pytest.mark.parametrize(("transport", "path"), TRANSPORTS)
def test_inspector(node: Node, remote: Running, box: Sandbox, transport: str, path: str) -> None:
    header = f"Authorization: {authorization(box.reader)}"
    to_server = (node.package(INSPECTOR), "--cli", remote.url + path, "--transport", transport, "--header", header)
    listed = node.run(*to_server, "--method", "tools/list")
    assert "0 errors" in listed.stderr
    assert "ListAccounts" in {tool["name"] for tool in json.loads(listed.stdout)["tools"]}
    call = node.run(*to_server, "--method", "tools/call", "--tool-name", "ListAccounts", "--tool-arg", "Limit=3")
    result: dict[str, Any] = json.loads(call.stdout)
    assert len(result["structuredContent"]["AccountList"]) == 3
    assert box.requests[-1].access_key == box.reader.access_key


@pytest.mark.parametrize(("command", "tool"), [(ORGANIZATION, "ListAccounts"), (CLOUD_TRAIL, "DescribeTrails")])
def test_inspector_over_stdio(node: Node, box: Sandbox, command: str, tool: str) -> None:
    variables = {
        "VOLCENGINE_ENDPOINT": box.endpoint,
        "VOLCENGINE_ACCESS_KEY": box.administrator.access_key,
        "VOLCENGINE_SECRET_KEY": box.administrator.secret_key,
    }
    given = [word for name, value in variables.items() for word in ("-e", f"{name}={value}")]
    to_server = (node.package(INSPECTOR), "--cli", program(command), "--transport", "stdio", *given)
    result = json.loads(node.run(*to_server, "--method", "tools/call", "--tool-name", tool).stdout)
    assert not result.get("isError")
    assert result["structuredContent"]


@pytest.mark.anyio
@pytest.mark.parametrize("strategy", ["http-only", "sse-only"])
async def test_mcp_remote(node: Node, remote: Running, box: Sandbox, tmp_path: Path, strategy: str) -> None:
    path = "/mcp" if strategy == "http-only" else "/sse"
    words = (
        remote.url + path,
        "--transport",
        strategy,
        "--header",
        f"Authorization:{authorization(box.administrator)}",
    )
    bridge = StdioServerParameters(
        command=node.program,
        args=[node.package(".bin/mcp-remote"), *words],
        env={"MCP_REMOTE_CONFIG_DIR": str(tmp_path), "HOME": str(tmp_path)},
    )
    with (tmp_path / "stderr").open("w+") as errors:
        client = Client(stdio_client(bridge, errlog=errors), read_timeout_seconds=PATIENCE, mode="legacy")
        async with client:
            assert "ListAccounts" in {tool.name for tool in (await client.list_tools()).tools}
            result = await client.call_tool("ListAccounts", {"Limit": 2})
    assert result.structured_content
    assert len(result.structured_content["AccountList"]) == 2
    assert box.requests[-1].access_key == box.administrator.access_key


@pytest.fixture
def anyio_backend() -> str:
    """The event loop that the clients use."""
    return "asyncio"
