"""How the values of a condition are compared with what stands in a field of an event.

Text is compared without regard to case; `*` stands for any characters and `?` for one. Addresses are compared by value,
in any spelling, and with networks. Secrets are never compared: where a field may hold some, a value must match what is
left after masking as well, so that nobody finds a password by guessing at it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import tzinfo
from functools import lru_cache
from typing import Final

from volcengine_audit.event_fields import WEEKDAYS, Field, field_named, moment_of
from volcengine_audit.events import Event
from volcengine_audit.risk import Marks, worst
from volcengine_audit.severity import Severity
from volcengine_audit.times import zone_named

EMPTY: Final = frozenset({"", "(none)", "(unknown)", "(success)"})
"""How answers write that a field is empty."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Test = Callable[[Event, Marks], bool]

_MAPPED: Final = ipaddress.IPv6Network("::ffff:0:0/96")
_CLOCKS: Final = re.compile(r"([0-9]{1,2}):([0-9]{2})\s*[-–~]\s*([0-9]{1,2}):([0-9]{2})(?:\s+(\S+))?")
_DAY: Final = 24 * 60


def test_of(name: str, values: Sequence[str], zone: tzinfo) -> Test:
    """What decides whether the field of an event matches any of some values.

    Raises: ValueError with a sentence for an unknown field, or for a value that the field cannot have.
    """
    field = field_named(name, zone)
    special = _SPECIAL.get(field.name)
    return special(values, zone) if special else _by_text(field, values)


def is_empty(value: str) -> bool:
    """Whether a value means that the field is empty."""
    return value.casefold() in EMPTY


def is_glob(value: str) -> bool:
    """Whether a value has wildcards."""
    return "*" in value or "?" in value


@lru_cache(maxsize=1024)
def glob_pattern(glob: str) -> re.Pattern[str]:
    """A glob as a pattern over folded text. Atomic groups never go back, so matching takes no exponential time."""
    first, *others = [re.escape(part).replace(r"\?", ".") for part in glob.casefold().split("*")]
    if not others:
        return re.compile(first, re.DOTALL)
    middle = "".join(f"(?>.*?{part})" for part in others[:-1] if part)
    return re.compile(f"{first}{middle}.*{others[-1]}", re.DOTALL)


class _Values:
    """Texts and globs, any of which may match; an empty field matches `(none)` only."""

    def __init__(self, values: Iterable[str]) -> None:
        folded = [value.casefold() for value in values]
        self.empty = any(is_empty(value) for value in folded)
        self.exact = frozenset(value for value in folded if not is_empty(value) and not is_glob(value))
        self.globs = tuple(glob_pattern(value) for value in folded if is_glob(value))

    def match(self, texts: Sequence[str]) -> bool:
        """Whether any of the texts is among the values."""
        if not texts:
            return self.empty
        for text in texts:
            folded = text.casefold()
            if folded in self.exact or any(glob.fullmatch(folded) for glob in self.globs):
                return True
        return False


def _by_text(field: Field, given: Sequence[str]) -> Test:
    values = _Values(("OK" if is_empty(value) else value for value in given) if field.name == "Result" else given)
    if field.name == "ReadOnly":
        for value in given:
            if value.casefold() not in ("true", "false") and not is_empty(value):
                raise ValueError(f"ReadOnly is true or false, not {value!r}")
    if field.safe is None:
        return lambda event, marks: values.match(field.texts(event, marks))
    safe = field.safe
    # An ID inside the request is no listed resource, so that "(none)" is asked of the list alone.
    listed = field.shown if field.name == "ResourceID" and values.empty else None

    def test(event: Event, marks: Marks) -> bool:
        if listed is not None and not listed(event, marks):
            return True
        return values.match(field.texts(event, marks)) and values.match(safe(event, marks))

    return test


@lru_cache(maxsize=8192)
def address_of(text: str) -> Address | None:
    """The address that a text spells; one of IPv4 also where it is written as IPv6. None when it is none."""
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, ipaddress.IPv6Address) else address


def _network_of(value: str) -> Network:
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise ValueError(f"{value!r} is no network; write for example 203.0.113.0/24 or 2001:db8::/32") from None
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
        low = int(network.network_address) & 0xFFFFFFFF
        return ipaddress.IPv4Network((low, network.prefixlen - 96))
    return network


def _by_address(given: Sequence[str], _: tzinfo) -> Test:
    networks = [_network_of(value) for value in given if "/" in value]
    hosts = {address for value in given if (address := address_of(value)) is not None}
    values = _Values(value for value in given if "/" not in value)

    def test(event: Event, _: Marks) -> bool:
        if values.match((event.address,) if event.address else ()):
            return True
        address = address_of(event.address)
        return address is not None and (address in hosts or any(address in network for network in networks))

    return test


def _by_severity(given: Sequence[str], _: tzinfo) -> Test:
    named = [value.casefold() for value in given if not is_empty(value)]
    known = {severity.value: severity for severity in Severity}
    if wrong := next((value for value in named if value not in known), None):
        raise ValueError(f"Severity is one of {', '.join(known)}, not {wrong!r}")
    least, empty = min((known[value] for value in named), default=None), len(named) < len(given)

    def test(_: Event, marks: Marks) -> bool:
        severity = worst(marks)
        return empty if severity is None else least is not None and severity >= least

    return test


def _by_clock(given: Sequence[str], zone: tzinfo) -> Test:
    spans = [_span(value, zone) for value in given if not is_empty(value)]
    empty = len(spans) < len(given)

    def test(event: Event, _: Marks) -> bool:
        for start, end, where in spans:
            moment = moment_of(event, where)
            if moment is not None:
                minute = moment.hour * 60 + moment.minute
                if start <= minute < end or (start > end and (minute >= start or minute < end)):
                    return True
        return empty and moment_of(event, zone) is None

    return test


def _span(value: str, zone: tzinfo) -> tuple[int, int, tzinfo]:
    """Minutes of the day from which and up to which, and where."""
    if match := _CLOCKS.fullmatch(value):
        hours, minutes = (int(match[1]), int(match[3])), (int(match[2]), int(match[4]))
        start, end = (hour * 60 + minute for hour, minute in zip(hours, minutes, strict=True))
        if max(minutes) < 60 and start < _DAY and end <= _DAY and start != end:
            return start, end, zone_named(match[5]) if match[5] else zone
    raise ValueError(f"TimeOfDay is written 22:00-06:00 or 22:00-06:00 Asia/Shanghai, not {value!r}")


def _by_weekday(given: Sequence[str], zone: tzinfo) -> Test:
    days = {day for value in given if not is_empty(value) for day in _days(value)}
    empty = any(is_empty(value) for value in given)

    def test(event: Event, _: Marks) -> bool:
        moment = moment_of(event, zone)
        return empty if moment is None else moment.weekday() in days

    return test


def _days(value: str) -> list[int]:
    """The days that `sat` or `sat-mon` names, from Monday, which is 0."""
    ends = [_weekday(end.strip().casefold()) for end in value.replace("–", "-").split("-")]
    if len(ends) > 2 or None in ends:
        raise ValueError(f"Weekday is one of {', '.join(WEEKDAYS)}, or a span such as sat-sun, not {value!r}")
    first, last = ends[0] or 0, ends[-1] or 0
    return [(first + step) % 7 for step in range((last - first) % 7 + 1)]


_LONG_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _weekday(word: str) -> int | None:
    return next((at for at, day in enumerate(_LONG_DAYS) if len(word) >= 3 and day.startswith(word)), None)


_SPECIAL: Final[dict[str, Callable[[Sequence[str], tzinfo], Test]]] = {
    "SourceIPAddress": _by_address,
    "Severity": _by_severity,
    "TimeOfDay": _by_clock,
    "Weekday": _by_weekday,
}
