"""The commands that the pages show work, and a tool needs the permissions that the pages say."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

import pytest
from docs.pages import ROOT, blocks
from mcp.client import Client
from support.servers import SERVICES, command, environment, in_process
from volcengine_mcp.declare import Tool
from volcengine_sandbox import Sandbox

SHOWN = sorted(
    {
        line
        for pattern in ("README*.md", "server/*/README*.md", "docs/configuration*.md", "docs/tools*.md")
        for page in ROOT.glob(pattern)
        for block in blocks(page, "bash")
        for line in block.splitlines()
        if line.startswith("uv run mcp-server-")
    }
)
"""Each once, on however many pages and in however many languages it is shown."""

DOCUMENT = '{"Statement":[{"Effect":"Deny","Action":["ecs:*"],"Resource":["*"]}]}'


@pytest.mark.parametrize("line", SHOWN)
def test_a_command_of_a_page_works(line: str) -> None:
    """Each ends with success and says something."""
    words = shlex.split(line)[2:]
    done = command(words[0].removeprefix("mcp-server-"), *words[1:])
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.anyio
async def test_a_tool_needs_the_permissions_that_the_pages_say(box: Sandbox) -> None:
    """Every tool that makes several calls makes those that it declares, which the pages list, and no others."""
    variables = environment(box, box.administrator)
    account = box.administrator.account_id
    event = (await _asked("cloud-trail", "LookupEvents", {"MaxResults": 1}, variables))["Trails"][0]["EventID"]
    tried: dict[str, dict[str, Any]] = {
        "LookupEvents": {"MaxResults": 1},
        "GetEvent": {"EventID": event},
        "FindSuspiciousActivity": {},
        "SummarizeEvents": {},
        "CompareEvents": {},
        "TraceIdentity": {"Kind": "user", "Value": "nobody"},
        "CheckTrailCoverage": {},
        "CreateServiceControlPolicy": {"PolicyName": "no-machines", "Statement": DOCUMENT},
        "GetOrganizationTree": {},
        "FindAccounts": {},
        "ExplainPolicies": {"TargetID": account},
        "SimulatePolicies": {"AccountId": account, "Action": "ecs:RunInstances"},
        "PreviewServiceControlPolicy": {"Statement": DOCUMENT, "TargetID": account},
    }
    for key, service in SERVICES.items():
        for operation in service.operations:
            if not issubclass(operation, Tool):
                continue
            before = len(box.requests)
            await _asked(key, operation.wire_name(), tried[operation.wire_name()], variables)
            sent = {f"{request.service}:{request.action}" for request in box.requests[before:]}
            assert sent == {action.permission() for action in operation.uses}, operation.wire_name()


async def _asked(key: str, tool: str, arguments: dict[str, Any], variables: Mapping[str, str]) -> dict[str, Any]:
    async with Client(in_process(key, variables)) as client:
        result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert isinstance(result.structured_content, dict)
    return result.structured_content
