"""The past of an account: what the baseline of detections is made from, read once a day of it and kept for a while.

The look-back of an answer begins at a day, whatever was asked, so that the same event is judged alike in every answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from time import time
from typing import TYPE_CHECKING

from pydantic import Field
from volcengine_mcp.answers import Missing, Said
from volcengine_mcp.declare import Account
from volcengine_mcp.errors import VolcengineError
from volcengine_mcp.windows import Span, WindowRead, read_window

from . import actions
from .settings import CloudTrailSettings
from .source import SOURCE, settings_of

if TYPE_CHECKING:
    from volcengine_audit import Baseline, Event, Habit, RuleBook

DAY = 86400

SETTLED = 3600
"""Seconds after the end of a day at which its events are taken to have arrived."""

KEPT = 1800.0
"""Seconds for which a whole day is kept."""

KEPT_TODAY = 120.0
"""Seconds for which a day that is not over is kept."""


class PastCoverage(Said):
    """What the judgement of what is usual rests on."""

    days: int = Field(description="Days before an event that count as its past.")
    since: str = Field(description="Where the past that was read begins.")
    events: int = Field(description="Events that it has.")
    complete: bool = Field(description="Whether all of it was read; otherwise more may be usual than seems so.")
    missing: list[Missing] | None = Field(None, description="What could not be read of it, and why.")


@dataclass
class Past:
    """The events of some days, as they were read now or are still kept.

    Attributes:
        since: where they begin, Unix seconds.
        kept: by day, what the baseline remembers of them.
        fresh: days that were read now, by day; worked on only when the answer is computed.
        whole: of these, the days that were read to their end.
    """

    since: int
    kept: dict[int, tuple[Habit, ...]] = field(default_factory=dict)
    fresh: dict[int, list[actions.Event]] = field(default_factory=dict)
    whole: frozenset[int] = frozenset()
    missing: tuple[Missing, ...] = ()
    _account: Account | None = None

    def baseline(self, book: RuleBook, events: Iterable[Event] = ()) -> Baseline:
        """The baseline, with the events of an answer themselves. Computes: for a worker thread."""
        from volcengine_audit import Baseline, event_of, habit_of

        habits: dict[object, Habit] = {}
        for day, rows in self.fresh.items():
            made = tuple(
                habit
                for row in rows
                if (habit := habit_of(event_of(row.model_dump(by_alias=True, exclude_unset=True)), book.surroundings))
            )
            self.kept[day] = made
            if day in self.whole and self._account is not None:
                settled = time() > (day + 1) * DAY + SETTLED
                self._account.keep(("past", day), made, seconds=KEPT if settled else KEPT_TODAY)
        for of_day in self.kept.values():
            habits.update((habit, habit) for habit in of_day)
        for event in events:
            if (habit := habit_of(event, book.surroundings)) is not None:
                habits[habit] = habit
        return Baseline(habits.values(), since=self.since)

    def coverage(self, settings: CloudTrailSettings) -> PastCoverage:
        """What an answer that is built on it must say; right after `baseline`."""
        from volcengine_audit import iso

        return PastCoverage(
            days=settings.baseline_days,
            since=iso(self.since, settings.zone),
            events=sum(len(of_day) for of_day in self.kept.values()),
            complete=not self.missing,
            missing=list(self.missing) or None,
        )


async def read_past(account: Account, window: Span) -> Past:
    """The past of the events of a window, and the window itself.

    What cannot be read is part of what is returned: an answer without a past is still an answer.
    """
    settings = settings_of(account)
    now = int(time())
    oldest = now - settings.retention_days * DAY + DAY
    first = max(window.start // DAY - settings.baseline_days, oldest // DAY)
    last = min(window.end, now) // DAY
    past = Past(since=first * DAY, _account=account)
    wanted = []
    for day in range(first, last + 1):
        kept = account.kept(("past", day))
        if kept is None:
            wanted.append(day)
        else:
            past.kept[day] = kept
    if not wanted:
        return past
    spans = [Span(days[0] * DAY, min((days[-1] + 1) * DAY - 1, now)) for days in _runs(wanted)]
    try:
        read = await read_window(
            account,
            spans,
            SOURCE,
            most_pages=settings.baseline_pages,
            most_rows=settings.baseline_pages * 50,
            at_once=settings.parallel_reads,
        )
    except VolcengineError as error:
        past.missing = (Missing.because("past events", error),)
        return past
    _sort_out(past, read, wanted)
    return past


def _sort_out(past: Past, read: WindowRead[actions.Event], wanted: Sequence[int]) -> None:
    """Put the rows to their days, and note which days are whole."""
    past.fresh = {day: [] for day in wanted}
    for row in read.rows:
        moment = SOURCE.moment(row)
        if moment is not None and moment // DAY in past.fresh:
            past.fresh[moment // DAY].append(row)
    cut = {day for span in read.unread for day in range(span.start // DAY, span.end // DAY + 1)}
    past.whole = frozenset(day for day in wanted if day not in cut)
    past.missing = read.missing


def _runs(days: Sequence[int]) -> list[list[int]]:
    """Days that follow each other, together."""
    runs: list[list[int]] = []
    for day in days:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return runs
