"""The HTTP application: its routes, and the order of the middleware around them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import BaseRoute

from volcengine_mcp.declare import Service
from volcengine_mcp.http import operations
from volcengine_mcp.http.drain import RefuseWhileDraining, serve_until_ended
from volcengine_mcp.http.guards import OnlyFor, OriginGuard, SecurityHeaders, allowed_hosts, allowed_origins
from volcengine_mcp.http.limits import PerAddress, PerIdentity, Sessions
from volcengine_mcp.http.streamable import StreamableHTTP
from volcengine_mcp.mcp.server import Server
from volcengine_mcp.observe import Metrics
from volcengine_mcp.settings.model import Settings
from volcengine_mcp.signin.access import signed_by_server
from volcengine_mcp.signin.header import SIGNED_BY_VISITOR, HeaderCredentials

if TYPE_CHECKING:
    from volcengine_mcp.signin.oauth.gate import Gate

MCP_PATHS = ("/sse", "/messages", "/mcp")

UNGUARDED = TransportSecuritySettings(enable_dns_rebinding_protection=False)
"""The transports' own guard is off: the guards here cover every route."""


def serve(
    service: Service, settings: Settings, environment: Mapping[str, str], before_exit: Callable[[], None]
) -> None:
    """Serve over HTTP until SIGTERM or Ctrl-C; ends the process.

    Raises:
        ConfigurationError: the address or the certificate cannot be used, or what the settings need is not installed.
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
    app = build_app(server, settings, metrics, gate)
    program = f"{service.command} {service.version}"
    serve_until_ended(app, server, settings, program=program, before_exit=before_exit)


def build_app(server: Server, settings: Settings, metrics: Metrics, gate: Gate | None) -> Starlette:
    """The ASGI application that the settings describe."""
    routes: list[BaseRoute] = [*(gate.routes if gate else ()), *operations.routes(server, metrics, gate)]
    streamable = None
    if settings.transport == "streamable-http" or settings.streamable_http:
        streamable = StreamableHTTP(server, settings, UNGUARDED, people_only=gate is not None)
        routes += streamable.routes
    if settings.transport == "sse":
        sse = server.sse_app(max_request_body_size=settings.max_body_size, transport_security=UNGUARDED)
        routes += sse.routes

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            if streamable is not None:
                await stack.enter_async_context(streamable.running())
            if gate is not None:
                stack.push_async_callback(gate.close)
            yield

    return Starlette(routes=routes, middleware=_middleware(server, settings, metrics, gate), lifespan=lifespan)


def _middleware(server: Server, settings: Settings, metrics: Metrics, gate: Gate | None) -> list[Middleware]:
    """From the outside in: headers, host, origin, limits, identity."""
    layers = [
        Middleware(SecurityHeaders, https=settings.public_url.startswith("https://")),
        Middleware(TrustedHostMiddleware, allowed_hosts=allowed_hosts(settings), www_redirect=False),
        Middleware(OriginGuard, allowed=allowed_origins(settings), loopback=settings.listens_on_loopback),
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
        layers.append(Middleware(partial(OnlyFor, paths=MCP_PATHS, guard=HeaderCredentials)))
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
    """Which paths an address may request only so often, whatever the answer is: those of OAuth."""
    return lambda path: gate is not None and path not in operations.PATHS and not path.startswith(MCP_PATHS)
