"""The endpoint of streamable HTTP, and which of its answers are a stream and which are one JSON body.

Before protocol version 2026-07-28 mcp makes every answer a stream of events or none. A stream costs about a third more
than a JSON body, and only progress needs one. So where no sessions are kept, an answer is a stream only when the
client has asked for progress.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import anyio
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.streamable_http import check_accept_headers
from mcp.server.transport_security import RequestBodyLimitMiddleware, TransportSecuritySettings
from mcp.shared.inbound import MCP_PROTOCOL_VERSION_HEADER
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from volcengine_mcp.mcp.server import Server
from volcengine_mcp.settings.model import Settings

PATH = "/mcp"

PROGRESS = b"progressToken"
"""What stands in every request that asks for progress. Where it stands in an argument, the answer is a stream too."""


class StreamableHTTP:
    """The routes of streamable HTTP.

    Args:
        security: mcp's own guards.
        people_only: whether only people who have signed in are answered.
    """

    def __init__(
        self, server: Server, settings: Settings, security: TransportSecuritySettings, *, people_only: bool
    ) -> None:
        def app(*, json: bool) -> Starlette:
            return server.streamable_http_app(
                streamable_http_path=PATH,
                json_response=json,
                stateless_http=settings.stateless,
                max_sessions=settings.max_sessions,
                session_idle_timeout=settings.session_idle_timeout,
                max_request_body_size=settings.max_body_size,
                transport_security=security,
            )

        streams = app(json=False)
        self.routes: list[BaseRoute] = [*streams.routes]
        self._managers = [server.session_manager]
        if settings.stateless:
            bodies = app(json=True)
            self._managers.append(server.session_manager)
            choice = _Choice(_endpoint(bodies), _endpoint(streams), settings.max_body_size, people_only=people_only)
            self.routes = [Route(PATH, choice), *(route for route in streams.routes if not _is_endpoint(route))]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serves as long as the block runs."""
        async with AsyncExitStack() as stack:
            for manager in self._managers:
                await stack.enter_async_context(manager.run())
            yield


def _is_endpoint(route: BaseRoute) -> bool:
    return isinstance(route, Route) and route.path == PATH


def _endpoint(app: Starlette) -> ASGIApp:
    return next(route.app for route in app.routes if isinstance(route, Route) and route.path == PATH)


class _Choice:
    """Answers each request from one of two applications: one that sends JSON bodies, one that sends streams."""

    def __init__(self, bodies: ASGIApp, streams: ASGIApp, max_body_size: int, *, people_only: bool) -> None:
        self._bodies = bodies
        self._streams = streams
        self._read = RequestBodyLimitMiddleware(self._choose, max_body_size)
        self._people_only = people_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; its body is read here only where it decides, and only if its sender may send one."""
        request = Request(scope)
        refused = self._people_only and not isinstance(scope.get("user"), AuthenticatedUser)
        version = request.headers.get(MCP_PROTOCOL_VERSION_HEADER)
        current = version is not None and version not in HANDSHAKE_PROTOCOL_VERSIONS
        if refused or current or request.method != "POST":
            await self._streams(scope, receive, send)
        else:
            await self._read(scope, receive, send)

    async def _choose(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request whose body has been read: it comes as one message."""
        body = await receive()
        given = False

        async def again() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return body

        _, accepts_streams = check_accept_headers(Request(scope))
        if accepts_streams and PROGRESS in body.get("body", b""):
            await self._streams(scope, again, send)
            return
        answering = False

        async def watched(message: Message) -> None:
            nonlocal answering
            answering = True
            await send(message)

        async def until_gone() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            if not answering:  # The client has given the call up; a stream notices that by itself.
                group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            group.start_soon(until_gone)
            await self._bodies(scope, again, watched)
            group.cancel_scope.cancel()
