"""Counting events by who, what, where from and when, with evidence for each group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any, Final, Literal, get_args

from volcengine_audit.events import Event
from volcengine_audit.models import Group, GroupKey, Hidden, Other, Summary
from volcengine_audit.risk import Marks, worst
from volcengine_audit.severity import Severity
from volcengine_audit.times import iso

UNKNOWN: Final = "(unknown)"
NONE: Final = "(none)"
SUCCESS: Final = "(success)"
MOST_KEYS: Final = 3
MOST_HIDDEN: Final = 5
"""Groups that are not shown and yet named."""

Rank = Literal["count", "severity"]
"""What comes first: what is most, or what is gravest."""


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
    "account": lambda event, zone: (event.identity.account or UNKNOWN,),
    "user_agent": lambda event, zone: (event.user_agent or NONE,),
    "session": lambda event, zone: (event.identity.session or NONE,),
    "hour": lambda event, zone: _clock(event, zone, "%Y-%m-%d %H:00"),
    "day": lambda event, zone: _clock(event, zone, "%Y-%m-%d"),
}
KEYS: Final[tuple[GroupKey, ...]] = get_args(GroupKey)
"""What events can be grouped by."""


@dataclass(frozen=True, slots=True)
class _Graded:
    """An event with its marks; orders by time, then ID, so that answers do not depend on the pages' order."""

    event: Event
    marks: Marks

    @property
    def order(self) -> tuple[bool, int, str]:
        return (self.event.time is None, self.event.time or 0, self.event.id)

    def severity(self, detection: str | None) -> Severity | None:
        """The worst of its marks, or that of one detection."""
        return worst(tuple(mark for mark in self.marks if detection in (None, mark.id)))


@dataclass(frozen=True)
class _Members:
    """The events of a group, in order of time."""

    values: tuple[str, ...]
    events: Sequence[_Graded]
    severities: Sequence[Severity | None]

    @property
    def failures(self) -> int:
        return _failures(self.events)

    @property
    def worst(self) -> Severity | None:
        return max((one for one in self.severities if one is not None), default=None)

    @property
    def gravity(self) -> tuple[int, int]:
        """How grave it is: its worst mark, and how many events have one as grave."""
        rank = self.worst
        return (-1, 0) if rank is None else (rank.rank, sum(one == rank for one in self.severities))

    def hidden(self) -> Hidden:
        return Hidden(values=list(self.values), count=len(self.events), severity=self.worst)


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
    rank: Rank = "count",
) -> Summary:
    """Events grouped by one to three keys, the largest groups first; by hour or day first, in order of time.

    Args:
        events: an event whose ID came before is left out.
        by: some of `KEYS`.
        zone: where hours and days begin, and in which times are written.
        top: groups to show; the rest is counted.
        marks: the marks of each event, as `judge` gives them.
        rank: `severity` puts the gravest groups first, whatever they are grouped by.

    Raises:
        ValueError: as `check_keys`.
    """
    check_keys(by, top)
    listed = list(events)
    of_each = marks if marks is not None else [()] * len(listed)
    graded = _distinct(_Graded(event, these) for event, these in zip(listed, of_each, strict=True))
    members: dict[tuple[str, ...], list[_Graded]] = {}
    for one in graded:
        for values in _combinations(one, by, zone):
            members.setdefault(values, []).append(one)
    ranked = sorted((_members(values, these, by) for values, these in members.items()), key=_RANKS[rank])
    shown, rest = ranked[:top], ranked[top:]
    if by[0] in ("hour", "day") and rank == "count":
        shown.sort(key=lambda group: group.values)
    covered = {id(one) for group in shown for one in group.events}
    others = [one for one in graded if id(one) not in covered]
    return Summary(
        grouped_by=list(by),
        events=len(graded),
        failures=_failures(graded),
        groups=[_group(dict(zip(by, group.values, strict=True)), group, zone) for group in shown],
        other=_other(rest, others) if rest else None,
    )


_RANKS: Final[dict[Rank, Callable[[_Members], Any]]] = {
    "count": lambda group: (-len(group.events), -group.failures, group.values),
    "severity": lambda group: (*(-part for part in group.gravity), -len(group.events), group.values),
}


def _members(values: tuple[str, ...], events: Sequence[_Graded], by: Sequence[GroupKey]) -> _Members:
    """A group. Of a detection, the severity is its own, whatever else its events are marked with."""
    detection = values[list(by).index("detection")] if "detection" in by else None
    return _Members(values, events, [one.severity(detection) for one in events])


def _distinct(graded: Iterable[_Graded]) -> list[_Graded]:
    ids: set[str] = set()
    kept = []
    for one in sorted(graded, key=lambda one: one.order):
        if not one.event.id or one.event.id not in ids:
            kept.append(one)
            ids.add(one.event.id)
    return kept


def _combinations(one: _Graded, by: Sequence[GroupKey], zone: tzinfo) -> list[tuple[str, ...]]:
    """The groups that an event belongs to: one, unless it touched several resources or has several marks."""
    found: list[tuple[str, ...]] = [()]
    for key in by:
        if key == "detection":
            these = tuple(dict.fromkeys(mark.id for mark in one.marks)) or (NONE,)
        else:
            these = _VALUES[key](one.event, zone)
        found = [(*values, value) for values in found for value in these]
    return found


def _failures(graded: Iterable[_Graded]) -> int:
    return sum(one.event.failed for one in graded)


def _group(values: dict[GroupKey, str], group: _Members, zone: tzinfo) -> Group:
    times = [one.event.time for one in group.events if one.event.time is not None]
    return Group.model_validate(
        {
            **values,
            "count": len(group.events),
            "succeeded": len(group.events) - group.failures,
            "failures": group.failures or None,
            "first": iso(min(times), zone) if times else None,
            "last": iso(max(times), zone) if times else None,
            "severity": group.worst,
            "event_ids": _evidence(group),
        }
    )


def _evidence(group: _Members) -> list[str]:
    """IDs of the riskiest event, the first success, the first failure, the first and the last, as far as they differ.

    Of what is equally risky, what succeeded comes first: a success outranks an attempt.
    """
    events = group.events
    graded = [
        (severity.rank, not one.event.failed, -at, one)
        for at, (one, severity) in enumerate(zip(events, group.severities, strict=True))
        if severity is not None
    ]
    wanted = [max(graded, key=lambda row: row[:3])[3]] if graded else []
    wanted += next(([one] for one in events if not one.event.failed), [])
    wanted += next(([one] for one in events if one.event.failed), [])
    ids = dict.fromkeys(one.event.id for one in (*wanted, events[0], events[-1]) if one.event.id)
    return list(ids)


def _other(rest: Sequence[_Members], others: Sequence[_Graded]) -> Other:
    """What the groups shown hide: how much, how grave, and the groups that are largest or gravest."""
    gravest = max(rest, key=lambda group: group.gravity)
    largest = sorted(rest, key=_RANKS["count"])[:MOST_HIDDEN]
    return Other(
        groups=len(rest),
        events=len(others),
        failures=_failures(others),
        severity=gravest.worst,
        gravest=gravest.hidden() if gravest.worst is not None else None,
        largest=[group.hidden() for group in largest],
    )
