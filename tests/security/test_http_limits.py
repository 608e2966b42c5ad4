"""How much one may ask: sizes, depth, rates and sessions, each with an answer that says what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from support.http import (
    ACCEPT,
    INITIALIZE,
    LISTING,
    PATIENCE,
    Running,
    bearer,
    in_thread,
    raw,
    running,
    status_of,
    stream,
)
from support.providers import free_socket, serving
from volcengine_mcp.http.limits import PerAddress
from volcengine_sandbox import Identity, Sandbox

SIZE = 1_048_576
"""The default of max_body_size."""


def at(url: str) -> httpx2.Client:
    """A client of an address."""
    return httpx2.Client(base_url=url, timeout=PATIENCE)


@pytest.mark.parametrize("route", ["/mcp", "/messages/?session_id=" + "0" * 32])
def test_body_that_says_it_is_too_large_is_refused_unread(server: Running, sandbox: Sandbox, route: str) -> None:
    token = bearer(sandbox.administrator)["Authorization"]
    head = f"POST {route} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {token}\r\nContent-Length: {SIZE + 1}\r\n"
    assert status_of(raw(server.url, head.encode() + b"Connection: close\r\n\r\n")) == 413


@pytest.mark.parametrize("route", ["/mcp", "/messages/?session_id=" + "0" * 32])
def test_body_that_hides_its_size_is_cut_off(http: httpx2.Client, sandbox: Sandbox, route: str) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(SIZE // 65536 + 1):
            yield b" " * 65536

    answer = http.post(route, content=chunks(), headers={**ACCEPT, **bearer(sandbox.administrator)})
    assert answer.status_code == 413


HOSTILE = {
    "arrays": b"[" * 200_000,
    "objects": b'{"a":' * 100_000,
    "deep params": b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep arguments": b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ListAccounts","arguments":{"a":'
    + b'{"a":' * 50_000
    + b"1"
    + b"}" * 50_000
    + b"}}}",
    "not UTF-8": b'{"jsonrpc":"2.0","id":1,"method":"\xff\xfe"}',
    "lone surrogate": b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"\\ud800","arguments":{}}}',
    "huge number": b'{"jsonrpc":"2.0","id":' + b"9" * 100_000 + b',"method":"tools/list"}',
    "empty": b"",
    "text": b'"tools/list"',
    "batch": json.dumps([LISTING] * 100).encode(),
    "empty batch": b"[]",
    "no version": b'{"id":1,"method":"tools/list"}',
    "two IDs": b'{"jsonrpc":"2.0","id":1,"id":2,"method":7}',
}


@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.parametrize("version", ["2025-06-18", "2026-07-28"])
def test_hostile_json_is_an_error_and_nothing_more(
    http: httpx2.Client, sandbox: Sandbox, case: str, version: str
) -> None:
    headers = {"Content-Type": "application/json", "MCP-Protocol-Version": version, **ACCEPT}
    answer = http.post("/mcp", content=HOSTILE[case], headers=headers | bearer(sandbox.administrator))
    assert answer.status_code < 500
    assert "Traceback" not in answer.text
    assert answer.status_code >= 400 or '"error"' in answer.text or '"isError":true' in answer.text
    assert http.get("/healthz").status_code == 200


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_json_does_not_end_an_sse_session(http: httpx2.Client, sandbox: Sandbox, case: str) -> None:
    headers = bearer(sandbox.administrator)
    with stream(http, headers) as opened:
        as_json = headers | {"Content-Type": "application/json"}
        answer = http.post(opened.endpoint, content=HOSTILE[case], headers=as_json)
        assert answer.status_code in (202, 400)
        assert http.post(opened.endpoint, json=INITIALIZE, headers=headers).status_code == 202
        answered = (opened.message() for _ in range(5))
        assert any(message.get("id") == 0 and "result" in message for message in answered)


def test_head_without_an_end_is_refused(server: Running) -> None:
    answer = raw(server.url, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 200_000)
    assert not answer or status_of(answer) in (400, 431)


def stranger(number: int) -> Identity:
    """Somebody with keys of the right form."""
    return Identity(f"s{number}", f"AKLTstranger{number:04}", "secret", "0")


def listing(client: httpx2.Client, who: Identity) -> httpx2.Response:
    """Ask for the tools."""
    return client.post("/mcp", json=LISTING, headers={**ACCEPT, **bearer(who)})


def test_each_identity_has_a_rate_of_its_own(sandbox: Sandbox) -> None:
    with in_thread(sandbox.endpoint, rate_limit=5) as url, at(url) as client:
        greedy = [listing(client, sandbox.administrator) for _ in range(8)]
        assert {answer.status_code for answer in greedy[:4]} == {200}
        refused = greedy[-1]
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert refused.json()["Code"] == "TooManyRequests"
        assert listing(client, sandbox.outsider).status_code == 200


def test_refusals_of_an_address_are_bounded_and_neighbours_are_not_locked_out(sandbox: Sandbox) -> None:
    with in_thread(sandbox.endpoint, unauthenticated_rate_limit=5) as url, at(url) as client:
        guesses = [client.post("/mcp", json=LISTING, headers={"Authorization": "Bearer x"}) for _ in range(9)]
        assert guesses[0].status_code == 401
        assert guesses[-1].status_code == 429
        assert 1 <= int(guesses[-1].headers["retry-after"]) <= 60
        # Everybody behind one proxy or office has one address: a neighbour's mistake must not shut them out.
        assert listing(client, sandbox.administrator).status_code == 200
        assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize("status", [401, 403])
def test_every_kind_of_refusal_counts_for_its_address(status: int) -> None:
    """Whoever refuses behind the limit: a door that does not know the visitor, or one that does and says no."""

    def refuse(_request: Request) -> Response:
        return Response(status_code=status)

    limit = Middleware(PerAddress, per_minute=3, costly=lambda _path: False)
    with serving(Starlette(routes=[Route("/", refuse)], middleware=[limit]), free_socket()) as url, at(url) as client:
        assert [client.get("/").status_code for _ in range(5)] == [status, status, status, 429, 429]


def test_sessions_are_bounded_and_leaving_makes_room(sandbox: Sandbox) -> None:
    with in_thread(sandbox.endpoint, max_sessions=2) as url, at(url) as client:
        headers = bearer(sandbox.administrator)
        with stream(client, headers):
            with stream(client, headers):
                with client.stream("GET", "/sse", headers=headers) as full:
                    assert full.status_code == 503
                    full.read()
                assert full.json()["Code"] == "TooManySessions"
                assert int(full.headers["retry-after"]) > 0
                assert listing(client, sandbox.administrator).status_code == 200
            wait_for_sessions(client, 1)
            with stream(client, headers):
                wait_for_sessions(client, 2)
        wait_for_sessions(client, 0)


def wait_for_sessions(client: httpx2.Client, number: int) -> None:
    """Ask until so many SSE sessions are open."""
    for _ in range(2000):
        if f"\nmcp_sse_sessions {float(number)}\n" in client.get("/metrics").text:
            return
    raise AssertionError(f"there are never {number} sessions")


def test_idle_session_ends_and_makes_room(sandbox: Sandbox) -> None:
    headers = bearer(sandbox.administrator)
    with (
        running(sandbox.endpoint, MCP_SERVER_SESSION_IDLE_TIMEOUT=0.2, MCP_SERVER_MAX_SESSIONS=1) as server,
        at(server.url) as client,
    ):
        with stream(client, headers) as opened:
            # The stream ends whole, so that clients and proxies take it for an end and not for a failure.
            assert opened.rest() == []
        wait_for_sessions(client, 0)
        assert client.post(opened.endpoint, json=LISTING, headers=headers).status_code == 404
        with stream(client, headers):
            pass
        assert "ERROR" not in server.log


def test_stateful_sessions_are_bounded_too(sandbox: Sandbox) -> None:
    with in_thread(sandbox.endpoint, stateless=False, max_sessions=1) as url, at(url) as client:
        headers = {**ACCEPT, **bearer(sandbox.administrator)}
        opened = client.post("/mcp", json=INITIALIZE, headers=headers)
        assert opened.status_code == 200
        assert client.post("/mcp", json=INITIALIZE, headers=headers).status_code == 503
        session = {"Mcp-Session-Id": opened.headers["mcp-session-id"]}
        assert client.delete("/mcp", headers=headers | session).status_code == 200
        assert client.post("/mcp", json=INITIALIZE, headers=headers).status_code == 200
