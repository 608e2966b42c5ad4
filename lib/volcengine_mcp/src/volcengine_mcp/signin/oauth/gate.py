"""The OAuth door: people sign in at their provider, and MCP clients get tokens of this server's own.

Threat: a stranger with an account at the provider; a client that sends a code elsewhere; a token, code or sign-in that
is forged, replayed or carried over from another server, browser or person; a storage that is read or away.
"""

from __future__ import annotations

import logging
import re
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.server.auth.settings import AuthSettings
from pydantic import AnyHttpUrl
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from volcengine_mcp.errors import ConfigurationError
from volcengine_mcp.settings.model import Settings
from volcengine_mcp.signin.access import Visitor
from volcengine_mcp.signin.oauth.people import People, Person
from volcengine_mcp.signin.oauth.refusals import Guard, Guarded, UnavailableError, from_own_page, with_query

if TYPE_CHECKING:
    from volcengine_mcp.signin.oauth.proxy import Proxy
    from volcengine_mcp.signin.oauth.storage import Storage

__all__ = ["Gate", "Person", "UnavailableError", "gate", "person", "visitor"]

_SHORTEST_SECRET = 32  # characters; whoever has a token or the storage can try secrets at leisure


@dataclass(frozen=True)
class Gate:
    """What an HTTP application needs to let in people whom the provider and the lists know.

    Args:
        routes: discovery, registration, sign-in and tokens; to be put before the application's own.
        verifier: for `MCPServer(token_verifier=…)`. Raises `UnavailableError` rather than call a token wrong that it
            cannot check.
        auth: for `MCPServer(auth=…)`.
        middleware: to be put right outside the authentication; answers 503 while a token cannot be checked.
        ready: whether the storage answers.
        close: ends the connections to the storage and the provider.
    """

    routes: Sequence[BaseRoute]
    verifier: TokenVerifier
    auth: AuthSettings
    middleware: Middleware
    ready: Callable[[], Awaitable[bool]]
    close: Callable[[], Awaitable[None]]


def person(token: AccessToken) -> Person:
    """Whose token it is and what they may use; `token` is what the gate's verifier made of a request."""
    claims = token.claims or {}
    return Person(claims["login"], claims["read_only"], claims["iss"], token.subject or "")


def visitor() -> Visitor:
    """Who makes the call being served."""
    token = get_access_token()
    if token is None:
        return Visitor("unknown", read_only=True)
    somebody = person(token)
    return Visitor(somebody.login, somebody.read_only)


def gate(settings: Settings, *, clock: Callable[[], float] = monotonic) -> Gate:
    """The door that the settings describe. `clock` gives seconds, for how long the provider's answers are believed.

    Raises:
        ConfigurationError: the extra is not installed, or a setting cannot work.
    """
    try:
        import httpx2

        from volcengine_mcp.signin.oauth.proxy import Proxy
        from volcengine_mcp.signin.oauth.registrations import LOOPBACK, Registrations, check_redirect_pattern
    except ModuleNotFoundError as error:
        raise ConfigurationError(_needs_extra(settings.service_code)) from error
    oauth = settings.oauth
    for pattern in oauth.allowed_redirect_uris:
        if not check_redirect_pattern(pattern):
            raise ConfigurationError(
                f"oauth.allowed_redirect_uris has {pattern}, but each must name a scheme and a host, "
                "such as https://app.example.com/callback or cursor://anysphere.cursor-retrieval/*."
            )
    if not oauth.client_secret:
        raise ConfigurationError("oauth.client_secret is missing.")
    if oauth.secret_key and len(oauth.secret_key) < _SHORTEST_SECRET:
        raise ConfigurationError(
            f"oauth.secret_key has fewer than {_SHORTEST_SECRET} characters; `openssl rand -hex 32` makes a good one."
        )
    key = _keys(oauth.secret_key or oauth.client_secret, settings.public_url)
    storage = _storage(oauth.storage, urlsafe_b64encode(key("storage")))
    http = httpx2.AsyncClient(
        timeout=httpx2.Timeout(10.0, connect=5.0),
        # The pool is shared by everybody who signs in: nobody's cookie may go along with another's code.
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
    )
    people = People(oauth, http, clock)
    _silence()
    proxy = Proxy(
        oauth,
        base_url=settings.public_url,
        signing_key=key("tokens"),
        registrations=Registrations(urlsafe_b64encode(key("registrations")), [*LOOPBACK, *oauth.allowed_redirect_uris]),
        storage=storage,
        people=people,
        http=http,
    )

    async def ready() -> bool:
        try:
            await storage.vault.get("ready")
        except UnavailableError:
            return False
        return True

    async def close() -> None:
        await http.aclose()
        await storage.close()

    base = AnyHttpUrl(settings.public_url)
    auth = AuthSettings(issuer_url=base, resource_server_url=base, validate_token_resource=False)
    return Gate(_routes(proxy, settings), proxy, auth, Middleware(Guard), ready, close)


def _keys(secret: str, base_url: str) -> Callable[[str], bytes]:
    """Derives the key for a purpose, of this server only, by HKDF (RFC 5869): the same on all its replicas."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    def key(purpose: str) -> bytes:
        info = f"volcengine-mcp oauth {purpose}".encode()
        return HKDF(algorithm=SHA256(), length=32, salt=base_url.encode(), info=info).derive(secret.encode())

    return key


def _storage(address: str, key: bytes) -> Storage:
    from volcengine_mcp.signin.oauth.storage import open_storage

    try:
        return open_storage(address, key)
    except OSError as error:
        raise ConfigurationError(
            f"The directory of oauth.storage cannot be used ({error.strerror}); it must be one that this process may "
            "create and write to."
        ) from error
    except ValueError as error:
        raise ConfigurationError(
            "oauth.storage is not an address of Redis; it looks like redis://user:password@host:6379/0."
        ) from error


def _silence() -> None:
    """Keep fastmcp's loggers for sign-ins quiet: they write codes and states. What matters is logged here."""
    logging.getLogger("fastmcp.server.auth").setLevel(logging.CRITICAL + 1)


def _needs_extra(service_code: str) -> str:
    name = f"mcp-server-{service_code.replace('_', '-') or '<name>'}"
    source = "git+https://github.com/volcengine/mcp-server#subdirectory=server/" + name.replace("-", "_")
    return f'auth oauth needs the extra "oauth", which is not installed: uvx --from "{name}[oauth] @ {source}" {name}'


_CALLBACK_PARAMETERS = {
    "state": re.compile(r"[A-Za-z0-9_-]{1,128}"),
    "code": re.compile(r"[\x21-\x7e]{1,4096}"),
    "error": re.compile(r"[a-z_]{1,64}"),
}


def _well_formed(scope: Scope) -> Scope:
    """The callback without whatever no provider sends, such as a text that the page would show as ours."""
    given = parse_qsl(scope["query_string"].decode("ascii", "replace"))
    names = [name for name, _ in given]
    kept = {
        name: value
        for name, value in given
        if name in _CALLBACK_PARAMETERS and names.count(name) == 1 and _CALLBACK_PARAMETERS[name].fullmatch(value)
    }
    return with_query(scope, kept)


def _denied(scope: Scope) -> Scope:
    """The callback as if the provider had said that the person may not enter, so that the client hears of it."""
    state = dict(parse_qsl(scope["query_string"].decode("ascii"))).get("state", "")
    return with_query(scope, {"error": "access_denied", "state": state})


def _routes(proxy: Proxy, settings: Settings) -> list[BaseRoute]:
    """The proxy's routes, guarded; discovery also where RFC 8414 puts it for an address with a path."""
    from volcengine_mcp.signin.oauth.proxy import CALLBACK

    try:
        found = proxy.get_routes(None)
        found += [route for route in proxy.get_well_known_routes(None) if route.path not in {r.path for r in found}]
    except ValueError as error:
        raise ConfigurationError(
            f"base_url is {settings.base_url}, but with auth oauth it must begin with https:// unless it is loopback."
        ) from error
    parts = urlsplit(str(AnyHttpUrl(settings.public_url)))  # as a browser writes it: no default port, lower case
    origin = f"{parts.scheme}://{parts.netloc}"

    def for_clients(app: ASGIApp) -> Guarded:
        return Guarded(app, page=False)

    guarded: dict[str, Callable[[ASGIApp], Guarded]] = {
        "/authorize": lambda app: Guarded(app, page=True),
        "/consent": lambda app: Guarded(_Named(app, settings), page=True, prepare=from_own_page(origin)),
        CALLBACK: lambda app: Guarded(app, page=True, prepare=_well_formed, denied=_denied),
    }
    return [
        Route(
            route.path,
            guarded.get(route.path, for_clients)(route.app),
            methods=sorted(route.methods or ()),
        )
        for route in found
    ]


class _Named:
    """The consent page, which calls the server by its name; fastmcp takes that from the server in the app's state."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        from fastmcp.server.server import FastMCP
        from mcp_types import Icon
        from starlette.applications import Starlette

        self._app = app
        self._stand_in = Starlette()
        name = f"Volcengine {settings.service_code.replace('_', ' ').title()}".strip()
        self._stand_in.state.fastmcp_server = FastMCP(name, icons=[Icon(src=_ICON)])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app({**scope, "app": self._stand_in}, receive, send)


_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'%3E"
    "%3Cpath d='M12 2 4 5v6c0 5 3.4 9.4 8 11 4.6-1.6 8-6 8-11V5z' fill='%231664ff'/%3E%3C/svg%3E"
)
