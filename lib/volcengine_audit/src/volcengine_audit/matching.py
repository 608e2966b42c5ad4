"""Whether an event meets the conditions of a rule."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from volcengine_policy.verbs import is_read

from volcengine_audit import lenient
from volcengine_audit.events import Event
from volcengine_audit.globs import glob_of, like
from volcengine_audit.rules import Circumstance, Logins, Network, Opening, When

_NETWORK_FIELDS: Final = frozenset(
    {"cidrip", "cidr", "cidrblock", "ipv6cidrip", "ipv6cidr", "sourcecidr", "sourcecidrip"}
)
_REFUSALS: Final = ("drop", "deny", "reject")
_LOGIN_RESULTS: Final = frozenset({"success", "succeeded", "result", "loginresult", "consolelogin"})
_PORTS: Final = re.compile(r"(-?[0-9]+)\s*[-/~]\s*(-?[0-9]+)|([0-9]+)")


@dataclass(frozen=True, slots=True)
class Seen:
    """An event with what is asked of it again and again.

    Attributes:
        login: whether it is a console login.
        failed: whether it failed; a login may also say so in its response.
        held: its circumstances.
    """

    event: Event
    login: bool
    failed: bool
    held: frozenset[Circumstance] = frozenset()


def seen(event: Event, logins: Logins) -> Seen:
    """An event, without circumstances."""
    login = is_login(event, logins)
    return Seen(event, login, login_failed(event) if login else event.failed)


def meets(one: Seen, when: When, networks: tuple[Network, ...]) -> bool:
    """Whether all conditions hold for an event."""
    event = one.event
    return (
        (when.login is None or one.login is when.login)
        and (not when.circumstances or not when.circumstances.isdisjoint(one.held))
        and (not when.identity or event.identity.kind in when.identity)
        and (when.failed is None or (one.failed if when.login else event.failed) is when.failed)
        and (not when.errors or (event.failed and like(event.error_code, when.errors)))
        and (when.read_only is None or event.read_only is when.read_only)
        and (not when.outside_networks or _is_outside(event.address, networks))
        and (not when.parameters or _has_parameters(event.parameters, when.parameters))
        and (when.opens is None or _opens(event.parameters, when.opens))
    )


def is_login(event: Event, logins: Logins) -> bool:
    """Whether an event is a console login.

    An assumption: no document or sample shows how Volcengine records one. A source alone counts only for calls that
    are no reads, because a console also records what it shows.
    """
    if like(event.name, logins.names) or (event.type and like(event.type, logins.types)):
        return True
    return not event.read_only and like(event.source, logins.sources) and not is_read(event.name, event.source)


def login_failed(event: Event) -> bool:
    """Whether a login failed: it has an error, or its response says so."""
    if event.failed:
        return True
    if event.response is None:
        return False
    for record in lenient.objects(event.response):
        for name, value in record.items():
            if isinstance(value, str) and value.casefold().startswith("fail"):
                return True
            if value is False and lenient.spelling(name) in _LOGIN_RESULTS:
                return True
    return isinstance(event.response, str) and event.response.casefold().startswith("fail")


def _is_outside(address: str, networks: tuple[Network, ...]) -> bool:
    """Whether a public address is in none of the networks. Without networks nothing is outside."""
    try:
        host = ipaddress.ip_address(address)
    except ValueError:
        return False
    return bool(networks) and not host.is_private and not any(host in network for network in networks)


def _has_parameters(request: object, wanted: Mapping[str, tuple[str, ...]]) -> bool:
    return any(
        all(
            any(
                any(glob_of(glob).fullmatch(_written(leaf)) for glob in globs)
                for key, value in record.items()
                if glob_of(name).fullmatch(key)
                for leaf in lenient.leaves(value)
            )
            for name, globs in wanted.items()
        )
        for record in lenient.objects(request)
    )


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


def _opens(request: object, opening: Opening) -> bool:
    """Whether an object of the request allows one of the networks on one of the ports.

    An object that names no port allows all of them; without ports in the rule any will do.
    """
    for record in lenient.objects(request):
        plain = {lenient.spelling(key): value for key, value in record.items()}
        if str(plain.get("policy", "")).casefold() in _REFUSALS:
            continue
        named = {
            _written(leaf).strip() for key in plain if key in _NETWORK_FIELDS for leaf in lenient.leaves(plain[key])
        }
        if not named.isdisjoint(map(str, opening.networks)) and (
            not opening.ports or any(low <= port <= high for low, high in _ranges(plain) for port in opening.ports)
        ):
            return True
    return False


def _ranges(plain: Mapping[str, object]) -> Iterator[tuple[int, int]]:
    """The ranges of ports that a rule of a security group names."""
    low, high = (_port(plain.get(key)) for key in ("portstart", "portend"))
    stated = str(plain.get("portrange") or plain.get("ports") or plain.get("port") or "")
    if low is None and high is None and stated:
        for first, last, single in _PORTS.findall(stated):
            yield _span(int(first or single), int(last or single))
    else:
        start = -1 if low is None else low
        yield _span(start, start if high is None else high)


def _span(low: int, high: int) -> tuple[int, int]:
    """A range of ports; -1 stands for all."""
    return (0, 65535) if low < 0 or high < 0 else (low, high)


def _port(value: object) -> int | None:
    try:
        return int(str(value))
    except ValueError:
        return None
