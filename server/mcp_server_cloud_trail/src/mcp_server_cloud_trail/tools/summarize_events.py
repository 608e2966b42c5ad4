"""SummarizeEvents: events counted by who, what, where from, error, resource or time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field
from volcengine_audit.models import GroupKey, Near, Summary
from volcengine_mcp.answers import Answered, Call
from volcengine_mcp.declare import Account, Answers, Effect, Tool
from volcengine_mcp.errors import ArgumentsError
from volcengine_mcp.fields import Text
from volcengine_mcp.windows import Span

from .. import actions
from ..conditions import Found, Question, find, near_of, question_of
from ..events import TIMES, WHERE, Conditions, EventCoverage, Moment, Where, parts_of, rest_of
from ..past import PastCoverage
from ..settings import CloudTrailSettings
from ..source import settings_of

if TYPE_CHECKING:
    from volcengine_audit import Event, Marks

MOST_NEXT = 8
"""Calls that are suggested; the answer says how many more there would be."""


class SummarizeEventsAnswer(Answered, Summary):
    """Groups of events."""

    next: list[Call] = Field(description="Calls worth making next, as they stand: whom to trace, the gravest first.")
    more_next: int | None = Field(None, description="Callers worth tracing beyond those in Next.")
    near: list[Near] | None = Field(None, description="Where nothing matched: what stands there instead.")
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
    """Count events over a window by who, what, where from, detection, error, resource or time, with successes and
    failures, first and last seen, the worst risk and a few EventIDs for each group, the largest or the gravest first.
    Start here for "how much of what"."""

    group_by: Annotated[list[GroupKey], Field(min_length=1, max_length=3)] = Field(
        ["action"], description="One to three keys."
    )
    start_time: Moment | None = Field(None, description=f"Start: {TIMES}; default one day before the end.")
    end_time: Moment | None = Field(None, description="End, written likewise; default now.")
    lookup_conditions: Conditions | None = Field(None, description="Exact conditions that must all match.")
    where: Where | None = Field(None, description=WHERE)
    failures_only: bool = Field(False, description="Count only events that ended with an error.")
    rank: Literal["count", "severity"] = Field("count", description="Groups with most events first, or the gravest.")
    top: Annotated[int, Field(ge=1, le=100)] = Field(20, description="Groups shown; the rest is counted.")
    include_own: bool = Field(False, description="True to count calls that this server made itself, too.")
    max_events: Annotated[int, Field(ge=50, le=50_000)] = Field(2000, description="Events read, more or less.")
    next_token: Text | None = Field(None, description="Token from Coverage.Next: counts what was not read before.")

    def check(self, settings: CloudTrailSettings) -> None:
        """Refuse keys that are given twice, a window that cannot be searched, and a token that is none."""
        from volcengine_audit import check_keys

        try:
            check_keys(self.group_by, self.top)
        except ValueError as error:
            raise ArgumentsError("InvalidArguments", f"GroupBy: {error}.", hint="Correct GroupBy.") from error
        self._question()
        self._parts(settings)

    async def read(self, account: Account) -> Found:
        """The events of the window, and what came before it."""
        parts = self._parts(settings_of(account))
        return await find(
            account, parts, self._question(), most=self.max_events, own=self.include_own, whole=self.next_token is None
        )

    def answer(self, found: Found, settings: CloudTrailSettings) -> SummarizeEventsAnswer:
        """The groups, and whom to trace."""
        from volcengine_audit import summarize

        read, judged = found.read, found.matched(settings)
        events, marks = judged.events, judged.marks
        counted = [at for at, event in enumerate(events) if event.failed or not self.failures_only]
        summary = summarize(
            [events[at] for at in counted],
            self.group_by,
            zone=settings.zone,
            top=self.top,
            marks=[marks[at] for at in counted],
            rank=self.rank,
        )
        calls = _whom_to_trace(events, marks, {events[at].actor for at in counted}, read.window)
        nothing = found.nothing(settings)
        return SummarizeEventsAnswer(
            **dict(summary),
            next=calls[:MOST_NEXT],
            more_next=max(len(calls) - MOST_NEXT, 0) or None,
            near=near_of(nothing),
            past=found.past.coverage(settings),
            coverage=read.coverage(
                settings,
                self,
                returned=len(counted),
                how_to_go_on=rest_of(read),
                told=found.told(nothing, matched=len(events)),
            ),
        )

    def _question(self) -> Question:
        return question_of(self.lookup_conditions, self.where, failures_only=self.failures_only)

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
    return [Call(tool="TraceIdentity", arguments={**subject, **times}) for subject in subjects.values()]


def _subject(event: Event) -> dict[str, Any]:
    """Whom to trace for an event: its key; a console session has none, and the root user has no name either."""
    from volcengine_audit import Kind

    if event.identity.access_key:
        return {"Kind": "access_key", "Value": event.identity.access_key}
    if event.identity.kind is Kind.USER and event.identity.name:
        return {"Kind": "user", "Value": event.identity.name}
    return {"Kind": "address", "Value": event.address}
