"""The fields of an event by name, spelt as the API spells them: what stands in each, to compare with and to print."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Final

from volcengine_audit import lenient
from volcengine_audit.events import Event
from volcengine_audit.identity import Identity, Kind
from volcengine_audit.risk import Marks, worst
from volcengine_audit.secrets import mask, mask_text

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
PARAMETERS: Final = "RequestParameters"
RESPONSE: Final = "ResponseElements"

Texts = Callable[[Event, Marks], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of an event.

    Attributes:
        name: as conditions and answers spell it.
        texts: all that a value may be compared with; none when the field is empty.
        shown: what stands in it, as answers print it, without secrets.
        safe: the texts without secrets, where they may hold any; otherwise None.
        single: whether an event has one value of it at most.
    """

    name: str
    texts: Texts
    shown: Texts
    safe: Texts | None = None
    single: bool = True


def field_named(name: str, zone: tzinfo = UTC) -> Field:
    """The field of a name, in any spelling, or of a key by which answers group (`actor`, `access_key`).

    Args:
        zone: where the hour and the day of an event are told.

    Raises: ValueError with a sentence that names the nearest field.
    """
    head, dot, path = name.strip().partition(".")
    known = _KNOWN.get(lenient.spelling(head))
    if known in (PARAMETERS, RESPONSE):
        return _part_of(known, path if dot else None, name)
    if known is None or dot:
        raise ValueError(_unknown(name))
    if known == "TimeOfDay":
        return Field(known, *_twice(lambda event, _: _clock(event, zone, "%H:%M")))
    if known == "Weekday":
        return Field(known, *_twice(lambda event, _: _weekday(event, zone)))
    return _FIELDS[known]


def moment_of(event: Event, zone: tzinfo) -> datetime | None:
    """When an event happened, on the clock of a zone; None when that is not known."""
    try:
        return None if event.time is None else datetime.fromtimestamp(event.time, zone)
    except (ValueError, OverflowError, OSError):  # a year that no clock shows
        return None


def names_of(identity: Identity) -> tuple[str, ...]:
    """All names of a caller that answers print: labels with and without the account, session, key, principal, TRN."""
    label = identity.label
    short = label.removesuffix(f"@{identity.account}") if identity.account else label
    session = f"{short}/{identity.session}" if identity.session else ""
    own = (identity.name, identity.session, identity.access_key, identity.principal, identity.trn)
    return tuple(dict.fromkeys(name for name in (label, short, session, *own) if name))


def written(value: object) -> str:
    """A JSON value that is neither object nor list, as text."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _one(read: Callable[[Event], str]) -> tuple[Texts, Texts]:
    def texts(event: Event, _: Marks) -> tuple[str, ...]:
        value = read(event)
        return (value,) if value else ()

    return texts, texts


def _twice(texts: Texts) -> tuple[Texts, Texts]:
    return texts, texts


def _who(event: Event, _: Marks) -> tuple[str, ...]:
    return names_of(event.identity)


def _user_name(event: Event) -> str:
    """The API's IdentityName is the name of a user; whether it knows roles by their names is not documented."""
    return "" if event.identity.kind is Kind.ROLE else event.identity.name


def _result(event: Event, _: Marks) -> tuple[str, ...]:
    return ("failed", "failure", "error", event.error_code) if event.failed else ("OK", "success", "succeeded")


def _resource_ids(event: Event, _: Marks) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.id or one.trn for one in event.resources if one.id or one.trn))


def _resource_names(event: Event, parameters: object, response: object) -> tuple[str, ...]:
    listed = (name for one in event.resources for name in (one.id, one.trn, one.label, f"{one.type}/{one.id}"))
    inside = (written(leaf) for part in (parameters, response) for leaf in lenient.leaves(part))
    return tuple(name for name in (*listed, *inside) if name)


def _severity(_: Event, marks: Marks) -> tuple[str, ...]:
    severity = worst(marks)
    return () if severity is None else (severity.value,)


def _clock(event: Event, zone: tzinfo, form: str) -> tuple[str, ...]:
    moment = moment_of(event, zone)
    return () if moment is None else (moment.strftime(form),)


def _weekday(event: Event, zone: tzinfo) -> tuple[str, ...]:
    moment = moment_of(event, zone)
    return () if moment is None else (WEEKDAYS[moment.weekday()],)


def _part_of(part: str, path: str | None, given: str) -> Field:
    """What stands under a path inside the request or the response, at any depth; under none, all of it."""
    wanted = () if path is None else _steps(path)
    if path is not None and not wanted:
        raise ValueError(f"{given!r} names nothing inside {part}; write for example {part}.UserName")

    def content(event: Event) -> object:
        return event.parameters if part == PARAMETERS else event.response

    def texts(event: Event, _: Marks) -> tuple[str, ...]:
        return tuple(text for text in _under(content(event), wanted) if text)

    def safe(event: Event, _: Marks) -> tuple[str, ...]:
        return tuple(text for text in _under(mask(content(event)), wanted) if text)

    return Field(part if path is None else f"{part}.{path}", texts, safe, safe, single=False)


def _under(value: object, path: tuple[str, ...], chain: tuple[str, ...] = (), level: int = 0) -> Iterator[str]:
    """The leaves under a path, as text. Lists are passed through, and JSON in texts is opened."""
    value = lenient.unwrapped(value)
    if level > lenient.DEEPEST:
        return
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _under(inner, path, (*chain, *_steps(str(key))), level + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _under(inner, path, chain, level + 1)
    elif any(chain[at : at + len(path)] == path for at in range(len(chain) - len(path) + 1)):
        yield written(value)


@lru_cache(maxsize=4096)
def _steps(path: str) -> tuple[str, ...]:
    """The names of a path without the numbers of list entries, which query strings write out (`Rules.1.CidrIp`)."""
    return tuple(name for step in path.split(".") if not step.isdecimal() and (name := lenient.spelling(step)))


def _unknown(name: str) -> str:
    shown = repr(name if len(name) <= 48 else f"{name[:47]}…")
    near = difflib.get_close_matches(lenient.spelling(name[:64]), _KNOWN, n=1, cutoff=0.5)
    hint = f"did you mean {_KNOWN[near[0]]}? " if near else ""
    return f"events have no field {shown}; {hint}known are {', '.join(NAMES)}, {PARAMETERS}.<path>, {RESPONSE}.<path>"


_FIELDS: Final[dict[str, Field]] = {
    field.name: field
    for field in (
        Field("EventID", *_one(lambda event: event.id)),
        Field("RequestID", *_one(lambda event: event.request_id)),
        Field("EventSource", *_one(lambda event: event.source)),
        Field("EventName", *_one(lambda event: event.name)),
        Field("Action", *_one(lambda event: event.action if event.source or event.name else "")),
        Field("EventType", *_one(lambda event: event.type)),
        Field("ApiVersion", *_one(lambda event: event.version)),
        Field("ReadOnly", *_one(lambda event: "" if event.read_only is None else written(event.read_only))),
        Field("Who", _who, lambda event, _: (event.actor,), single=False),
        Field("IdentityType", *_one(lambda event: event.identity.type)),
        Field("IdentityName", *_one(_user_name)),
        Field("Session", *_one(lambda event: event.identity.session)),
        Field("Account", *_one(lambda event: event.identity.account)),
        Field("AccessKeyID", *_one(lambda event: event.identity.access_key)),
        Field("Region", *_one(lambda event: event.region)),
        Field("SourceIPAddress", *_one(lambda event: event.address)),
        Field("UserAgent", *_one(lambda event: event.user_agent)),
        Field(
            "ResourceType",
            *_twice(lambda event, _: tuple(dict.fromkeys(one.type for one in event.resources if one.type))),
            single=False,
        ),
        Field(
            "ResourceID",
            lambda event, _: _resource_names(event, event.parameters, event.response),
            _resource_ids,
            lambda event, _: _resource_names(event, mask(event.parameters), mask(event.response)),
            single=False,
        ),
        Field("ErrorCode", *_one(lambda event: event.error_code)),
        Field(
            "ErrorMessage",
            _one(lambda event: event.error_message)[0],
            *_one(lambda event: mask_text(event.error_message)),
        ),
        Field("Result", _result, lambda event, _: (event.error_code or "OK",)),
        Field("Severity", *_twice(_severity)),
        Field("Detection", *_twice(lambda _, marks: tuple(mark.id for mark in marks)), single=False),
    )
}

NAMES: Final = (*_FIELDS, "TimeOfDay", "Weekday")
"""The fields that conditions may name, besides the paths inside the request and the response."""

_ALIASES: Final = {
    "actor": "Who",
    "source": "EventSource",
    "address": "SourceIPAddress",
    "accesskey": "AccessKeyID",
    "error": "Result",
    "resource": "ResourceID",
    "username": "IdentityName",
    "accountid": "Account",
}
_KNOWN: Final = {lenient.spelling(name): name for name in (*NAMES, PARAMETERS, RESPONSE)} | _ALIASES
