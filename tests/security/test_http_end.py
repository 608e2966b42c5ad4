"""The end of a server: calls in flight finish, nothing new begins, and a second signal waits for nothing."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from signal import SIGINT, SIGTERM

import httpx2
import pytest
from support.http import ACCEPT, INITIALIZE, LISTING, PATIENCE, Running, answer_of, bearer, request, running, stream
from support.servers import eventually
from volcengine_sandbox import Fault, Sandbox

CALL = request("tools/call", "ListAccounts", number=7)


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """A Volcengine that takes a second for each answer."""
    with Sandbox() as sandbox:
        sandbox.inject(Fault("latency", delay=1.0))
        yield sandbox


def in_flight(client: httpx2.Client, number: int) -> None:
    """Wait until so many calls are under way."""
    eventually(lambda: f"mcp_tool_calls_in_flight {float(number)}" in client.get("/metrics").text)


def test_drain_lets_calls_finish_and_starts_nothing_new(box: Sandbox) -> None:
    headers = {**ACCEPT, **bearer(box.administrator)}
    with (
        running(box.endpoint) as server,
        httpx2.Client(base_url=server.url, timeout=PATIENCE) as client,
        ThreadPoolExecutor() as pool,
        stream(client, headers) as opened,
    ):
        client.post(opened.endpoint, json=INITIALIZE, headers=headers)
        assert opened.message()["id"] == 0
        over_http = pool.submit(client.post, "/mcp", json=CALL, headers=headers)
        assert client.post(opened.endpoint, json=CALL, headers=headers).status_code == 202
        in_flight(client, 2)
        server.send(SIGTERM)
        eventually(lambda: client.get("/readyz").status_code == 503)
        assert client.get("/healthz").status_code == 200
        for method, route in (("GET", "/sse"), ("POST", "/mcp")):
            with client.stream(method, route, json=LISTING, headers=headers) as late:
                assert late.status_code == 503
                late.read()
            assert late.json()["Code"] == "ShuttingDown"
            assert late.headers["retry-after"]
        assert answer_of(over_http.result())["result"]["structuredContent"]["AccountList"]
        assert opened.message()["result"]["structuredContent"]["AccountList"]
        assert server.end() == 0
    assert_quiet(server)


def test_drain_is_bounded(box: Sandbox) -> None:
    box.clear_faults()
    box.inject(Fault("hang"))
    headers = {**ACCEPT, **bearer(box.administrator)}
    with (
        running(box.endpoint, MCP_SERVER_DRAIN_TIMEOUT=0.1) as server,
        httpx2.Client(base_url=server.url, timeout=PATIENCE) as client,
        ThreadPoolExecutor() as pool,
    ):
        stuck = pool.submit(client.post, "/mcp", json=CALL, headers=headers)
        in_flight(client, 1)
        server.send(SIGTERM)
        assert server.end() == 0
        assert_unanswered(stuck)


def test_second_signal_ends_at_once(box: Sandbox) -> None:
    box.clear_faults()
    box.inject(Fault("hang"))
    headers = {**ACCEPT, **bearer(box.administrator)}
    with (
        running(box.endpoint, MCP_SERVER_DRAIN_TIMEOUT=600) as server,
        httpx2.Client(base_url=server.url, timeout=PATIENCE) as client,
        ThreadPoolExecutor() as pool,
    ):
        stuck = pool.submit(client.post, "/mcp", json=CALL, headers=headers)
        in_flight(client, 1)
        server.send(SIGTERM)
        eventually(lambda: client.get("/readyz").status_code == 503)
        server.send(SIGINT)
        assert server.end() == 0
        assert_unanswered(stuck)


def test_idle_server_with_open_sessions_ends_quietly(box: Sandbox) -> None:
    headers = bearer(box.administrator)
    with (
        running(box.endpoint) as server,
        httpx2.Client(base_url=server.url, timeout=PATIENCE) as client,
        stream(client, headers),
        stream(client, headers),
    ):
        server.send(SIGTERM)
        assert server.end() == 0
        assert_quiet(server)


def assert_unanswered(call: Future[httpx2.Response]) -> None:
    """The client hears that there is no answer: by an error, or because the connection breaks."""
    with suppress(httpx2.HTTPError):
        assert call.result().status_code == 500


def assert_quiet(server: Running) -> None:
    """An orderly end is no error."""
    assert "Traceback" not in server.log
    assert "ERROR" not in server.log
