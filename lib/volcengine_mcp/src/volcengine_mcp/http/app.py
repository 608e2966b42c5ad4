"""The server over HTTP: SSE and streamable HTTP behind one door, with health, metrics and an orderly end."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from time import monotonic
from types import FrameType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio
import h11
import uvicorn
from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from volcengine_mcp.declare import Service
from volcengine_mcp.errors import ConfigurationError
from volcengine_mcp.http.limits import PerAddress, PerIdentity, Sessions
from volcengine_mcp.mcp.server import Server
from volcengine_mcp.observe import Metrics
from volcengine_mcp.settings.model import Settings
from volcengine_mcp.signin.access import signed_by_server
from volcengine_mcp.signin.header import SIGNED_BY_VISITOR, HeaderCredentials

if TYPE_CHECKING:
    from volcengine_mcp.signin.oauth.gate import Gate

logger = logging.getLogger(__name__)

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")

MCP_PATHS = ("/sse", "/messages", "/mcp")

OPEN_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})

READINESS_LASTS = 10.0
"""Seconds for which the answer of `/readyz` is kept."""

LAST_REFUSALS = 0.5
"""Seconds between the last call and the end, in which a proxy is told so and learns that this replica goes."""

REQUEST_ARRIVES_WITHIN = 30.0
"""Seconds from a connection, or from the first byte of a further request, to the last byte of the request."""


def build_app(server: Server, settings: Settings, metrics: Metrics, gate: Gate | None) -> Starlette:
    """The ASGI application that the settings describe."""
    # The guard of this module covers every route, so the transports' own is switched off.
    unguarded = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    routes: list[BaseRoute] = [*(gate.routes if gate else ()), *_operations(server, metrics, gate)]
    sessions = None
    if settings.transport == "streamable-http" or settings.streamable_http:
        streamable = server.streamable_http_app(
            stateless_http=settings.stateless,
            max_sessions=settings.max_sessions,
            session_idle_timeout=settings.session_idle_timeout,
            max_request_body_size=settings.max_body_size,
            transport_security=unguarded,
        )
        routes += streamable.routes
        sessions = server.session_manager.run
    if settings.transport == "sse":
        legacy = server.sse_app(max_request_body_size=settings.max_body_size, transport_security=unguarded)
        routes += legacy.routes

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            if sessions is not None:
                await stack.enter_async_context(sessions())
            if gate is not None:
                stack.push_async_callback(gate.close)
            yield

    return Starlette(routes=routes, middleware=_middleware(server, settings, metrics, gate), lifespan=lifespan)


def _middleware(server: Server, settings: Settings, metrics: Metrics, gate: Gate | None) -> list[Middleware]:
    """From the outside in: headers, host, origin, limits, identity."""
    layers = [
        Middleware(SecurityHeaders, https=settings.public_url.startswith("https://")),
        Middleware(TrustedHostMiddleware, allowed_hosts=_hosts(settings), www_redirect=False),
        Middleware(OriginGuard, allowed=_origins(settings), loopback=settings.listens_on_loopback),
    ]
    if settings.allowed_origins:
        layers.append(
            Middleware(
                CORSMiddleware,
                allow_origins=settings.allowed_origins,
                allow_methods=("GET", "POST", "DELETE"),
                allow_headers=(
                    "Authorization",
                    "Content-Type",
                    "Mcp-Session-Id",
                    "Mcp-Protocol-Version",
                    "Last-Event-ID",
                ),
                expose_headers=("Mcp-Session-Id",),
            )
        )
    layers.append(Middleware(RefuseWhileDraining, server=server))
    layers.append(Middleware(PerAddress, per_minute=settings.unauthenticated_rate_limit, costly=_is_costly(gate)))
    if gate is not None:
        layers.append(gate.middleware)
        layers.append(Middleware(AuthenticationMiddleware, backend=BearerAuthBackend(gate.verifier)))
    elif settings.credential == "token":
        layers.append(Middleware(partial(_OnlyFor, paths=MCP_PATHS, guard=HeaderCredentials)))
    layers += [
        Middleware(AuthContextMiddleware),
        Middleware(PerIdentity, per_minute=settings.rate_limit),
        Middleware(
            Sessions,
            most=settings.max_sessions,
            idle=settings.session_idle_timeout,
            changed=metrics.sessions.set,
        ),
    ]
    return layers


def _is_costly(gate: Gate | None) -> Callable[[str], bool]:
    """Which paths an address may ask for only so often, whatever the answer: those of OAuth."""
    return lambda path: gate is not None and path not in OPEN_PATHS and not path.startswith(MCP_PATHS)


def _hosts(settings: Settings) -> list[str]:
    hosts = [*settings.allowed_hosts]
    if settings.base_url and (name := urlsplit(settings.base_url).hostname):
        hosts.append(name)
    if settings.listens_on_loopback or not hosts:
        hosts += LOOPBACK_NAMES
    if not settings.listens_on_loopback and settings.host not in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        hosts.append(settings.host)
    return hosts


def _origins(settings: Settings) -> frozenset[str]:
    return frozenset({*settings.allowed_origins, "{0.scheme}://{0.netloc}".format(urlsplit(settings.public_url))})


class _OnlyFor:
    """ASGI middleware that puts another one before some paths only."""

    def __init__(self, app: ASGIApp, *, paths: Sequence[str], guard: Callable[[ASGIApp], ASGIApp]) -> None:
        self._app = app
        self._guarded = guard(app)
        self._paths = tuple(paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        guarded = scope["type"] == "http" and scope["path"].startswith(self._paths)
        await (self._guarded if guarded else self._app)(scope, receive, send)


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


class OriginGuard:
    """ASGI middleware that refuses requests made by the pages of other web sites.

    Threat: a page in a browser on this machine or network talks to the server with the rights of whoever browses
    (DNS rebinding, cross-site requests). Programs send no Origin, and are let pass.
    """

    def __init__(self, app: ASGIApp, *, allowed: frozenset[str], loopback: bool) -> None:
        self._app = app
        self._allowed = allowed
        self._loopback = loopback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it with 403."""
        if scope["type"] == "http":
            origins = [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]
            if any(not self._known(origin) for origin in origins):
                refusal = {
                    "Code": "ForeignOrigin",
                    "Message": "This web origin may not call the server.",
                    "Hint": "An administrator can list it in allowed_origins.",
                }
                await JSONResponse(refusal, status_code=403)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _known(self, origin: str) -> bool:
        if origin in self._allowed:
            return True
        parts = urlsplit(origin)
        return (
            self._loopback and parts.scheme in ("http", "https") and parts.hostname in ("localhost", "127.0.0.1", "::1")
        )


class SecurityHeaders:
    """ASGI middleware that forbids browsers to guess, frame, cache or leak what is answered."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self._app = app
        self._headers = [
            (b"x-content-type-options", b"nosniff"),
            (b"x-frame-options", b"DENY"),
            (b"referrer-policy", b"same-origin"),
        ]
        if https:
            self._headers.append((b"strict-transport-security", b"max-age=31536000"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers that an answer does not set itself."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                added = [header for header in self._headers if header[0] not in present]
                if b"cache-control" not in present:
                    added.append((b"cache-control", b"no-store"))
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


def _operations(server: Server, metrics: Metrics, gate: Gate | None) -> list[Route]:
    """Routes for those who run the server."""
    checked: tuple[float, str | None] = (float("-inf"), None)

    async def alive(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(_request: Request) -> Response:
        nonlocal checked
        if server.draining:
            return JSONResponse({"status": "draining"}, status_code=503)
        if monotonic() - checked[0] > READINESS_LASTS:
            problem = await server.openapi.unreachable()
            checked = (monotonic(), problem)
        if gate is not None and not await gate.ready():
            return JSONResponse({"status": "unready", "reason": "the OAuth storage does not answer"}, status_code=503)
        if checked[1]:
            return JSONResponse({"status": "unready", "reason": checked[1]}, status_code=503)
        return JSONResponse({"status": "ok"})

    async def counted(_request: Request) -> Response:
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return [Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", counted)]


def hurrying(seconds: float) -> type[H11Protocol]:
    """Uvicorn's HTTP, with only so long for a client to send a request whole.

    Threat: connections on which nothing comes, or a request byte by byte, hold memory and file handles for ever;
    uvicorn bounds only the pause between two requests.
    """

    class Hurrying(H11Protocol):
        _late: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._hurry()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.conn.their_state in (h11.IDLE, h11.SEND_BODY):
                self._hurry()
            else:
                self._relax()

        def connection_lost(self, exc: Exception | None) -> None:
            self._relax()
            super().connection_lost(exc)

        def _hurry(self) -> None:
            if self._late is None:
                self._late = self.loop.call_later(seconds, self.transport.abort)

        def _relax(self) -> None:
            if self._late is not None:
                self._late.cancel()
                self._late = None

    return Hurrying


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


def serve(
    service: Service, settings: Settings, environment: Mapping[str, str], before_exit: Callable[[], None]
) -> None:
    """Listen and serve until SIGTERM or Ctrl-C.

    Ends the process rather than return: a worker thread may still wait for the network, and Python would wait
    for it.

    Raises:
        ConfigurationError: the address is in use or may not be used, the certificate cannot be used, or what the
            settings need is not installed.
    """
    metrics = Metrics()
    gate: Gate | None = None
    if settings.auth == "oauth":
        from volcengine_mcp.signin.oauth.gate import gate as make_gate
        from volcengine_mcp.signin.oauth.gate import visitor

        gate = make_gate(settings)
        access = signed_by_server(settings.credential, environment, visitor)
    elif settings.credential == "token":
        access = SIGNED_BY_VISITOR
    else:
        access = signed_by_server(settings.credential, environment)
    server = Server(
        service,
        settings,
        access,
        metrics=metrics,
        auth=gate.auth if gate else None,
        token_verifier=gate.verifier if gate else None,
    )
    config = uvicorn.Config(
        build_app(server, settings, metrics, gate),
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
    logger.info("%s %s serves %s on %s", service.command, service.version, settings.transport, where)
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
