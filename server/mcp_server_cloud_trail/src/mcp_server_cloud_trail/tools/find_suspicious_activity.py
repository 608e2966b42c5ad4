"""FindSuspiciousActivity: the answer to "anything odd?"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field
from volcengine_audit.models import Detection, Near
from volcengine_mcp.answers import Answered, Call
from volcengine_mcp.declare import Account, Answers, Effect, Tool
from volcengine_mcp.fields import Text
from volcengine_mcp.windows import Span

from .. import actions
from ..conditions import Found, Question, find, near_of, question_of
from ..events import TIMES, WHERE, Conditions, EventCoverage, Moment, Where, parts_of, rest_of, settings_of
from ..past import PastCoverage
from ..settings import CloudTrailSettings

if TYPE_CHECKING:
    from volcengine_audit import Judged, Suspects

MOST_NEXT = 8
"""Calls that are suggested; the answer says how many more there would be."""

NOT_LOOKED_AT = (
    "Only what these rules know is found, and only in events that were recorded. Data events of buckets, what happens "
    "inside machines, and other accounts are not in them. A rule that matched is a reason to look, not a verdict."
)


class FindSuspiciousActivityAnswer(Answered):
    """Detections, the gravest first."""

    detections: list[Detection] = Field(description="One row for each detection and caller, the gravest first.")
    left_out: int | None = Field(None, description="Rows beyond those shown.")
    lowered: int | None = Field(None, description="Rows below Least because they are routine or nothing succeeded.")
    next: list[Call] = Field(description="Calls worth making next, as they stand: whom to trace, the gravest first.")
    more_next: int | None = Field(None, description="Callers worth tracing beyond those in Next.")
    near: list[Near] | None = Field(None, description="Where nothing matched: what stands there instead.")
    past: PastCoverage = Field(description="What is judged as usual by.")
    not_looked_at: str = Field(NOT_LOOKED_AT, description="What this answer cannot show.")
    coverage: EventCoverage | None = Field(None, description="Window, pages and events read, and whether more exists.")


class FindSuspiciousActivity(
    Tool,
    Answers[FindSuspiciousActivityAnswer],
    effect=Effect.READ,
    toolset="events",
    uses=(actions.LookupEvents,),
    zh="发现可疑活动",
    en="Find suspicious activity",
):
    """Anything odd? Runs all detections over a window of audit events and judges them by what each caller normally
    does: one row for each detection and caller, the gravest first, with counts, times, addresses, EventIDs as evidence
    and reasons. Start here for a broad security question, then follow Next."""

    start_time: Moment | None = Field(None, description=f"Start: {TIMES}; default 7 days before the end.")
    end_time: Moment | None = Field(None, description="End, written likewise; default now.")
    lookup_conditions: Conditions | None = Field(None, description="Exact conditions that must all match.")
    where: Where | None = Field(None, description=WHERE)
    least: Literal["low", "medium", "high", "critical"] = Field("medium", description="Rows below are left out.")
    top: Annotated[int, Field(ge=1, le=200)] = Field(40, description="Rows shown; the rest is counted.")
    max_events: Annotated[int, Field(ge=50, le=50_000)] = Field(30_000, description="Events read, more or less.")
    next_token: Text | None = Field(None, description="Token from Coverage.Next: looks at what was not read before.")

    def check(self, settings: CloudTrailSettings) -> None:
        """Refuse a window that cannot be searched, conditions that cannot hold, and a token that is none."""
        self._question()
        self._parts(settings)

    async def read(self, account: Account) -> Found:
        """The events of the window, and what came before it."""
        parts = self._parts(settings_of(account))
        return await find(account, parts, self._question(), most=self.max_events, whole=self.next_token is None)

    def answer(self, found: Found, settings: CloudTrailSettings) -> FindSuspiciousActivityAnswer:
        """The detections, and whom to trace."""
        from volcengine_audit import Severity, detect

        read, judged = found.read, found.matched(settings)
        suspects = detect(judged, least=Severity(self.least), top=self.top, zone=settings.zone)
        calls = _whom_to_trace(suspects, judged, read.window)
        nothing = found.nothing(settings)
        return FindSuspiciousActivityAnswer(
            detections=suspects.detections,
            left_out=suspects.left_out,
            lowered=suspects.lowered,
            next=calls[:MOST_NEXT],
            more_next=max(len(calls) - MOST_NEXT, 0) or None,
            near=near_of(nothing),
            past=found.past.coverage(settings),
            coverage=read.coverage(
                settings,
                self,
                returned=len(judged.events),
                how_to_go_on=rest_of(read),
                told=found.told(nothing, matched=len(judged.events)),
            ),
        )

    def _question(self) -> Question:
        return question_of(self.lookup_conditions, self.where)

    def _parts(self, settings: CloudTrailSettings) -> tuple[Span, ...]:
        return parts_of(self.next_token, self.start_time, self.end_time, settings, days=7)


def _whom_to_trace(found: Suspects, judged: Judged, window: Span) -> list[Call]:
    """A call for each caller of a detection, the gravest first: by its key, else by its name or address."""
    by_id = {event.id: event for event in judged.events}
    subjects: dict[tuple[str, str], dict[str, Any]] = {}
    for one in found.detections:
        event = by_id.get(one.event_ids[0]) if one.event_ids else None
        if event is None:
            continue
        key = event.identity.access_key
        if key:
            subject = ("access_key", key)
        elif event.identity.name and event.identity.kind.value == "user":
            subject = ("user", event.identity.name)
        else:
            subject = ("address", event.address)
        if subject[1]:
            subjects.setdefault(subject, {"Kind": subject[0], "Value": subject[1]})
    times = {"StartTime": window.start, "EndTime": window.end}
    return [Call(tool="TraceIdentity", arguments={**subject, **times}) for subject in subjects.values()]
