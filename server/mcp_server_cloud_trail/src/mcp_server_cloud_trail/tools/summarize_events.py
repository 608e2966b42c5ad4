"""SummarizeEvents: events counted by who, what, where from, error, resource or time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field
from volcengine_audit.models import GroupKey, Summary
from volcengine_mcp.answers import Answered, Call
from volcengine_mcp.declare import Account, Answers, Effect, Tool
from volcengine_mcp.errors import ArgumentsError
from volcengine_mcp.fields import Text
from volcengine_mcp.windows import Span

from .. import actions
from ..events import TIMES, Conditions, EventCoverage, EventsRead, Moment, parts_of, read_parts, rest_of, settings_of
from ..past import Past, PastCoverage, read_past
from ..settings import CloudTrailSettings

if TYPE_CHECKING:
    from volcengine_audit import Event, Marks

MOST_NEXT = 3
"""Calls that are suggested."""


class SummarizeEventsAnswer(Answered, Summary):
    """Groups of events."""

    next: list[Call] = Field(description="Calls worth making next, as they stand.")
    past: PastCoverage | None = Field(None, description="What is judged as usual by.")
    coverage: EventCoverage | None = Field(None, description="Window, pages and events read, and whether more exists.")


class SummarizeEvents(
    Tool,
    Answers[SummarizeEventsAnswer],
    effect=Effect.READ,
    toolset="events",
    uses=(actions.LookupEvents,),
    zh="汇总审计事件",
    en="Summarize audit events",
):
    """Count events over a window by who, what, where from, error, resource or time, with failures, first and last
    seen, the worst risk and a few EventIDs for each group. Start here for a broad question."""

    group_by: Annotated[list[GroupKey], Field(min_length=1, max_length=3)] = Field(
        ["action"], description="One to three keys."
    )
    start_time: Moment | None = Field(None, description=f"Start: {TIMES}; default one day before the end.")
    end_time: Moment | None = Field(None, description="End, written likewise; default now.")
    lookup_conditions: Conditions | None = Field(None, description="Conditions that must all match.")
    failures_only: bool = Field(False, description="Count only events that ended with an error.")
    top: Annotated[int, Field(ge=1, le=100)] = Field(20, description="Groups shown; the rest is counted.")
    max_events: Annotated[int, Field(ge=50, le=50_000)] = Field(2000, description="Events read, more or less.")
    next_token: Text | None = Field(None, description="Token from Coverage.Next: counts what was not read before.")

    def check(self, settings: CloudTrailSettings) -> None:
        """Refuse keys that are given twice, a window that cannot be searched, and a token that is none."""
        from volcengine_audit import check_keys

        try:
            check_keys(self.group_by, self.top)
        except ValueError as error:
            raise ArgumentsError("InvalidArguments", f"GroupBy: {error}.", hint="Correct GroupBy.") from error
        self._parts(settings)

    async def read(self, account: Account) -> tuple[EventsRead, Past]:
        """The events of the window, and what came before it."""
        parts = self._parts(settings_of(account))
        read = await read_parts(account, parts, self.lookup_conditions or (), most=self.max_events)
        return read, await read_past(account, read.window)

    def answer(self, asked: tuple[EventsRead, Past], settings: CloudTrailSettings) -> SummarizeEventsAnswer:
        """The groups, and whom to trace."""
        from volcengine_audit import summarize

        read, past = asked
        judged = read.judged(settings, past)
        events, marks = judged.events, judged.marks
        counted = [at for at, event in enumerate(events) if event.failed or not self.failures_only]
        summary = summarize(
            [events[at] for at in counted],
            self.group_by,
            zone=settings.zone,
            top=self.top,
            marks=[marks[at] for at in counted],
        )
        actors = {events[at].actor for at in counted}
        return SummarizeEventsAnswer(
            **dict(summary),
            next=_whom_to_trace(events, marks, actors, read.window),
            past=past.coverage(settings),
            coverage=read.coverage(settings, self, returned=len(counted), how_to_go_on=rest_of(read)),
        )

    def _parts(self, settings: CloudTrailSettings) -> tuple[Span, ...]:
        return parts_of(self.next_token, self.start_time, self.end_time, settings, days=1)


def _whom_to_trace(events: Sequence[Event], marks: Sequence[Marks], actors: set[str], window: Span) -> list[Call]:
    """The identities behind the gravest marks; of equals, the one with most failures first."""
    from volcengine_audit import Severity, worst

    failures = Counter(event.actor for event in events if event.failed)
    graded = [
        (gravest, event)
        for event, these in zip(events, marks, strict=True)
        if these and (gravest := worst(these)) and gravest >= Severity.HIGH and event.actor in actors
    ]
    graded.sort(key=lambda pair: (-pair[0].rank, -failures[pair[1].actor], pair[1].time or 0))
    subjects: dict[str, dict[str, Any]] = {}
    for _, event in graded:
        if (subject := _subject(event))["Value"]:
            subjects.setdefault(event.actor, subject)
    times = {"StartTime": window.start, "EndTime": window.end}
    return [
        Call(tool="TraceIdentity", arguments={**subject, **times}) for subject in list(subjects.values())[:MOST_NEXT]
    ]


def _subject(event: Event) -> dict[str, Any]:
    """Whom to trace for an event: its key; a console session has none, and the root user has no name either."""
    from volcengine_audit import Kind

    if event.identity.access_key:
        return {"Kind": "access_key", "Value": event.identity.access_key}
    if event.identity.kind is Kind.USER and event.identity.name:
        return {"Kind": "user", "Value": event.identity.name}
    return {"Kind": "address", "Value": event.address}
