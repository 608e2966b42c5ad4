"""Why conditions match nothing, and what is near: values of the same window that resemble the ones given.

An empty answer must not be taken for "it did not happen" when a name was misspelt. So the events of the window are read
without the conditions, and each condition that alone excludes all of them is answered with what stands there instead.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, tzinfo
from typing import Final

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Described
from pydantic.alias_generators import to_pascal

from volcengine_audit import lenient
from volcengine_audit.comparing import address_of, is_empty, is_glob
from volcengine_audit.event_fields import field_named
from volcengine_audit.events import Event
from volcengine_audit.models import Near, Seen
from volcengine_audit.risk import Marks
from volcengine_audit.where import Condition, Pushed, Where, pushed, said

MOST_SHOWN: Final = 5
"""Values shown for each condition."""
MOST_COMPARED: Final = 2000
"""Different values of a field that are compared with the one given, the most frequent ones."""
_ALIKE: Final = 0.75
"""Share of characters that two names have in common from which on one may be a misspelling of the other."""
_OTHER_FIELDS: Final = (
    *("Action", "EventName", "EventSource", "Who", "AccessKeyID", "SourceIPAddress", "Account"),
    *("ErrorCode", "Region", "ResourceType", "UserAgent", "ResourceID"),
)
"""Fields in which a value may be meant to stand; the one that takes longest to look into comes last."""
_NOT_ALIKE: Final = ("TimeOfDay", "Weekday", "Severity")
"""Fields whose values are not names, so that none is like another."""
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_A-Za-z]+")


class _Said(BaseModel):
    model_config = ConfigDict(alias_generator=to_pascal, populate_by_name=True, frozen=True, defer_build=True)


class Alone(_Said):
    """A condition that does match events, but not together with the others."""

    condition: str = Described(description="The condition in words.")
    alone: int = Described(description="How many events it matches alone.")
    without: int = Described(description="How many events the other conditions match without it.")


class Nothing(_Said):
    """Why conditions match no event of a window."""

    searched: int = Described(description="How many events of the window were looked at without the conditions.")
    near: list[Near] = Described(description="Conditions that alone exclude everything.")
    alone: list[Alone] = Described(description="Conditions that match alone but not together, if none is above.")
    contradictions: list[str] = Described(description="Conditions that no event can meet together.")


def why_nothing(
    conditions: Iterable[Condition],
    events: Sequence[Event],
    marks: Sequence[Marks] | None = None,
    *,
    zone: tzinfo = UTC,
    sent: Collection[Condition] = (),
) -> Nothing:
    """Why some conditions match none of the events of a window that were read without them.

    A condition that the API looks up counts as the API counts it, exactly; the others as they are evaluated here.

    Args:
        marks: the marks of each event, as `judge` gives them.
        sent: those of the conditions that the API looks up whatever they say, besides what `pushed` sends to it.
        zone: as for `Where`.

    Raises: ValueError when there are not as many marks as events.
    """
    listed = list(conditions)
    pairs = list(zip(events, marks if marks is not None else [()] * len(events), strict=True))
    tests = [_as_asked(one, zone, sent=one in sent) for one in listed]
    met = [[meets(event, these) for event, these in pairs] for meets in tests]
    alone = [sum(column) for column in met]
    near = [
        _near(one, pairs, zone, exact=one in sent or bool(pushed([one])))
        for one, count in zip(listed, alone, strict=True)
        if pairs and not count
    ]
    together = []
    if pairs and not near and len(listed) > 1:
        unmet = [sum(not column[row] for column in met) for row in range(len(pairs))]
        for one, count, column in zip(listed, alone, met, strict=True):
            without = sum(failed == (not hit) for failed, hit in zip(unmet, column, strict=True))
            together.append(Alone(condition=said([one])[0], alone=count, without=without))
    return Nothing(searched=len(pairs), near=near, alone=together, contradictions=contradictions(listed))


def contradictions(conditions: Iterable[Condition]) -> list[str]:
    """Conditions that no event can meet together: all must hold, and a field has one value. Needs no events."""
    found = []
    taken: dict[str, list[Condition]] = {}
    for one in conditions:
        if field_named(one.field).single and not any(is_glob(value) or "/" in value for value in one.values):
            for other in taken.setdefault(one.field, []):
                if _exclude_each_other(one, other):
                    found.append(_contradiction(other, one))
            taken[one.field].append(one)
    return found


def _exclude_each_other(one: Condition, other: Condition) -> bool:
    if one.field in ("Severity", "TimeOfDay", "Weekday", "Result"):
        return False  # their values are spans, or stand for several
    mine, others = ({_canonical(one.field, value) for value in each.values} for each in (one, other))
    if one.exclude or other.exclude:
        included, excluded = (mine, others) if other.exclude else (others, mine)
        return one.exclude is not other.exclude and included <= excluded
    return mine.isdisjoint(others)


def _canonical(field: str, value: str) -> object:
    if is_empty(value):
        return ""
    address = address_of(value) if field == "SourceIPAddress" else None
    return address or value.casefold()


def _contradiction(first: Condition, second: Condition) -> str:
    lines = [line.removesuffix(" (exact)") for line in said([first, second])]
    advice = "drop one of them"
    if not (first.exclude or second.exclude):
        advice = f"for either value give one condition on {first.field} with both values"
    return f"{lines[0]} and {lines[1]} can never hold together, as all conditions must: {advice}."


def _as_asked(one: Condition, zone: tzinfo, *, sent: bool) -> Callable[[Event, Marks], bool]:
    """Whether an event meets a condition as it is asked: exactly, where the API is asked."""
    where = Where([one], zone)
    asked = [Pushed(one.field, one.values[0])] if sent else pushed([one])
    # ReadOnly has one spelling, and a field that an event does not show is known to the API alone. Of resources, the
    # API knows those that are listed only.
    exact = [
        (field_named(key).shown if key == "ResourceID" else field_named(key).texts, value)
        for key, value in asked
        if key != "ReadOnly"
    ]

    def meets(event: Event, marks: Marks) -> bool:
        return where.matches(event, marks) and all(value in texts(event, marks) for texts, value in exact)

    return meets


def _near(one: Condition, pairs: Sequence[tuple[Event, Marks]], zone: tzinfo, *, exact: bool) -> Near:
    shown = field_named(one.field, zone).shown
    counts = Counter(value for event, marks in pairs for value in set(shown(event, marks)) if value)
    common = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_COMPARED]
    alike = [] if one.exclude or one.field in _NOT_ALIKE else _alike(one.values, common)
    seen = [Seen(value=value, count=count) for value, count in (alike or common)[:MOST_SHOWN]]
    elsewhere = _elsewhere(one, pairs)
    hint = " ".join(filter(None, (_seen_hint(one, seen, alike=bool(alike), exact=exact), elsewhere)))
    return Near(field=one.field, given=list(one.values), seen=seen, alike=bool(alike or elsewhere), hint=hint)


def _seen_hint(one: Condition, seen: Sequence[Seen], *, alike: bool, exact: bool) -> str:
    listed = ", ".join(f"{_shortened(each.value)} × {each.count}" for each in seen)
    if not seen:
        return f"No event here has a {one.field}."
    if one.exclude:
        return f"Every event here has one of the excluded values of {one.field}: {listed}."
    if all(map(is_empty, one.values)):
        return f"Every event here has a {one.field}; the most frequent are {listed}."
    if not alike:
        return f"No {one.field} here is like that; the most frequent are {listed}."
    how = "exact" if exact else "compared as a whole"
    return f"{one.field} is {how}; seen here: {listed}."


def _shortened(value: str) -> str:
    return value if len(value) <= 80 else f"{value[:79]}…"


def _alike(given: Sequence[str], counted: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """The values that are like one of those given, the nearest first."""
    wanted = [value for value in given if not is_empty(value)]
    near = [(min((_distance(one, value) for one in wanted), default=_FAR), -count, value) for value, count in counted]
    return [(value, -count) for distance, count, value in sorted(near) if distance < _FAR]


_FAR: Final = 9


def _distance(given: str, value: str) -> int:
    """How far a value is from the one given: 0 the same letters, up to words in common; `_FAR` for nothing alike."""
    mine, other = lenient.spelling(given), lenient.spelling(value)
    if mine == other or not mine:
        return 0 if mine else _FAR
    own, others = _own_name(given), _own_name(value)
    if own == others:
        return 1
    if len(own) >= 3 and (others.startswith(own) or (len(others) >= 3 and own.startswith(others))):
        return 2
    if _same_network(given, value):
        return 2
    if len(own) >= 3 and own in others:
        return 3
    if len(own) >= 3 and sorted(own[:128]) == sorted(others[:128]):
        return 3  # the same letters in another order: a slip of the fingers
    matcher = difflib.SequenceMatcher(None, own[:128], others[:128], autojunk=False)
    if matcher.real_quick_ratio() >= _ALIKE and matcher.quick_ratio() >= _ALIKE and matcher.ratio() >= _ALIKE:
        return 4
    words, more = (_words(each) for each in (given, value))
    return 5 if words and words & more else _FAR


def _own_name(label: str) -> str:
    """`alice` of `user/alice@2100000001`, letters and digits only; `createuser` of `iam:CreateUser`."""
    if "@" in label or "/" in label:
        label = label.rpartition("@")[0] or label
        label = label.partition("/")[2] or label
    elif label.count(":") == 1:
        label = label.partition(":")[2] or label
    return str(lenient.spelling(label))


def _words(name: str) -> set[str]:
    return {word.casefold() for word in _WORDS.findall(name[:256]) if len(word) > 2 and not word.isdecimal()}


def _same_network(given: str, value: str) -> bool:
    """Whether two addresses are in one /24, or for IPv6 in one /64."""
    mine, other = address_of(given.partition("/")[0]), address_of(value)
    if mine is None or other is None or mine.version != other.version:
        return False
    bits = 8 if isinstance(mine, ipaddress.IPv4Address) else 64
    return int(mine) >> bits == int(other) >> bits


def _elsewhere(one: Condition, pairs: Sequence[tuple[Event, Marks]]) -> str:
    """Where else the values stand, if they were looked for in the wrong field."""
    if one.exclude or all(map(is_empty, one.values)) or all(set(value) <= {"*", "?"} for value in one.values):
        return ""
    found: list[str] = []
    for name in _OTHER_FIELDS:
        if name == one.field or (name == "SourceIPAddress" and any("/" in value for value in one.values)):
            continue
        if len(found) == 2 or (found and name == "ResourceID"):
            break
        where = Where([Condition(field=name, values=one.values)])
        if count := sum(where.matches(event, marks) for event, marks in pairs):
            found.append(f"as {name} {'it matches' if len(one.values) == 1 else 'they match'} {count}")
    return f"But {' and '.join(found)} of these events." if found else ""
