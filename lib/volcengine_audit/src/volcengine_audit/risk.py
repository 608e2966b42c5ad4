"""Risk: the marks of events by the detections, beside what is unusual for their callers.

A mark is a hint from a rule, not a verdict. The marks of an event follow from the event and from the past of its
caller, never from what else was asked for; what several events mean together is told apart from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from volcengine_audit.baseline import Baseline, Unusual, habit_of
from volcengine_audit.events import Event
from volcengine_audit.models import Mark
from volcengine_audit.severity import Severity
from volcengine_audit.sigma import Correlation, RuleBook, load_rules

Marks = tuple[Mark, ...]
"""The marks of one event, the worst first."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Events with what the rules and the past of their callers say about them.

    Attributes:
        marks, unusual: of each event, in the order of the events.
        sequences: what several of these events mean together.
    """

    events: Sequence[Event]
    marks: Sequence[Marks]
    unusual: Sequence[Unusual]
    sequences: Sequence[Correlation]

    def only(self, places: Iterable[int]) -> Judged:
        """The events at these places, and the sequences that any of them belongs to."""
        kept = list(places)
        events = [self.events[at] for at in kept]
        ids = {event.id for event in events if event.id}
        return Judged(
            events,
            [self.marks[at] for at in kept],
            [self.unusual[at] for at in kept],
            [one for one in self.sequences if not ids.isdisjoint((*one.event_ids, one.completed_by))],
        )


def judge(events: Iterable[Event], book: RuleBook | None = None, baseline: Baseline | None = None) -> Judged:
    """The marks of events, and what is unusual about them.

    Args:
        book: the rules; the built-in ones if not given.
        baseline: the past, with these events; without it the events are their own past.
    """
    listed = list(events)
    book = book or load_rules()
    if baseline is None:
        habits = [habit for event in listed if (habit := habit_of(event, book.surroundings)) is not None]
        baseline = Baseline(habits, since=min((habit.time for habit in habits), default=0))
    made: dict[tuple[str, Severity, str], Mark] = {}

    def mark(name: str, level: Severity, reason: str, techniques: Sequence[str]) -> Mark:
        """A mark; many events have the same one."""
        key = (name, level, reason)
        if key not in made:
            made[key] = Mark(id=name, severity=level, reason=reason, techniques=tuple(techniques) or None)
        return made[key]

    marks: list[Marks] = []
    unusual: list[Unusual] = []
    happened = []
    for event in listed:
        beside = baseline.unusual(event)
        checked = book.check(event, beside.derived())
        unusual.append(beside)
        marks.append(tuple(mark(one.name, one.level, one.reason, one.techniques) for one in checked.marks))
        if checked.names and event.time is not None:
            happened.append((event.time, event, checked.names))
    return Judged(listed, marks, unusual, book.correlate(happened))


def worst(marks: Marks) -> Severity | None:
    """The highest severity, None without marks."""
    return max((mark.severity for mark in marks), default=None)
