"""FindSuspiciousActivity: the answer to "anything odd?"."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field
from volcengine_audit.models import Detection, Near
from volcengine_mcp.answers import Answered, Call
from volcengine_mcp.declare import Account, Answers, Effect, Tool
from volcengine_mcp.fields import Text
from volcengine_mcp.windows import Span

from .. import actions
from ..accounts import AccountName, Accounts, accounts_in, with_accounts
from ..conditions import Found, Question, find, near_of, question_of
from ..events import TIMES, WHERE, Conditions, EventCoverage, Moment, Where, parts_of, rest_of, rule_book
from ..past import PastCoverage
from ..settings import CloudTrailSettings
from ..source import settings_of
from ..subjects import subject_of, trace

if TYPE_CHECKING:
    from volcengine_audit import Event, Judged, Suspects

MOST_NEXT = 8
"""Calls that are suggested; the answer says how many more there would be."""

NOT_LOOKED_AT = (
    "Only what these rules know is found, and only in events that were recorded. Data events of buckets, what happens "
    "inside machines, and other accounts are not in them. A rule that matched is a reason to look, not a verdict."
)


class ActivityCoverage(EventCoverage):
    """What the detections rest on."""

    accounts: str | None = Field(None, description="What could not be read of the names of accounts.")


class FindSuspiciousActivityAnswer(Answered):
    """Detections, the gravest first."""

    detections: list[Detection] = Field(description="One row for each detection and caller, the gravest first.")
    left_out: int | None = Field(None, description="Rows beyond those shown.")
    lowered: int | None = Field(None, description="Rows below Least because they are routine or nothing succeeded.")
    next: list[Call] = Field(description="Calls worth making next, as they stand: whom to trace, the gravest first.")
    more_next: int | None = Field(None, description="Callers worth tracing beyond those in Next.")
    accounts: dict[str, AccountName] | None = Field(
        None, description="Accounts of the rows by ID, and those outside the organization that their requests name."
    )
    near: list[Near] | None = Field(None, description="Where nothing matched: what stands there instead.")
    past: PastCoverage = Field(description="What is judged as usual by.")
    not_looked_at: str = Field(NOT_LOOKED_AT, description="What this answer cannot show.")
    coverage: ActivityCoverage | None = Field(
        None, description="Window, pages and events read, and whether more exists."
    )


class FindSuspiciousActivity(
    Tool,
    Answers[FindSuspiciousActivityAnswer],
    effect=Effect.READ,
    toolset="events",
    uses=(actions.LookupEvents, actions.ListAccounts),
    zh="发现可疑活动",
    en="Find suspicious activity",
):
    """Answer "anything odd?": run all detections over a window of audit events, and judge them by what each caller
    normally does. One row for each detection and caller, the gravest first, with counts, times, addresses, EventIDs as
    evidence and reasons. Start here for a broad security question, then follow Next."""

    start_time: Moment | None = Field(None, description=f"Start: {TIMES}; default 7 days before the end.")
    end_time: Moment | None = Field(None, description="End, written likewise; default now.")
    lookup_conditions: Conditions | None = Field(None, description="Exact conditions that must all match.")
    where: Where | None = Field(None, description=WHERE)
    least: Literal["low", "medium", "high", "critical"] = Field("medium", description="Rows below are left out.")
    top: Annotated[int, Field(ge=1, le=200)] = Field(40, description="Rows shown; the rest is counted.")
    include_own: bool = Field(False, description="True to count calls that this server made itself, too.")
    max_events: Annotated[int, Field(ge=50, le=50_000)] = Field(30_000, description="Events read, more or less.")
    next_token: Text | None = Field(None, description="Token from Coverage.Next: looks at what was not read before.")

    def check(self, settings: CloudTrailSettings) -> None:
        """Refuse a window that cannot be searched, conditions that cannot hold, and a token that is none."""
        self._question()
        self._parts(settings)

    async def read(self, account: Account) -> tuple[Found, Accounts]:
        """The events of the window, what came before it, and whose accounts they are about."""
        parts, whole = self._parts(settings_of(account)), self.next_token is None
        events = partial(
            find, account, parts, self._question(), most=self.max_events, own=self.include_own, whole=whole
        )
        return await with_accounts(account, events)

    def answer(self, asked: tuple[Found, Accounts], settings: CloudTrailSettings) -> FindSuspiciousActivityAnswer:
        """The detections, and whom to trace."""
        from volcengine_audit import Severity, detect

        found, accounts = asked
        read, judged = found.read, found.matched(settings, accounts.ids)
        suspects = detect(judged, least=Severity(self.least), top=self.top, zone=settings.zone)
        calls = _whom_to_trace(suspects, judged, read.window)
        nothing = found.nothing(settings)
        return FindSuspiciousActivityAnswer(
            detections=suspects.detections,
            left_out=suspects.left_out,
            lowered=suspects.lowered,
            next=calls[:MOST_NEXT],
            more_next=max(len(calls) - MOST_NEXT, 0) or None,
            accounts=accounts.named(accounts_in(_evidence(suspects, judged), rule_book(settings, accounts.ids))),
            near=near_of(nothing),
            past=found.past.coverage(settings),
            coverage=ActivityCoverage(
                **dict(
                    read.coverage(
                        settings,
                        self,
                        returned=len(judged.events),
                        how_to_go_on=rest_of(read),
                        told=found.told(nothing, matched=len(judged.events)),
                    )
                ),
                accounts=accounts.unread,
            ),
        )

    def _question(self) -> Question:
        return question_of(self.lookup_conditions, self.where)

    def _parts(self, settings: CloudTrailSettings) -> tuple[Span, ...]:
        return parts_of(self.next_token, self.start_time, self.end_time, settings, days=7)


def _evidence(found: Suspects, judged: Judged) -> list[Event]:
    """The events that the rows name."""
    named = {event_id for one in found.detections for event_id in one.event_ids}
    return [event for event in judged.events if event.id in named]


def _whom_to_trace(found: Suspects, judged: Judged, window: Span) -> list[Call]:
    """A call for each caller of a detection, the gravest first: by its key, else by its name or address."""
    by_id = {event.id: event for event in judged.events}
    subjects: dict[tuple[str, str], dict[str, Any]] = {}
    for one in found.detections:
        event = by_id.get(one.event_ids[0]) if one.event_ids else None
        if event is not None and (subject := subject_of(event)):
            subjects.setdefault((subject["Kind"], subject["Value"]), subject)
    return [trace(subject, window) for subject in subjects.values()]
