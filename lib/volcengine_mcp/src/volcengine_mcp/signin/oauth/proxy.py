"""fastmcp's `OAuthProxy`, with what it leaves to us: who may enter, where codes may go, what may be taken only once.

Imported only with `auth: oauth`, because fastmcp comes with the extra `oauth`.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, cast
from urllib.parse import parse_qsl, quote, urlsplit

import httpx2
from cryptography.fernet import Fernet, InvalidToken
from fastmcp.server.auth.auth import AccessToken, TokenVerifier
from fastmcp.server.auth.oauth_proxy import OAuthProxy
from fastmcp.server.auth.oauth_proxy.models import ProxyDCRClient
from fastmcp.server.auth.oauth_proxy.upstream import AsyncOAuth2Client, OAuthError
from fastmcp.server.auth.redirect_validation import is_redirect_uri_allowed_for_application_type, validate_redirect_uri
from mcp.server.auth import provider as mcp_provider
from mcp.server.auth.provider import AuthorizationCode, RefreshToken, RegistrationError, TokenError
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from pydantic import AnyUrl, ValidationError

from volcengine_mcp.settings.model import OAuth
from volcengine_mcp.signin.oauth.people import People
from volcengine_mcp.signin.oauth.refusals import NotAllowedError, NotSignedInError, UnavailableError, Watch, note
from volcengine_mcp.signin.oauth.storage import Storage

logger = logging.getLogger(__name__)

CALLBACK = "/auth/oauth/callback"
"""Registered at the provider by everybody who runs a server; it stays."""

LOOPBACK = ("http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*")
"""Where clients on a person's own machine wait for their code."""

REGISTRATION_LIFETIME = 180 * 86400
"""Seconds for which a client may use its registration."""

_MAX_CLIENT_ID = 2048
_CODE_LIFETIME = 600  # seconds; longer than any code lives
_RESPONSE_PARAMETERS = frozenset({"code", "state", "iss", "error", "error_description"})


class Registrations:
    """Registrations that the clients themselves keep: a client's ID is its sealed, dated registration.

    Threat: `/register` is open to everybody. What is not stored cannot fill a storage, nor push out another's.

    Args:
        key: a Fernet key.
        pinned: patterns of the redirect addresses that may be registered.
    """

    def __init__(self, key: bytes, pinned: Sequence[str]) -> None:
        self._fernet = Fernet(key)
        self._pinned = list(pinned)

    def seal(self, client: OAuthClientInformationFull) -> str:
        """The client's ID.

        Raises:
            RegistrationError: a redirect address that is not allowed, or a registration that is too large.
        """
        for address in client.redirect_uris or ():
            if not self._allowed(address, client.application_type or "native"):
                raise RegistrationError("invalid_redirect_uri", "A redirect address is not allowed by this server.")
        if not client.redirect_uris:
            raise RegistrationError("invalid_redirect_uri", "A redirect address is needed.")
        name = "".join(letter for letter in client.client_name or "" if letter.isprintable())[:80]
        facts = [[str(address) for address in client.redirect_uris], name, client.scope, client.application_type]
        sealed = self._fernet.encrypt(json.dumps(facts, separators=(",", ":")).encode()).decode().rstrip("=")
        if len(sealed) > _MAX_CLIENT_ID:
            raise RegistrationError("invalid_client_metadata", "The registration is too large.")
        return sealed

    def open(self, client_id: str) -> ProxyDCRClient | None:
        """The client of that ID, if this server registered it and not too long ago."""
        if len(client_id) > _MAX_CLIENT_ID or not client_id.isascii():
            return None
        try:
            padded = client_id + "=" * (-len(client_id) % 4)
            facts = json.loads(self._fernet.decrypt(padded, ttl=REGISTRATION_LIFETIME))
        except InvalidToken:
            return None
        addresses, name, scope, kind = facts
        return _Registered(
            client_id=client_id,
            client_secret=None,
            redirect_uris=[AnyUrl(address) for address in addresses],
            grant_types=["authorization_code", "refresh_token"],
            scope=scope,
            token_endpoint_auth_method="none",  # noqa: S106
            application_type=kind or "native",
            allowed_redirect_uri_patterns=self._pinned,
            client_name=name or None,
        )

    def _allowed(self, address: AnyUrl, application_type: str) -> bool:
        names = {name for name, _ in parse_qsl(address.query or "", keep_blank_values=True)}
        return (
            validate_redirect_uri(address, self._pinned)
            and is_redirect_uri_allowed_for_application_type(address, application_type)
            and address.fragment is None  # RFC 6749 section 3.1.2
            and not names & _RESPONSE_PARAMETERS
        )


class _Registered(ProxyDCRClient):
    """A client whose codes go where it registered *and* where the administrator allows; fastmcp asks for either."""

    def validate_redirect_uri(self, redirect_uri: AnyUrl | None) -> AnyUrl:
        allowed = super().validate_redirect_uri(redirect_uri)
        unpinned = self.model_copy(update={"allowed_redirect_uri_patterns": None})
        return ProxyDCRClient.validate_redirect_uri(unpinned, allowed)


class Provider:
    """The provider's token endpoint, for `OAuthProxy` in the shape of its `AsyncOAuth2Client`.

    It shares one connection pool, keeps no cookies, and turns away people who may not enter before they get a code.
    """

    _KEPT = ("access_token", "token_type", "refresh_token", "expires_in", "refresh_expires_in")

    def __init__(self, oauth: OAuth, http: httpx2.AsyncClient, people: People) -> None:
        self.client_secret = oauth.client_secret
        # RFC 6749 section 2.3.1: form-encoded before they become a user name and a password.
        self._credentials = (quote(oauth.client_id, safe=""), quote(oauth.client_secret, safe=""))
        self._http = http
        self._people = people

    async def fetch_token(
        self, url: str, *, grant_type: str = "authorization_code", **parameters: Any
    ) -> dict[str, Any]:
        """The provider's answer to a code of a person who may enter.

        Raises:
            NotSignedInError: the provider does not accept the code.
            NotAllowedError: the person may not enter.
            UnavailableError: the provider does not answer.
        """
        parameters.pop("scope", None)  # has no meaning with a code (RFC 6749 section 4.1.3)
        try:
            token = await self._request(url, {"grant_type": grant_type, **parameters})
        except OAuthError as error:
            logger.warning("The OAuth provider refused a sign-in: %s", error.error)
            raise note(NotSignedInError()) from None
        if await self._people.person(token["access_token"]) is None:
            raise note(NotAllowedError())
        return token

    async def refresh_token(self, url: str, *, refresh_token: str, **parameters: Any) -> dict[str, Any]:
        """The provider's answer to a refresh token.

        Raises:
            OAuthError: the provider does not accept it; always `invalid_grant`.
            UnavailableError: the provider does not answer.
        """
        parameters.pop("scope", None)  # what was granted stays granted (RFC 6749 section 6)
        try:
            token = await self._request(
                url, {"grant_type": "refresh_token", "refresh_token": refresh_token, **parameters}
            )
        except OAuthError as error:
            logger.info("The OAuth provider refused to renew a token: %s", error.error)
            raise OAuthError(error="invalid_grant") from None
        return {"refresh_token": refresh_token, **token}

    async def aclose(self) -> None:
        """Nothing: the pool lives as long as the gate."""

    async def _request(self, url: str, data: dict[str, Any]) -> dict[str, Any]:
        headers = {"Accept": "application/json"}
        try:
            response = await self._http.post(url, data=data, headers=headers, auth=self._credentials)
            answer = response.json() if response.status_code < 500 else None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            logger.warning("The OAuth provider's token endpoint cannot be reached: %s", type(error).__name__)
            raise note(UnavailableError()) from None
        except ValueError:
            answer = {"error": "no_json"}
        if response.status_code >= 500 or response.status_code == 429:
            logger.warning("The OAuth provider's token endpoint answered %d", response.status_code)
            raise note(UnavailableError())
        if not isinstance(answer, dict) or not _is_word(answer.get("access_token")):
            reason = answer.get("error") if isinstance(answer, dict) else None
            raise OAuthError(error=reason if isinstance(reason, str) and reason.isidentifier() else "unknown")
        kept = {name: answer[name] for name in self._KEPT if answer.get(name) is not None}
        # GitHub Apps spell it differently; a lifetime that is no number is none.
        kept.setdefault("refresh_expires_in", answer.get("refresh_token_expires_in"))
        return {name: value for name, value in kept.items() if not name.endswith("expires_in") or _is_number(value)}


def _is_word(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | str) and str(value).isdecimal()


class _Owner(TokenVerifier):
    """Tells `OAuthProxy` who owns a provider's token that it keeps."""

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


def check_redirect_pattern(pattern: str) -> bool:
    """Whether a pattern of redirect addresses names a scheme and a host, so that it cannot allow everything."""
    try:
        parts = urlsplit(pattern)
        AnyUrl(pattern.replace("*", "1"))
    except (ValueError, ValidationError):
        return False
    return bool(parts.scheme and parts.netloc) and "*" not in parts.scheme and parts.netloc.strip("*.:") != ""
