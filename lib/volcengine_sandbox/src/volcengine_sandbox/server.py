"""The HTTP server: uvicorn on a socket of ours, in a thread, with the connections counted and in reach."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from volcengine_sandbox import app
from volcengine_sandbox.core import Core

KEEP_ALIVE = 75
"""Seconds that an idle connection is kept."""
GRACE = 5.0
"""Seconds to wait for the thread when stopping."""
BACKLOG = 2048


class _Server(uvicorn.Server):
    """uvicorn without its ten ticks a second: it serves until told to stop and then stops at once."""

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event, ready: threading.Event) -> None:
        super().__init__(config)
        self._stopping = stopping
        self._ready = ready

    async def main_loop(self) -> None:
        self._ready.set()
        await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for sock in sockets or []:
            sock.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        # Let the handlers of aborted connections see that their client is gone.
        for _ in range(100):
            if not self.server_state.tasks:
                break
            await asyncio.sleep(0.01)


class ServerThread:
    """A running server. Raises OSError when the address cannot be bound."""

    def __init__(self, core: Core, host: str, port: int, tls: tuple[str, str] | None) -> None:
        self._socket = bind(host, port)
        self.port: int = self._socket.getsockname()[1]
        self._api = app.OpenApi(core)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready = threading.Event()
        certificate, key = tls or (None, None)
        config = uvicorn.Config(
            app.build(core, self._api),
            http=_protocol(core),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE,
            backlog=BACKLOG,
            ssl_certfile=certificate,
            ssl_keyfile=key,
        )
        try:
            config.load()
        except BaseException:
            self._socket.close()
            raise
        self._server = _Server(config, self._api.stopping, self._ready)
        self._thread = threading.Thread(target=self._run, name=f"volcengine-sandbox:{self.port}", daemon=True)

    def start(self) -> None:
        """Serve; returns once requests are answered."""
        self._thread.start()
        self._ready.wait()
        if not self._server.started:
            raise RuntimeError("The server thread ended before it served; its error is in the log.")

    def stop(self) -> None:
        """Stop serving and close all connections."""
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._api.stopping.set)
            self._thread.join(GRACE)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._server.serve(sockets=[self._socket])


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises OSError.

    The protocol is named, because asyncio switches Nagle's algorithm off for such sockets only, and with it on
    an answer in two parts waits 40 ms for the client's delayed acknowledgement.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # On Windows the option would let two processes share a port; elsewhere it only skips TIME_WAIT.
        if sys.platform != "win32":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(BACKLOG)
    except BaseException:
        sock.close()
        raise
    return sock


def _protocol(core: Core) -> type[H11Protocol]:
    """uvicorn's HTTP protocol, counting connections and handing each request its transport."""

    class CountedProtocol(H11Protocol):
        def __init__(
            self,
            config: uvicorn.Config,
            server_state: ServerState,
            app_state: dict[str, Any],
            _loop: asyncio.AbstractEventLoop | None = None,
        ) -> None:
            super().__init__(config, server_state, app_state, _loop)

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            core.connections += 1
            super().connection_made(transport)
            self.app_state = {**self.app_state, app.TRANSPORT: transport}

    return CountedProtocol
