"""A server behind the OAuth door, and the two who come to it: an MCP client and a person's browser."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
from mcp.server import MCPServer
from mcp.server.auth.middleware.auth_context import get_access_token
from starlette.applications import Starlette
from support.providers import GitHub, free_socket, serving
from volcengine_mcp.settings.model import OAuth, Settings
from volcengine_mcp.signin.oauth.gate import Gate, gate, person

REDIRECT = "http://127.0.0.1:33418/callback"


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Door:
    """A running server: its address, its provider and what it was made from."""

    url: str
    provider: GitHub
    provider_url: str
    gate: Gate
    settings: Settings
    clock: Clock


def oauth_settings(provider_url: str, **changes: Any) -> OAuth:
    """An application at the look-alike; its browser address is GitHub's, which the test's browser looks up."""
    given: dict[str, Any] = {
        "client_id": GitHub.client_id,
        "client_secret": GitHub.client_secret,
        "authorize_url": "https://github.com/login/oauth/authorize",
        "token_url": f"{provider_url}/login/oauth/access_token",
        "userinfo_url": f"{provider_url}/user",
        "organizations_url": f"{provider_url}/user/orgs",
        "scope": ("read:user", "read:org"),
        "allowed_users": ("octocat", "BOB"),
        "allowed_organizations": ("volcengine",),
        "read_only_users": ("reader",),
    }
    return OAuth(**given | changes)


@contextmanager
def door(
    provider: GitHub,
    provider_url: str,
    *,
    bound: socket.socket | None = None,
    base_url: str | None = None,
    stateless: bool = True,
    **changes: Any,
) -> Iterator[Door]:
    """A server behind the door; `changes` are OAuth settings, `base_url` another address that it believes to have."""
    bound = bound or free_socket()
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    settings = Settings(
        transport="sse",
        auth="oauth",
        base_url=base_url or url,
        service_code="cloud_trail",
        oauth=oauth_settings(provider_url, **changes),
    )
    clock = Clock()
    opened = gate(settings, clock=clock)
    server: MCPServer[Any] = MCPServer("behind-the-door", token_verifier=opened.verifier, auth=opened.auth)

    @server.tool()
    def whoami() -> str:
        token = get_access_token()
        assert token is not None
        somebody = person(token)
        return json.dumps([somebody.login, somebody.read_only, somebody.subject, token.model_dump(mode="json")])

    http = server.streamable_http_app(stateless_http=stateless, json_response=True)
    sse = server.sse_app()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with http.router.lifespan_context(http):
            yield
        await opened.close()

    layers = [opened.middleware, *http.user_middleware]
    app = Starlette(routes=[*opened.routes, *http.routes, *sse.routes], middleware=layers, lifespan=lifespan)
    with serving(app, bound, lifespan="on"):
        yield Door(url, provider, provider_url, opened, settings, clock)


class Browser:
    """A person's browser: keeps cookies, follows redirects one at a time."""

    def __init__(self, door: Door, login: str = "octocat") -> None:
        self.door = door
        self.login = login
        self.http = httpx2.Client(headers={"accept": "text/html"}, timeout=10, verify=False)

    def get(self, url: str) -> httpx2.Response:
        """Go to an address; GitHub is where the look-alike is, and somebody is signed in there."""
        github = "https://github.com/"
        if url.startswith(github):
            url = f"{self.door.provider_url}/{url.removeprefix(github)}&login={self.login}"
        return self.http.get(url)

    def consent(self, page: httpx2.Response, action: str = "approve", **headers: str) -> httpx2.Response:
        """Press a button of the consent page, as a browser does."""
        fields = dict(re.findall(r'name="(txn_id|csrf_token)" value="([^"]+)"', page.text))
        origin = {"origin": self.door.url, "sec-fetch-site": "same-origin"}
        return self.http.post(str(page.url), data=fields | {"action": action}, headers=origin | headers)

    def to_callback(self, start: str) -> str:
        """From a client's authorize address through consent and sign-in to the address of the callback."""
        to_consent = self.get(start)
        assert to_consent.status_code == 302, to_consent.text
        page = self.get(to_consent.headers["location"])
        assert page.status_code == 200, page.text
        approved = self.consent(page)
        assert approved.status_code == 302, approved.text
        signed_in = self.get(approved.headers["location"])
        assert signed_in.status_code == 302, signed_in.text
        return str(signed_in.headers["location"])

    def sign_in(self, start: str) -> dict[str, str]:
        """The parameters with which the browser comes back to the client."""
        back = self.get(self.to_callback(start))
        assert back.status_code == 302, back.text
        return query(back.headers["location"])


class Client:
    """An MCP client: registers, sends the person to sign in, exchanges the code, calls a tool."""

    def __init__(self, door: Door, redirect: str = REDIRECT) -> None:
        self.door = door
        self.redirect = redirect
        self.http = httpx2.Client(base_url=door.url, timeout=10, verify=False)
        self.verifier = secrets.token_urlsafe(48)
        self.state = secrets.token_urlsafe(16)
        self.client_id = ""

    def register(self, **changes: Any) -> httpx2.Response:
        """Register; the answer's client ID is used from then on."""
        body = {"client_name": "Test client", "redirect_uris": [self.redirect], "token_endpoint_auth_method": "none"}
        response = self.http.post("/register", json=body | changes)
        if response.status_code == 201:
            self.client_id = response.json()["client_id"]
        return response

    def authorize_url(self, **changes: str | None) -> str:
        """Where the person's browser is sent; None leaves a parameter out."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).decode().rstrip("=")
        parameters: dict[str, str | None] = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect,
            "state": self.state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "resource": self.door.url,
        }
        given = {name: value for name, value in (parameters | changes).items() if value is not None}
        return f"{self.door.url}/authorize?{urlencode(given)}"

    def exchange(self, code: str, /, **changes: str) -> httpx2.Response:
        """Exchange a code."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect,
            "client_id": self.client_id,
            "code_verifier": self.verifier,
        }
        return self.http.post("/token", data=form | changes)

    def refresh(self, refresh_token: str, /, **changes: str) -> httpx2.Response:
        """Renew a token."""
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token, "client_id": self.client_id}
        return self.http.post("/token", data=form | changes)

    def code(self, login: str = "octocat") -> str:
        """A code for a new registration, if there is none yet."""
        if not self.client_id:
            assert self.register().status_code == 201
        back = Browser(self.door, login).sign_in(self.authorize_url())
        assert back["state"] == self.state
        return back["code"]

    def tokens(self, login: str = "octocat") -> dict[str, Any]:
        """Tokens after a whole sign-in."""
        response = self.exchange(self.code(login))
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer

    def call(self, token: str, url: str | None = None) -> httpx2.Response:
        """Call the tool that says who calls."""
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "whoami", "arguments": {}}}
        headers = {
            "authorization": f"Bearer {token}",
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": "2025-06-18",
        }
        return self.http.post(f"{url or self.door.url}/mcp", json=body, headers=headers)

    def who(self, token: str) -> list[Any]:
        """What the tool says: login, whether read-only, subject, the token as the server knows it."""
        response = self.call(token)
        assert response.status_code == 200, response.text
        said: list[Any] = json.loads(response.json()["result"]["content"][0]["text"])
        return said

    def who_by_session(self, token: str, *, opened_by: str) -> int:
        """The status of a call in a session that another token has opened."""
        headers = {"accept": "application/json, text/event-stream"}
        about = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        hello = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": about}
        opened = self.http.post("/mcp", json=hello, headers=headers | {"authorization": f"Bearer {opened_by}"})
        session = {"mcp-session-id": opened.headers["mcp-session-id"], "authorization": f"Bearer {token}"}
        ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        return self.http.post("/mcp", json=ping, headers=headers | session).status_code


def query(url: str) -> dict[str, str]:
    """The parameters of an address."""
    return dict(parse_qsl(urlsplit(url).query))
