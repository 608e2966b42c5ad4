"""Who asks, and whose keys sign for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from volcengine_mcp.api.credentials import AnyCredential, ProviderChain, from_environment


@dataclass(frozen=True)
class Visitor:
    """Whoever is asking, as far as it is known.

    Attributes:
        name: a login, or the fingerprint of a credential; goes into the log.
        read_only: only tools that change nothing are for this person.
    """

    name: str
    read_only: bool = False


@dataclass(frozen=True)
class Access:
    """How a server learns, during a call, who asks and what signs.

    Attributes:
        visitor: answers with whoever makes the call being served.
        credential: answers with what signs it. Raises `CredentialsError`.
    """

    visitor: Callable[[], Visitor]
    credential: Callable[[], AnyCredential]


def signed_by_server(
    credential: str, environment: Mapping[str, str], visitor: Callable[[], Visitor] = lambda: Visitor("local")
) -> Access:
    """Everybody's calls are signed with the server's own keys.

    Args:
        credential: `env` or `chain`.
        environment: read now, so that a later change in it changes nothing.
    """
    if credential == "chain":
        return Access(visitor, ProviderChain)
    return Access(visitor, partial(from_environment, dict(environment)))
