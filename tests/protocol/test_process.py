"""The process behind stdio: what it may say on stdout, what it survives, and how it ends."""

from __future__ import annotations

import json
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
from mcp_types import TextContent
from support.calls import arguments
from support.servers import Process, environment, eventually, over_stdio
from volcengine_sandbox import Fault, Sandbox

LATEST_HANDSHAKE = "2025-11-25"


def administrator(box: Sandbox, **extra: str) -> dict[str, str]:
    return environment(box, box.administrator, **extra)


@pytest.mark.parametrize(
    ("asked", "spoken"),
    [
        ("2024-11-05", "2024-11-05"),
        ("2025-11-25", "2025-11-25"),
        ("1999-01-01", LATEST_HANDSHAKE),
    ],
)
def test_old_and_new_clients_are_understood(asked: str, spoken: str, running: Sandbox) -> None:
    with Process("cloud-trail", administrator(running)) as server:
        said = server.initialize(asked)
        assert said["protocolVersion"] == spoken
        assert said["serverInfo"]["name"] == "volcengine-cloud-trail"
        assert "tools" in said["capabilities"]
        server.call(1, "DescribeTrails")
        assert "isError" not in (result := server.answer(1)["result"]) or not result["isError"]


def test_stdout_carries_protocol_messages_only_even_at_debug(box: Sandbox) -> None:
    with Process("organization", administrator(box, MCP_SERVER_LOG_LEVEL="debug")) as server:
        server.initialize()
        for number, (tool, given) in enumerate(arguments(box, "organization").items(), 1):
            server.call(number, tool, given)
            server.answer(number)
        server.call(99, "NoSuchTool")
        server.answer(99)
        server.close_stdin()
        assert server.ended() == 0
        assert "DEBUG" in server.stderr, "it was not told to be chatty"
        for line in server.lines:
            assert json.loads(line)["jsonrpc"] == "2.0"


NOISE: list[bytes] = [
    b"garbage",
    b"",
    b"\xff\xfe\x00",
    b"[]",
    b"{}",
    b"null",
    b"[" * 100_000,
    b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"DescribeTrails","arguments":"\\ud800"}}',
    b'{"jsonrpc":"2.0","method":"nobody/knows"}',
    b'{"jsonrpc":"2.0","id":"never asked","result":{}}',
]


def test_noise_neither_ends_the_process_nor_disturbs_the_next_call(running: Sandbox) -> None:
    with Process("cloud-trail", administrator(running)) as server:
        server.initialize()
        for line in NOISE:
            server.send(line)
        server.ask(1, "nobody/knows", {"x": 1})
        assert server.answer(1)["error"]["code"] == -32601
        server.ask(2, "ping", {"x": "y" * 5_000_000})
        assert server.answer(2)["result"] == {}
        server.ask(3, "tools/call", {"name": 5})
        assert server.answer(3)["error"]["code"] == -32602
        server.call(4, "DescribeTrails")
        assert server.answer(4)["result"]["structuredContent"]["Trails"]
        server.close_stdin()
        assert server.ended() == 0
        assert "Traceback" not in server.stderr


ENDINGS: list[Any] = [
    pytest.param(Process.close_stdin, id="closed-stdin"),
    *(
        pytest.param(
            lambda process, number=number: process.signal(number),
            id=number.name,
            marks=pytest.mark.skipif(sys.platform == "win32", reason="Windows ends processes without asking them"),
        )
        for number in (signal.SIGINT, signal.SIGTERM)
    ),
]


@pytest.mark.parametrize("end", ENDINGS)
@pytest.mark.parametrize("busy", [False, True], ids=["idle", "while-a-call-hangs"])
def test_it_ends_at_once_with_success_and_without_a_trace(
    end: Callable[[Process], None], busy: bool, box: Sandbox
) -> None:
    with Process("cloud-trail", administrator(box, MCP_SERVER_REQUEST_TIMEOUT="600")) as server:
        server.initialize()
        if busy:
            box.inject(Fault("hang"))
            before = box.connections
            server.call(1, "DescribeTrails")
            eventually(lambda: box.connections > before)
        end(server)
        assert server.ended() == 0
        assert "Traceback" not in server.stderr
        assert "Exception" not in server.stderr


@pytest.mark.parametrize("hangs_up", [True, False], ids=["both-pipes", "only-stdout"])
def test_a_client_that_was_killed_leaves_no_trace(hangs_up: bool, running: Sandbox) -> None:
    """Also where something else still holds the other end of stdin: nobody will ever read an answer."""
    with Process("cloud-trail", administrator(running)) as server:
        server.initialize()
        server.vanish()
        server.ask(1, "tools/list")
        if hangs_up:
            server.close_stdin()
        assert server.ended() == 0
        assert "Traceback" not in server.stderr


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, ["VOLCENGINE_ACCESS_KEY", "VOLCENGINE_SECRET_KEY"]),
        ({"VOLCENGINE_ACCESS_KEY": "AKLTHALF"}, ["VOLCENGINE_SECRET_KEY"]),
    ],
    ids=["none", "half-a-pair"],
)
def test_without_credentials_it_lists_its_tools_and_says_what_is_missing(
    given: dict[str, str], missing: list[str], box: Sandbox
) -> None:
    with Process("cloud-trail", environment(box, **given)) as server:
        server.initialize()
        server.ask(1, "tools/list")
        assert len(server.answer(1)["result"]["tools"]) >= 3
        server.call(2, "DescribeTrails")
        result = server.answer(2)["result"]
        server.close_stdin()
        server.ended()
    assert result["isError"]
    error = result["structuredContent"]
    assert error["Code"] == "CredentialsMissing"
    for name in ("VOLCENGINE_ACCESS_KEY", "VOLCENGINE_SECRET_KEY"):
        assert (name in error["Message"]) == (name in missing)
        assert name in error["Hint"]
        assert (name in server.stderr.partition(" set")[0]) == (name in missing)
    assert not box.requests


@pytest.mark.anyio
async def test_the_chain_finds_a_profile_of_the_volcengine_cli(box: Sandbox, tmp_path: Path) -> None:
    someone = box.administrator
    profile = {"mode": "AK", "access-key": someone.access_key, "secret-key": someone.secret_key}
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"current": "main", "profiles": {"main": profile}}))
    variables = environment(
        box,
        VOLCENGINE_CREDENTIAL_TYPE="chain",
        VOLCENGINE_ECS_METADATA_DISABLED="true",
        VOLCENGINE_CLI_CONFIG_FILE=str(file),
    )
    async with over_stdio("cloud-trail", variables) as client:
        result = await client.call_tool("DescribeTrails", {})
    assert not result.is_error, result.content
    assert [request.access_key for request in box.requests] == [someone.access_key]


@pytest.mark.anyio
async def test_a_chain_that_finds_nothing_says_so(box: Sandbox, tmp_path: Path) -> None:
    variables = environment(
        box,
        VOLCENGINE_CREDENTIAL_TYPE="chain",
        VOLCENGINE_ECS_METADATA_DISABLED="true",
        VOLCENGINE_CLI_CONFIG_FILE=str(tmp_path / "none.json"),
    )
    with (tmp_path / "stderr").open("w") as said:
        async with over_stdio("cloud-trail", variables, errlog=said) as client:
            result = await client.call_tool("DescribeTrails", {})
    error = result.structured_content
    assert error is not None
    assert (result.is_error, error["Code"]) == (True, "CredentialsMissing")
    assert "Sign in" in error["Hint"]
    assert not box.requests


@pytest.mark.anyio
async def test_a_session_token_is_taken_under_the_sdk_s_own_name(box: Sandbox) -> None:
    variables = environment(box, box.temporary)
    variables["VOLCENGINE_SESSION_TOKEN"] = variables.pop("VOLCENGINE_ACCESS_SESSION_TOKEN")
    async with over_stdio("cloud-trail", variables) as client:
        result = await client.call_tool("DescribeTrails", {})
    assert not result.is_error, result.content


@pytest.mark.anyio
async def test_a_call_that_the_client_gives_up_leaves_the_server_at_work(box: Sandbox) -> None:
    box.inject(Fault("hang", action="DescribeTrails", times=1))
    async with over_stdio("cloud-trail", administrator(box), mode="legacy") as client:
        before = box.connections
        async with anyio.create_task_group() as group:
            group.start_soon(client.call_tool, "DescribeTrails", {})
            await anyio.to_thread.run_sync(eventually, lambda: box.connections > before)
            group.cancel_scope.cancel()
        result = await client.call_tool("DescribeTrails", {})
    assert not result.is_error


SECRETS_ON_THE_WIRE = re.compile(r"Authorization|Signature=|X-Security-Token", re.IGNORECASE)

EVERY_FAULT = [
    *(Fault(kind) for kind in ("error", "error_in_200", "not_json", "empty", "missing_result", "list_result")),
    *(Fault(kind) for kind in ("no_metadata", "reset_before", "reset_after", "truncated", "throttle", "hang")),
]


@pytest.mark.anyio
async def test_no_secret_is_logged_whatever_goes_wrong(box: Sandbox, tmp_path: Path) -> None:
    """At log level debug, with every fault, with a temporary credential, and with one that the service refuses."""
    token = box.temporary.session_token
    assert token
    said = ""
    with (tmp_path / "stderr").open("w") as stderr:
        variables = environment(box, box.temporary, MCP_SERVER_LOG_LEVEL="debug", MCP_SERVER_CALL_TIMEOUT="0.3")
        async with over_stdio("cloud-trail", variables, errlog=stderr) as client:
            for fault in EVERY_FAULT:
                box.clear_faults()
                box.inject(fault)
                for tool, given in arguments(box, "cloud-trail").items():
                    result = await client.call_tool(tool, given)
                    said += "".join(block.text for block in result.content if isinstance(block, TextContent))
    said += (tmp_path / "stderr").read_text()
    assert "DEBUG" in said
    for secret in (box.temporary.secret_key, token):
        assert secret not in said
    assert not SECRETS_ON_THE_WIRE.search(said)
