"""Whether an event meets the conditions of a rule."""

from __future__ import annotations

import fnmatch
import ipaddress
import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import Final

from volcengine_audit import jsons
from volcengine_audit.events import Event, is_read
from volcengine_audit.rules import Logins, Network, Opening, When

_NETWORK_FIELDS: Final = frozenset(
    {"cidrip", "cidr", "cidrblock", "ipv6cidrip", "ipv6cidr", "sourcecidr", "sourcecidrip"}
)
_REFUSALS: Final = ("drop", "deny", "reject")
_LOGIN_RESULTS: Final = frozenset({"success", "succeeded", "result", "loginresult", "consolelogin"})
_PORTS: Final = re.compile(r"(-?[0-9]+)\s*[-/~]\s*(-?[0-9]+)|([0-9]+)")


def meets(event: Event, when: When, logins: Logins, networks: tuple[Network, ...], held: Collection[str]) -> bool:
    """Whether all conditions hold for an event.

    held: the circumstances of the event.
    """
    if when.login is not None and is_login(event, logins) is not when.login:
        return False
    failed = login_failed(event) if when.login else event.failed
    return (
        (not when.identity or event.identity.kind in when.identity)
        and (when.failed is None or failed is when.failed)
        and (not when.errors or (event.failed and like(event.error_code, when.errors)))
        and (when.read_only is None or event.read_only is when.read_only)
        and (not when.circumstances or not when.circumstances.isdisjoint(held))
        and (not when.outside_networks or _is_outside(event.address, networks))
        and (not when.parameters or _has_parameters(event.parameters, when.parameters))
        and (when.opens is None or _opens(event.parameters, when.opens))
    )


def like(text: str, globs: Collection[str]) -> bool:
    """Whether a text is like one of some globs (`*`, `?`, `[…]`), case aside."""
    return any(glob_of(glob).fullmatch(text) for glob in globs)


@lru_cache(maxsize=2048)
def glob_of(glob: str) -> re.Pattern[str]:
    """A glob as a pattern."""
    return re.compile(fnmatch.translate(glob), re.IGNORECASE)


def is_login(event: Event, logins: Logins) -> bool:
    """Whether an event is a console login.

    An assumption: no document or sample shows how Volcengine records one. A source alone counts only for calls that
    are no reads, because a console also records what it shows.
    """
    if like(event.name, logins.names) or (event.type and like(event.type, logins.types)):
        return True
    return like(event.source, logins.sources) and not is_read(event.source, event.name) and not event.read_only


def login_failed(event: Event) -> bool:
    """Whether a login failed: it has an error, or its response says so."""
    if event.failed:
        return True
    for record in jsons.objects(event.response):
        for name, value in record.items():
            if isinstance(value, str) and value.casefold().startswith("fail"):
                return True
            if value is False and jsons.spelling(name) in _LOGIN_RESULTS:
                return True
    return isinstance(event.response, str) and event.response.casefold().startswith("fail")


def _is_outside(address: str, networks: tuple[Network, ...]) -> bool:
    """Whether a public address is in none of the networks. Without networks nothing is outside."""
    try:
        host = ipaddress.ip_address(address)
    except ValueError:
        return False
    return bool(networks) and not host.is_private and not any(host in network for network in networks)


def _has_parameters(request: object, wanted: tuple[tuple[str, tuple[str, ...]], ...]) -> bool:
    return any(
        all(
            any(
                like(_written(leaf), globs)
                for key, value in record.items()
                if like(key, (name,))
                for leaf in jsons.leaves(value)
            )
            for name, globs in wanted
        )
        for record in jsons.objects(request)
    )


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


def _opens(request: object, opening: Opening) -> bool:
    """Whether an object of the request allows one of the networks on one of the ports.

    An object that names no port allows all of them; without ports in the rule any will do.
    """
    for record in jsons.objects(request):
        plain = {jsons.spelling(key): value for key, value in record.items()}
        if str(plain.get("policy", "")).casefold() in _REFUSALS:
            continue
        named = {_written(leaf).strip() for key in plain if key in _NETWORK_FIELDS for leaf in jsons.leaves(plain[key])}
        if not named.isdisjoint(opening.networks) and (
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
