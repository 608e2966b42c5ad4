"""What must not get through the OAuth door."""

from __future__ import annotations

import base64
import json
import logging
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from fastmcp.server.auth.oauth_proxy import OAuthProxy
from joserfc import jwk, jwt
from security.oauth_door import REDIRECT, Browser, Client, Door, door, query
from support.providers import GitHub, free_socket

LISTED = ("https://app.example.com/oauth/*", "https://*.tools.example.com/callback", "cursor://anysphere.mcp/*")


@pytest.fixture(scope="module")
def lookalike() -> Iterator[tuple[GitHub, str]]:
    provider = GitHub()
    with provider.served() as url:
        yield provider, url


@pytest.fixture(scope="module")
def opened(lookalike: tuple[GitHub, str]) -> Iterator[Door]:
    with door(*lookalike, allowed_redirect_uris=LISTED) as running:
        yield running


@pytest.fixture
def client(opened: Door) -> Client:
    registered = Client(opened)
    assert registered.register().status_code == 201
    return registered


@pytest.mark.parametrize(
    "address",
    [
        "http://localhost:1234/callback",
        "http://127.0.0.1:80/",
        "http://127.0.0.1/callback",
        "http://[::1]:5000/cb?tenant=1",
        "HTTP://LOCALHOST:1234/Callback",
        "https://app.example.com/oauth/callback",
        "https://a.b.tools.example.com/callback",
        "cursor://anysphere.mcp/oauth/callback",
    ],
)
def test_allowed_redirect_addresses(opened: Door, address: str) -> None:
    assert Client(opened).register(redirect_uris=[address]).status_code == 201


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/callback",
        "http://evil.example:1234/callback",
        "http://localhost:1@evil.example/",
        "http://localhost:1234@evil.example:80/callback",
        "http://localhost%40evil.example/",
        "http://localhost.evil.example:1234/",
        "http://localhost@evil.example/",
        "http://user@localhost:1234/callback",
        "http://evil.example#@localhost:1234/",
        "http://evil.example\\@localhost:1234/",
        "http://evil.example?.localhost:1234/",
        "http://127.0.0.1.evil.example/",
        "http://127.0.0.2:1234/callback",
        "http://[::ffff:127.0.0.1]:1/",
        "http://localhost./",
        "http://ｌocalhost.evil.example/",
        "https://localhost:1234/callback",
        "http://localhost:1234/callback#fragment",
        "http://localhost:1234/callback?code=mine",
        "http://localhost:1234/callback?x=1&state=mine",
        "http://localhost:1234/../callback",
        "http://localhost:1234/a/%2e%2e/b",
        "https://app.example.com/oauth/../steal",
        "https://app.example.com/oauth/%2e%2e/steal",
        "https://app.example.com/oauth/%2E%2E%2Fsteal",
        "https://app.example.com/steal",
        "https://app.example.com:8443/oauth/callback",
        "https://app.example.com.evil.example/oauth/callback",
        "https://tools.example.com/callback",
        "https://eviltools.example.com/callback",
        "http://a.tools.example.com/callback",
        "cursor://anysphere.mcp.evil/oauth/callback",
        "vscode://anysphere.mcp/oauth/callback",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "//evil.example/callback",
        "http://localhost:1234\r\nLocation: https://evil.example/",
        "",
    ],
)
def test_evil_redirect_addresses_cannot_be_registered(opened: Door, address: str) -> None:
    response = Client(opened).register(redirect_uris=[address])
    if response.status_code == 201:  # a parser may have made something harmless of it
        kept = response.json()["redirect_uris"][0]
        assert re.fullmatch(r"http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?/[A-Za-z0-9:%/._-]*", kept), kept
        assert ".." not in kept
        assert "%2" not in kept.lower() or "evil" not in kept
    else:
        assert response.status_code == 400
        assert response.json()["error"] in ("invalid_redirect_uri", "invalid_client_metadata")


def test_one_evil_address_among_good_ones_is_refused(opened: Door) -> None:
    assert Client(opened).register(redirect_uris=[REDIRECT, "https://evil.example/"]).status_code == 400


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/callback",
        "https://app.example.com/oauth/callback",  # allowed by the administrator, but not this client's
        "http://127.0.0.1:33418/other",
        "http://127.0.0.1:33418/callback?more=1",
        "http://127.0.0.1:33418/callback#fragment",
        "http://localhost:33418/callback",
        "http://127.0.0.1:33418@evil.example/callback",
    ],
)
def test_an_unregistered_redirect_address_is_refused_without_a_redirect(client: Client, address: str) -> None:
    response = Browser(client.door).get(client.authorize_url(redirect_uri=address))
    assert response.status_code == 400
    assert "location" not in response.headers


def test_another_loopback_port_is_allowed(client: Client) -> None:
    """RFC 8252 section 7.3: a client on a person's machine takes the port that is free."""
    client.redirect = REDIRECT.replace("33418", "40000")
    assert client.tokens()["access_token"]


@pytest.mark.parametrize("forge", ["unknown", "altered", "upstream", "empty", "other_server"])
def test_a_client_that_this_server_did_not_register_is_unknown(client: Client, forge: str) -> None:
    forged = {
        "unknown": "0b7d6a2c-6b1e-4bb1-9c0e-6a3f2f5a1d11",
        "altered": client.client_id[:-8] + "AAAAAAAA",
        "upstream": GitHub.client_id,
        "empty": "",
        "other_server": "",
    }[forge]
    if forge == "other_server":
        with door(client.door.provider, client.door.provider_url) as other:
            elsewhere = Client(other)
            elsewhere.register()
            forged = elsewhere.client_id
    response = Browser(client.door).get(client.authorize_url(client_id=forged))
    assert response.status_code == 400
    assert client.exchange("code", client_id=forged).status_code == 401


def test_a_flood_of_registrations_leaves_nothing_behind(lookalike: tuple[GitHub, str], tmp_path: Any) -> None:
    with door(*lookalike, storage=f"file:{tmp_path}") as running:
        established = Client(running)
        established.register()
        for number in range(200):
            assert Client(running).register(client_name=f"flood {number}").status_code == 201
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
        assert established.tokens()["access_token"]


@pytest.mark.parametrize(
    "body",
    [
        {"redirect_uris": [f"{REDIRECT}/{number}" for number in range(100)]},
        {"redirect_uris": [f"{REDIRECT}/{'a' * 3000}"]},
        {"client_name": "a" * 20_000},
        {"redirect_uris": []},
        {"redirect_uris": None},
    ],
)
def test_a_registration_is_small(opened: Door, body: dict[str, Any]) -> None:
    response = Client(opened).register(**body)
    assert response.status_code in (400, 413)
    assert "client_id" not in response.text


def test_a_client_cannot_write_its_name_all_over_the_consent_page(opened: Door) -> None:
    evil = Client(opened)
    evil.register(client_name="<script>alert(1)</script>\u202eevil\n" + "x" * 500)
    browser = Browser(opened)
    page = browser.get(browser.get(evil.authorize_url()).headers["location"])
    assert "<script" not in page.text
    assert "\u202e" not in page.text
    assert "x" * 100 not in page.text
    assert "&lt;script&gt;" in page.text


def test_pages_cannot_be_framed_cached_or_leaked_by_their_address(client: Client) -> None:
    browser = Browser(client.door)
    page = browser.get(browser.get(client.authorize_url()).headers["location"])
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "same-origin"
    assert "https://gofastmcp.com/logo" not in page.text
    assert 'src="http' not in page.text
    assert "Volcengine Cloud Trail" in page.text


@pytest.mark.parametrize("path", ["/token", "/register", "/.well-known/oauth-authorization-server"])
def test_other_origins_get_no_leave_from_the_oauth_routes(opened: Door, path: str) -> None:
    response = Client(opened).http.request("OPTIONS", path, headers={"origin": "https://evil.example"})
    assert not [name for name in response.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": ""},
        {"response_type": "token"},
        {"resource": "https://other.example/mcp"},
    ],
)
def test_authorize_refuses(client: Client, changes: dict[str, str | None]) -> None:
    response = Browser(client.door).get(client.authorize_url(**changes))
    assert response.status_code == 302
    back = query(response.headers["location"])
    assert response.headers["location"].startswith(REDIRECT)
    assert back["error"] in ("invalid_request", "unsupported_response_type", "invalid_target")
    assert back["state"] == client.state


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "wrong" * 10},
        {"code_verifier": ""},
        {"redirect_uri": "http://127.0.0.1:33418/other"},
        {"redirect_uri": ""},
        {"code": "forged"},
        {"client_id": "forged"},
        {"grant_type": "client_credentials"},
        {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": "x"},
    ],
)
def test_token_refuses_and_the_code_is_not_spent(client: Client, changes: dict[str, str]) -> None:
    code = client.code()
    response = client.exchange(code, **changes)
    assert response.status_code in (400, 401)
    assert "access_token" not in response.text
    assert client.exchange(code).status_code == 200


def test_a_code_of_another_client_is_refused(client: Client) -> None:
    code = client.code()
    thief = Client(client.door)
    thief.register()
    assert thief.exchange(code, code_verifier=client.verifier).status_code == 401


def test_a_code_works_once(client: Client) -> None:
    code = client.code()
    assert client.exchange(code).status_code == 200
    assert client.exchange(code).status_code == 401


def test_of_twenty_concurrent_exchanges_one_wins(client: Client) -> None:
    code = client.code()
    with ThreadPoolExecutor(20) as pool:
        statuses = [response.status_code for response in pool.map(client.exchange, [code] * 20)]
    assert sorted(statuses) == [200, *[401] * 19]


@pytest.mark.parametrize("state", ["forged", "", None, "a" * 5000, "%0d%0aInjected: yes", "../../etc/passwd"])
def test_a_callback_with_a_forged_state_is_refused(client: Client, state: str | None) -> None:
    browser = Browser(client.door)
    code = query(browser.to_callback(client.authorize_url()))["code"]
    parameters = {"code": code} | ({} if state is None else {"state": state})
    response = browser.get(f"{client.door.url}/auth/oauth/callback?{urlencode(parameters)}")
    assert response.status_code == 400
    assert "location" not in response.headers


def test_a_callback_works_once(client: Client) -> None:
    browser = Browser(client.door)
    callback = browser.to_callback(client.authorize_url())
    assert browser.get(callback).status_code == 302
    assert browser.get(callback).status_code == 400


def test_a_callback_in_another_browser_is_refused(client: Client) -> None:
    """Confused deputy: somebody starts a sign-in and has a victim finish it."""
    callback = Browser(client.door).to_callback(client.authorize_url())
    response = Browser(client.door).get(callback)
    assert response.status_code == 403
    assert "location" not in response.headers


def test_a_code_of_another_sign_in_at_the_provider_is_refused(client: Client) -> None:
    mine, theirs = Browser(client.door), Browser(client.door, "bob")
    callback = mine.to_callback(client.authorize_url())
    code = query(theirs.to_callback(client.authorize_url()))["code"]
    injected = callback.replace(query(callback)["code"], code)
    response = mine.get(injected)
    assert response.status_code == 400
    assert response.text.startswith("The provider did not confirm the sign-in")
    assert "secret-upstream-text" not in response.text


def test_doubled_parameters_of_a_callback_are_refused(client: Client) -> None:
    browser = Browser(client.door)
    callback = browser.to_callback(client.authorize_url())
    assert browser.get(f"{callback}&code=other").status_code == 400


def test_the_callback_shows_no_text_of_strangers(opened: Door) -> None:
    words = {"error": "access_denied", "error_description": "Call +1 555 0100 to unlock", "state": "x"}
    response = Browser(opened).get(f"{opened.url}/auth/oauth/callback?{urlencode(words)}")
    assert response.status_code == 400
    assert "555" not in response.text


def test_a_person_can_say_no(client: Client) -> None:
    browser = Browser(client.door)
    page = browser.get(browser.get(client.authorize_url()).headers["location"])
    back = query(browser.consent(page, "deny").headers["location"])
    assert (back["error"], back["state"]) == ("access_denied", client.state)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_consent_from_another_site_is_refused(client: Client, headers: dict[str, str]) -> None:
    browser = Browser(client.door)
    page = browser.get(browser.get(client.authorize_url()).headers["location"])
    response = browser.consent(page, **headers)
    assert response.status_code == 403
    assert browser.consent(page).status_code == 302, "the person's own press of the button still counts"


def test_consent_with_the_token_of_another_browser_is_refused(client: Client) -> None:
    attacker, victim = Browser(client.door), Browser(client.door)
    page = attacker.get(attacker.get(client.authorize_url()).headers["location"])
    assert victim.consent(page).status_code == 403


def test_consent_cannot_be_skipped(client: Client) -> None:
    browser = Browser(client.door)
    to_consent = browser.get(client.authorize_url()).headers["location"]
    state = query(to_consent)["txn_id"]
    callback = f"{client.door.url}/auth/oauth/callback?{urlencode({'code': 'any', 'state': state})}"
    assert browser.get(callback).status_code == 403


def test_a_token_of_the_provider_is_not_a_token_of_ours(client: Client) -> None:
    client.tokens()
    upstream = next(iter(client.door.provider.tokens))
    assert client.call(upstream).status_code == 401


def _claims(door: Door, **changes: object) -> dict[str, object]:
    now = int(time.time())
    claims = {"iss": f"{door.url}/", "aud": f"{door.url}/", "client_id": "x", "scope": "", "jti": "x"}
    return claims | {"exp": now + 3600, "iat": now} | changes


@pytest.mark.parametrize("key", ["", "0" * 32, GitHub.client_secret])
@pytest.mark.parametrize("algorithm", ["HS256", "none"])
def test_a_token_signed_by_somebody_else_is_refused(opened: Door, key: str, algorithm: str) -> None:
    claims = _claims(opened)
    if algorithm == "none":
        header = {"alg": "none", "typ": "JWT"}
        token = f"{_b64(json.dumps(header))}.{_b64(json.dumps(claims))}."
    else:
        token = jwt.encode({"alg": "HS256"}, claims, jwk.import_key(key or "a" * 32, "oct"), algorithms=["HS256"])
    assert Client(opened).call(token).status_code == 401


def _b64(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _issued(door: Door, token: str, **changes: Any) -> str:
    """A token like another, signed by the server itself, but with other claims."""
    assert isinstance(door.gate.verifier, OAuthProxy)
    issuer = door.gate.verifier.jwt_issuer
    claims = issuer.verify_token(token)
    key = jwk.import_key(issuer._signing_key, "oct")
    return jwt.encode({"alg": "HS256"}, claims | changes, key, algorithms=["HS256"])


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://other.example/"},
        {"iss": "https://other.example/"},
        {"exp": 1},
        {"jti": "never-issued"},
        {"token_use": "refresh"},
        {"fastmcp_grant": "id_jag", "sub": "583231"},
    ],
)
def test_a_token_for_something_else_is_refused(client: Client, changes: dict[str, Any]) -> None:
    token = client.tokens()["access_token"]
    assert client.call(_issued(client.door, token)).status_code == 200
    assert client.call(_issued(client.door, token, **changes)).status_code == 401


def test_a_token_of_another_server_with_the_same_secrets_is_refused(lookalike: tuple[GitHub, str]) -> None:
    bound = free_socket()
    with door(*lookalike) as one, door(*lookalike, bound=bound) as other:
        token = Client(one).tokens()["access_token"]
        assert Client(one).call(token).status_code == 200
        assert Client(other).call(token).status_code == 401


@pytest.mark.parametrize("token", ["x", "a.b.c", "a" * 20_000, "\u00fc", "null", "ey.ey.ey"])
def test_garbage_is_refused_with_a_constant_text(opened: Door, token: str) -> None:
    response = Client(opened).http.post("/mcp", headers=[(b"authorization", f"Bearer {token}".encode())], json={})
    assert response.status_code == 401
    assert response.json() == {"error": "invalid_token", "error_description": "Authentication required"}


def test_long_requests_are_refused(client: Client) -> None:
    assert Browser(client.door).get(client.authorize_url(state="s" * 9000)).status_code == 413
    assert client.exchange("c" * 9000).status_code == 413


def test_nothing_secret_is_logged(lookalike: tuple[GitHub, str], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    fastmcp = logging.getLogger("fastmcp")
    fastmcp.addHandler(caplog.handler)
    fastmcp.setLevel(logging.DEBUG)
    lookalike[0].expires_in = 3600
    try:
        with door(*lookalike) as running:
            client = Client(running)
            client.register()
            browser = Browser(running)
            callback = browser.to_callback(client.authorize_url())
            code = query(browser.get(callback).headers["location"])["code"]
            client.exchange(code, code_verifier="wrong")
            tokens = client.exchange(code).json()
            client.exchange(code)
            client.call(tokens["access_token"])
            client.call(tokens["access_token"] + "x")
            renewed = client.refresh(tokens["refresh_token"]).json()
            client.refresh(tokens["refresh_token"])
            browser.get(callback)
            Browser(running, "mallory").sign_in(client.authorize_url())
    finally:
        lookalike[0].expires_in = None
        fastmcp.removeHandler(caplog.handler)
        fastmcp.setLevel(logging.NOTSET)
    secrets = [GitHub.client_secret, code, *query(callback).values(), client.verifier, client.state]
    secrets += [*tokens.values(), *renewed.values(), *lookalike[0].tokens, *lookalike[0].refresh_tokens]
    own = "\n".join(
        record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))
    )
    assert "mallory is on none of the lists" in own
    leaked = [secret for secret in secrets if isinstance(secret, str) and len(secret) > 8 and quote(secret) in own]
    assert leaked == []
    everybody = "\n".join(record.getMessage() for record in caplog.records)  # the HTTP client too
    unspeakable = [GitHub.client_secret, tokens["access_token"], *lookalike[0].tokens, *lookalike[0].refresh_tokens]
    assert [secret for secret in unspeakable if secret in everybody] == []
