"""What an event does not say itself but rules want to know: one's own networks and accounts, how logins look."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Logins:
    """How a console login is recognised: an assumption, because no document or sample shows how one is recorded.

    Attributes:
        names: names of the action, in lower case.
        types: what an event type contains, in lower case.
        sources: event sources, in lower case, all of whose calls that are no reads are logins.
    """

    names: frozenset[str] = frozenset({"consolelogin", "consolesignin", "login", "signin", "switchrole"})
    types: tuple[str, ...] = ("signin", "login")
    sources: frozenset[str] = frozenset({"signin", "console", "passport", "account", "sso"})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is one's own.

    Attributes:
        networks: one's own addresses; without any, no address is outside.
        accounts: IDs of the accounts of one's organization, besides the event's own.
        logins: how a console login is recognised.
    """

    networks: tuple[Network, ...] = ()
    accounts: frozenset[str] = frozenset()
    logins: Logins = field(default_factory=Logins)
