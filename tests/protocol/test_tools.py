"""What an MCP client sees of the tools, from a real process over stdio."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from mcp.client import Client
from mcp_types import CallToolResult, TextContent
from support.calls import TITLES, arguments, as_outsider
from support.servers import SERVICES, environment, in_process, over_stdio
from volcengine_sandbox import Sandbox

pytestmark = pytest.mark.anyio

BOTH = pytest.mark.parametrize("key", sorted(SERVICES))
WRITES = {"CreateTrail", "CreateOrganization", "CreateOrganizationalUnit", "CreateServiceControlPolicy"}


def check(result: CallToolResult, schema: dict[str, Any] | None) -> dict[str, Any]:
    """The structured content of a success that keeps every promise about results."""
    assert not result.is_error, result.content
    assert schema is not None
    content = result.structured_content
    Draft202012Validator(schema).validate(content)
    assert isinstance(content, dict)
    (block,) = result.content
    assert isinstance(block, TextContent)
    assert block.text == json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return content


@BOTH
@pytest.mark.smoke
async def test_the_tools_are_listed_as_the_contract_names_them(key: str, running: Sandbox) -> None:
    async with over_stdio(key, environment(running, running.administrator)) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert TITLES[key].keys() <= tools.keys()
    for name, chinese in TITLES[key].items():
        assert re.fullmatch(f"{chinese} · [A-Z][A-Za-z ]+", tools[name].title or "")
    for tool in tools.values():
        marks = tool.annotations
        assert marks is not None
        writes = tool.name in WRITES
        assert (marks.read_only_hint, marks.idempotent_hint) == (not writes, not writes)
        assert (marks.destructive_hint, marks.open_world_hint) == (False, True)
        assert tool.description
        assert tool.output_schema is not None
        for schema in (tool.input_schema, tool.output_schema):
            Draft202012Validator.check_schema(schema)
            assert schema["type"] == "object"
            assert "$ref" not in json.dumps(schema), "references cost a model a second look"
        assert tool.input_schema["additionalProperties"] is False
        for name, field in (tool.input_schema["properties"] | tool.output_schema["properties"]).items():
            assert field.get("description", "").endswith("."), f"{tool.name}.{name} is not described"


@pytest.mark.parametrize(
    ("key", "mode"), [("cloud-trail", "2026-07-28"), ("organization", "legacy"), ("organization", "2026-07-28")]
)
async def test_every_tool_of_the_contract_answers_in_its_declared_shape(key: str, mode: str, box: Sandbox) -> None:
    calls = arguments(box, key)
    async with over_stdio(key, environment(box, box.administrator), mode=mode) as client:
        schemas = {tool.name: tool.output_schema for tool in (await client.list_tools()).tools}
        for name, given in calls.items():
            result = await client.call_tool(name, given)
            assert check(result, schemas[name]), f"{name} answers nothing"
            if name != "LookupEvents":  # which may make several requests
                assert re.fullmatch(r"\d{14}[0-9A-F]{18,20}", (result.meta or {})["RequestId"])
    assert calls.keys() <= {request.action for request in box.requests}
    if key == "organization":
        for name, given in as_outsider(box).items():
            async with Client(in_process(key, environment(box, box.outsider))) as client:
                outcome = await client.call_tool(name, given)
            assert check(outcome, schemas[name])
        assert calls.keys() | as_outsider(box).keys() == TITLES[key].keys()


async def test_a_write_changes_what_a_read_then_shows(box: Sandbox) -> None:
    async with Client(in_process("organization", environment(box, box.administrator))) as client:
        given = arguments(box, "organization")["CreateOrganizationalUnit"]
        await client.call_tool("CreateOrganizationalUnit", given)
        listed = await client.call_tool("ListOrganizationalUnits", {})
    assert listed.structured_content is not None
    assert "新单元" in {unit["Name"] for unit in listed.structured_content["SubUnitList"]}


async def test_chinese_stays_chinese_on_the_wire(running: Sandbox) -> None:
    async with Client(in_process("organization", environment(running, running.administrator))) as client:
        result = await client.call_tool("DescribeOrganization", {})
    (block,) = result.content
    assert isinstance(block, TextContent)
    assert "示例云帆集团有限公司" in block.text


ERRORS = [
    ("administrator", "ListAccount", {}, ("UnknownTool", None, "ListAccounts")),
    ("administrator", "nonsense", {}, ("UnknownTool", None, "Offered are")),
    ("administrator", "ListAccounts", {"limit": 3}, ("InvalidArguments", None, "did you mean Limit")),
    (
        "administrator",
        "ListAccounts",
        {"Limit": 101},
        ("InvalidArguments", None, "101, but must be less than or equal"),
    ),
    ("administrator", "ListAccounts", {"OrderBy": 3}, ("InvalidArguments", None, "OrderBy is 3, but must be 1 or 2")),
    ("administrator", "DescribeAccount", {}, ("InvalidArguments", None, "AccountId is required")),
    ("administrator", "DescribeAccount", {"AccountId": "1"}, ("RecordNotExists", 404, "list first")),
    ("administrator", "CreateOrganization", {}, ("RecordAlreadyExists", 400, "exists already")),
    (
        "reader",
        "CreateOrganizationalUnit",
        {"ParentId": "1", "Name": "n"},
        ("PermissionError", 400, "organization:CreateOrganizationalUnit"),
    ),
    ("disabled", "ListAccounts", {}, ("InvalidAccessKey", 401, "access key")),
    ("expired", "ListAccounts", {}, ("InvalidSecretToken", 401, "token")),
]


@pytest.mark.parametrize(("who", "tool", "given", "expected"), ERRORS)
async def test_an_error_is_one_object_that_says_what_to_do(
    who: str, tool: str, given: dict[str, Any], expected: tuple[str, int | None, str], running: Sandbox
) -> None:
    code, status, says = expected
    identity = getattr(running, who)
    async with Client(in_process("organization", environment(running, identity)), mode="legacy") as client:
        result = await client.call_tool(tool, given)
    assert result.is_error
    (block,) = result.content
    assert isinstance(block, TextContent)
    error = json.loads(block.text)
    assert error == result.structured_content
    assert error.keys() <= {"Code", "HTTPStatus", "Message", "RequestId", "Hint"}
    assert (error["Code"], error.get("HTTPStatus")) == (code, status)
    assert error["Hint"]
    assert says in f"{error['Message']} {error['Hint']}"
    assert (error.get("RequestId") is None) == (status is None)
    if status:
        assert result.meta == {"RequestId": error["RequestId"]}
    for secret in (identity.secret_key, identity.access_key, identity.session_token or identity.secret_key):
        assert secret not in block.text


async def test_wrong_arguments_send_nothing(box: Sandbox) -> None:
    async with Client(in_process("cloud-trail", environment(box, box.administrator))) as client:
        result = await client.call_tool("CreateTrail", {"TrailName": "t", "EventRW": "Some", "TosBucketName": "b"})
    assert result.is_error
    assert not box.requests


@pytest.mark.smoke
async def test_two_people_with_two_servers_each_see_their_own(running: Sandbox) -> None:
    owner, outsider = (environment(running, who) for who in (running.administrator, running.outsider))
    async with over_stdio("organization", owner) as one, over_stdio("organization", outsider) as other:
        mine = await one.call_tool("DescribeOrganization", {})
        theirs = await other.call_tool("DescribeOrganization", {})
    assert not mine.is_error
    assert theirs.is_error
