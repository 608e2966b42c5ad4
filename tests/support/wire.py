"""An endpoint that does on the wire what it is told, and sees its connections begin and end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
from support.servers import PATIENCE


@dataclass
class Exchange:
    """A request, and the connection to answer on.

    Attributes:
        number: which request of its connection it is, from 1.
    """

    head: str
    body: bytes
    number: int
    writer: asyncio.StreamWriter

    def answer(self, result: Any = None, *, status: str = "200 OK", headers: str = "") -> None:
        """Answer with an envelope."""
        body = json.dumps({"ResponseMetadata": {"RequestId": "r-1"}, "Result": result or {}}).encode()
        self.raw(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body)

    def raw(self, data: bytes) -> None:
        """Answer with these very bytes."""
        self.writer.write(data)

    def drop(self) -> None:
        """Close the connection without an answer."""
        self.writer.close()


@dataclass
class Wire:
    """Where it listens, what came, and how many connections there were and are over."""

    host: str = ""
    requests: list[Exchange] = field(default_factory=list)
    opened: int = 0
    closed: int = 0


@asynccontextmanager
async def listening(react: Callable[[Exchange], Awaitable[None] | None]) -> AsyncIterator[Wire]:
    """An endpoint on this event loop that calls `react` for each request."""
    wire = Wire()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire.opened += 1
        number = 0
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                lengths = [line for line in head.splitlines() if line.lower().startswith("content-length:")]
                body = await reader.readexactly(int(lengths[0].partition(":")[2])) if lengths else b""
                number += 1
                exchange = Exchange(head, body, number, writer)
                wire.requests.append(exchange)
                if (reaction := react(exchange)) is not None:
                    watch = asyncio.ensure_future(reaction)
                    gone = asyncio.ensure_future(reader.read(1))
                    await asyncio.wait({watch, gone}, return_when=asyncio.FIRST_COMPLETED)
                    if not watch.done():
                        watch.cancel()
                        break
                    gone.cancel()
                    await asyncio.wait({gone})
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            wire.closed += 1
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    wire.host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield wire
    finally:
        server.close()


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    with anyio.fail_after(PATIENCE):
        while not holds():  # noqa: ASYNC110 - what is waited for happens elsewhere
            await anyio.sleep(0.005)
