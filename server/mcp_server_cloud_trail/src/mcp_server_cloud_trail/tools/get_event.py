"""GetEvent: one event whole."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, model_validator
from volcengine_audit.models import Mark
from volcengine_mcp.answers import Answered
from volcengine_mcp.declare import Account, Answers, Effect, Tool
from volcengine_mcp.errors import ServiceError
from volcengine_mcp.windows import Span

from .. import actions
from ..events import EventCoverage, Key, Name, condition, rule_book, window_of
from ..newest import NewestRead, read_newest
from ..past import Past, PastCoverage, read_past
from ..settings import CloudTrailSettings
from ..source import PAGE, SOURCE, settings_of


class GetEventAnswer(Answered):
    """The events with an ID."""

    events: list[dict[str, Any]] = Field(description="Whole events, EventDetail as an object, secrets masked.")
    risk_marks: dict[str, list[Mark]] = Field(description="Risk marks by EventID.")
    unusual: dict[str, list[str]] | None = Field(None, description="What is unusual for the caller, by EventID.")
    past: PastCoverage | None = Field(None, description="What is judged as usual by.")
    coverage: EventCoverage | None = Field(None, description="Window, pages and events read, and whether more exists.")


class GetEvent(
    Tool,
    Answers[GetEventAnswer],
    effect=Effect.READ,
    toolset="events",
    uses=(actions.LookupEvents,),
    zh="查看单个审计事件",
    en="Get audit event",
):
    """Show one event whole, by its EventID or by the RequestID of the call: request, response and risk marks."""

    event_id: Name | None = Field(None, alias="EventID", description="ID of the event.")
    request_id: Name | None = Field(None, alias="RequestID", description="ID of the request; give it or EventID.")

    @model_validator(mode="after")
    def _one_id(self) -> Self:
        if (self.event_id is None) == (self.request_id is None):
            raise ValueError("give either EventID or RequestID")
        return self

    @property
    def _wanted(self) -> tuple[Key, str]:
        return ("EventID", self.event_id) if self.event_id else ("RequestID", self.request_id or "")

    def check(self, settings: CloudTrailSettings) -> None:
        """Nothing can be wrong; but what reading needs is loaded here, beside the event loop."""
        self._window(settings)

    async def read(self, account: Account) -> tuple[NewestRead, Past]:
        """The events with the ID, of which there is one, and what came before it."""
        window = self._window(settings_of(account))
        found = await read_newest(account, window, [condition(*self._wanted)], most=PAGE)
        moments = [moment for row in found.rows if (moment := SOURCE.moment(row)) is not None]
        if not moments:
            return found, Past(since=window.start)
        return found, await read_past(account, Span(min(moments), max(moments)))

    def answer(self, asked: tuple[NewestRead, Past], settings: CloudTrailSettings) -> GetEventAnswer:
        """The event, or that there is none."""
        read, past = asked
        from volcengine_audit import event_of, full_record, judge

        how = "Look the rest up with LookupEvents."
        coverage = read.coverage(settings, self, returned=len(read.rows), how_to_go_on=how)
        if not read.rows:
            key, value = self._wanted
            raise ServiceError(
                "EventNotFound",
                f"No event has the {key} {value}.",
                hint=f"{coverage.horizon} {coverage.recent} Check the ID, the account and the region.",
            )
        items = read.items()
        events = [event_of(item) for item in items]
        book = rule_book(settings)
        judged = judge(events, book, past.baseline(book, events))
        return GetEventAnswer(
            events=[full_record(item) for item in items],
            risk_marks={event.id: list(marks) for event, marks in zip(judged.events, judged.marks, strict=True)},
            unusual={
                event.id: list(one.reasons)
                for event, one in zip(judged.events, judged.unusual, strict=True)
                if one.reasons
            }
            or None,
            past=past.coverage(settings),
            coverage=coverage,
        )

    def _window(self, settings: CloudTrailSettings) -> Span:
        window = window_of(None, None, settings, days=settings.retention_days)
        return Span(window.start, window.end)
