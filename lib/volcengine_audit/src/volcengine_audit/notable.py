"""What of some marked events is worth a first look, and which keys they made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, tzinfo
from typing import Any, Final

from volcengine_audit.events import Event, summary_fields
from volcengine_audit.identity import LONG_TERM
from volcengine_audit.lenient import leaves
from volcengine_audit.models import Highlight
from volcengine_audit.risk import Marks
from volcengine_audit.severity import Severity

MOST_HIGHLIGHTS: Final = 25


def highlights_of(events: Sequence[Event], marks: Sequence[Marks], *, zone: tzinfo = UTC) -> list[Highlight]:
    """What was marked medium or worse, once for each rule and action, the worst and earliest first."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    marked = [
        (mark, event)
        for event, these in zip(events, marks, strict=True)
        for mark in these
        if mark.severity >= Severity.MEDIUM
    ]
    marked.sort(key=lambda pair: (-pair[0].severity.rank, pair[1].time or 0))
    for mark, event in marked:
        row = found.get((mark.id, event.action))
        if row is None:
            row = {"id": mark.id, "severity": mark.severity, "reason": mark.reason, "count": 0, "event": event}
            found[mark.id, event.action] = row
        row["count"] += 1
    shown = list(found.values())[:MOST_HIGHLIGHTS]
    return [Highlight.model_validate({**row, **summary_fields(row.pop("event"), zone)}) for row in shown]


def keys_made(events: Iterable[Event]) -> list[str]:
    """The long-term access keys that these calls created, the earliest first."""
    made = sorted(
        (event for event in events if event.name == "CreateAccessKey" and not event.failed),
        key=lambda event: event.time or 0,
    )
    found = (leaf for event in made for leaf in leaves(event.response))
    return list(dict.fromkeys(leaf for leaf in found if isinstance(leaf, str) and leaf.startswith(LONG_TERM)))
