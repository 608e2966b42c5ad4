"""The way of every call, seen by an MCP client of a small service of its own: what each step promises."""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client
from mcp_server_cloud_trail.actions import DescribeTrails, DescribeTrailsResult, LookupEvents
from mcp_server_organization.actions import CreateOrganizationalUnit
from mcp_types import CallToolResult, TextContent
from pydantic import Field
from support.servers import environment
from volcengine_mcp.answers import Answered, Coverage
from volcengine_mcp.api.credentials import from_environment
from volcengine_mcp.declare import Account, Answers, Effect, Service, Tool
from volcengine_mcp.errors import ArgumentsError
from volcengine_mcp.mcp.server import Server
from volcengine_mcp.settings.model import Settings
from volcengine_mcp.signin.access import Access, Visitor
from volcengine_sandbox import Sandbox

pytestmark = pytest.mark.anyio

WATCHED: dict[str, Any] = {}
"""What the tools of these tests saw of themselves."""


class Said(Answered):
    """What the tools of these tests answer."""

    text: str | None = Field(None, description="A text.")
    number: int | str | None = Field(None, description="A number.")
    rows: list[dict[str, Any]] | None = Field(None, description="Rows.")


class Plain(Tool, Answers[Said], effect=Effect.READ, toolset="test", uses=(DescribeTrails,), zh="普通", en="Plain"):
    """Ask once and answer."""

    refuse: bool = False
    text: str = ""

    def check(self, settings: Settings) -> None:
        WATCHED["checked in"] = threading.current_thread()
        if self.refuse:
            raise ArgumentsError("Refused", "It is refused.")

    async def read(self, account: Account) -> DescribeTrailsResult:
        WATCHED["read in"] = threading.current_thread()
        return await account.send(DescribeTrails())

    def answer(self, read: DescribeTrailsResult, settings: Settings) -> Said:
        WATCHED["answered in"] = threading.current_thread()
        assert read.trails
        return Said(text=self.text, number=2**60, coverage=Coverage(complete=True))


class Undeclared(Tool, Answers[Said], effect=Effect.READ, toolset="test", uses=(DescribeTrails,), zh="未声明", en="Un"):
    """Send what it does not declare."""

    async def read(self, account: Account) -> None:
        await account.send(LookupEvents())


class Busy(Tool, Answers[Said], effect=Effect.READ, toolset="test", uses=(), zh="忙碌", en="Busy"):
    """Compute until it is stopped."""

    async def read(self, account: Account) -> None:
        return None

    def answer(self, read: None, settings: Settings) -> Said:
        WATCHED["begun"].set()
        try:
            while True:
                WATCHED["turns"] = WATCHED.get("turns", 0) + 1
        finally:
            WATCHED["stopped"].set()


class Large(Tool, Answers[Said], effect=Effect.READ, toolset="test", uses=(), zh="大", en="Large"):
    """Answer more than fits."""

    async def read(self, account: Account) -> None:
        return None

    def answer(self, read: None, settings: Settings) -> Said:
        rows: list[dict[str, Any]] = [{"Number": number, "Text": "x" * 100} for number in range(2000)]
        return Said(rows=rows, coverage=Coverage(complete=True))


def service() -> Service:
    """A service with these tools."""
    return Service(
        key="test",
        code="test",
        title="Test",
        version="1",
        instructions="",
        operations=(Plain, Undeclared, Busy, Large, DescribeTrails),
        config=Path("none"),
        example="Plain",
        settings=Settings,
    )


@asynccontextmanager
async def client(box: Sandbox, **settings: Any) -> AsyncIterator[Client]:
    """A client of that service, with the keys of the sandbox's administrator."""
    WATCHED.clear()
    WATCHED.update(begun=threading.Event(), stopped=threading.Event())
    variables = environment(box, box.administrator)
    access = Access(lambda: Visitor("tester"), lambda: from_environment(variables))
    server = Server(service(), Settings(endpoint=box.endpoint, **settings), access)
    async with Client(server) as found:
        yield found


def content(result: CallToolResult) -> dict[str, Any]:
    """The structured content, which the text repeats."""
    (block,) = result.content
    assert isinstance(block, TextContent)
    assert result.structured_content == json.loads(block.text)
    return dict(result.structured_content or {})


async def test_a_tool_reads_on_the_loop_and_computes_beside_it(box: Sandbox) -> None:
    async with client(box) as asker:
        answer = content(await asker.call_tool("Plain", {"Text": "x"}))
    assert answer["Text"] == "x"
    loop = threading.main_thread()
    assert WATCHED["read in"] is loop
    assert WATCHED["checked in"] is not loop
    assert WATCHED["answered in"] is not loop


async def test_text_is_escaped_once_and_long_integers_are_strings(box: Sandbox) -> None:
    async with client(box) as asker:
        answer = content(await asker.call_tool("Plain", {"Text": "a\u202eb\\u202e\r\n"}))
    assert answer["Text"] == "a\\u202eb\\u202e\\u000d\n"
    assert answer["Number"] == str(2**60)


async def test_a_check_refuses_before_anything_is_sent(box: Sandbox) -> None:
    async with client(box) as asker:
        result = await asker.call_tool("Plain", {"Refuse": True})
    assert result.is_error
    assert content(result)["Code"] == "Refused"
    assert "read in" not in WATCHED
    assert not box.requests


async def test_an_action_that_a_tool_does_not_declare_is_not_sent(box: Sandbox) -> None:
    async with client(box) as asker:
        result = await asker.call_tool("Undeclared", {})
    assert content(result)["Code"] == "InternalError"
    assert not box.requests


def test_a_reading_tool_cannot_declare_a_write() -> None:
    with pytest.raises(TypeError, match="CreateOrganizationalUnit"):

        class Sly(Tool, Answers[Said], effect=Effect.READ, toolset="t", uses=(CreateOrganizationalUnit,), zh="", en=""):
            """Write, though it says that it reads."""


async def test_others_are_answered_while_one_computes_and_a_late_answer_is_stopped(box: Sandbox) -> None:
    async with client(box, call_timeout=1.0) as asker, anyio.create_task_group() as group:
        results: list[CallToolResult] = []

        async def busy() -> None:
            results.append(await asker.call_tool("Busy", {}))

        group.start_soon(busy)
        assert await anyio.to_thread.run_sync(WATCHED["begun"].wait, 10)
        answered = content(await asker.call_tool("Plain", {}))
        assert answered["Coverage"] == {"Complete": True}
        assert not results, "the other call was answered while this one was computed"
    assert content(results[0])["Code"] == "Overdue"
    assert "call_timeout" in content(results[0])["Hint"]
    assert WATCHED["stopped"].wait(10), "the computation ends where it stands"


async def test_a_call_that_is_given_up_stops_computing(box: Sandbox) -> None:
    async with client(box) as asker:
        with anyio.move_on_after(1):
            await asker.call_tool("Busy", {})
        assert await anyio.to_thread.run_sync(WATCHED["stopped"].wait, 10)
        assert not (await asker.call_tool("Plain", {})).is_error


async def test_coverage_and_notice_outlast_the_budget(box: Sandbox) -> None:
    async with client(box, answer_budget=4000) as asker:
        result = await asker.call_tool("Large", {})
    answer = content(result)
    assert answer["Coverage"] == {"Complete": True}
    assert answer["Notice"]
    assert answer["Shortened"]["Rows"]
    assert len(json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()) <= 4000


async def test_the_id_of_the_last_request_goes_with_the_answer(box: Sandbox) -> None:
    async with client(box) as asker:
        result = await asker.call_tool("Plain", {})
    assert result.meta
    assert result.meta["RequestId"]
