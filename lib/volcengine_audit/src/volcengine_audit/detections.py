"""What is suspicious in some events: one row for each detection and caller, the gravest first.

A detection is a rule that matched. How grave a row is follows from the rule, from whether anything succeeded, and from
how unusual it is for the caller: what is unusual weighs more, routine weighs less, and each row says why.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Final

from pydantic import Field

from volcengine_audit.baseline import ORDINARY, Unusual
from volcengine_audit.events import Event
from volcengine_audit.models import Mark, Model
from volcengine_audit.severity import Severity
from volcengine_audit.times import iso

MOST_SHOWN: Final = 5
"""Addresses, keys, actions and reasons that a row shows; the numbers of all are beside them."""

ROUTINE_LOWERS: Final = 2
"""Steps by which routine lowers a severity."""


class Detection(Model):
    """What one rule found in the events of one caller."""

    detection: str = Field(description="Name of the rule; docs/detections.md explains it.")
    severity: Severity = Field(description="How grave it is for this caller.")
    who: str = Field(description="The caller, such as user/alice@2100000001.")
    reason: str = Field(description="What the rule means, in words.")
    unusual: list[str] | None = Field(None, description="Why it is unusual for this caller.")
    weighed: list[str] | None = Field(None, description="What raised or lowered the severity of the rule.")
    count: int = Field(description="Events.")
    succeeded: int = Field(description="Events that succeeded.")
    failed: int = Field(description="Events that were refused or failed.")
    first: str | None = Field(None, description="Time of the first.")
    last: str | None = Field(None, description="Time of the last.")
    actions: dict[str, int] = Field(description="Actions and how often, the most frequent first, at most five.")
    addresses: list[str] | None = Field(None, description="Source addresses, at most five.")
    access_key_ids: list[str] | None = Field(None, alias="AccessKeyIDs", description="Access keys, at most five.")
    event_ids: list[str] = Field(
        alias="EventIDs", description="Evidence: the first that succeeded, the first that failed, the last."
    )


class Suspects(Model):
    """Detections of all callers."""

    detections: list[Detection] = Field(description="The gravest first.")
    left_out: int | None = Field(None, description="Rows beyond those shown.")
    lowered: int | None = Field(None, description="Rows whose severity was lowered, because they are routine.")


@dataclass(slots=True)
class _Row:
    """The events of one rule and caller."""

    mark: Mark
    events: list[Event] = field(default_factory=list)
    unusual: list[Unusual] = field(default_factory=list)


def detect(
    events: Sequence[Event],
    marks: Sequence[Sequence[Mark]],
    unusual: Sequence[Unusual] = (),
    *,
    least: Severity = Severity.MEDIUM,
    top: int = 50,
    zone: tzinfo = UTC,
) -> Suspects:
    """The detections in some events.

    Args:
        events: in any order.
        marks: the marks of each event.
        unusual: what is unusual about each event; without it everything is ordinary.
        least: rows below this severity are left out.
        top: rows shown.
    """
    rows: dict[tuple[str, str], _Row] = {}
    for place, (event, these) in enumerate(zip(events, marks, strict=True)):
        for mark in these:
            row = rows.setdefault((mark.id, event.actor), _Row(mark))
            if mark.severity > row.mark.severity:
                row.mark = mark
            row.events.append(event)
            row.unusual.append(unusual[place] if unusual else ORDINARY)
    found = [_detection(row, zone) for row in rows.values()]
    shown = [one for one in found if one.severity >= least]
    by_caller: defaultdict[str, int] = defaultdict(int)
    for one in shown:
        by_caller[one.who] += one.severity.rank
    shown.sort(key=lambda one: (-one.severity.rank, -bool(one.unusual), -by_caller[one.who], one.first or ""))
    lowered = sum(1 for one in found if one.severity < least and one.weighed)
    return Suspects(detections=shown[:top], left_out=max(len(shown) - top, 0) or None, lowered=lowered or None)


def weighed(severity: Severity, *, succeeded: int, routine: bool, unusual: bool) -> tuple[Severity, list[str]]:
    """The severity of a row after what is known of it, and what was weighed, in words."""
    said = []
    if routine:
        severity = severity.raised(-ROUTINE_LOWERS)
        said.append("lowered: routine, the caller did the same on several days before from the same address")
    elif unusual and severity >= Severity.MEDIUM:
        severity = severity.raised(1)
        said.append("raised: unusual for this caller")
    if not succeeded:
        severity = severity.raised(-1)
        said.append("lowered: nothing of it succeeded")
    return severity, said


def _detection(row: _Row, zone: tzinfo) -> Detection:
    events = sorted(row.events, key=lambda event: event.time or 0)
    succeeded = [event for event in events if not event.failed]
    failed = [event for event in events if event.failed]
    reasons = Counter(reason for one in row.unusual for reason in one.reasons)
    severity, said = weighed(
        row.mark.severity,
        succeeded=len(succeeded),
        routine=all(one.routine for one in row.unusual),
        unusual=bool(reasons),
    )
    times = [event.time for event in events if event.time is not None]
    evidence = [*(succeeded[:1]), *(failed[:1]), events[-1]]
    return Detection(
        detection=row.mark.id,
        severity=severity,
        who=events[0].actor,
        reason=row.mark.reason,
        unusual=[reason for reason, _ in reasons.most_common(MOST_SHOWN)] or None,
        weighed=said or None,
        count=len(events),
        succeeded=len(succeeded),
        failed=len(failed),
        first=iso(times[0], zone) if times else None,
        last=iso(times[-1], zone) if times else None,
        actions=_most(event.action for event in events),
        addresses=list(_most(event.address for event in events if event.address)) or None,
        access_key_ids=list(_most(event.identity.access_key for event in events if event.identity.access_key)) or None,
        event_ids=list(dict.fromkeys(event.id for event in evidence if event.id)),
    )


def _most(values: Iterable[str]) -> dict[str, int]:
    return dict(Counter(values).most_common(MOST_SHOWN))
