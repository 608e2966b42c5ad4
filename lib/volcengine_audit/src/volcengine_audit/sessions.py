"""Sessions stitched to one story: a key that obtains another key, which obtains the next.

That a response carries the ID of the key which it gave is not documented; where it does not, a story ends there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Final

from pydantic import Field

from volcengine_audit.baseline import ORDINARY, Unusual
from volcengine_audit.events import Event
from volcengine_audit.lenient import leaves
from volcengine_audit.models import Mark, Model
from volcengine_audit.severity import Severity
from volcengine_audit.times import iso

MOST_SHOWN: Final = 5

_KEY: Final = re.compile(r"AK(?:LT|TP)[A-Za-z0-9+=/_-]{8,64}")
_GIVING: Final = re.compile(r"AssumeRole|GetSessionToken|GetFederationToken|CreateAccessKey", re.IGNORECASE)


class Session(Model):
    """What was done with one key, and how the key was obtained."""

    access_key_id: str | None = Field(None, alias="AccessKeyID", description="The key; left out for a console session.")
    who: str = Field(description="Whose calls they are.")
    obtained_by: str | None = Field(None, description="The key or caller that obtained this key.")
    obtained_with: str | None = Field(None, description="The action that gave it, such as sts:AssumeRole.")
    event_id: str | None = Field(None, alias="EventID", description="The event that gave it.")
    depth: int = Field(description="Steps from the subject of the trace; 0 is the subject itself.")
    events: int = Field(description="Events read of it.")
    succeeded: int = Field(description="Events that succeeded.")
    failed: int = Field(description="Events that were refused or failed.")
    first: str | None = Field(None, description="Time of the first.")
    last: str | None = Field(None, description="Time of the last.")
    addresses: list[str] | None = Field(None, description="Source addresses, at most five.")
    actions: dict[str, int] = Field(description="Actions and how often, the most frequent first, at most five.")
    severity: Severity | None = Field(None, description="The worst mark among its events.")
    unusual: list[str] | None = Field(None, description="What is unusual about it for its caller.")


@dataclass(frozen=True, slots=True)
class Given:
    """A key that a call gave to its caller, or to somebody else."""

    key: str
    by: Event


def keys_given(events: Iterable[Event]) -> list[Given]:
    """The keys that successful calls gave, the earliest first, each once."""
    found: dict[str, Given] = {}
    for event in sorted(events, key=lambda event: event.time or 0):
        if event.failed or not _GIVING.match(event.name):
            continue
        for leaf in leaves(event.response):
            for key in _KEY.findall(leaf) if isinstance(leaf, str) else ():
                if key != event.identity.access_key:
                    found.setdefault(key, Given(key, event))
    return list(found.values())


@dataclass(slots=True)
class _Open:
    events: list[Event] = field(default_factory=list)
    severities: list[Severity] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)


def sessions_of(
    events: Sequence[Event],
    marks: Sequence[Sequence[Mark]],
    unusual: Sequence[Unusual] = (),
    *,
    subjects: Iterable[str] = (),
    zone: tzinfo = UTC,
) -> list[Session]:
    """The sessions that some events belong to, the oddest first: by the worst mark, then by what is unusual.

    Args:
        events: of the subject and of the keys that it obtained, in any order.
        subjects: the keys that the trace began with, at depth 0; without them, keys that no event here gave.
    """
    given = {one.key: one.by for one in keys_given(events)}
    held: dict[tuple[str, str], _Open] = {}
    for place, (event, these) in enumerate(zip(events, marks, strict=True)):
        one = held.setdefault((event.identity.access_key, event.actor), _Open())
        one.events.append(event)
        one.severities += [mark.severity for mark in these]
        one.reasons.update((unusual[place] if unusual else ORDINARY).reasons)
    depths = {key: _depth(key, given, frozenset(subjects)) for key, _ in held}
    found = [
        _session(key, who, one, by=given.get(key), depth=depths[key], zone=zone) for (key, who), one in held.items()
    ]
    found.sort(
        key=lambda one: (
            -(one.severity.rank if one.severity else -1),
            -len(one.unusual or ()),
            one.depth,
            one.first or "",
        )
    )
    return found


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


def _session(key: str, who: str, one: _Open, *, by: Event | None, depth: int, zone: tzinfo) -> Session:
    events = sorted(one.events, key=lambda event: event.time or 0)
    times = [event.time for event in events if event.time is not None]
    failed = sum(event.failed for event in events)
    return Session(
        access_key_id=key or None,
        who=who,
        obtained_by=(by.identity.access_key or by.actor) if by else None,
        obtained_with=by.action if by else None,
        event_id=(by.id or None) if by else None,
        depth=depth,
        events=len(events),
        succeeded=len(events) - failed,
        failed=failed,
        first=iso(times[0], zone) if times else None,
        last=iso(times[-1], zone) if times else None,
        addresses=list(dict.fromkeys(event.address for event in events if event.address))[:MOST_SHOWN] or None,
        actions=dict(Counter(event.action for event in events).most_common(MOST_SHOWN)),
        severity=max(one.severities, default=None),
        unusual=[reason for reason, _ in one.reasons.most_common(MOST_SHOWN)] or None,
    )
