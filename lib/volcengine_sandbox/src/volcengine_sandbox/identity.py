"""Who calls: identities with their keys, and the key ring that knows them by access key."""

from __future__ import annotations

import random
import string
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

_KEY_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Identity:
    """A caller and the credential it signs with. The repr shows no secret.

    kind: `Root` is an account itself, `IAMUser` a user of it, `AssumedRole` a session with a temporary key.
    access: `full` may do everything that its account may; `read` is refused every write.
    expires: epoch seconds after which the session token is refused, or None.
    """

    name: str
    access_key: str
    secret_key: str = field(repr=False)
    account_id: str
    session_token: str | None = field(default=None, repr=False)
    kind: Literal["Root", "IAMUser", "AssumedRole"] = "IAMUser"
    principal_id: str = ""
    access: Literal["full", "read"] = "full"
    disabled: bool = False
    expires: float | None = None
    purpose: str = ""

    @property
    def user_name(self) -> str:
        """What an audit event shows as `UserName`: empty for the root user (docs 7015/166045)."""
        return "" if self.kind == "Root" else self.name

    @property
    def trn(self) -> str:
        """The resource name of the principal (docs 6257/1902650)."""
        if self.kind == "Root":
            return f"trn:iam::{self.account_id}:root"
        if self.kind == "AssumedRole":
            return f"trn:sts::{self.account_id}:assumed-role/{self.name}"
        return f"trn:iam::{self.account_id}:user/{self.name}"


class KeyRing:
    """The identities that the sandbox knows, by access key."""

    def __init__(self) -> None:
        self._by_key: dict[str, Identity] = {}

    def add(self, identity: Identity) -> Identity:
        """Make a key known."""
        self._by_key[identity.access_key] = identity
        return identity

    def get(self, access_key: str) -> Identity | None:
        """The identity of a key, or None."""
        return self._by_key.get(access_key)

    def root_of(self, account_id: str) -> Identity | None:
        """The root identity of an account, where one was issued."""
        return next((i for i in self if i.account_id == account_id and i.kind == "Root"), None)

    def __iter__(self) -> Iterator[Identity]:
        return iter(list(self._by_key.values()))


def access_key(rng: random.Random, prefix: str = "AKLT") -> str:
    """A key ID of the usual shape: `AKLT…` long-term, `AKTP…` temporary, 47 characters."""
    return prefix + "".join(rng.choices(_KEY_ALPHABET, k=43))


def secret_key(rng: random.Random) -> str:
    """A secret of the usual shape: base64-like, 60 characters."""
    return "".join(rng.choices(_KEY_ALPHABET, k=58)) + "=="


def session_token(rng: random.Random) -> str:
    """A session token. Real ones are longer."""
    return "STS" + "".join(rng.choices(_KEY_ALPHABET, k=120))
