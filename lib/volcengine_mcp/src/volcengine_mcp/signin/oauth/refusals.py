"""What the OAuth pages answer when they refuse, and the headers and limits that all of them share.

Threat: a library that turns every failure into "wrong token" or into a page that repeats what a stranger wrote; a page
that another site frames, or whose address, with a code in it, leaks to another site.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import ClassVar
from urllib.parse import urlencode

from mcp.server.transport_security import RequestBodyLimitMiddleware
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_REQUEST_SIZE = 8192
"""Bytes of a query or a body that the OAuth pages read; a stored sign-in is not larger either."""


class RefusedError(Exception):
    """A request that is refused with a constant text."""

    status: ClassVar[int]
    error: ClassVar[str]
    text: ClassVar[str]


class UnavailableError(RefusedError):
    """The provider or the storage is away for now; nobody is let in meanwhile."""

    status = 503
    error = "temporarily_unavailable"
    text = "The server cannot check who you are at the moment. Try again in a few seconds."


class NotAllowedError(RefusedError):
    """The provider knows the person, but the server's lists do not."""

    status = 403
    error = "access_denied"
    text = "This account may not use this server. Ask its administrator to be let in."


class NotSignedInError(RefusedError):
    """The provider did not confirm the sign-in."""

    status = 400
    error = "invalid_grant"
    text = "The provider did not confirm the sign-in. Start again from your MCP client."


class ForeignPageError(RefusedError):
    """A page of another site tried to consent in a person's name."""

    status = 403
    error = "access_denied"
    text = "Consent must be given on this server's own page."


class TooLargeError(RefusedError):
    """A request longer than any that a client has reason to send."""

    status = 413
    error = "invalid_request"
    text = "The request is too large."


_noted: ContextVar[list[RefusedError] | None] = ContextVar("_noted", default=None)


def note(refusal: RefusedError) -> RefusedError:
    """Remember the refusal for whoever answers the request: the code between may swallow the exception."""
    noted = _noted.get()
    if noted is not None:
        noted.append(refusal)
    return refusal


class Watch:
    """Collects the refusals that are noted while it is entered."""

    def __enter__(self) -> list[RefusedError]:
        noted: list[RefusedError] = []
        self._token = _noted.set(noted)
        return noted

    def __exit__(self, *_: object) -> None:
        _noted.reset(self._token)


_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "frame-ancestors 'none'",
    "referrer-policy": "same-origin",  # "no-referrer" would make browsers send `Origin: null` with the consent
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class Guarded:
    """An OAuth route with bounded requests, constant refusals and security headers.

    Cross-origin headers of the route are dropped: which origins may call is for the whole application to say.

    Args:
        app: the route.
        page: whether people see the answer in a browser, rather than a client as JSON.
        prepare: changes the scope before the route sees it, or refuses.
        denied: the scope for the same route that sends the browser back to the client when the person may not enter.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        page: bool,
        prepare: Callable[[Scope], Scope] = lambda scope: scope,
        denied: Callable[[Scope], Scope] | None = None,
    ) -> None:
        self._app = RequestBodyLimitMiddleware(app, MAX_REQUEST_SIZE)
        self._page = page
        self._prepare = prepare
        self._denied = denied

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the route."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name in [name for name in headers if name.startswith("access-control-")]:
                    del headers[name]
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            if len(scope["query_string"]) > MAX_REQUEST_SIZE:
                raise TooLargeError
            scope = self._prepare(scope)
            try:
                await self._serve(scope, receive, send_with_headers)
            except NotAllowedError:
                if self._denied is None:
                    raise
                await self._serve(self._denied(scope), _nothing_more, send_with_headers)
        except RefusedError as refusal:
            await answer(refusal, page=self._page)(scope, receive, send_with_headers)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The route's answer, unless a refusal was noted on the way to it."""
        with Watch() as noted:

            async def send_unless_refused(message: Message) -> None:
                if noted and message["type"] == "http.response.start":
                    raise noted[0]
                await send(message)

            await self._app(scope, receive, send_unless_refused)


async def _nothing_more() -> Message:
    """What a request brings that has been read already."""
    return {"type": "http.request", "body": b"", "more_body": False}


def answer(refusal: RefusedError, *, page: bool = False) -> Response:
    """The response to a refused request."""
    headers = {"retry-after": "5"} if refusal.status == 503 else None
    if page:
        return PlainTextResponse(refusal.text, refusal.status, headers)
    body = {"error": refusal.error, "error_description": refusal.text}
    return JSONResponse(body, refusal.status, headers)


class Guard:
    """ASGI middleware, outside authentication: answers 503 while a token cannot be checked, not 500 or 401."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except UnavailableError as refusal:
            if started or scope["type"] != "http":
                raise
            await answer(refusal)(scope, receive, send)


def from_own_page(origin: str) -> Callable[[Scope], Scope]:
    """Refuses what a browser says another site's page has sent; `origin` is the server's own."""

    def prepare(scope: Scope) -> Scope:
        headers = Headers(scope=scope)
        foreign = headers.get("origin", origin).lower() != origin.lower()
        if scope["method"] == "POST" and (foreign or headers.get("sec-fetch-site", "same-origin") != "same-origin"):
            raise ForeignPageError
        return scope

    return prepare


def with_query(scope: Scope, parameters: dict[str, str]) -> Scope:
    """The scope with another query."""
    return {**scope, "query_string": urlencode(parameters).encode()}
