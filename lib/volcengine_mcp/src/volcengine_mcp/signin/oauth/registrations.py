"""The MCP clients that have registered, and the addresses to which their codes may be sent.

Imported only with `auth: oauth`, because fastmcp comes with the extra `oauth`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import parse_qsl, urlsplit

from cryptography.fernet import Fernet, InvalidToken
from fastmcp.server.auth.oauth_proxy.models import ProxyDCRClient
from fastmcp.server.auth.redirect_validation import is_redirect_uri_allowed_for_application_type, validate_redirect_uri
from mcp.server.auth.provider import RegistrationError
from mcp.shared.auth import OAuthClientInformationFull
from pydantic import AnyUrl, ValidationError

LOOPBACK = ("http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*")
"""Where clients on a person's own machine wait for their code."""

REGISTRATION_LIFETIME = 180 * 86400
"""Seconds for which a client may use its registration."""

_MAX_CLIENT_ID = 2048
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


def check_redirect_pattern(pattern: str) -> bool:
    """Whether a pattern of redirect addresses names a scheme and a host, so that it cannot allow everything."""
    try:
        parts = urlsplit(pattern)
        AnyUrl(pattern.replace("*", "1"))
    except (ValueError, ValidationError):
        return False
    return bool(parts.scheme and parts.netloc) and "*" not in parts.scheme and parts.netloc.strip("*.:") != ""
