"""stdin and stdout as streams of MCP messages, read and written by the event loop itself.

mcp's own streams hand every line to a worker thread, which costs a call about 220 µs. Here the event loop waits until
the pipe is ready. The pipe stays blocking: its flags belong to everybody who shares it, such as the shell that started
this process, and would stay changed after the end.
"""

from __future__ import annotations

import os
import select
import socket
import stat
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, cast

import anyio
from mcp.server.stdio import stdio_server

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from anyio import AsyncFile

STDIN, STDOUT, STDERR = 0, 1, 2

CHUNK = 65536
"""Bytes that are read at once: as many as a pipe holds."""


@asynccontextmanager
async def streams() -> AsyncIterator[tuple[Any, Any]]:
    """The messages that arrive on stdin, and where those for stdout are sent, as mcp's servers take them.

    While the block runs, nothing else can write to the client: what is printed goes to stderr, and stdin is empty.
    On Windows, and where stdin or stdout is a file or a terminal, mcp's own streams do the same.
    """
    if not (_can_be_waited_for(STDIN) and _can_be_waited_for(STDOUT)):
        async with stdio_server() as both:
            yield both
        return
    with _taken() as (stdin, stdout):
        lines = cast("AsyncFile[str]", Lines(stdin))
        writer = cast("AsyncFile[str]", Writer(stdout))
        async with stdio_server(lines, writer) as both:
            yield both


def _can_be_waited_for(file: int) -> bool:
    """Whether the event loop can wait for a file, and a write to it can be kept from blocking."""
    if sys.platform == "win32":
        return False
    try:
        mode = os.fstat(file).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


@contextmanager
def _taken() -> Iterator[tuple[int, int]]:
    """Copies of stdin and stdout for the protocol alone, while the originals lead nowhere and to stderr."""
    sys.stdout.flush()
    stdin, stdout = (fcntl.fcntl(file, fcntl.F_DUPFD_CLOEXEC, STDERR + 1) for file in (STDIN, STDOUT))
    nothing = os.open(os.devnull, os.O_RDWR)
    try:
        os.dup2(nothing, STDIN)
        # Where there was no stderr at the start, some other file has its number by now.
        os.dup2(STDERR if sys.stderr else nothing, STDOUT)
        yield stdin, stdout
    finally:
        sys.stdout.flush()
        os.dup2(stdin, STDIN)
        os.dup2(stdout, STDOUT)
        for file in (stdin, stdout, nothing):
            os.close(file)


class Lines:
    """The lines of a pipe or a socket as text, of any length; what is not UTF-8 becomes U+FFFD, as mcp has it.

    Args:
        file: a file descriptor; need not be non-blocking.
    """

    def __init__(self, file: int) -> None:
        self._file = file
        self._held = bytearray()
        self._searched = 0
        self._ended = False

    def __aiter__(self) -> AsyncIterator[str]:
        return self

    async def __anext__(self) -> str:
        """The next line with its end; the last may have none."""
        while (end := self._held.find(b"\n", self._searched) + 1) == 0 and not self._ended:
            self._searched = len(self._held)
            await self._read()
        line = self._held[: end or None]
        if not line:
            raise StopAsyncIteration
        del self._held[: len(line)]
        self._searched = 0
        return line.decode("utf-8", "replace")

    async def _read(self) -> None:
        await anyio.wait_readable(self._file)
        try:
            chunk = os.read(self._file, CHUNK)
        except BlockingIOError:  # Somebody who shares it was quicker.
            return
        except ConnectionError:
            chunk = b""
        self._held += chunk
        self._ended = not chunk


class Writer:
    """Writes text to a pipe or a socket, and waits while its reader is behind.

    Args:
        file: a file descriptor; need not be non-blocking.
    """

    def __init__(self, file: int) -> None:
        self._file = file
        self._write = _to_socket(file) if stat.S_ISSOCK(os.fstat(file).st_mode) else _to_pipe(file)

    async def write(self, text: str) -> None:
        """Write all of a text.

        Raises:
            ConnectionError: nobody reads any more.
        """
        rest = memoryview(text.encode())
        while rest:
            try:
                rest = rest[self._write(rest) :]
            except BlockingIOError:
                await anyio.wait_writable(self._file)

    async def flush(self) -> None:
        """Nothing: what was written is out."""


def _to_socket(file: int) -> Callable[[memoryview], int]:
    """Writes what fits now. Raises BlockingIOError when nothing does."""
    connection = socket.socket(fileno=os.dup(file))
    return lambda data: connection.send(data, socket.MSG_DONTWAIT)


def _to_pipe(file: int) -> Callable[[memoryview], int]:
    """Writes what fits now. Raises BlockingIOError when nothing does.

    A pipe that is ready takes `PIPE_BUF` bytes without blocking (POSIX, `write`).
    """
    ready = select.poll()
    ready.register(file, select.POLLOUT)

    def write(data: memoryview) -> int:
        if not ready.poll(0):
            raise BlockingIOError
        return os.write(file, data[: select.PIPE_BUF])

    return write
