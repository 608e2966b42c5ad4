"""The token endpoint of the provider at which people sign in.

Imported only with `auth: oauth`, because fastmcp comes with the extra `oauth`.
"""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import quote

import httpx2
from fastmcp.server.auth.oauth_proxy.upstream import OAuthError

from volcengine_mcp.settings.model import OAuth
from volcengine_mcp.signin.oauth.people import People
from volcengine_mcp.signin.oauth.refusals import NotAllowedError, NotSignedInError, UnavailableError, note

logger = logging.getLogger(__name__)


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
