"""Counting events by who, what, where from and when, with evidence for each group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final

from volcengine_audit.events import Event
from volcengine_audit.risk import Marks, Severity, worst
from volcengine_audit.times import iso

UNKNOWN: Final = "(unknown)"
NONE: Final = "(none)"
SUCCESS: Final = "(success)"
MOST_KEYS: Final = 3
MOST_EVIDENCE: Final = 3


def _clock(event: Event, zone: tzinfo, form: str) -> tuple[str, ...]:
    return (UNKNOWN if event.time is None else datetime.fromtimestamp(event.time, zone).strftime(form),)


_VALUES: Final[dict[str, Callable[[Event, tzinfo], tuple[str, ...]]]] = {
    "actor": lambda event, zone: (event.actor,),
    "action": lambda event, zone: (event.action,),
    "source": lambda event, zone: (event.source or UNKNOWN,),
    "address": lambda event, zone: (event.address or NONE,),
    "access_key": lambda event, zone: (event.identity.access_key or NONE,),
    "error": lambda event, zone: (event.error_code or SUCCESS,),
    "resource": lambda event, zone: tuple(dict.fromkeys(one.label for one in event.resources)) or (NONE,),
    "region": lambda event, zone: (event.region or NONE,),
    "hour": lambda event, zone: _clock(event, zone, "%Y-%m-%d %H:00"),
    "day": lambda event, zone: _clock(event, zone, "%Y-%m-%d"),
}
KEYS: Final = tuple(_VALUES)
"""What events can be grouped by."""


@dataclass(frozen=True, slots=True)
class Group:
    """Events that have the same values. first, last: Unix seconds, None if no event has a time.

    evidence: IDs of up to three events: the riskiest, the first failure, the first, the last.
    """

    values: tuple[str, ...]
    count: int
    failures: int
    first: int | None
    last: int | None
    severity: Severity | None
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """Groups of events. An event that touched several resources is in the group of each.

    other_groups, other_events, other_failures: what the groups shown leave out; their events are in none of them.
    """

    by: tuple[str, ...]
    events: int
    failures: int
    groups: tuple[Group, ...]
    other_groups: int
    other_events: int
    other_failures: int

    def record(self, zone: tzinfo = UTC) -> dict[str, object]:
        """As a tool answers it."""
        record: dict[str, object] = {
            "GroupedBy": list(self.by),
            "Events": self.events,
            "Failures": self.failures,
            "Groups": [self._group(group, zone) for group in self.groups],
        }
        if self.other_groups:
            record["Other"] = {
                "Groups": self.other_groups,
                "Events": self.other_events,
                "Failures": self.other_failures,
            }
        return record

    def _group(self, group: Group, zone: tzinfo) -> dict[str, object]:
        record: dict[str, object] = dict(zip(self.by, group.values, strict=True))
        record["Count"] = group.count
        if group.failures:
            record["Failures"] = group.failures
        if group.first is not None and group.last is not None:
            record |= {"First": iso(group.first, zone), "Last": iso(group.last, zone)}
        if group.severity is not None:
            record["Severity"] = group.severity.label
        return record | {"EventIDs": list(group.evidence)}


@dataclass(frozen=True, slots=True)
class _Seen:
    """An event with its marks' severity; orders by time, then ID, so that answers do not depend on the pages' order."""

    event: Event
    severity: Severity | None

    @property
    def order(self) -> tuple[bool, int, str]:
        return (self.event.time is None, self.event.time or 0, self.event.id)


def summary_of(
    events: Iterable[Event],
    by: Sequence[str],
    *,
    zone: tzinfo = UTC,
    top: int = 20,
    marks: Sequence[Marks] | None = None,
) -> Summary:
    """Events grouped by one to three keys, the largest groups first; by hour or day first, in order of time.

    Args:
        events: an event whose ID came before is left out.
        by: some of `KEYS`.
        zone: where hours and days begin.
        top: groups to show; the rest is counted.
        marks: the marks of each event, as `mark_events` gives them.

    Raises: ValueError with a sentence for keys that are unknown, too many or twice, and for a top below 1.
    """
    _check(by, top)
    listed = list(events)
    severities = [worst(these) for these in marks] if marks is not None else [None] * len(listed)
    seen = _distinct(_Seen(event, severity) for event, severity in zip(listed, severities, strict=True))
    members: dict[tuple[str, ...], list[_Seen]] = {}
    for one in seen:
        for values in _combinations(one.event, by, zone):
            members.setdefault(values, []).append(one)
    ranked = sorted(members, key=lambda values: (-len(members[values]), -_failures(members[values]), values))
    shown, rest = ranked[:top], ranked[top:]
    if by[0] in ("hour", "day"):
        shown.sort()
    covered = {id(one) for values in shown for one in members[values]}
    others = [one for one in seen if id(one) not in covered]
    return Summary(
        by=tuple(by),
        events=len(seen),
        failures=_failures(seen),
        groups=tuple(_group(values, members[values]) for values in shown),
        other_groups=len(rest),
        other_events=len(others),
        other_failures=_failures(others),
    )


def _check(by: Sequence[str], top: int) -> None:
    if not 1 <= len(by) <= MOST_KEYS:
        raise ValueError(f"group by one to {MOST_KEYS} of {', '.join(KEYS)}, not by {len(by)}")
    for key in by:
        if key not in _VALUES:
            raise ValueError(f"events cannot be grouped by {key!r}; allowed are {', '.join(KEYS)}")
        if list(by).count(key) > 1:
            raise ValueError(f"{key!r} is given twice; group by it once")
    if top < 1:
        raise ValueError(f"the number of groups to show must be at least 1, not {top}")


def _distinct(seen: Iterable[_Seen]) -> list[_Seen]:
    ids: set[str] = set()
    kept = []
    for one in sorted(seen, key=lambda one: one.order):
        if not one.event.id or one.event.id not in ids:
            kept.append(one)
            ids.add(one.event.id)
    return kept


def _combinations(event: Event, by: Sequence[str], zone: tzinfo) -> list[tuple[str, ...]]:
    """The groups that an event belongs to: one, unless it touched several resources."""
    found: list[tuple[str, ...]] = [()]
    for key in by:
        found = [(*values, value) for values in found for value in _VALUES[key](event, zone)]
    return found


def _failures(seen: Iterable[_Seen]) -> int:
    return sum(one.event.failed for one in seen)


def _group(values: tuple[str, ...], members: list[_Seen]) -> Group:
    times = [one.event.time for one in members if one.event.time is not None]
    risky = [one for one in members if one.severity is not None]
    return Group(
        values=values,
        count=len(members),
        failures=_failures(members),
        first=min(times, default=None),
        last=max(times, default=None),
        severity=max((one.severity for one in risky if one.severity is not None), default=None),
        evidence=_evidence(members),
    )


def _evidence(members: list[_Seen]) -> tuple[str, ...]:
    """IDs of the riskiest event, the first failure, the first and the last, as far as they differ."""
    riskiest = max(members, key=lambda one: -1 if one.severity is None else int(one.severity))
    failure = next((one for one in members if one.event.failed), riskiest)
    wanted = [riskiest] if riskiest.severity is not None else []
    ids = dict.fromkeys(one.event.id for one in (*wanted, failure, members[0], members[-1]) if one.event.id)
    return tuple(ids)[:MOST_EVIDENCE]
