"""Who made a call: the caller of an event, normalised over the ways in which services spell it.

The documented sample has a root user (Type `Root`, PrincipalID the account, TRN `trn:iam::<account>:root`); STS names
the same kinds Account, User and Role. The other spellings of Type are assumed, and a TRN decides where Type does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from volcengine_policy.trn import Trn, parse_trn

from volcengine_audit.lenient import as_text, spelling, spelt

LONG_TERM: Final = "AKLT"
TEMPORARY: Final = "AKTP"


class Kind(StrEnum):
    """What a caller is."""

    ROOT = "root"
    USER = "user"
    ROLE = "role"
    SERVICE = "service"
    UNKNOWN = "unknown"


_KINDS: Final = {
    **dict.fromkeys(("root", "account"), Kind.ROOT),
    **dict.fromkeys(("iamuser", "user", "subuser"), Kind.USER),
    **dict.fromkeys(("assumedrole", "role", "assumedroleuser"), Kind.ROLE),
    "service": Kind.SERVICE,
}


@dataclass(frozen=True, slots=True)
class Identity:
    """A caller. Empty text is unknown; `type` is the kind as the event had it."""

    kind: Kind = Kind.UNKNOWN
    account: str = ""
    name: str = ""
    principal: str = ""
    session: str = ""
    access_key: str = ""
    trn: str = ""
    type: str = ""

    @property
    def label(self) -> str:
        """One name for the caller, the same in all its events: `user/alice@2100000001`, `root@2100000001`.

        The sessions of a role are one caller; the session is a field of its own.
        """
        at = f"@{self.account}" if self.account else ""
        if self.kind is Kind.ROOT:
            return f"root{at}"
        own = self.name or self.principal.partition(":")[0] or self.access_key
        return f"{self.kind}/{own or '?'}{at}"


def identity_of(stated: object, user_name: str = "", access_key: str = "") -> Identity:
    """The caller of an event.

    Args:
        stated: `UserIdentity` of the event's detail, whatever it is.
        user_name, access_key: the fields of the same meaning at the top of the event.
    """
    fields = spelt(stated)

    def text(field: str) -> str:
        return as_text(fields.get(field))

    trn, stated_type = text("trn"), text("type")
    service, _, account, path = parse_trn(trn) or Trn()
    kind = _KINDS.get(spelling(stated_type), Kind.UNKNOWN)
    if kind is Kind.UNKNOWN:
        kind = _kind_of_path(service, path)
    name = text("username") or user_name
    key = access_key or text("accesskeyid")
    principal = text("principalid")
    if kind is Kind.UNKNOWN and not trn and name and key.startswith(LONG_TERM):
        kind = Kind.USER  # long-term keys belong to the root user, whose name is empty, and to users
    parts = path.split("/")
    session = text("sessionname") or text("rolesessionname")
    if kind is Kind.ROLE:
        name = parts[1] if len(parts) > 1 else text("rolename") or name
        session = session or ("/".join(parts[2:]) if parts[0] == "assumed-role" else "")
        session = session or principal.partition(":")[2]
    elif kind is Kind.USER and not name and parts[0] == "user":
        name = "/".join(parts[1:])
    return Identity(
        kind=kind,
        account=text("accountid") or account or (principal if kind is Kind.ROOT else ""),
        name=name,
        principal=principal,
        session=session,
        access_key=key,
        trn=trn,
        type=stated_type,
    )


def _kind_of_path(service: str, path: str) -> Kind:
    if service not in ("iam", "sts"):
        return Kind.UNKNOWN
    if path == "root":
        return Kind.ROOT
    head = path.partition("/")[0]
    return {"user": Kind.USER, "role": Kind.ROLE, "assumed-role": Kind.ROLE}.get(head, Kind.UNKNOWN)


def is_by(identity: Identity, who: str) -> bool:
    """Whether a caller is the one named: by label, user or role name, session, access key, principal, TRN or `root`."""
    names = (
        identity.label,
        identity.label.partition("@")[0],
        identity.name,
        identity.session,
        identity.access_key,
        identity.principal,
        identity.trn,
    )
    return bool(who) and who in names
