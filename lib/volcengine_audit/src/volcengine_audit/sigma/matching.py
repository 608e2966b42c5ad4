"""The detection of a rule as a predicate, and what an event must be called for it to hold at all."""

from __future__ import annotations

import ipaddress
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from volcengine_audit.events import Event
from volcengine_audit.sigma import condition
from volcengine_audit.sigma.errors import SigmaError
from volcengine_audit.sigma.fields import Getter, View, derived_of, getter_of, scalar_of
from volcengine_audit.sigma.text import Test, glob, has_wildcards, literal, regex

Holds = Callable[[View], bool]
Valued = Callable[[object], bool]

_COMPARED: Final[dict[str, Callable[[float, float], bool]]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}
_PLACED: Final = ("contains", "startswith", "endswith")
_KINDS: Final = (*_PLACED, "re", "cidr", "exists", *_COMPARED)
_FLAGS: Final = {"i": "i", "ignorecase": "i", "m": "m", "multiline": "m", "s": "s", "dotall": "s"}
_ALSO: Final = ("all", "cased", "neq")
_EVENT_NAME: Final = "EventName"
_REMEMBERED: Final = 1024
_LONG: Final = 300
"""Texts up to this length are remembered, and so many of them, so that what strangers write fills no memory."""


@dataclass(frozen=True, slots=True)
class Predicate:
    """Whether a detection holds for an event.

    names: the names, in lower case, one of which an event must have for it to hold; None when any will do.
    """

    holds: Holds
    names: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class _How:
    """How values are compared: the kind of comparison, the flags of a regular expression, and the other modifiers."""

    kind: str | None
    flags: str
    also: frozenset[str]


def detection_of(detection: Mapping[str, object]) -> Predicate:
    """The predicate of a rule's `detection`.

    Raises: SigmaError with the place in the detection.
    """
    if "timeframe" in detection:
        raise SigmaError(
            "'timeframe' is of the old way of counting; write a rule with 'correlation' and 'timespan'", "detection"
        )
    written = detection.get("condition")
    selections = {name: value for name, value in detection.items() if name != "condition"}
    if not selections:
        raise SigmaError("there is no selection; write one such as 'selection: {EventName: CreateUser}'", "detection")
    conditions = written if isinstance(written, list) else [written]
    for one in conditions:
        if not isinstance(one, str) or not one.strip():
            raise SigmaError("'condition' must be a text such as 'selection and not filter'", "detection")
    compiled = {name: _selection(value, f"detection › {name}") for name, value in selections.items()}
    trees = [_tree(condition.parse(str(one), list(compiled)), compiled) for one in conditions]
    return _any(trees)


def _tree(tree: condition.Tree, selections: Mapping[str, Predicate]) -> Predicate:
    match tree:
        case condition.Named(name):
            return selections[name]
        case condition.Not(part):
            inner = _tree(part, selections).holds
            return Predicate(lambda view: not inner(view))
        case condition.Every(parts):
            return _all([_tree(part, selections) for part in parts])
        case condition.Either(parts):
            return _any([_tree(part, selections) for part in parts])


def _all(parts: Sequence[Predicate]) -> Predicate:
    if len(parts) == 1:
        return parts[0]
    named = [part.names for part in parts if part.names is not None]
    names = frozenset.intersection(*named) if named else None
    tests = tuple(part.holds for part in parts)
    if len(tests) == 2:
        first, second = tests
        return Predicate(lambda view: first(view) and second(view), names)
    return Predicate(lambda view: all(test(view) for test in tests), names)


def _any(parts: Sequence[Predicate]) -> Predicate:
    if len(parts) == 1:
        return parts[0]
    named = [part.names for part in parts]
    names: frozenset[str] | None = frozenset()
    for one in named:
        names = None if names is None or one is None else names | one
    tests = tuple(part.holds for part in parts)
    return Predicate(lambda view: any(test(view) for test in tests), names)


def _selection(value: object, place: str) -> Predicate:
    if isinstance(value, Mapping):
        if not value:
            raise SigmaError("is empty; name at least one field", place)
        items = [_item(str(key), inner, place) for key, inner in value.items()]
        return _all(items)
    if isinstance(value, list) and value:
        if all(isinstance(one, Mapping) for one in value):
            return _any([_selection(one, f"{place}[{index}]") for index, one in enumerate(value)])
        if all(isinstance(one, str | int | float) for one in value):
            return _keywords([str(one) for one in value], place)
    if isinstance(value, str):
        return _keywords([value], place)
    raise SigmaError("must be fields with values, a list of such, or a list of keywords", place)


def _keywords(words: Sequence[str], place: str) -> Predicate:
    if not all(words):
        raise SigmaError("a keyword must not be empty", place)
    tests = [glob(word, before=True, after=True) for word in words]
    return Predicate(lambda view: any(test(text.casefold()) for text in view.texts() for test in tests))


def _item(key: str, value: object, place: str) -> Predicate:
    name, *modifiers = key.split("|")
    place = f"{place} › {key}"
    if not name:
        raise SigmaError("a field is missing before '|'; keywords take no modifiers here", place)
    try:
        how = _modifiers(modifiers)
        values = _values(value)
        get = getter_of(name)
        holds = _flag(name, values, how) or _holds(get, values, how, scalar_of(name))
    except SigmaError as error:
        raise SigmaError(error.problem, place) from None
    if "neq" in how.also:
        return Predicate(lambda view: not holds(view))
    if name != _EVENT_NAME or how.kind is not None or "all" in how.also:
        return Predicate(holds)
    plain = [one for one in values if isinstance(one, str) and one and not has_wildcards(one)]
    return Predicate(holds, frozenset(literal(one).casefold() for one in plain) if len(plain) == len(values) else None)


def _values(value: object) -> list[object]:
    values = value if isinstance(value, list) else [value]
    if not values:
        raise SigmaError("the list of values is empty; name at least one")
    for one in values:
        if isinstance(one, Mapping | list):
            raise SigmaError(f"a value must be a text, a number, true, false or null, not {one!r}")
    return values


def _modifiers(modifiers: Sequence[str]) -> _How:
    kind: str | None = None
    flags = ""
    also = set()
    for one in modifiers:
        if one in _KINDS:
            if kind is not None:
                raise SigmaError(f"'{kind}' and '{one}' cannot be combined; use one of them")
            kind = one
        elif one in _FLAGS and kind == "re":
            flags += _FLAGS[one]
        elif one in _ALSO:
            also.add(one)
        else:
            raise SigmaError(f"the modifier {one!r} is not supported; these are: {', '.join((*_KINDS, *_ALSO))}")
    if "cased" in also and kind not in (None, *_PLACED):
        raise SigmaError(f"'cased' says nothing together with '{kind}'")
    return _How(kind, flags, frozenset(also))


def _flag(name: str, values: Sequence[object], how: _How) -> Holds | None:
    """A quick test for a derived field that is true or is not, as most are; None for everything else."""
    derived = derived_of(name)
    if derived is None or list(values) not in ([True], [False]) or how.kind is not None or how.also:
        return None
    [wanted] = values
    return lambda view: view.derived(derived) is wanted


def _holds(get: Getter, values: Sequence[object], how: _How, scalar: Callable[[Event], object] | None) -> Holds:
    kind, also = how.kind, how.also
    if kind == "exists":
        [wanted] = values if len(values) == 1 else [None]
        if not isinstance(wanted, bool):
            raise SigmaError("'exists' takes true or false")
        return lambda view: bool(get(view)) is wanted
    if (
        kind is None
        and "all" not in also
        and not any(one is None or one == "" for one in values)
        and (equal := _one_of(get, values, scalar, cased="cased" in also))
    ):
        return equal
    tests: list[Valued] = []
    absent = False
    for one in values:
        if one is None or one == "":
            if kind is not None:
                raise SigmaError(f"'{kind}' needs a value, not null")
            absent = True
        else:
            tests.append(_valued(one, how))
    if "all" in also:
        if absent:
            raise SigmaError("'all' cannot take null")
        return lambda view: all(any(test(value) for value in get(view)) for test in tests)
    if absent:
        # What is not there and what is empty are one: services write either.
        return lambda view: not (found := get(view)) or any(test(value) for value in found for test in tests)
    if scalar is not None and kind not in ("cidr", "re", *_COMPARED):
        return _remembered(scalar, tests)
    if len(tests) == 1:
        only = tests[0]
        return lambda view: any(only(value) for value in get(view))
    return lambda view: any(test(value) for value in get(view) for test in tests)


def _remembered(scalar: Callable[[Event], object], tests: Sequence[Valued]) -> Holds:
    """A test of a field with one value, such as a user agent, of which there are few in many events."""

    @lru_cache(maxsize=_REMEMBERED)
    def tried(text: str) -> bool:
        return any(test(text) for test in tests)

    def holds(view: View) -> bool:
        value = scalar(view.event)
        if value is None or value == "":
            return False
        text = _text(value)
        return tried(text) if len(text) <= _LONG else any(test(text) for test in tests)

    return holds


def _one_of(
    get: Getter, values: Sequence[object], scalar: Callable[[Event], object] | None, *, cased: bool
) -> Holds | None:
    """A quick test for values without wildcards; None when there are some."""
    texts = [_text(one) for one in values]
    if any(isinstance(one, str) and has_wildcards(one) for one in values):
        return None
    if cased:
        exact = frozenset(literal(text) for text in texts)
        return lambda view: any(_text(value) in exact for value in get(view))
    folded = frozenset(literal(text).casefold() for text in texts)
    if scalar is not None:
        return lambda view: (value := scalar(view.event)) is not None and _text(value).casefold() in folded
    return lambda view: any(_text(value).casefold() in folded for value in get(view))


def _valued(wanted: object, how: _How) -> Valued:
    """A test for one value of a field."""
    kind, cased = how.kind, "cased" in how.also
    if kind in _COMPARED:
        number = _number(wanted)
        if number is None:
            raise SigmaError(f"'{kind}' compares numbers, and {wanted!r} is none")
        compare = _COMPARED[kind]
        return lambda value: (found := _number(value)) is not None and compare(found, number)
    if kind == "cidr":
        return _within(str(wanted))
    if kind == "re":
        test = regex(str(wanted), how.flags)
        return lambda value: test(_text(value))
    test = _texted(_text(wanted), kind, cased=cased)
    if cased:
        return lambda value: test(_text(value))
    return lambda value: test(_text(value).casefold())


def _texted(wanted: str, kind: str | None, *, cased: bool) -> Test:
    return glob(wanted, before=kind in ("contains", "endswith"), after=kind in ("contains", "startswith"), cased=cased)


def _within(written: str) -> Valued:
    try:
        network = ipaddress.ip_network(written)
    except ValueError:
        raise SigmaError(f"{written!r} is not a network such as 203.0.113.0/24") from None

    def within(value: object) -> bool:
        try:
            return ipaddress.ip_address(_text(value)) in network
        except ValueError:
            return False

    return within


def _text(value: object) -> str:
    """A value as rules write it: 22 and "22" are one, and so are true and "true"."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _number(value: object) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _finite(value)
    try:
        return _finite(value.strip()) if isinstance(value, str) and len(value) <= 40 else None
    except ValueError:
        return None


def _finite(value: int | float | str) -> float | None:
    try:
        number = float(value)
    except OverflowError:
        return None
    return None if math.isnan(number) else number  # NaN compares with nothing
