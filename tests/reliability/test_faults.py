"""A service that fails: reads are repeated within their deadline, a write is sent once, and every answer is honest."""

from __future__ import annotations

import socket
from typing import Any

import anyio
import pytest
from mcp.client import Client
from mcp_types import CallToolResult
from support.calls import DENY
from support.servers import PATIENCE, environment, eventually, in_process
from volcengine_sandbox import Fault, Sandbox

pytestmark = pytest.mark.anyio

TRAIL = {"TrailName": "new-trail", "TosBucketName": "audit", "EventRW": "All", "TrailType": 0}


async def call(
    box: Sandbox, tool: str, given: dict[str, Any] | None = None, key: str = "cloud-trail", **variables: str
) -> CallToolResult:
    """Call a tool as the administrator; not answering at all is a failure."""
    with anyio.fail_after(PATIENCE):
        async with Client(in_process(key, environment(box, box.administrator, **variables))) as client:
            return await client.call_tool(tool, given or {})


def error_of(result: CallToolResult) -> dict[str, Any]:
    assert result.is_error, result.content
    assert isinstance(result.structured_content, dict)
    return result.structured_content


PASSING = [
    Fault("throttle", times=1),
    *(Fault("status", status=status, times=1) for status in (500, 502, 503, 504)),
    Fault("reset_before", times=1),
    Fault("reset_after", times=1),
    Fault("truncated", times=1),
    Fault("hang", times=1),
]


@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: f"{fault.kind}-{fault.status}")
async def test_a_read_is_repeated_after_a_passing_failure(fault: Fault, box: Sandbox) -> None:
    box.inject(fault)
    result = await call(box, "DescribeTrails", MCP_SERVER_REQUEST_TIMEOUT="0.5")
    assert not result.is_error, result.content
    eventually(lambda: len(box.requests) == 2)


async def test_a_read_is_repeated_until_it_succeeds(box: Sandbox) -> None:
    box.inject(Fault("throttle", times=3))
    assert not (await call(box, "DescribeTrails")).is_error
    assert [request.status for request in box.requests] == [429, 429, 429, 200]


async def test_a_refusal_is_not_repeated(box: Sandbox) -> None:
    box.inject(Fault("error", status=400, code="InvalidParameter", message="The parameter is invalid."))
    error = error_of(await call(box, "DescribeTrails"))
    assert (error["Code"], error["HTTPStatus"], len(box.requests)) == ("InvalidParameter", 400, 1)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault("status", status=503), "ServiceUnavailableTemp"),
        (Fault("throttle"), "AccountFlowLimitExceeded"),
        (Fault("hang"), "Timeout"),
        (Fault("latency", delay=60), "Timeout"),
        (Fault("reset_before"), "ConnectionLost"),
    ],
    ids=lambda value: value.kind if isinstance(value, Fault) else value,
)
async def test_a_read_gives_up_at_its_deadline(fault: Fault, code: str, box: Sandbox) -> None:
    box.inject(fault)
    error = error_of(await call(box, "DescribeTrails", MCP_SERVER_CALL_TIMEOUT="0.6"))
    assert error["Code"] == code
    assert error["Hint"]
    assert "may or may not" not in error["Message"]
    assert len(box.requests) < 4, "the waits between four attempts are longer than the deadline"


LOST_WRITES = [
    (Fault("reset_before"), False),
    (Fault("reset_after"), True),
    (Fault("status", status=500), False),
    (Fault("status", status=502), False),
    (Fault("truncated"), True),
    (Fault("not_json"), False),
    (Fault("empty"), False),
    (Fault("no_metadata"), True),
    (Fault("hang"), False),
]


@pytest.mark.parametrize(("fault", "done"), LOST_WRITES, ids=[f"{f.kind}-{f.status}" for f, _ in LOST_WRITES])
async def test_a_write_is_sent_once_and_admits_what_it_does_not_know(fault: Fault, done: bool, box: Sandbox) -> None:
    box.inject(fault)
    error = error_of(await call(box, "CreateTrail", TRAIL, MCP_SERVER_REQUEST_TIMEOUT="0.3"))
    assert "CreateTrail was sent once and may or may not have been carried out" in error["Message"]
    assert "DescribeTrails" in error["Hint"]
    eventually(lambda: bool(box.requests))
    assert [request.action for request in box.requests] == ["CreateTrail"]
    assert (TRAIL["TrailName"] in {trail.name for trail in box.state.trails.values()}) == done


async def test_every_write_names_the_read_that_tells(box: Sandbox) -> None:
    box.inject(Fault("reset_after"))
    writes: dict[str, tuple[dict[str, Any], str]] = {
        "CreateOrganization": ({}, "DescribeOrganization"),
        "CreateOrganizationalUnit": ({"ParentId": "1", "Name": "n"}, "ListOrganizationalUnitsForParent"),
        "CreateServiceControlPolicy": ({"PolicyName": "p", "Statement": DENY}, "ListServiceControlPolicies"),
    }
    for tool, (given, read) in writes.items():
        error = error_of(await call(box, tool, given, key="organization"))
        assert read in error["Hint"], tool
    assert [request.action for request in box.requests] == list(writes)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault("throttle"), "AccountFlowLimitExceeded"),
        (Fault("error", status=409, code="TrailAlreadyExists"), "TrailAlreadyExists"),
    ],
    ids=["throttled", "refused"],
)
async def test_a_write_that_was_refused_is_not_in_doubt(fault: Fault, code: str, box: Sandbox) -> None:
    box.inject(fault)
    error = error_of(await call(box, "CreateTrail", TRAIL))
    assert error["Code"] == code
    assert "may or may not" not in error["Message"]
    assert len(box.requests) == 1


async def test_a_write_that_could_not_be_sent_is_not_in_doubt(box: Sandbox) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}"
    error = error_of(await call(box, "CreateTrail", TRAIL, VOLCENGINE_ENDPOINT=nowhere, MCP_SERVER_CALL_TIMEOUT="0.3"))
    assert error["Code"] == "ConnectionRefused"
    assert "may or may not" not in error["Message"]


async def test_an_error_inside_a_success_is_an_error(box: Sandbox) -> None:
    box.inject(Fault("error_in_200", code="AccessDenied", message="User is not authorized."))
    error = error_of(await call(box, "DescribeTrails"))
    assert (error["Code"], error["Message"]) == ("AccessDenied", "User is not authorized.")
    assert "cloud_trail:DescribeTrails" in error["Hint"]
    assert error["RequestId"]


@pytest.mark.parametrize("kind", ["not_json", "empty", "no_metadata"])
async def test_an_answer_that_is_none_is_an_error(kind: str, box: Sandbox) -> None:
    box.inject(Fault(kind))
    error = error_of(await call(box, "DescribeTrails"))
    assert error["Code"] == "UnreadableAnswer"
    assert "endpoint" in error["Hint"]


async def test_a_success_without_a_result_is_an_empty_success(box: Sandbox) -> None:
    box.inject(Fault("missing_result"))
    result = await call(box, "DescribeTrails")
    assert (result.is_error, result.structured_content) == (False, {})
    assert result.meta
    assert result.meta["RequestId"]


async def test_a_result_that_is_a_list_is_kept_under_a_name(box: Sandbox) -> None:
    box.inject(Fault("list_result"))
    result = await call(box, "DescribeTrails")
    assert not result.is_error
    assert result.structured_content is not None
    assert result.structured_content["Result"][0]["Trails"]


async def test_a_field_of_another_type_is_moved_aside_and_the_rest_stays(box: Sandbox) -> None:
    trail = next(iter(box.state.trails.values()))
    trail.settings.trail_type = "everything"  # type: ignore[assignment]
    trail.settings.event_sources = ["iam", {"code": "ecs"}]  # type: ignore[list-item]
    result = await call(box, "DescribeTrails", {"TrailNames": [trail.name]})  # the client checks the schema
    assert result.structured_content is not None
    (shown,) = result.structured_content["Trails"]
    assert (shown["TrailName"], shown["TrailType"], shown["EventSources"]) == (trail.name, None, ["iam", None])
    assert result.structured_content["Unexpected"] == {
        "Trails.0.TrailType": "everything",
        "Trails.0.EventSources.1": {"code": "ecs"},
    }


@pytest.mark.parametrize("spoilt", ["\x1b[2J", "a\u202eb", "\x9b31m", "z\u200bw"])
async def test_what_strangers_wrote_arrives_visible(spoilt: str, box: Sandbox) -> None:
    box.inject(Fault("error", status=400, code=f"Bad{spoilt}Code", message=f"record {spoilt} not exists", times=1))
    refused = await call(box, "ListOrganizationalUnits", key="organization")
    organization = next(iter(box.state.organizations.values()))
    organization.units[organization.root_id].name = spoilt
    listed = await call(box, "ListOrganizationalUnits", key="organization")
    for result in (refused, listed):
        assert not any(char in result.model_dump_json() for char in "\x1b\u202e\x9b\u200b")
        assert "\\u" in str(result.structured_content)
