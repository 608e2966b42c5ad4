"""How much one visitor may ask, and for how long a session may idle."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_address, ip_network

import anyio
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import principal_components
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SESSION_ID = re.compile(rb"session_id=([0-9a-f]{32})")


def too_many() -> Response:
    """The answer to somebody who asks too often."""
    return JSONResponse(
        {"Code": "TooManyRequests", "Message": "Too many requests in a minute.", "Hint": "Wait a minute, then go on."},
        status_code=429,
        headers={"Retry-After": "60"},
    )


def _address(scope: Scope) -> str:
    """Whose request it is, where nothing better is known: an IPv4 address, or the /64 network that one host owns."""
    client = scope.get("client")
    try:
        address = ip_address(client[0] if client else "")
    except ValueError:
        return "unknown"
    return str(ip_network((address, 64), strict=False)) if address.version == 6 else str(address)


def _identity(user: object) -> str | None:
    """The person behind a request, whichever client they use; for a header, the digest of the credential."""
    if not isinstance(user, AuthenticatedUser):
        return None
    client, issuer, subject = principal_components(user.access_token)
    return f"{issuer} {subject}" if subject else client


class PerIdentity:
    """ASGI middleware, inside authentication: bounds what each identity asks.

    Threat: one person, or a model in a loop, uses up the account's quota and everybody's time.
    """

    def __init__(self, app: ASGIApp, per_minute: int) -> None:
        self._app = app
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._rate = RateLimitItemPerMinute(per_minute)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it with 429."""
        if scope["type"] == "http":
            who = _identity(scope.get("user")) or _address(scope)
            if not self._limiter.hit(self._rate, who):
                await too_many()(scope, receive, send)
                return
        await self._app(scope, receive, send)


class PerAddress:
    """ASGI middleware, outside authentication: bounds refused requests and those to open endpoints, by address.

    Threat: guessing of tokens, and floods of registrations. A request that is let in costs its address nothing, and
    is let in however often its address was refused: an office or a proxy is one address, and one person's wrong
    token must not shut everybody out.
    """

    def __init__(self, app: ASGIApp, per_minute: int, costly: Callable[[str], bool]) -> None:
        self._app = app
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._rate = RateLimitItemPerMinute(per_minute)
        self._costly = costly

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it with 429."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        address = _address(scope)
        costly = self._costly(scope["path"])
        if costly and not self._limiter.hit(self._rate, address):
            await too_many()(scope, receive, send)
            return
        silenced = False

        async def bound_refusals(message: Message) -> None:
            nonlocal silenced
            if message["type"] == "http.response.start" and message["status"] in (401, 403) and not costly:
                silenced = not self._limiter.hit(self._rate, address)
                if silenced:
                    await too_many()(scope, receive, send)
            if not silenced:
                await send(message)

        await self._app(scope, receive, bound_refusals)


class Sessions:
    """ASGI middleware around the SSE endpoints: bounds how many sessions are open, and ends idle ones.

    Threat: clients that vanish, or that open sessions and never use them, hold memory for ever.
    """

    def __init__(self, app: ASGIApp, *, most: int, idle: float, changed: Callable[[int], None]) -> None:
        self._app = app
        self._most = most
        self._idle = idle
        self._changed = changed
        self._open = 0
        self._deadlines: dict[bytes, anyio.CancelScope] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a stream within its limits, or note that a session is in use."""
        if scope["type"] == "http" and scope["path"] == "/sse" and scope["method"] == "GET":
            await self._stream(scope, receive, send)
            return
        if scope["type"] == "http" and (found := _SESSION_ID.search(scope["query_string"])):
            self._touch(found.group(1))
        await self._app(scope, receive, send)

    async def _stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._open >= self._most:
            full = {
                "Code": "TooManySessions",
                "Message": "This server has as many sessions as it may.",
                "Hint": "Wait.",
            }
            await JSONResponse(full, status_code=503, headers={"Retry-After": "30"})(scope, receive, send)
            return
        session: bytes | None = None
        started = False

        async def watch(message: Message) -> None:
            nonlocal session, started
            if message["type"] == "http.response.start":
                if started:
                    # The transport answers a second time when it ended the stream itself; the first answer counts.
                    return
                started = True
            if session is None and (found := _SESSION_ID.search(message.get("body", b""))):
                session = found.group(1)
                self._deadlines[session] = idle
                self._touch(session)
            await send(message)

        self._count(+1)
        try:
            with anyio.CancelScope() as idle:
                await self._app(scope, receive, watch)
            if idle.cancelled_caught:
                await send({"type": "http.response.body"})
        finally:
            self._count(-1)
            if session is not None:
                self._deadlines.pop(session, None)

    def _touch(self, session: bytes) -> None:
        if scope := self._deadlines.get(session):
            scope.deadline = anyio.current_time() + self._idle

    def _count(self, change: int) -> None:
        self._open += change
        self._changed(self._open)
