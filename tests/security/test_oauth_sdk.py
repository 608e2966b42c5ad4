"""The MCP SDK's own client signs a person in and calls, over both transports, and renews its token by itself."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from mcp import ClientSession
from mcp.client.auth import OAuthClientProvider, TokenStorage
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthToken,
)
from mcp_types import TextContent
from pydantic import AnyUrl
from security.oauth_door import REDIRECT, Browser, Door, door
from support.providers import GitHub


@pytest.fixture(scope="module")
def opened() -> Iterator[Door]:
    provider = GitHub()
    with provider.served() as url, door(provider, url, stateless=False) as running:
        yield running


class Kept(TokenStorage):
    """A client's tokens and registration, in memory."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


def signing_in(running: Door, path: str, kept: Kept) -> OAuthClientProvider:
    """The SDK's authentication, with a browser of ours."""
    back: dict[str, str] = {}

    async def to_browser(url: str) -> None:
        back.update(await anyio.to_thread.run_sync(Browser(running).sign_in, url))

    async def from_browser() -> AuthorizationCodeResult:
        return AuthorizationCodeResult(code=back["code"], state=back["state"], iss=back["iss"])

    metadata = OAuthClientMetadata(client_name="SDK", redirect_uris=[AnyUrl(REDIRECT)])
    return OAuthClientProvider(f"{running.url}{path}", metadata, kept, to_browser, from_browser)


@asynccontextmanager
async def session(running: Door, path: str, kept: Kept) -> AsyncIterator[ClientSession]:
    """A session over the transport of that path."""
    auth = signing_in(running, path, kept)
    if path == "/sse":
        async with sse_client(f"{running.url}/sse", auth=auth) as streams, ClientSession(*streams) as opened:
            await opened.initialize()
            yield opened
    else:
        async with (
            create_mcp_http_client(auth=auth) as http,
            streamable_http_client(f"{running.url}/mcp", http_client=http) as streams,
            ClientSession(*streams[:2]) as opened,
        ):
            await opened.initialize()
            yield opened


@pytest.mark.parametrize("path", ["/sse", "/mcp"])
def test_the_sdk_signs_in_and_calls(opened: Door, path: str) -> None:
    async def whoami() -> Any:
        kept = Kept()
        with anyio.fail_after(20):
            async with session(opened, path, kept) as connected:
                said = (await connected.call_tool("whoami", {})).content[0]
        assert kept.tokens is not None
        assert isinstance(said, TextContent)
        return json.loads(said.text)

    assert anyio.run(whoami)[:3] == ["Octocat", False, "583231"]
