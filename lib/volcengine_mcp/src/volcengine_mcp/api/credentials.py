"""Volcengine credentials: where they come from, and that they never show.

Threat: a key in a log, an error or a repr leaves the machine with it. A `Credential` therefore prints as a
fingerprint, and `scrub` takes its values out of any text that comes from elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from volcengine_mcp.errors import CredentialsError

ACCESS_KEY = "VOLCENGINE_ACCESS_KEY"
SECRET_KEY = "VOLCENGINE_SECRET_KEY"  # noqa: S105 - the variable's name
SESSION_TOKENS = ("VOLCENGINE_ACCESS_SESSION_TOKEN", "VOLCENGINE_SESSION_TOKEN")
"""The public servers' name first, then the SDK's own."""

_SET_BOTH = (
    f"Set {ACCESS_KEY} and {SECRET_KEY} in the environment of this server "
    "(in an MCP client's configuration: its `env` block) and start it again."
)


@dataclass(frozen=True)
class Credential:
    """An access key with its secret, and the token of a temporary one. Equal values share one SDK client."""

    access_key: str
    secret_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)

    @property
    def fingerprint(self) -> str:
        """Eight hex digits that tell credentials apart in a log without showing them."""
        return hashlib.sha256(f"{self.access_key}\n{self.session_token}".encode()).hexdigest()[:8]

    @property
    def digest(self) -> str:
        """What tells credentials apart by all their parts, for what is kept for one of them."""
        parts = (self.access_key, self.secret_key, self.session_token)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def __repr__(self) -> str:
        return f"Credential({self.fingerprint})"

    def scrub(self, text: str) -> str:
        """The text with this credential's values replaced; the access key keeps its ends, to be recognised."""
        key = self.access_key
        shown = f"{key[:4]}…{key[-4:]}" if len(key) >= 16 else "…"
        for value, mask in ((self.secret_key, "***"), (self.session_token, "***"), (key, shown)):
            if value:
                text = text.replace(value, mask)
        return text


@dataclass(frozen=True)
class ProviderChain:
    """The SDK's default provider chain (environment, OIDC, CLI profile, ECS role) in place of fixed keys."""

    digest: ClassVar[str] = "chain"
    """What is kept for the credentials of this process."""

    def scrub(self, text: str) -> str:
        """The text as it is: this process holds no key of its own to look for."""
        return text


AnyCredential = Credential | ProviderChain


def from_environment(environment: Mapping[str, str]) -> Credential:
    """The credential in the environment; white space around a value is a slip of pasting, and is cut.

    Raises:
        CredentialsError: one or both variables are missing or empty.
    """
    access_key = environment.get(ACCESS_KEY, "").strip()
    secret_key = environment.get(SECRET_KEY, "").strip()
    missing = [name for name, value in ((ACCESS_KEY, access_key), (SECRET_KEY, secret_key)) if not value]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        message = f"No usable Volcengine credentials: {' and '.join(missing)} {verb} not set."
        raise CredentialsError("CredentialsMissing", message, hint=_SET_BOTH)
    token = next((value for name in SESSION_TOKENS if (value := environment.get(name, "").strip())), "")
    return Credential(access_key, secret_key, token)
