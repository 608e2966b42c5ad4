"""What is suspicious in some events: one row for each detection and caller, the gravest first.

A detection is a rule that matched. How grave a row is follows from the rule, from whether anything succeeded, and from
how unusual it is for the caller: what is unusual weighs more, routine weighs less, and each row says why.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Final

from volcengine_audit.baseline import Unusual
from volcengine_audit.events import Event
from volcengine_audit.models import Detection, Mark, Suspects
from volcengine_audit.risk import Judged
from volcengine_audit.severity import Severity
from volcengine_audit.times import iso

MOST_SHOWN: Final = 5
"""Addresses, keys, actions and reasons that a row shows; the numbers of all are beside them."""

ROUTINE_LOWERS: Final = 2
"""Steps by which routine lowers a severity."""


@dataclass(slots=True)
class Row:
    """The events of one rule and caller."""

    mark: Mark
    events: list[Event] = field(default_factory=list)
    unusual: list[Unusual] = field(default_factory=list)
    more: int = 0


def detect(
    judged: Judged,
    *,
    least: Severity = Severity.MEDIUM,
    top: int = 50,
    zone: tzinfo = UTC,
) -> Suspects:
    """The detections in some events.

    Args:
        judged: events with what the rules and the past say about them.
        least: rows below this severity are left out.
        top: rows shown.
    """
    # What is unusual is a row of its own, so that it does not go under in what the same caller does every day.
    rows: dict[tuple[str, str, bool], Row] = {}
    for event, these, beside in zip(judged.events, judged.marks, judged.unusual, strict=True):
        for mark in these:
            row = rows.setdefault((mark.id, event.actor, beside.weighs), Row(mark))
            if mark.severity > row.mark.severity:
                row.mark = mark
            row.events.append(event)
            row.unusual.append(beside)
    found = [_detection(row, zone) for row in [*rows.values(), *sequence_rows(judged)]]
    shown = [one for one in found if one.severity >= least]
    by_caller: defaultdict[str, int] = defaultdict(int)
    for one in shown:
        by_caller[one.who] += one.severity.rank
    shown.sort(key=lambda one: (-one.severity.rank, -bool(one.unusual), -by_caller[one.who], one.first or ""))
    lowered = sum(1 for one in found if one.severity < least and one.weighed)
    return Suspects(detections=shown[:top], left_out=max(len(shown) - top, 0) or None, lowered=lowered or None)


def sequence_rows(judged: Judged) -> list[Row]:
    """What several events mean together, by the caller of the event that completed it."""
    by_id = {event.id: (event, beside) for event, beside in zip(judged.events, judged.unusual, strict=True)}
    rows: dict[tuple[str, str, bool], Row] = {}
    for one in judged.sequences:
        found = [by_id[event_id] for event_id in one.event_ids if event_id in by_id]
        if not found:
            continue
        completed = by_id.get(one.completed_by, found[-1])[0]
        reason = f"{one.title}: {one.amount} within a short time" if one.amount > 1 else one.title
        mark = Mark(id=one.name, severity=one.level, reason=reason, techniques=tuple(one.techniques) or None)
        weighs = any(beside.weighs for _, beside in found)
        row = rows.setdefault((one.name, completed.actor, weighs), Row(mark))
        known = {event.id for event in row.events}
        for event, beside in found:
            if event.id not in known:
                row.events.append(event)
                row.unusual.append(beside)
        row.more += max(one.count - len(found), 0)
    return list(rows.values())


def weighed(
    severity: Severity, *, succeeded: int, routine: bool, ordinary: bool, unusual: bool
) -> tuple[Severity, list[str]]:
    """The severity of a row after what is known of it, and what was weighed, in words."""
    said = []
    if routine:
        severity = severity.raised(-ROUTINE_LOWERS)
        said.append("lowered: routine, the caller did the same on several days before from the same address")
    elif unusual and severity >= Severity.MEDIUM:
        severity = severity.raised(1)
        said.append("raised: unusual for this caller")
    elif ordinary:
        severity = severity.raised(-1)
        said.append("lowered: the caller has done this before, and nothing about it is unusual")
    if not succeeded:
        severity = severity.raised(-1)
        said.append("lowered: nothing of it succeeded")
    return severity, said


def _detection(row: Row, zone: tzinfo) -> Detection:
    events = sorted(row.events, key=lambda event: event.time or 0)
    succeeded = [event for event in events if not event.failed]
    failed = [event for event in events if event.failed]
    reasons = Counter(reason for one in row.unusual for reason in one.reasons)
    severity, said = weighed(
        row.mark.severity,
        succeeded=len(succeeded),
        routine=_mostly(one.routine for one in row.unusual),
        ordinary=_mostly(one.ordinary for one in row.unusual),
        unusual=any(one.weighs for one in row.unusual),
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
        count=len(events) + row.more,
        succeeded=len(succeeded),
        failed=len(failed),
        first=iso(times[0], zone) if times else None,
        last=iso(times[-1], zone) if times else None,
        actions=_most(event.action for event in events),
        addresses=list(_most(event.address for event in events if event.address)) or None,
        access_key_ids=list(_most(event.identity.access_key for event in events if event.identity.access_key)) or None,
        event_ids=list(dict.fromkeys(event.id for event in evidence if event.id)),
    )


def _mostly(holds: Iterable[bool]) -> bool:
    """Whether it holds for four of five: the first days of a routine are no routine yet."""
    counted = Counter(holds)
    return counted[True] >= 4 * counted[False] and counted[True] > 0


def _most(values: Iterable[str]) -> dict[str, int]:
    return dict(Counter(values).most_common(MOST_SHOWN))
