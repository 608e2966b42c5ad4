"""Two windows compared: which callers, actions, addresses… are new, gone, more or less, the most surprising first.

How surprising a change is, is the G-test (log-likelihood ratio) of the two counts against one common rate: 0 when both
windows have the same rate, about 4 where chance alone explains one change in twenty, and growing with the amount of
evidence, so that 2 → 200 stands before 0 → 1. It is computed for the failures too, and the larger one counts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Final

from volcengine_audit.event_fields import Texts, field_named
from volcengine_audit.events import Event
from volcengine_audit.models import Change, ChangeKind, Comparison
from volcengine_audit.risk import Marks, worst
from volcengine_audit.times import iso

KEYS: Final = {
    "actor": ("Who", "(unknown)"),
    "action": ("Action", "(unknown)"),
    "source": ("EventSource", "(unknown)"),
    "address": ("SourceIPAddress", "(none)"),
    "access_key": ("AccessKeyID", "(none)"),
    "error": ("ErrorCode", "(success)"),
    "resource": ("ResourceID", "(none)"),
    "region": ("Region", "(none)"),
    "user_agent": ("UserAgent", "(none)"),
    "session": ("Session", "(none)"),
    "account": ("Account", "(unknown)"),
    "detection": ("Detection", "(none)"),
}
"""What windows can be compared by: the field, and how its absence is written."""
MOST_EVIDENCE: Final = 3
CHANCE: Final = 3.84
"""The G-test's value that chance alone exceeds once in twenty times (chi-squared, one degree of freedom)."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two windows.

    Attributes:
        events: of the window; one whose ID came before counts once.
        seconds: how long the window is. Where not all of it was read, give the part that was.
        marks: the marks of each event, as `judge` gives them.
    """

    events: Sequence[Event]
    seconds: float
    marks: Sequence[Marks] | None = None


def comparison_of(
    before: Side, after: Side, by: str, *, top: int = 20, changed: bool = False, zone: tzinfo = UTC
) -> Comparison:
    """What changed from one window to the other.

    Args:
        by: one of `KEYS`.
        top: values to show; the rest is counted.
        changed: show only what chance does not explain, or what is new or gone.
        zone: in which times are told.

    Raises: ValueError with a sentence for an unknown key, a window without length, or a top below 1.
    """
    if by not in KEYS:
        raise ValueError(f"windows cannot be compared by {by!r}; allowed are {', '.join(KEYS)}")
    if top < 1:
        raise ValueError(f"the number of values to show must be at least 1, not {top}")
    for side in (before, after):
        if not (math.isfinite(side.seconds) and side.seconds > 0):
            raise ValueError(f"a window must be longer than 0 seconds, not {side.seconds}")
    old, new = _Window(before, by), _Window(after, by)
    changes = [_change(value, old, new, zone) for value in {*old.members, *new.members}]
    changes.sort(key=lambda one: (-one.surprise, -max(one.before, one.after), one.value))
    shown = [one for one in changes if not changed or one.kind != "same" or one.surprise >= CHANCE][:top]
    values = {one.value for one in shown}
    rest = [one for one in changes if one.value not in values]
    return Comparison(
        by=by,
        events_before=len(old.rows),
        events_after=len(new.rows),
        hours_before=round(old.hours, 4),
        hours_after=round(new.hours, 4),
        changes=shown,
        other_values=len(rest),
        other_changed=sum(one.kind != "same" for one in rest),
        other_before=old.besides(one.value for one in shown),
        other_after=new.besides(one.value for one in shown),
    )


def surprise_of(before: int, after: int, seconds_before: float, seconds_after: float) -> float:
    """The G-test of two counts in windows of these lengths against one common rate: 2·Σ n·ln(n / expected)."""
    total, seconds = before + after, seconds_before + seconds_after
    parts = ((before, total * seconds_before / seconds), (after, total * seconds_after / seconds))
    return max(0.0, 2 * sum(count * math.log(count / expected) for count, expected in parts if count))


@dataclass(frozen=True, slots=True)
class _Row:
    """An event of a window and how grave its marks are; -1 without any."""

    event: Event
    gravity: int


class _Window:
    """A window's events in order of time, and by value."""

    def __init__(self, side: Side, by: str) -> None:
        name, none = KEYS[by]
        marks = side.marks if side.marks is not None else [()] * len(side.events)
        self.seconds = side.seconds
        self.hours = side.seconds / 3600
        self.rows: list[_Row] = []
        self.members: dict[str, list[_Row]] = {}
        values_of: Texts = field_named(name).shown
        ids: set[str] = set()
        pairs = zip(side.events, marks, strict=True)
        for event, these in sorted(pairs, key=lambda pair: (pair[0].time is None, pair[0].time or 0, pair[0].id)):
            if event.id and event.id in ids:
                continue
            ids.add(event.id)
            severity = worst(these)
            row = _Row(event, -1 if severity is None else severity.rank)
            self.rows.append(row)
            for value in dict.fromkeys(values_of(event, these) or (none,)):
                self.members.setdefault(value, []).append(row)

    def besides(self, values: Iterable[str]) -> int:
        """How many events have none of some values."""
        covered = {id(row) for value in values for row in self.members.get(value, ())}
        return len(self.rows) - len(covered)


def _change(value: str, old: _Window, new: _Window, zone: tzinfo) -> Change:
    before, after = old.members.get(value, []), new.members.get(value, [])
    failures = sum(row.event.failed for row in before), sum(row.event.failed for row in after)
    of_events = surprise_of(len(before), len(after), old.seconds, new.seconds)
    of_failures = surprise_of(*failures, old.seconds, new.seconds)
    rates = len(before) / old.hours, len(after) / new.hours
    kind: ChangeKind = "more" if rates[1] > rates[0] else "less"
    if not before or not after:
        kind = "new" if after else "gone"
    elif of_events < CHANCE:
        kind = "same"
    first = next((row.event.time for row in after if row.event.time is not None), None)
    return Change(
        value=value,
        kind=kind,
        before=len(before),
        after=len(after),
        rate_before=_rounded(rates[0]),
        rate_after=_rounded(rates[1]),
        failures_before=failures[0],
        failures_after=failures[1],
        first_after=None if first is None else iso(first, zone),
        surprise=round(max(of_events, of_failures), 2),
        why=_why(kind, rates, failures, of_failures),
        evidence=_evidence(after or before),
    )


def _why(kind: ChangeKind, rates: tuple[float, float], failures: tuple[int, int], of_failures: float) -> str:
    before, after = (f"{_rounded(rate):g}" for rate in rates)
    words = {
        "new": f"not seen before, now {after} an hour",
        "gone": f"{before} an hour before, not seen any more",
        "same": f"{before} an hour before, {after} after, which chance explains",
    }.get(kind)
    if words is None:
        times = max(rates) / min(rates)
        words = f"{before} an hour before, {after} after: {times:.3g} times as {'often' if kind == 'more' else 'rare'}"
    return f"{words}; failures {failures[0]} → {failures[1]}" if of_failures >= CHANCE else words


def _rounded(rate: float) -> float:
    """A rate with three significant digits, as 0.004 an hour is something else than none."""
    return float(f"{rate:.3g}")


def _evidence(rows: Sequence[_Row]) -> list[str]:
    """IDs of the riskiest event, the first failed, the first and the last, as far as they differ."""
    riskiest = max(rows, key=lambda row: row.gravity)
    failed = next((row for row in rows if row.event.failed), rows[0])
    wanted = (*([riskiest] if riskiest.gravity >= 0 else []), failed, rows[0], rows[-1])
    return list(dict.fromkeys(row.event.id for row in wanted if row.event.id))[:MOST_EVIDENCE]
