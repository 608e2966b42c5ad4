"""fastmcp's `OAuthProxy`, with what it leaves to us: who may enter, and what may be used only once.

Imported only with `auth: oauth`, because fastmcp comes with the extra `oauth`.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any, cast

import httpx2
from fastmcp.server.auth.auth import AccessToken, TokenVerifier
from fastmcp.server.auth.oauth_proxy import OAuthProxy
from fastmcp.server.auth.oauth_proxy.upstream import AsyncOAuth2Client
from mcp.server.auth import provider as mcp_provider
from mcp.server.auth.provider import AuthorizationCode, RefreshToken, TokenError
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken

from volcengine_mcp.settings.model import OAuth
from volcengine_mcp.signin.oauth.people import People
from volcengine_mcp.signin.oauth.provider import Provider
from volcengine_mcp.signin.oauth.refusals import NotAllowedError, UnavailableError, Watch
from volcengine_mcp.signin.oauth.registrations import LOOPBACK, Registrations
from volcengine_mcp.signin.oauth.storage import Storage

CALLBACK = "/auth/oauth/callback"
"""Registered at the provider by everybody who runs a server; it stays."""

_CODE_LIFETIME = 600  # seconds; longer than any code lives


class _Owner(TokenVerifier):
    """Lets `OAuthProxy` know who owns a provider's token that it keeps."""

    def __init__(self, people: People) -> None:
        super().__init__()
        self._people = people

    async def verify_token(self, token: str) -> AccessToken | None:
        """The owner as an access token without the token; None when they may not enter."""
        person = await self._people.person(token)
        if person is None:
            return None
        claims = {"iss": person.issuer, "login": person.login, "read_only": person.read_only}
        return AccessToken(token="", client_id="", scopes=[], subject=person.subject, claims=claims)


class Proxy(OAuthProxy):
    """An authorization server for MCP clients, which has people sign in at the provider.

    Args:
        oauth: the application at the provider.
        base_url: this server's address, which is also the resource that its tokens are for.
        signing_key: 32 bytes, the same on all replicas.
        registrations: who may register what.
        storage: tokens, codes and sign-ins under way.
        people: who may enter.
        http: for the provider; kept open.
    """

    def __init__(
        self,
        oauth: OAuth,
        *,
        base_url: str,
        signing_key: bytes,
        registrations: Registrations,
        storage: Storage,
        people: People,
        http: httpx2.AsyncClient,
    ) -> None:
        super().__init__(
            upstream_authorization_endpoint=oauth.authorize_url,
            upstream_token_endpoint=oauth.token_url,
            upstream_client_id=oauth.client_id,
            upstream_client_secret=oauth.client_secret,
            token_verifier=_Owner(people),
            base_url=base_url,
            redirect_path=CALLBACK,
            allowed_client_redirect_uris=[*LOOPBACK, *oauth.allowed_redirect_uris],
            forward_resource=False,  # it names this server, which the provider does not know
            # The provider is asked for the configured scopes, whatever scopes a client asks us for.
            extra_authorize_params={"scope": " ".join(oauth.scope)} if oauth.scope else None,
            client_storage=storage.vault,
            jwt_signing_key=signing_key,
            require_authorization_consent=True,
            consent_csp_policy="default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'",
            fallback_access_token_expiry_seconds=oauth.token_lifetime,
            enable_cimd=False,  # would fetch addresses that strangers name
        )
        self._registrations = registrations
        self._claims = storage.claims
        self._people = people
        self._provider = Provider(oauth, http, people)

    def _create_upstream_oauth_client(self) -> AsyncOAuth2Client:
        """The provider's token endpoint; fastmcp documents that any object of this shape will do."""
        return cast(AsyncOAuth2Client, self._provider)

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        """The registered client of that ID."""
        return self._registrations.open(client_id)

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        """Give a client its ID; `client_info` becomes the response.

        Raises:
            RegistrationError: a redirect address that is not allowed, or a registration that is too large.
        """
        client_info.client_id = self._registrations.seal(client_info)
        client_info.token_endpoint_auth_method = "none"  # noqa: S105
        client_info.client_secret = None
        client_info.client_secret_expires_at = None

    async def exchange_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: AuthorizationCode
    ) -> OAuthToken:
        """Tokens for a code, once: of concurrent exchanges on any replica, the first takes the code.

        Raises:
            TokenError: the code was taken.
            UnavailableError: the provider or the storage does not answer.
        """
        if not await self._claims.first(f"code {authorization_code.code}", _CODE_LIFETIME):
            raise TokenError("invalid_grant", "authorization code does not exist")
        return await super().exchange_authorization_code(client, authorization_code)

    async def exchange_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: RefreshToken, scopes: list[str]
    ) -> OAuthToken:
        """New tokens for a refresh token, once: of concurrent exchanges on any replica, the first takes it.

        Raises:
            TokenError: the token was taken, or the provider does not accept it any more.
            UnavailableError: the provider or the storage does not answer; the token may be used again.
        """
        name = f"refresh {refresh_token.token}"
        if not await self._claims.first(name, _CODE_LIFETIME):
            raise TokenError("invalid_grant", "refresh token does not exist")
        try:
            return await super().exchange_refresh_token(client, refresh_token, scopes)
        except UnavailableError:
            await self._claims.release(name)
            raise

    async def _extract_upstream_claims(self, idp_tokens: dict[str, Any]) -> dict[str, Any] | None:
        """Called before tokens are issued or renewed: nobody who may not enter gets one."""
        if await self._people.person(idp_tokens["access_token"]) is None:
            raise TokenError("invalid_grant", NotAllowedError.text)
        return None

    async def load_access_token(self, token: str) -> mcp_provider.AccessToken | None:  # type: ignore[override]
        """Whose token it is: the client, the provider and the person, so that no two people share a session.

        Raises:
            UnavailableError: the provider or the storage does not answer, which `OAuthProxy` takes for a wrong token.
        """
        with Watch() as noted:
            found = await super().load_access_token(token)
        if found is None:
            for refusal in noted:
                raise refusal
            return None
        issued = self.jwt_issuer.verify_token(token)
        update = {
            "token": sha256(token.encode()).hexdigest()[:16],  # nothing behind the door needs the token itself
            "client_id": issued["client_id"],
            "expires_at": issued["exp"],
            "scopes": issued["scope"].split(),
            "resource": issued["aud"],
        }
        return found.model_copy(update=update)
