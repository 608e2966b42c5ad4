"""Counting events by who, what, where from and when, with evidence for each group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final, get_args

from volcengine_audit.events import Event
from volcengine_audit.models import Group, GroupKey, Other, Summary
from volcengine_audit.risk import Marks, worst
from volcengine_audit.severity import Severity
from volcengine_audit.times import iso

UNKNOWN: Final = "(unknown)"
NONE: Final = "(none)"
SUCCESS: Final = "(success)"
MOST_KEYS: Final = 3
MOST_EVIDENCE: Final = 3


def _clock(event: Event, zone: tzinfo, form: str) -> tuple[str, ...]:
    return (UNKNOWN if event.time is None else datetime.fromtimestamp(event.time, zone).strftime(form),)


_VALUES: Final[dict[GroupKey, Callable[[Event, tzinfo], tuple[str, ...]]]] = {
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
KEYS: Final[tuple[GroupKey, ...]] = get_args(GroupKey)
"""What events can be grouped by."""


@dataclass(frozen=True, slots=True)
class _Graded:
    """An event with its marks' severity; orders by time, then ID, so that answers do not depend on the pages' order."""

    event: Event
    severity: Severity | None

    @property
    def order(self) -> tuple[bool, int, str]:
        return (self.event.time is None, self.event.time or 0, self.event.id)


def check_keys(by: Sequence[str], top: int = 1) -> None:
    """Refuse keys that are unknown, too many or twice, and a top below 1.

    Raises:
        ValueError: a sentence that says what is allowed.
    """
    if not 1 <= len(by) <= MOST_KEYS:
        raise ValueError(f"group by one to {MOST_KEYS} of {', '.join(KEYS)}, not by {len(by)}")
    for key in by:
        if key not in KEYS:
            raise ValueError(f"events cannot be grouped by {key!r}; allowed are {', '.join(KEYS)}")
        if list(by).count(key) > 1:
            raise ValueError(f"{key!r} is given twice; group by it once")
    if top < 1:
        raise ValueError(f"the number of groups to show must be at least 1, not {top}")


def summarize(
    events: Iterable[Event],
    by: Sequence[GroupKey],
    *,
    zone: tzinfo = UTC,
    top: int = 20,
    marks: Sequence[Marks] | None = None,
) -> Summary:
    """Events grouped by one to three keys, the largest groups first; by hour or day first, in order of time.

    Args:
        events: an event whose ID came before is left out.
        by: some of `KEYS`.
        zone: where hours and days begin, and in which times are written.
        top: groups to show; the rest is counted.
        marks: the marks of each event, as `mark_events` gives them.

    Raises:
        ValueError: as `check_keys`.
    """
    check_keys(by, top)
    listed = list(events)
    severities = [worst(these) for these in marks] if marks is not None else [None] * len(listed)
    graded = _distinct(_Graded(event, severity) for event, severity in zip(listed, severities, strict=True))
    members: dict[tuple[str, ...], list[_Graded]] = {}
    for one in graded:
        for values in _combinations(one.event, by, zone):
            members.setdefault(values, []).append(one)
    failures = {values: _failures(these) for values, these in members.items()}
    ranked = sorted(members, key=lambda values: (-len(members[values]), -failures[values], values))
    shown, rest = ranked[:top], ranked[top:]
    if by[0] in ("hour", "day"):
        shown.sort()
    covered = {id(one) for values in shown for one in members[values]}
    others = [one for one in graded if id(one) not in covered]
    return Summary(
        grouped_by=list(by),
        events=len(graded),
        failures=_failures(graded),
        groups=[_group(dict(zip(by, values, strict=True)), members[values], zone) for values in shown],
        other=Other(groups=len(rest), events=len(others), failures=_failures(others)) if rest else None,
    )


def _distinct(graded: Iterable[_Graded]) -> list[_Graded]:
    ids: set[str] = set()
    kept = []
    for one in sorted(graded, key=lambda one: one.order):
        if not one.event.id or one.event.id not in ids:
            kept.append(one)
            ids.add(one.event.id)
    return kept


def _combinations(event: Event, by: Sequence[GroupKey], zone: tzinfo) -> list[tuple[str, ...]]:
    """The groups that an event belongs to: one, unless it touched several resources."""
    found: list[tuple[str, ...]] = [()]
    for key in by:
        found = [(*values, value) for values in found for value in _VALUES[key](event, zone)]
    return found


def _failures(graded: Iterable[_Graded]) -> int:
    return sum(one.event.failed for one in graded)


def _group(values: dict[GroupKey, str], members: list[_Graded], zone: tzinfo) -> Group:
    times = [one.event.time for one in members if one.event.time is not None]
    return Group.model_validate(
        {
            **values,
            "count": len(members),
            "failures": _failures(members) or None,
            "first": iso(min(times), zone) if times else None,
            "last": iso(max(times), zone) if times else None,
            "severity": max((one.severity for one in members if one.severity is not None), default=None),
            "event_ids": _evidence(members),
        }
    )


def _evidence(members: list[_Graded]) -> list[str]:
    """IDs of the riskiest event, the first failure, the first and the last, as far as they differ."""
    riskiest = max(members, key=lambda one: -1 if one.severity is None else one.severity.rank)
    failure = next((one for one in members if one.event.failed), riskiest)
    wanted = [riskiest] if riskiest.severity is not None else []
    ids = dict.fromkeys(one.event.id for one in (*wanted, failure, members[0], members[-1]) if one.event.id)
    return list(ids)[:MOST_EVIDENCE]
