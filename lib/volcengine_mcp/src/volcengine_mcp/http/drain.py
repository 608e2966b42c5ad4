"""Listening and serving until a signal, then an orderly end: calls in flight finish, new ones are refused."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import anyio
import uvicorn
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from volcengine_mcp.errors import ConfigurationError
from volcengine_mcp.http.guards import REQUEST_ARRIVES_WITHIN, hurrying
from volcengine_mcp.mcp.server import Server
from volcengine_mcp.settings.model import Settings

logger = logging.getLogger(__name__)

LAST_REFUSALS = 0.5
"""Seconds between the last call and the end, in which a proxy is refused and learns that this replica goes."""


class RefuseWhileDraining:
    """ASGI middleware that starts nothing new once the server is about to end."""

    def __init__(self, app: ASGIApp, *, server: Server) -> None:
        self._app = app
        self._server = server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it with 503 so that the client or proxy turns to another replica."""
        if self._server.draining and scope["type"] == "http" and scope["path"] in ("/sse", "/mcp"):
            refusal = {"Code": "ShuttingDown", "Message": "This server is about to end.", "Hint": "Connect again."}
            headers = {"Retry-After": "1", "Connection": "close"}
            await JSONResponse(refusal, status_code=503, headers=headers)(scope, receive, send)
            return
        await self._app(scope, receive, send)


class _DrainingServer(uvicorn.Server):
    """Uvicorn that, when asked to end, lets the calls in flight finish first."""

    def __init__(self, config: uvicorn.Config, server: Server, drain_timeout: float) -> None:
        super().__init__(config)
        self._mcp = server
        self._drain_timeout = drain_timeout
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: Any = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal drains, the second ends at once."""
        if self._mcp.draining or self._loop is None:
            self.should_exit = self.force_exit = True
            return
        self._mcp.draining = True
        self._loop.call_soon_threadsafe(self._start_draining)

    def _start_draining(self) -> None:
        self._drain = asyncio.create_task(self._drain_then_exit())

    async def _drain_then_exit(self) -> None:
        with anyio.move_on_after(self._drain_timeout):
            await self._mcp.idle()
        # A proxy that was refused goes elsewhere, now and for a while; one whose connection broke may not repeat.
        await anyio.sleep(LAST_REFUSALS)
        self.should_exit = True


def serve_until_ended(
    app: ASGIApp, server: Server, settings: Settings, *, program: str, before_exit: Callable[[], None]
) -> None:
    """Listen and serve until SIGTERM or Ctrl-C.

    Ends the process and never returns: a worker thread may still wait for the network, and Python would wait
    for it.

    Args:
        program: the name and version that the log shows.

    Raises:
        ConfigurationError: the address is in use or may not be used, or the certificate cannot be used.
    """
    config = uvicorn.Config(
        app,
        http=hurrying(REQUEST_ARRIVES_WITHIN),
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies) or None,
        timeout_graceful_shutdown=2,
        timeout_keep_alive=30,
        ws="none",
    )
    try:
        config.load()
    except OSError as error:
        raise ConfigurationError(
            f"tls_cert {settings.tls_cert} and tls_key {settings.tls_key} must be a certificate and its unencrypted "
            "private key in PEM form."
        ) from error
    listener = _listen(settings)
    where = f"{settings.host}:{listener.getsockname()[1]}"
    logger.info("%s serves %s on %s", program, settings.transport, where)
    asyncio.run(_DrainingServer(config, server, settings.drain_timeout).serve(sockets=[listener]))
    before_exit()
    logging.shutdown()
    os._exit(0)


def _listen(settings: Settings) -> socket.socket:
    """A listening socket. Its protocol is stated, because asyncio switches Nagle's delay off only where it is TCP."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if sys.platform != "win32":
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.sse_port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"The address {settings.host} port {settings.sse_port} cannot be listened on: {error.strerror}."
        ) from error
    return listener
