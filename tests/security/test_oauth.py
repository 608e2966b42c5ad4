"""The OAuth door lets in whom it should, and says what they may do."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from security.oauth_door import Browser, Client, Door, door, oauth_settings
from support.providers import GitHub, free_socket
from volcengine_mcp.errors import ConfigurationError
from volcengine_mcp.settings.model import Settings
from volcengine_mcp.signin.oauth.gate import gate


@pytest.fixture(scope="module")
def lookalike() -> Iterator[tuple[GitHub, str]]:
    provider = GitHub()
    with provider.served() as url:
        yield provider, url


@pytest.fixture(scope="module")
def opened(lookalike: tuple[GitHub, str]) -> Iterator[Door]:
    with door(*lookalike) as running:
        yield running


def test_a_client_discovers_registers_signs_a_person_in_and_calls(opened: Door) -> None:
    client = Client(opened)
    unauthorized = client.call("nothing")
    assert unauthorized.status_code == 401
    about = client.http.get(
        unauthorized.headers["www-authenticate"].split('resource_metadata="')[1].split('"')[0]
    ).json()
    assert about["resource"].rstrip("/") == opened.url
    server = client.http.get(about["authorization_servers"][0].rstrip("/") + "/.well-known/oauth-authorization-server")
    metadata = server.json()
    assert metadata["authorization_endpoint"] == f"{opened.url}/authorize"
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    answer = client.tokens()
    assert answer["expires_in"] == 8 * 3600
    assert client.who(answer["access_token"])[:3] == ["Octocat", False, "583231"]
    assert opened.provider.last_authorize["scope"] == "read:user read:org"
    assert opened.provider.last_authorize["redirect_uri"] == f"{opened.url}/auth/oauth/callback"


@pytest.mark.parametrize(
    ("login", "known_as"),
    [
        ("octocat", ["Octocat", False]),  # listed in another case than GitHub writes it
        ("bob", ["bob", False]),
        ("alice", ["alice", False]),  # by an organization on the second page
        ("reader", ["reader", True]),
    ],
)
def test_people_on_a_list_get_their_role(opened: Door, login: str, known_as: list[object]) -> None:
    client = Client(opened)
    assert client.who(client.tokens(login)["access_token"])[:2] == known_as


def test_the_read_only_list_wins(lookalike: tuple[GitHub, str]) -> None:
    with door(*lookalike, allowed_users=("*",), read_only_users=("OCTOCAT",)) as running:
        client = Client(running)
        assert client.who(client.tokens("octocat")["access_token"])[:2] == ["Octocat", True]
        other = Client(running)
        assert other.who(other.tokens("mallory")["access_token"])[:2] == ["mallory", False]


def test_a_person_on_no_list_is_sent_back_without_a_code(opened: Door) -> None:
    client = Client(opened)
    client.register()
    back = Browser(opened, "mallory").sign_in(client.authorize_url())
    assert back["error"] == "access_denied"
    assert back["state"] == client.state
    assert "code" not in back


@pytest.mark.parametrize(
    ("facts", "changes", "enters"),
    [
        ({"sub": "u-1"}, {"allowed_users": ("u-1",)}, True),
        ({"sub": "U-1"}, {"allowed_users": ("u-1",)}, False),  # exact, when the provider is not GitHub
        ({"sub": "u-1", "email": "a@x.org", "email_verified": True}, {"user_claim": "email"}, True),
        ({"sub": "u-1", "email": "a@x.org", "email_verified": False}, {"user_claim": "email"}, False),
        ({"sub": "u-1", "email": "a@x.org"}, {"user_claim": "email"}, False),
        ({"sub": "u-1", "email": "a@x.org", "email_verified": "false"}, {"user_claim": "email"}, False),
        ({"sub": "u-1", "groups": ["ops", "dev"]}, {"allowed_organizations": ("dev",)}, True),
        ({"sub": "u-1", "groups": [{"name": "dev"}]}, {"allowed_organizations": ("dev",)}, True),
        ({"sub": "u-1", "groups": ["Dev"]}, {"allowed_organizations": ("dev",)}, False),
        ({"sub": "u-1", "roles": ["dev"]}, {"allowed_organizations": ("dev",), "organizations_claim": "roles"}, True),
        ({"sub": "u-1", "groups": "developers"}, {"allowed_organizations": ("dev",)}, False),
        ({"sub": ""}, {"allowed_users": ("*",)}, False),
        ({"sub": ["*"]}, {"allowed_users": ("*",)}, False),
    ],
)
def test_who_enters_through_another_provider(
    lookalike: tuple[GitHub, str], facts: dict[str, Any], changes: dict[str, Any], enters: bool
) -> None:
    provider, url = lookalike
    provider.accounts["other"].facts = facts
    lists: dict[str, Any] = {
        "allowed_users": ("a@x.org",),
        "allowed_organizations": (),
        "read_only_users": (),
        "organizations_url": "",
    }
    elsewhere = {"authorize_url": f"{url}/login/oauth/authorize?login=other"}
    with door(provider, url, **lists | elsewhere | changes) as running:
        client = Client(running)
        client.register()
        back = Browser(running).sign_in(client.authorize_url())
        assert ("code" in back) is enters
        if enters:
            assert client.who(client.exchange(back["code"]).json()["access_token"])[2] == "u-1"


def test_a_revoked_token_stops_working_within_a_minute(lookalike: tuple[GitHub, str]) -> None:
    with door(*lookalike) as running:
        client = Client(running)
        token = client.tokens()["access_token"]
        assert client.call(token).status_code == 200
        running.provider.revoke_all()
        running.clock.now += 61
        assert client.call(token).status_code == 401


def test_the_provider_is_asked_once_a_minute(lookalike: tuple[GitHub, str]) -> None:
    with door(*lookalike) as running:
        client = Client(running)
        token = client.tokens()["access_token"]
        running.clock.now += 61
        before = running.provider.asked["/user"]
        with ThreadPoolExecutor(20) as pool:
            assert {response.status_code for response in pool.map(client.call, [token] * 40)} == {200}
        assert running.provider.asked["/user"] == before + 1
        running.clock.now += 61
        client.call(token)
        assert running.provider.asked["/user"] == before + 2


def test_a_provider_that_is_down_is_not_a_wrong_token(lookalike: tuple[GitHub, str]) -> None:
    with door(*lookalike) as running:
        client = Client(running)
        token = client.tokens()["access_token"]
        running.clock.now += 61
        running.provider.down = {"user"}
        try:
            response = client.call(token)
        finally:
            running.provider.down = set()
        assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")
        assert client.call(token).status_code == 200


@pytest.mark.parametrize("part", ["user", "access_token"])
def test_signing_in_while_the_provider_is_down_gives_no_code(lookalike: tuple[GitHub, str], part: str) -> None:
    with door(*lookalike) as running:
        client = Client(running)
        client.register()
        browser = Browser(running)
        callback = browser.to_callback(client.authorize_url())
        running.provider.down = {part}
        try:
            response = browser.get(callback)
        finally:
            running.provider.down = set()
        assert response.status_code == 503
        assert response.text.startswith("The server cannot check who you are")


def test_tokens_are_renewed_and_each_refresh_token_works_once(lookalike: tuple[GitHub, str]) -> None:
    lookalike[0].expires_in = 3600
    try:
        with door(*lookalike) as running:
            client = Client(running)
            first = client.tokens()
            assert first["expires_in"] == 3600
            with ThreadPoolExecutor(10) as pool:
                renewals = list(pool.map(client.refresh, [first["refresh_token"]] * 10))
            won = [renewal.json() for renewal in renewals if renewal.status_code == 200]
            assert len(won) == 1
            assert {renewal.status_code for renewal in renewals} == {200, 401}
            assert client.who(won[0]["access_token"])[0] == "Octocat"
            assert client.refresh(first["refresh_token"]).status_code == 401
            assert client.refresh(won[0]["refresh_token"]).status_code == 200
    finally:
        lookalike[0].expires_in = None


def test_a_refresh_token_survives_that_the_provider_was_down(lookalike: tuple[GitHub, str]) -> None:
    provider = lookalike[0]
    provider.expires_in = 3600
    try:
        with door(*lookalike) as running:
            client = Client(running)
            refresh_token = client.tokens()["refresh_token"]
            provider.down = {"access_token"}
            assert client.refresh(refresh_token).status_code == 503
            provider.down = set()
            assert client.refresh(refresh_token).status_code == 200
    finally:
        provider.expires_in, provider.down = None, set()


def test_nobody_who_left_the_lists_can_renew(lookalike: tuple[GitHub, str], tmp_path: Path) -> None:
    lookalike[0].expires_in = 3600
    bound = free_socket()
    kept: dict[str, Any] = {"storage": f"file:{tmp_path}"}
    try:
        with door(*lookalike, bound=bound.dup(), **kept) as running:
            client = Client(running)
            tokens = client.tokens("bob")
            assert client.call(tokens["access_token"]).status_code == 200
        with door(*lookalike, bound=bound.dup(), **kept) as running:
            assert client.call(tokens["access_token"]).status_code == 200, "a restart alone changes nothing"
        with door(*lookalike, bound=bound.dup(), allowed_users=("octocat",), **kept) as running:
            assert client.call(tokens["access_token"]).status_code == 401
            assert client.refresh(tokens["refresh_token"]).status_code == 401
    finally:
        lookalike[0].expires_in = None
        bound.close()


def test_two_people_with_one_client_do_not_share_a_session(lookalike: tuple[GitHub, str]) -> None:
    with door(*lookalike, stateless=False) as running:
        client = Client(running)
        hers = client.tokens("alice")["access_token"]
        his = client.tokens("bob")["access_token"]
        assert client.who_by_session(hers, opened_by=hers) == 200
        assert client.who_by_session(his, opened_by=hers) == 404


def test_the_provider_gets_no_cookies_of_other_people(opened: Door) -> None:
    for login in ("octocat", "bob"):
        Client(opened).tokens(login)
    assert opened.provider.cookies_seen == []


def test_the_server_learns_no_token(opened: Door) -> None:
    client = Client(opened)
    token = client.tokens()["access_token"]
    said = client.who(token)[3]
    assert said["client_id"] == client.client_id
    assert token not in str(said)
    assert not any(upstream in str(said) for upstream in opened.provider.tokens)


def test_without_the_extra_the_message_says_how_to_install_it() -> None:
    code = (
        "import sys; sys.modules['fastmcp'] = None\n"
        "from volcengine_mcp.signin.oauth.gate import gate\nfrom volcengine_mcp.settings.model import Settings\n"
        "try:\n    gate(Settings(service_code='cloud_trail'))\n"
        "except Exception as error:\n    print(type(error).__name__, error)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True).stdout
    assert said.startswith("ConfigurationError")
    assert "mcp-server-cloud-trail[oauth] @ git+https" in said


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"allowed_redirect_uris": ("*",)}, "scheme and a host"),
        ({"allowed_redirect_uris": ("https://*",)}, "scheme and a host"),
        ({"allowed_redirect_uris": ("https:///callback",)}, "scheme and a host"),
        ({"client_secret": ""}, "client_secret is missing"),
        ({"secret_key": "short"}, "fewer than 32"),
        ({"storage": "redis://host:port/0"}, "not an address of Redis"),
        ({"storage": "file:/dev/null/oauth"}, "cannot be used"),
    ],
)
def test_settings_that_cannot_work_are_refused_at_start(changes: dict[str, Any], says: str) -> None:
    settings = Settings(auth="oauth", oauth=oauth_settings("http://127.0.0.1:1", **changes))
    with pytest.raises(ConfigurationError, match=says):
        gate(settings)


def test_a_plain_address_beyond_loopback_is_refused_at_start() -> None:
    settings = Settings(auth="oauth", base_url="http://mcp.example.com", oauth=oauth_settings("http://127.0.0.1:1"))
    with pytest.raises(ConfigurationError, match="https"):
        gate(settings)
