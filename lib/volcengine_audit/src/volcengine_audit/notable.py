"""What of some marked events is worth a first look, and which keys they made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Final

from volcengine_audit.baseline import Unusual
from volcengine_audit.detections import sequence_rows
from volcengine_audit.events import Event, summary_fields
from volcengine_audit.identity import LONG_TERM
from volcengine_audit.lenient import leaves
from volcengine_audit.models import Highlight, Mark
from volcengine_audit.risk import Judged
from volcengine_audit.severity import Severity
from volcengine_audit.timeline import evidence
from volcengine_audit.times import iso

MOST_HIGHLIGHTS: Final = 25
MOST_REASONS: Final = 3
_SHOWN: Final = frozenset(
    {
        *("event_id", "event_time", "who", "event_source", "event_name", "source_ip_address", "resources"),
        *("result", "error_message"),
    }
)
"""What of the event a highlight shows; its session and GetEvent show the rest."""


@dataclass(slots=True)
class _Row:
    """Events that have one mark, and what is unusual about each."""

    marks: list[Mark] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    unusual: list[Unusual] = field(default_factory=list)
    more: int = 0

    def add(self, mark: Mark, event: Event, beside: Unusual) -> None:
        self.marks.append(mark)
        self.events.append(event)
        self.unusual.append(beside)

    @property
    def severity(self) -> Severity:
        return max(mark.severity for mark in self.marks)

    @property
    def routine(self) -> bool:
        return all(beside.routine for beside in self.unusual)

    @property
    def told(self) -> tuple[Mark, Event]:
        """The gravest mark of what succeeded, or where nothing did, of what failed; the earliest of equals."""
        pairs = zip(self.marks, self.events, strict=True)
        return min(pairs, key=lambda pair: (pair[1].failed, -pair[0].severity.rank, pair[1].time or 0))


def highlights_of(
    judged: Judged,
    *,
    sessions: Mapping[tuple[str, str], int] | None = None,
    most: int = MOST_HIGHLIGHTS,
    zone: tzinfo = UTC,
) -> tuple[list[Highlight], int]:
    """What was marked medium or worse, once for each rule and action, and sequences; and how many more there are.

    The worst come first, of equals what is not routine, then what succeeded, then the earliest. A success outranks an
    attempt: where an event of a row succeeded, the row tells of that.

    Args:
        sessions: the number of the session of each key and caller, if there are several.
        most: rows shown.
    """
    rows: dict[tuple[str, str], _Row] = {}
    for event, these, beside in zip(judged.events, judged.marks, judged.unusual, strict=True):
        for mark in these:
            if mark.severity >= Severity.MEDIUM:
                rows.setdefault((mark.id, event.action), _Row()).add(mark, event, beside)
    for one in sequence_rows(judged):
        if one.mark.severity >= Severity.MEDIUM:
            row = rows[one.mark.id, one.events[-1].actor] = _Row(more=one.more)
            for event, beside in zip(one.events, one.unusual, strict=True):
                row.add(one.mark, event, beside)
    ordered = sorted(
        rows.values(),
        key=lambda row: (-row.severity.rank, row.routine, row.told[1].failed, row.told[1].time or 0),
    )
    return [_highlight(row, sessions or {}, zone) for row in ordered[:most]], max(len(ordered) - most, 0)


def _highlight(row: _Row, sessions: Mapping[tuple[str, str], int], zone: tzinfo) -> Highlight:
    mark, event = row.told
    ordered = sorted(row.events, key=lambda event: event.time or 0)
    reasons = Counter(reason for beside in row.unusual for reason in beside.reasons)
    failed = sum(event.failed for event in ordered)
    last = ordered[-1].time if len(ordered) > 1 else None
    shown = {name: value for name, value in summary_fields(event, zone).items() if name in _SHOWN}
    return Highlight.model_validate(
        {
            **shown,
            "id": mark.id,
            "severity": row.severity,
            "reason": mark.reason,
            "techniques": mark.techniques,
            "count": len(ordered) + row.more,
            "succeeded": len(ordered) - failed,
            "failed": failed,
            "unusual": [reason for reason, _ in reasons.most_common(MOST_REASONS)] or None,
            "routine": row.routine or None,
            "in_session": sessions.get((event.identity.access_key, event.actor)),
            "last": None if last is None else iso(last, zone),
            "event_ids": [one for one in evidence(ordered) if one != event.id] or None,
        }
    )


def keys_made(events: Iterable[Event]) -> list[str]:
    """The long-term access keys that these calls created, the earliest first."""
    made = sorted(
        (event for event in events if event.name == "CreateAccessKey" and not event.failed),
        key=lambda event: event.time or 0,
    )
    found = (leaf for event in made for leaf in leaves(event.response))
    return list(dict.fromkeys(leaf for leaf in found if isinstance(leaf, str) and leaf.startswith(LONG_TERM)))
