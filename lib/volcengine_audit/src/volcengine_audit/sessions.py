"""Sessions stitched to one story: a key that obtains another key, which obtains the next.

That a response carries the ID of the key which it gave is not documented; where it does not, a story ends there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from itertools import zip_longest
from typing import Final

from volcengine_audit.baseline import ORDINARY, Unusual
from volcengine_audit.events import Event
from volcengine_audit.lenient import Fields, leaves
from volcengine_audit.models import Mark, Session
from volcengine_audit.severity import Severity
from volcengine_audit.times import iso

MOST_SHOWN: Final = 5
MOST_SESSIONS: Final = 30
ROUTINE_LOWERS: Final = 2
"""Steps by which a mark counts for less where it is routine, as in detections."""

_KEY: Final = re.compile(r"AK(?:LT|TP)[A-Za-z0-9+=/_-]{8,64}")
_GIVING: Final = re.compile(r"AssumeRole|GetSessionToken|GetFederationToken|CreateAccessKey", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Given:
    """A key that a call gave to its caller, or to somebody else."""

    key: str
    by: Event


@dataclass(frozen=True, slots=True)
class Sessions:
    """The sessions of a story.

    Attributes:
        shown: the oddest first.
        left_out: how many more there are.
        numbers: the number of each session by its key and its caller, also of those that are left out.
    """

    shown: list[Session]
    left_out: int
    numbers: Mapping[tuple[str, str], int]


def gives(name: str) -> bool:
    """Whether an action of this name answers with a key."""
    return bool(_GIVING.match(name))


def keys_given(events: Iterable[Event]) -> list[Given]:
    """The keys that successful calls gave, the earliest first, each once."""
    found: dict[str, Given] = {}
    for event in sorted(events, key=lambda event: event.time or 0):
        if event.failed or not gives(event.name):
            continue
        for leaf in leaves(event.response):
            for key in _KEY.findall(leaf) if isinstance(leaf, str) else ():
                if key != event.identity.access_key:
                    found.setdefault(key, Given(key, event))
    return list(found.values())


def spread(given: Iterable[Given]) -> list[Given]:
    """The same keys in the order in which to follow them, if not all can be: one of each kind first.

    A kind is who took which role from which address. So one odd session is followed among hundreds that are alike.
    """
    kinds: dict[tuple[str, str, str, str], list[Given]] = {}
    for one in given:
        asked = Fields(one.by.parameters)
        target = asked.text("RoleTrn", "RoleName", "UserName")
        kinds.setdefault((one.by.actor, one.by.action, target, one.by.address), []).append(one)
    turns = zip_longest(*(reversed(alike) for alike in kinds.values()))
    return [one for turn in turns for one in turn if one is not None]


def stitched(events: Sequence[Event], own: Iterable[int], *, steps: int) -> tuple[list[int], set[str]]:
    """The places of the subject's events and of those with the keys that they gave, and that these gave, in order.

    Answers with these keys, too.

    Args:
        own: the places of the subject's events.
        steps: how many keys may lie between the subject and an event.
    """
    by_key: dict[str, list[int]] = {}
    for at, event in enumerate(events):
        by_key.setdefault(event.identity.access_key, []).append(at)
    taken = set(own)
    newest = list(taken)
    known: set[str] = set()
    for _ in range(steps):
        keys = {one.key for one in keys_given(events[at] for at in newest)} - known
        known |= keys
        newest = [at for key in keys for at in by_key.get(key, ()) if at not in taken]
        taken.update(newest)
        if not newest:
            break
    return sorted(taken), known


@dataclass(slots=True)
class _Open:
    events: list[Event] = field(default_factory=list)
    severities: list[Severity] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    oddest: int = -1

    def add(self, event: Event, marks: Sequence[Mark], beside: Unusual) -> None:
        self.events.append(event)
        self.severities += [mark.severity for mark in marks]
        self.reasons.update(beside.reasons)
        by = bool(beside.reasons) - ROUTINE_LOWERS * beside.routine
        self.oddest = max(self.oddest, *(mark.severity.rank + by for mark in marks), -1)


def sessions_of(
    events: Sequence[Event],
    marks: Sequence[Sequence[Mark]],
    unusual: Sequence[Unusual] | None = None,
    *,
    subjects: Collection[str] = (),
    givers: Iterable[Event] = (),
    most: int = MOST_SESSIONS,
    zone: tzinfo = UTC,
) -> Sessions:
    """The sessions of a story, the oddest first: by the worst mark that is not routine, then by what is unusual.

    Args:
        events: of the subject and of the keys that it obtained, in any order.
        subjects: the keys that the trace began with, at depth 0; without them, keys that no event here gave.
        givers: other events, which may have given the subject its key.
        most: sessions that are shown.
    """
    given = {one.key: one.by for one in keys_given([*givers, *events])}
    held: dict[tuple[str, str], _Open] = {}
    for place, (event, these) in enumerate(zip(events, marks, strict=True)):
        one = held.setdefault((event.identity.access_key, event.actor), _Open())
        one.add(event, these, unusual[place] if unusual else ORDINARY)
    depths = {key: _depth(key, given, frozenset(subjects)) for key, _ in held}
    ordered = sorted(
        held.items(),
        key=lambda item: (
            -item[1].oddest,
            -len(item[1].reasons),
            depths[item[0][0]],
            min((event.time for event in item[1].events if event.time is not None), default=0),
        ),
    )
    shown = [
        _session(number, key, who, one, by=given.get(key), depth=depths[key], zone=zone)
        for number, ((key, who), one) in enumerate(ordered[:most], start=1)
    ]
    numbers = {owner: number for number, (owner, _) in enumerate(ordered, start=1)}
    return Sessions(shown, max(len(ordered) - most, 0), numbers)


def _depth(key: str, given: Mapping[str, Event], subjects: frozenset[str]) -> int:
    """How many keys lie between a key and the subject."""
    depth, seen = 0, {key}
    while key not in subjects and key in given:
        key = given[key].identity.access_key
        depth += 1
        if key in seen:
            break
        seen.add(key)
    return depth


def _session(number: int, key: str, who: str, one: _Open, *, by: Event | None, depth: int, zone: tzinfo) -> Session:
    events = sorted(one.events, key=lambda event: event.time or 0)
    times = [event.time for event in events if event.time is not None]
    failed = sum(event.failed for event in events)
    return Session(
        number=number,
        access_key_id=key or None,
        who=who,
        obtained_by=(by.identity.access_key or by.actor) if by else None,
        obtained_with=by.action if by else None,
        event_id=(by.id or None) if by else None,
        depth=depth or None,
        succeeded=len(events) - failed,
        failed=failed,
        first=iso(times[0], zone) if times else None,
        last=iso(times[-1], zone) if times else None,
        addresses=list(dict.fromkeys(event.address for event in events if event.address))[:MOST_SHOWN] or None,
        actions=dict(Counter(event.action for event in events).most_common(MOST_SHOWN)),
        severity=max(one.severities, default=None),
        unusual=[reason for reason, _ in one.reasons.most_common(MOST_SHOWN)] or None,
    )
