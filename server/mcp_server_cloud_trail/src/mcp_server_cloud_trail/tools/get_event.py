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
from ..events import PAGE, EventCoverage, Key, Name, condition, rules, settings_of, window_of
from ..newest import NewestRead, read_newest
from ..settings import CloudTrailSettings


class GetEventAnswer(Answered):
    """The events with an ID."""

    events: list[dict[str, Any]] = Field(description="Whole events, EventDetail as an object, secrets masked.")
    risk_marks: dict[str, list[Mark]] = Field(description="Risk marks by EventID.")
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

    async def read(self, account: Account) -> NewestRead:
        """The events with the ID, of which there is one."""
        window = self._window(settings_of(account))
        return await read_newest(account, window, [condition(*self._wanted)], most=PAGE)

    def answer(self, read: NewestRead, settings: CloudTrailSettings) -> GetEventAnswer:
        """The event, or that there is none."""
        from volcengine_audit import event_of, full_record, mark_event

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
        return GetEventAnswer(
            events=[full_record(item) for item in items],
            # One event shows nothing about what went before it, so only the marks that it earns by itself are given.
            risk_marks={event.id: list(mark_event(event, rules(settings))) for event in events},
            coverage=coverage,
        )

    def _window(self, settings: CloudTrailSettings) -> Span:
        window = window_of(None, None, settings, days=settings.retention_days)
        return Span(window.start, window.end)
