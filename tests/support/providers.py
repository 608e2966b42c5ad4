"""A small look-alike of GitHub's OAuth, with opaque tokens, served over real HTTP on a port of its own."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread
from urllib.parse import unquote, urlencode

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

STOP_WITHIN = 5.0  # seconds


def free_socket() -> socket.socket:
    """A socket bound to a free port of 127.0.0.1."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", 0))
    return bound


@contextmanager
def serving(
    app: ASGIApp, bound: socket.socket, *, lifespan: str = "auto", http: type[asyncio.Protocol] | None = None
) -> Iterator[str]:
    """The address at which a thread serves the application until the block ends."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        http=http or "auto",
        lifespan="on" if lifespan == "on" else "off",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    started = Event()
    startup = server.startup

    async def startup_and_tell(sockets: list[socket.socket] | None = None) -> None:
        await startup(sockets)
        started.set()

    server.startup = startup_and_tell  # type: ignore[method-assign]
    thread = Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    assert started.wait(STOP_WITHIN), "the server did not start"
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(STOP_WITHIN)
        assert not thread.is_alive(), "the server did not stop"


@dataclass
class Account:
    """Somebody at the provider."""

    id: int
    login: str
    organizations: list[str] = field(default_factory=list)
    facts: dict[str, object] = field(default_factory=dict)


class GitHub:
    """GitHub as far as this door needs it: authorize, access_token, user, user/orgs.

    `login` in the authorize address says who signs in, as a person's browser session would.
    """

    client_id = "Iv1.lookalike"
    client_secret = "lookalike-client-secret-0123456789abcdef"

    def __init__(self) -> None:
        self.accounts = {
            account.login.lower(): account
            for account in (
                Account(583231, "Octocat", ["github"]),
                Account(1, "alice", [f"org-{n}" for n in range(150)] + ["Volcengine"]),
                Account(2, "bob"),
                Account(3, "reader"),
                Account(4, "mallory", ["volcengine-fans"]),
                Account(5, "other"),
            )
        }
        self.tokens: dict[str, str] = {}
        self.refresh_tokens: dict[str, str] = {}
        self.asked: Counter[str] = Counter()
        self.cookies_seen: list[str] = []
        self.down: set[str] = set()
        self.expires_in: int | None = None
        self.last_authorize: dict[str, str] = {}
        self._codes: dict[str, tuple[str, str, str | None]] = {}
        self.app = Starlette(
            routes=[
                Route("/login/oauth/authorize", self._authorize),
                Route("/login/oauth/access_token", self._access_token, methods=["POST"]),
                Route("/user", self._user),
                Route("/user/orgs", self._organizations),
            ]
        )

    @contextmanager
    def served(self) -> Iterator[str]:
        """The provider's address while it is served."""
        with serving(self.app, free_socket()) as url:
            yield url

    def revoke_all(self) -> None:
        """Every token stops working."""
        self.tokens.clear()
        self.refresh_tokens.clear()

    async def _authorize(self, request: Request) -> Response:
        query = dict(request.query_params)
        self.last_authorize = query
        if query["client_id"] != self.client_id:
            return PlainTextResponse("unknown client", 404)
        code = secrets.token_hex(10)
        login = query.get("login", "octocat").lower()
        self._codes[code] = (login, query["redirect_uri"], query.get("code_challenge"))
        back = urlencode({"code": code, "state": query["state"]})
        return RedirectResponse(f"{query['redirect_uri']}?{back}", 302)

    async def _access_token(self, request: Request) -> Response:
        """Errors come with status 200, as GitHub's do."""
        self._seen(request)
        if "access_token" in self.down:
            return PlainTextResponse("Unicorn!", 503)
        form = await request.form()
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        assert scheme == "Basic"
        client = [unquote(part) for part in base64.b64decode(credentials).decode().split(":")]
        if client != [self.client_id, self.client_secret]:
            return JSONResponse({"error": "incorrect_client_credentials"})
        if form["grant_type"] == "refresh_token":
            owner = self.refresh_tokens.pop(str(form["refresh_token"]), None)
            return self._issue(owner) if owner else JSONResponse({"error": "bad_refresh_token"})
        login, redirect_uri, challenge = self._codes.pop(str(form["code"]), ("", "", None))
        verifier = str(form.get("code_verifier", ""))
        computed = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        if not login or redirect_uri != form["redirect_uri"] or (challenge and challenge != computed):
            return JSONResponse({"error": "bad_verification_code", "error_description": "secret-upstream-text"})
        return self._issue(login)

    def _issue(self, login: str) -> Response:
        token = "gho_" + secrets.token_urlsafe(27)
        self.tokens[token] = login
        answer: dict[str, object] = {"access_token": token, "token_type": "bearer", "scope": "read:org,read:user"}
        if self.expires_in is not None:
            refresh = "ghr_" + secrets.token_urlsafe(27)
            self.refresh_tokens[refresh] = login
            answer |= {"expires_in": self.expires_in, "refresh_token": refresh, "refresh_token_expires_in": 15811200}
        response = JSONResponse(answer)
        response.set_cookie("_gh_sess", f"session-of-{login}")
        return response

    def _owner(self, request: Request) -> Account | Response:
        self._seen(request)
        if "user" in self.down:
            return PlainTextResponse("Unicorn!", 503)
        login = self.tokens.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        return self.accounts[login] if login else JSONResponse({"message": "Bad credentials"}, 401)

    async def _user(self, request: Request) -> Response:
        owner = self._owner(request)
        if isinstance(owner, Response):
            return owner
        return JSONResponse({"id": owner.id, "login": owner.login, "email": None} | owner.facts)

    async def _organizations(self, request: Request) -> Response:
        owner = self._owner(request)
        if isinstance(owner, Response):
            return owner
        size, page = int(request.query_params.get("per_page", 30)), int(request.query_params.get("page", 1))
        names = owner.organizations[(page - 1) * size : page * size]
        response = JSONResponse([{"login": name, "id": index} for index, name in enumerate(names)])
        if page * size < len(owner.organizations):
            following = request.url.include_query_params(page=page + 1)
            response.headers["link"] = f'<{following}>; rel="next", <{following}>; rel="last"'
        return response

    def _seen(self, request: Request) -> None:
        self.asked[request.url.path] += 1
        self.cookies_seen += request.cookies.values()
