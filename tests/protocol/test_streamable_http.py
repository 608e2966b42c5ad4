"""Streamable HTTP: which answers are one JSON body and which are a stream, and what happens when a client leaves."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx2
import pytest
from support.http import (
    ACCEPT,
    INITIALIZE,
    LISTING,
    PATIENCE,
    answer_of,
    bearer,
    connected,
    in_thread,
    raw,
    request,
    status_of,
)
from support.http import running as server_of
from support.servers import eventually
from volcengine_sandbox import Fault, Sandbox

JSON, STREAM = "application/json", "text/event-stream"

CALL = request("tools/call", "ListAccounts")
WITH_PROGRESS = {**CALL, "params": {**CALL["params"], "_meta": {"progressToken": 7}}}
CURRENT = {
    **CALL,
    "params": {
        **CALL["params"],
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    },
}


@pytest.fixture(scope="module")
def url(running: Sandbox) -> Iterator[str]:
    """A server that keeps no sessions."""
    with in_thread(running.endpoint) as address:
        yield address


@pytest.fixture
def http(url: str, running: Sandbox) -> Iterator[httpx2.Client]:
    """A client of it, with keys and the protocol's usual headers."""
    with httpx2.Client(base_url=url, timeout=PATIENCE, headers={**ACCEPT, **bearer(running.administrator)}) as client:
        yield client


def kind(answer: httpx2.Response) -> str:
    """The media type of an answer."""
    return str(answer.headers["content-type"].partition(";")[0])


@pytest.mark.parametrize(
    ("message", "expected"),
    [(CALL, JSON), (LISTING, JSON), (INITIALIZE, JSON), (WITH_PROGRESS, STREAM)],
    ids=["call", "list", "initialize", "call-with-progress"],
)
def test_only_an_answer_with_progress_is_a_stream(
    http: httpx2.Client, message: dict[str, object], expected: str
) -> None:
    answer = http.post("/mcp", json=message)
    assert (answer.status_code, kind(answer)) == (200, expected)
    assert "result" in answer_of(answer)


def test_a_word_in_an_argument_changes_the_form_and_not_the_result(http: httpx2.Client) -> None:
    answer = http.post("/mcp", json=request("tools/call", "ListAccounts", {"Search": "progressToken"}))
    assert answer_of(answer)["id"] == 1


@pytest.mark.parametrize(
    ("message", "accept", "expected"),
    [
        (CALL, JSON, (200, JSON)),
        (WITH_PROGRESS, JSON, (200, JSON)),
        (CALL, "*/*", (200, JSON)),
        (WITH_PROGRESS, "*/*", (200, STREAM)),
        (CALL, STREAM, (406, JSON)),
        (CALL, "text/html", (406, JSON)),
    ],
)
def test_a_client_gets_a_form_that_it_accepts(
    http: httpx2.Client, message: dict[str, object], accept: str, expected: tuple[int, str]
) -> None:
    answer = http.post("/mcp", json=message, headers={"Accept": accept})
    assert (answer.status_code, kind(answer)) == expected


def test_the_current_protocol_is_answered_as_before(http: httpx2.Client) -> None:
    headers = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "ListAccounts"}
    answer = http.post("/mcp", json=CURRENT, headers=headers)
    assert (answer.status_code, kind(answer)) == (200, JSON)
    assert answer.json()["result"]["structuredContent"]["AccountList"]


def test_a_notification_is_accepted(http: httpx2.Client) -> None:
    answer = http.post("/mcp", json={"jsonrpc": "2.0", "method": "notifications/initialized"})
    assert (answer.status_code, answer.content) == (202, b"")


def test_with_sessions_every_answer_is_a_stream(running: Sandbox) -> None:
    """A session may be told something at any time, so it needs the stream."""
    headers = {**ACCEPT, **bearer(running.administrator)}
    with in_thread(running.endpoint, stateless=False) as url:
        assert kind(httpx2.post(f"{url}/mcp", json=INITIALIZE, headers=headers, timeout=PATIENCE)) == STREAM


@pytest.mark.anyio
async def test_a_client_that_asks_for_progress_gets_it(url: str, running: Sandbox) -> None:
    """Over the stream, with the client of the SDK."""
    seen: list[float] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        seen.append(progress)

    async with connected(url, "mcp", bearer(running.administrator), mode="legacy") as client:
        result = await client.call_tool("GetOrganizationTree", {}, progress_callback=note)
    assert not result.is_error, result.content
    assert seen


@pytest.mark.parametrize("message", [CALL, WITH_PROGRESS], ids=["json", "stream"])
def test_a_call_whose_client_leaves_is_given_up(message: dict[str, object], url: str, box: Sandbox) -> None:
    box.inject(Fault("hang"))
    address = urlsplit(url)
    body = json.dumps(message).encode()
    head = f"POST /mcp HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: application/json\r\n"
    given = "".join(f"{name}: {value}\r\n" for name, value in {**ACCEPT, **bearer(box.administrator)}.items())
    with socket.create_connection((address.hostname, address.port or 80), PATIENCE) as connection:
        connection.sendall(f"{head}{given}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        eventually(lambda: in_flight(url) == 1)
    eventually(lambda: in_flight(url) == 0)


def in_flight(url: str) -> float:
    """The number of calls being served."""
    lines = httpx2.get(f"{url}/metrics", timeout=PATIENCE).text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("mcp_tool_calls_in_flight "))


def test_the_body_of_somebody_who_has_not_signed_in_is_not_waited_for(running: Sandbox) -> None:
    settings = {
        "MCP_SERVER_AUTH": "oauth",
        "VOLCENGINE_CREDENTIAL_TYPE": "env",
        "VOLCENGINE_ACCESS_KEY": running.administrator.access_key,
        "VOLCENGINE_SECRET_KEY": running.administrator.secret_key,
        "MCP_SERVER_OAUTH_CLIENT_ID": "a-client",
        "MCP_SERVER_OAUTH_CLIENT_SECRET": "a-secret",
        "MCP_SERVER_OAUTH_AUTHORIZE_URL": "https://github.com/login/oauth/authorize",
        "MCP_SERVER_OAUTH_TOKEN_URL": "https://github.com/login/oauth/access_token",
        "MCP_SERVER_OAUTH_ALLOWED_USERS": "octocat",
    }
    with server_of(running.endpoint, **settings) as server:
        head = "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n"
        head += "Accept: application/json, text/event-stream\r\nContent-Length: 1000000\r\n\r\n"
        assert status_of(raw(server.url, head.encode())) == 401
