"""Clients that vanish, dawdle or never say anything: they cost nothing for long."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from support.http import PATIENCE, bearer, in_thread
from support.providers import free_socket, serving
from support.servers import eventually
from volcengine_mcp.http.guards import hurrying
from volcengine_sandbox import Fault, Sandbox


@contextmanager
def hurried(seconds: float) -> Iterator[tuple[str, int]]:
    """The address of a server that reads a body and gives a client so long to send it."""

    async def read(request: Request) -> Response:
        return PlainTextResponse(str(len(await request.body())))

    app = Starlette(routes=[Route("/", read, methods=["GET", "POST"])])
    with serving(app, free_socket(), http=hurrying(seconds)) as url:
        host, _, port = url.partition("://")[2].partition(":")
        yield host, int(port)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HTTP/1.1\r\nHost:",
    ],
)
def test_request_that_never_ends_is_hung_up_on(sent: bytes) -> None:
    with hurried(0.1) as address, socket.create_connection(address, PATIENCE) as connection:
        connection.sendall(sent)
        if b"\r\n\r\nGET" in sent:
            answer = b""
            while not answer.endswith(b"\r\n\r\n0"):
                answer += connection.recv(65536)
            connection.sendall(b" x")
        with suppress(ConnectionResetError):
            assert b"200 OK" not in connection.recv(65536)


def test_connection_in_order_is_kept() -> None:
    with hurried(PATIENCE) as address:
        connection = HTTPConnection(*address, timeout=PATIENCE)
        connection.connect()
        kept = connection.sock
        for _ in range(3):
            connection.request("POST", "/", b"body")
            assert connection.getresponse().read() == b"4"
        assert connection.sock is kept
        connection.close()


def sessions(client: httpx2.Client) -> float:
    """How many SSE sessions are open."""
    line = next(line for line in client.get("/metrics").text.splitlines() if line.startswith("mcp_sse_sessions "))
    return float(line.split()[1])


def test_session_of_a_client_that_vanishes_is_freed(sandbox: Sandbox) -> None:
    """Also with a call under way, and when the connection is reset rather than closed."""
    with in_thread(sandbox.endpoint) as url, httpx2.Client(base_url=url, timeout=PATIENCE) as client:
        host, _, port = url.partition("://")[2].partition(":")
        token = bearer(sandbox.administrator)["Authorization"]
        connections = [socket.create_connection((host, int(port)), PATIENCE) for _ in range(20)]
        for connection in connections:
            connection.sendall(f"GET /sse HTTP/1.1\r\nHost: localhost\r\nAuthorization: {token}\r\n\r\n".encode())
            assert b"200 OK" in connection.recv(1000)
        eventually(lambda: sessions(client) == 20)
        for number, connection in enumerate(connections):
            if number % 2:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.close()
        eventually(lambda: sessions(client) == 0)


def test_call_of_a_client_that_vanishes_is_given_up(sandbox: Sandbox) -> None:
    sandbox.inject(Fault("hang", action="ListAccounts"))
    with in_thread(sandbox.endpoint) as url, httpx2.Client(base_url=url, timeout=PATIENCE) as client:
        host, _, port = url.partition("://")[2].partition(":")
        token = bearer(sandbox.administrator)["Authorization"]
        body = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ListAccounts","arguments":{}}}'
        head = f"POST /mcp HTTP/1.1\r\nHost: localhost\r\nAuthorization: {token}\r\nContent-Length: {len(body)}\r\n"
        accept = b"Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n\r\n"
        with socket.create_connection((host, int(port)), PATIENCE) as connection:
            connection.sendall(head.encode() + accept + body)
            eventually(lambda: "mcp_tool_calls_in_flight 1.0" in client.get("/metrics").text)
        eventually(lambda: "mcp_tool_calls_in_flight 0.0" in client.get("/metrics").text)
        assert 'outcome="cancelled"' in client.get("/metrics").text
    sandbox.clear_faults()
