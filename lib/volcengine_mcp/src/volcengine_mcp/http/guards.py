"""Guards before every route: foreign hosts and origins, browsers that guess or frame, clients that send too slowly."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

import h11
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from volcengine_mcp.settings.model import Settings

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")

REQUEST_ARRIVES_WITHIN = 30.0
"""Seconds from a connection, or from the first byte of a further request, to the last byte of the request."""


def allowed_hosts(settings: Settings) -> list[str]:
    """The host names to which the server answers."""
    hosts = [*settings.allowed_hosts]
    if settings.base_url and (name := urlsplit(settings.base_url).hostname):
        hosts.append(name)
    if settings.listens_on_loopback or not hosts:
        hosts += LOOPBACK_NAMES
    if not settings.listens_on_loopback and settings.host not in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        hosts.append(settings.host)
    return hosts


def allowed_origins(settings: Settings) -> frozenset[str]:
    """The web origins whose pages may call the server: those listed, and its own."""
    return frozenset({*settings.allowed_origins, "{0.scheme}://{0.netloc}".format(urlsplit(settings.public_url))})


class OnlyFor:
    """ASGI middleware that puts another one before some paths only."""

    def __init__(self, app: ASGIApp, *, paths: Sequence[str], guard: Callable[[ASGIApp], ASGIApp]) -> None:
        self._app = app
        self._guarded = guard(app)
        self._paths = tuple(paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        guarded = scope["type"] == "http" and scope["path"].startswith(self._paths)
        await (self._guarded if guarded else self._app)(scope, receive, send)


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
