"""TraceIdentity: the story of one access key, user, address or resource."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field
from volcengine_audit.models import Highlight, RoleLink, Timeline
from volcengine_mcp.answers import Answered, Call
from volcengine_mcp.declare import Account, Answers, Effect, Tool
from volcengine_mcp.fields import Text
from volcengine_mcp.windows import Span

from .. import actions
from ..events import (
    TIMES,
    EventCoverage,
    EventsRead,
    Key,
    Moment,
    Name,
    condition,
    parts_of,
    read_parts,
    rest_of,
    settings_of,
)
from ..past import Past, PastCoverage, read_past
from ..settings import CloudTrailSettings

if TYPE_CHECKING:
    from volcengine_audit import Event, Marks

_CONDITIONS: dict[str, Key] = {"access_key": "AccessKeyID", "user": "IdentityName", "resource": "ResourceID"}
"""What the API can search by. Events of an address are found by reading the whole window."""

MOST_KEYS = 2
"""Keys whose tracing is suggested."""


class TraceIdentityAnswer(Answered):
    """The story of one identity, address or resource."""

    subject: str = Field(description="What was traced.")
    highlights: list[Highlight] = Field(description="Risk marks, the worst first.")
    timeline: Timeline = Field(
        description="Runs of calls, first sightings in the window, and failures that turned to success."
    )
    role_links: list[RoleLink] = Field(description="Temporary keys that it was given.")
    next: list[Call] = Field(description="Calls worth making next, as they stand.")
    past: PastCoverage | None = Field(None, description="What is judged as usual by.")
    coverage: EventCoverage | None = Field(None, description="Window, pages and events read, and whether more exists.")


class TraceIdentity(
    Tool,
    Answers[TraceIdentityAnswer],
    effect=Effect.READ,
    toolset="events",
    uses=(actions.LookupEvents,),
    zh="追踪身份活动时间线",
    en="Trace identity",
):
    """Tell the story of one access key, user, address or resource: runs of calls in order, first sightings, failures
    that turned to success, and risk marks with reasons. The tool for "what did this key do?"."""

    kind: Literal["access_key", "user", "address", "resource"] = Field(description="What Value is.")
    value: Name = Field(description="The access key ID, user name, IP address or resource ID.")
    start_time: Moment | None = Field(None, description=f"Start: {TIMES}; default 7 days before the end.")
    end_time: Moment | None = Field(None, description="End, written likewise; default now.")
    max_events: Annotated[int, Field(ge=50, le=50_000)] = Field(3000, description="Events read, more or less.")
    next_token: Text | None = Field(None, description="Token from Coverage.Next: tells what was not read before.")

    def check(self, settings: CloudTrailSettings) -> None:
        """Refuse a window that cannot be searched, and a token that is none."""
        self._parts(settings)

    async def read(self, account: Account) -> tuple[EventsRead, Past]:
        """The events of the subject, or of everybody where the API cannot search by it, and what came before."""
        conditions = [condition(_CONDITIONS[self.kind], self.value)] if self.kind in _CONDITIONS else []
        read = await read_parts(account, self._parts(settings_of(account)), conditions, most=self.max_events)
        return read, await read_past(account, read.window)

    def answer(self, asked: tuple[EventsRead, Past], settings: CloudTrailSettings) -> TraceIdentityAnswer:
        """The story, and what to look at next."""
        from volcengine_audit import highlights_of, keys_made, role_links, timeline_of

        read, past = asked
        zone, everybody = settings.zone, self.kind == "address"
        judged = read.judged(settings, past)
        all_events, all_marks = judged.events, judged.marks
        own = [at for at, event in enumerate(all_events) if not everybody or event.address == self.value]
        events, marks = [all_events[at] for at in own], [all_marks[at] for at in own]
        # Only by address come the events of other keys as well, so that their use is known.
        links = role_links(events, all_events if everybody else None, zone=zone)
        keys = [*keys_made(events), *(link.access_key_id for link in links)]
        return TraceIdentityAnswer(
            subject=f"{self.kind} {self.value}",
            highlights=highlights_of(events, marks, zone=zone),
            timeline=timeline_of(events, marks, zone=zone),
            role_links=links,
            next=_follow(events, marks, keys) if events else self._longer(read.window, settings),
            past=past.coverage(settings),
            coverage=read.coverage(settings, self, returned=len(events), how_to_go_on=rest_of(read)),
        )

    def _parts(self, settings: CloudTrailSettings) -> tuple[Span, ...]:
        return parts_of(self.next_token, self.start_time, self.end_time, settings, days=7)

    def _longer(self, window: Span, settings: CloudTrailSettings) -> list[Call]:
        """The same question over all that is kept, when nothing was found in less."""
        days = settings.retention_days
        if window.end - window.start >= (days - 1) * 86400:
            return []
        arguments = {"Kind": self.kind, "Value": self.value, "StartTime": f"{days} days ago"}
        return [Call(tool="TraceIdentity", arguments=arguments)]


def _follow(events: Sequence[Event], marks: Sequence[Marks], keys: Sequence[str]) -> list[Call]:
    """The gravest event whole, and the keys that were made or obtained."""
    graded = [(these[0].severity, event) for event, these in zip(events, marks, strict=True) if these and event.id]
    gravest = min(graded, key=lambda pair: (-pair[0].rank, pair[1].time or 0), default=None)
    calls = [Call(tool="GetEvent", arguments={"EventID": gravest[1].id})] if gravest else []
    trace = (Call(tool="TraceIdentity", arguments={"Kind": "access_key", "Value": key}) for key in keys[:MOST_KEYS])
    return [*calls, *trace]
