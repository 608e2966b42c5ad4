"""The OAuth door before a provider that somebody else wrote: `oauth2-mock-server` from npm."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from security.oauth_door import Browser, Client, door
from support.oauth2_mock_server import oauth2_mock_server
from support.providers import GitHub


@pytest.fixture(scope="module")
def addresses() -> Iterator[dict[str, Any]]:
    """OAuth settings, from the provider's own discovery document."""
    with oauth2_mock_server() as issuer:
        found = httpx2.get(f"{issuer}/.well-known/openid-configuration").json()
        yield {
            "authorize_url": found["authorization_endpoint"],
            "token_url": found["token_endpoint"],
            "userinfo_url": found["userinfo_endpoint"],
            "organizations_url": "",
            "allowed_organizations": (),
            "scope": ("openid", "email"),
        }


@pytest.mark.parametrize(
    ("lists", "known_as"),
    [
        ({"allowed_users": ("johndoe",)}, ["johndoe", False]),
        ({"allowed_users": ("*",), "read_only_users": ("johndoe",)}, ["johndoe", True]),
        ({"allowed_users": ("somebody-else",)}, None),
    ],
)
def test_a_person_of_that_provider(addresses: dict[str, Any], lists: dict[str, Any], known_as: list[Any]) -> None:
    with door(GitHub(), "http://127.0.0.1:1", **addresses | lists) as running:
        client = Client(running)
        client.register()
        back = Browser(running).sign_in(client.authorize_url())
        if known_as is None:
            assert back["error"] == "access_denied"
            return
        tokens = client.exchange(back["code"]).json()
        assert client.who(tokens["access_token"])[:2] == known_as
        assert client.who(client.refresh(tokens["refresh_token"]).json()["access_token"])[:2] == known_as
