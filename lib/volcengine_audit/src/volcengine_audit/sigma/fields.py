"""Fields of an event by the names that rules use: as the event spells them, at any depth of request and response."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from volcengine_audit import lenient
from volcengine_audit.events import Event
from volcengine_audit.sigma import derived
from volcengine_audit.sigma.errors import SigmaError
from volcengine_audit.sigma.surroundings import Surroundings

Values = Sequence[object]
"""The values of a field: none when the event does not have it, several inside lists."""
Leaf = tuple[tuple[str, ...], object]

NOTHING: Final[Mapping[str, object]] = {}
_SCALARS: Final[dict[str, Callable[[Event], object]]] = {
    "EventID": lambda event: event.id,
    "RequestID": lambda event: event.request_id,
    "EventName": lambda event: event.name,
    "EventSource": lambda event: event.source,
    "EventType": lambda event: event.type,
    "ApiVersion": lambda event: event.version,
    "UserName": lambda event: event.identity.name,
    "AccessKeyID": lambda event: event.identity.access_key,
    "UserIdentity.Type": lambda event: event.identity.type,
    "UserIdentity.UserName": lambda event: event.identity.name,
    "UserIdentity.AccountID": lambda event: event.identity.account,
    "UserIdentity.PrincipalID": lambda event: event.identity.principal,
    "UserIdentity.TRN": lambda event: event.identity.trn,
    "UserIdentity.SessionName": lambda event: event.identity.session,
    "UserIdentity.AccessKeyID": lambda event: event.identity.access_key,
    "SourceIPAddress": lambda event: event.address,
    "UserAgent": lambda event: event.user_agent,
    "Region": lambda event: event.region,
    "ReadOnly": lambda event: event.read_only,
    "ErrorCode": lambda event: event.error_code,
    "ErrorMessage": lambda event: event.error_message,
}
_RESOURCES: Final[dict[str, Callable[[Event], Values]]] = {
    "ResourceType": lambda event: [one.type for one in event.resources if one.type],
    "ResourceID": lambda event: [one.id for one in event.resources if one.id],
    "ResourceTRN": lambda event: [one.trn for one in event.resources if one.trn],
}
_PAYLOADS: Final = ("RequestParameters", "ResponseElements")
_DERIVED: Final = "Derived"


class View:
    """One event as rules see it. What is worked out from it is worked out when first asked for, and kept."""

    __slots__ = ("_given", "_kept", "_leaves", "event", "surroundings")

    def __init__(self, event: Event, given: Mapping[str, object], surroundings: Surroundings) -> None:
        self.event, self.surroundings = event, surroundings
        self._given = given
        self._kept: dict[str, object] = {}
        self._leaves: dict[str, list[Leaf]] = {}

    def derived(self, name: str) -> object:
        """A derived field: the one that was handed over, else the one that follows from the event, else None."""
        given = self._given.get(name)
        if given is not None:
            return given
        if name in self._kept:
            return self._kept[name]
        work = derived.COMPUTED.get(name)
        value = None if work is None else work(self.event, self.surroundings)
        self._kept[name] = value
        return value

    def leaves(self, payload: str) -> list[Leaf]:
        """Every value of the request or of the response, with the names of the fields that lead to it."""
        found = self._leaves.get(payload)
        if found is None:
            value = self.event.parameters if payload == _PAYLOADS[0] else self.event.response
            found = self._leaves[payload] = list(_leaves(value, (), 0))
        return found

    def texts(self) -> Iterator[str]:
        """Every text of the event, for keywords."""
        for get in _SCALARS.values():
            if value := get(self.event):
                yield str(value)
        for one in self.event.resources:
            yield from (one.type, one.id, one.trn)
        for payload in _PAYLOADS:
            for path, value in self.leaves(payload):
                yield from path
                if value is not None:
                    yield str(value)


Getter = Callable[[View], Values]


def getter_of(name: str) -> Getter:
    """How to get a field.

    Raises: SigmaError for a field that events do not have, with one that is near.
    """
    head, _, rest = name.partition(".")
    if head == _DERIVED and rest in derived.KNOWN:
        return _derived(rest)
    if head in _PAYLOADS:
        return _inside(head, _parts(rest))
    if get := _SCALARS.get(name):
        return _scalar(get)
    if several := _RESOURCES.get(name):
        return lambda view: several(view.event)
    known = [*_SCALARS, *_RESOURCES, *(f"{_DERIVED}.{one}" for one in derived.KNOWN)]
    near = difflib.get_close_matches(name, known, 1, 0.5)
    hint = f"; did you mean {near[0]}? Fields are" if near else "; fields are"
    listed = ", ".join([*_SCALARS, *_RESOURCES, *(f"{payload}.<name>" for payload in _PAYLOADS), f"{_DERIVED}.<name>"])
    raise SigmaError(f"{name!r} is not a field of an event{hint} {listed}")


def scalar_of(name: str) -> Callable[[Event], object] | None:
    """How to get a field that has at most one value; None for the others."""
    return _SCALARS.get(name)


def derived_of(name: str) -> str | None:
    """The name of a derived field without what all of them begin with; None for the others."""
    head, _, rest = name.partition(".")
    return rest if head == _DERIVED and rest in derived.KNOWN else None


def _scalar(get: Callable[[Event], object]) -> Getter:
    def values(view: View) -> Values:
        value = get(view.event)
        return () if value is None or value == "" else (value,)

    return values


def _derived(name: str) -> Getter:
    def values(view: View) -> Values:
        value = view.derived(name)
        if value is None or value == "":
            return ()
        return tuple(value) if isinstance(value, list | tuple | set | frozenset) else (value,)

    return values


def _inside(payload: str, wanted: tuple[str, ...]) -> Getter:
    """The values behind a path: its names in order, with any others between, before and behind them."""
    if len(wanted) <= 1:
        only = wanted[0] if wanted else None
        return lambda view: [value for path, value in view.leaves(payload) if only is None or only in path]

    def leads(path: tuple[str, ...]) -> bool:
        rest = iter(path)
        return all(part in rest for part in wanted)

    return lambda view: [value for path, value in view.leaves(payload) if leads(path)]


def _parts(path: str) -> tuple[str, ...]:
    """The names of a path, in one spelling; numbers in it only say which element of a list."""
    spelt = (lenient.spelling(part) for part in path.split("."))
    return tuple(part for part in spelt if part and not part.isdigit())


def _leaves(value: object, path: tuple[str, ...], level: int) -> Iterator[Leaf]:
    opened = lenient.unwrapped(value)
    if opened is not value and path:
        yield path, value  # the JSON text itself, for rules that look for a text in a document
    if level > lenient.DEEPEST:
        return
    if isinstance(opened, Mapping):
        for key, inner in opened.items():
            yield from _leaves(inner, (*path, *_parts(str(key))), level + 1)
    elif isinstance(opened, list):
        for inner in opened:
            yield from _leaves(inner, path, level + 1)
    elif opened is not None and opened != "":
        yield path, opened
