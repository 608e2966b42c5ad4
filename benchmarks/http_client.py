"""The least that speaks MCP over SSE and streamable HTTP, on raw asyncio streams: the client shares the cores with
the server, and must not be what is measured.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Protocol, Self

from .stdio_client import HELLO, PROTOCOL, result_of

HOST = "127.0.0.1"

PATIENCE = 120.0
"""Seconds to wait for any one answer."""


class Session(Protocol):
    """One client's session with a server."""

    async def request(self, method: str, parameters: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send a request and wait for its result. Raises RuntimeError when it is an error."""

    async def close(self) -> None:
        """Leave."""


async def call(session: Session, tool: str, arguments: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Call a tool."""
    return await session.request("tools/call", {"name": tool, "arguments": arguments or {}})


class _Connection:
    """An HTTP/1.1 connection that is kept."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        self._reader = reader
        self._writer = writer
        self._port = port
        self._chunked = False

    @classmethod
    async def open(cls, port: int) -> Self:
        return cls(*await asyncio.open_connection(HOST, port), port)

    def send(self, method: str, path: str, body: bytes = b"") -> None:
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {HOST}:{self._port}\r\nAccept: application/json, text/event-stream\r\n"
            f"Content-Type: application/json\r\nMcp-Protocol-Version: {PROTOCOL}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self._writer.write(head.encode() + body)

    async def head(self) -> dict[str, str]:
        """The headers of an answer. Raises RuntimeError for a status other than 2xx."""
        lines = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)
        }
        self._chunked = headers.get("transfer-encoding") == "chunked"
        if not lines[0].split()[1].startswith("2"):
            raise RuntimeError(f"the server answered {lines[0]}: {(await self.body(headers))[:300]!r}")
        return headers

    async def chunk(self) -> bytes:
        """The next piece of a chunked body; empty at its end."""
        size = int(await self._reader.readline(), 16)
        return (await self._reader.readexactly(size + 2))[:-2]

    async def body(self, headers: Mapping[str, str]) -> bytes:
        if not self._chunked:
            return await self._reader.readexactly(int(headers.get("content-length", 0)))
        pieces = []
        while piece := await self.chunk():
            pieces.append(piece)
        return b"".join(pieces)

    def close(self) -> None:
        self._writer.close()


def _message(count: int, method: str, parameters: Mapping[str, Any] | None) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": count, "method": method, "params": parameters or {}}).encode()


_GREETED = json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}).encode()


class StreamableSession:
    """A session over streamable HTTP: one request at a time on one connection."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        self._count = 0

    @classmethod
    async def open(cls, port: int) -> Self:
        """Connect and greet."""
        session = cls(await _Connection.open(port))
        await session.request("initialize", HELLO)
        return session

    async def request(self, method: str, parameters: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send a request and wait for its result. Raises RuntimeError when it is an error."""
        self._count += 1
        async with asyncio.timeout(PATIENCE):
            self._connection.send("POST", "/mcp", _message(self._count, method, parameters))
            headers = await self._connection.head()
            body = await self._connection.body(headers)
        if headers["content-type"].startswith("application/json"):
            return result_of(json.loads(body))
        answers = [json.loads(line[5:]) for line in body.splitlines() if line.startswith(b"data:") and line[5:].strip()]
        return result_of(next(answer for answer in answers if answer.get("id") == self._count))

    async def close(self) -> None:
        """Leave."""
        self._connection.close()


class SseSession:
    """A session over SSE: answers come on one connection, messages go over another."""

    def __init__(self, stream: _Connection, posts: _Connection) -> None:
        self._stream = stream
        self._posts = posts
        self._path = ""
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._count = 0
        self._reading: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, port: int) -> Self:
        """Connect and greet."""
        stream, posts = await _Connection.open(port), await _Connection.open(port)
        session = cls(stream, posts)
        async with asyncio.timeout(PATIENCE):
            stream.send("GET", "/sse")
            await stream.head()
            while not session._path:
                session._event(await stream.chunk())
        session._reading = asyncio.create_task(session._read())
        await session.request("initialize", HELLO)
        await session._post(_GREETED)
        return session

    async def request(self, method: str, parameters: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send a request and wait for its result. Raises RuntimeError when it is an error."""
        self._count += 1
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[self._count] = answer
        async with asyncio.timeout(PATIENCE):
            await self._post(_message(self._count, method, parameters))
            return result_of(await answer)

    async def close(self) -> None:
        """Leave."""
        if self._reading is not None:
            self._reading.cancel()
        self._stream.close()
        self._posts.close()

    async def _post(self, body: bytes) -> None:
        self._posts.send("POST", self._path, body)
        await self._posts.body(await self._posts.head())

    async def _read(self) -> None:
        pending = b""
        while piece := await self._stream.chunk():
            pending += piece
            *events, pending = pending.replace(b"\r\n", b"\n").split(b"\n\n")
            for event in events:
                self._event(event)

    def _event(self, event: bytes) -> None:
        data = b"".join(line[5:].strip() for line in event.splitlines() if line.startswith(b"data:"))
        if not self._path:
            self._path = data.decode()
        elif data:
            answer = json.loads(data)
            if (waiting := self._waiting.pop(answer.get("id"), None)) and not waiting.done():
                waiting.set_result(answer)


TRANSPORTS: dict[str, type[SseSession] | type[StreamableSession]] = {
    "sse": SseSession,
    "streamable-http": StreamableSession,
}
