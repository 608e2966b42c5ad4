"""The server that the page on adding one builds is a server: its code is taken from the page and asked."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest
from mcp.client import Client
from support.servers import environment
from volcengine_mcp.api.credentials import from_environment
from volcengine_mcp.mcp.server import Server
from volcengine_mcp.settings.model import Settings
from volcengine_mcp.signin.access import Access, Visitor
from volcengine_sandbox import Sandbox

pytestmark = pytest.mark.anyio

PAGE = Path(__file__).parents[2] / "docs" / "adding-a-server.md"
NAMED = re.compile(r"`src/(mcp_server_iam/[\w/]+\.py)`")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The package, written as the page says, but for its version, which only an installed package has."""
    before, *blocks = PAGE.read_text(encoding="utf-8").split("```python\n")
    for block in blocks:
        code, _, after = block.partition("```")
        path = tmp_path / NAMED.findall(before)[-1]
        before = after
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code.replace('version("mcp-server-iam")', '"1.0.0"'), encoding="utf-8")
    return tmp_path


async def test_its_tools_are_listed_and_its_tool_asks_the_action(
    package: Path, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(package))
    service = importlib.import_module("mcp_server_iam.server").service()
    variables = environment(box, box.administrator)
    access = Access(lambda: Visitor("tester"), lambda: from_environment(variables))
    async with Client(Server(service, Settings(endpoint=box.endpoint), access)) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        answer = await client.call_tool("FindUsers", {"Text": "a"})
    assert list(tools) == ["FindUsers", "ListUsers"]
    assert tools["FindUsers"].output_schema
    assert answer.structured_content
    assert answer.structured_content["Code"] == "ServiceNotFound", "the sandbox does not know IAM"
    assert [request.action for request in box.requests] == ["ListUsers"]
    for name in [name for name in sys.modules if name.startswith("mcp_server_iam")]:
        del sys.modules[name]
