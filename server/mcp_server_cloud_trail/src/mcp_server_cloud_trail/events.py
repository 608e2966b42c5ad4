"""Audit events of a window, as several tools ask for them, and what an answer that is built on them covers."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

from pydantic import Field, StringConstraints
from volcengine_mcp.answers import Call, Coverage, Missing, Said
from volcengine_mcp.declare import Account, Tool
from volcengine_mcp.errors import ArgumentsError
from volcengine_mcp.windows import Source, Span, read_window, spans_of, spans_token

from . import actions
from .settings import CloudTrailSettings

if TYPE_CHECKING:
    from volcengine_audit import Judged, RuleBook, Window

    from .past import Past

PAGE = 50
"""Events on a page at most (Volcengine docs 7015/166045)."""

MARGIN = 30
"""Seconds by which a window stays inside the retention, as requests take time to arrive."""

LATE = "Events of the last 15 minutes or so may still be arriving."

TIMES = "Unix seconds, ISO 8601, or words such as 2h ago and yesterday 09:00"

ENDED = frozenset({"Late", "TooMany", "Full"})
"""Codes of what ends a reading besides an error of the service."""

Moment = Annotated[int | str, Field(union_mode="left_to_right")]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Conditions = Annotated[list[actions.LookupCondition], Field(min_length=1)]
Key = Literal["EventID", "RequestID", "EventName", "AccessKeyID", "IdentityName", "ResourceID"]


class Part(Said):
    """A part of time, both ends inside."""

    start_time: int = Field(description="Start in Unix seconds.")
    end_time: int = Field(description="End in Unix seconds.")
    start: str = Field(description="Start in ISO 8601.")
    end: str = Field(description="End in ISO 8601.")


class EventCoverage(Coverage):
    """What an answer that is built on events rests on."""

    searched: Part = Field(description="The window that was searched.")
    pages: int = Field(description="Pages read.")
    events_read: int = Field(description="Distinct events read.")
    events_returned: int = Field(description="Events among them that the answer shows or counts.")
    more: bool = Field(description="Whether there is more to read.")
    region: str = Field(description="Region that was asked.")
    horizon: str = Field(description="How far back events can be looked up.")
    recent: str = Field(description="What may still be missing at the new end.")
    unread: list[Part] | None = Field(None, description="Parts of the window that were not read to their end.")
    how_to_go_on: str | None = Field(None, description="How to get the rest.")
    next: Call | None = Field(None, description="The call that goes on, as it stands.")
    error: Missing | None = Field(None, description="The error that ended the reading.")


@dataclass(frozen=True)
class EventsRead:
    """What was read of a window.

    Attributes:
        window: from the first second of what was to be read to the last.
        rows: newest first, each once.
        count: how many events were read, whether or not they are shown.
        unread: the parts that were not read, newest first.
        missing: why.
        next_token: what goes on with the rest, None when there is none.
        own: IDs of requests that this server made itself, for the same person.
    """

    window: Span
    rows: tuple[actions.Event, ...]
    count: int
    pages: int
    unread: tuple[Span, ...] = ()
    missing: tuple[Missing, ...] = ()
    next_token: str | None = None
    own: Container[object] = frozenset()

    @property
    def own_calls(self) -> int:
        """How many of the events are calls of this server itself."""
        return sum(row.request_id in self.own for row in self.rows)

    def items(self) -> list[dict[str, object]]:
        """The events as the service sent them."""
        return [row.model_dump(by_alias=True, exclude_unset=True) for row in self.rows]

    def judged(
        self,
        settings: CloudTrailSettings,
        past: Past,
        accounts: frozenset[str] = frozenset(),
        *,
        own: bool = False,
    ) -> Judged:
        """The typed events, with their marks and with what is unusual about them.

        Args:
            accounts: IDs of the accounts of one's own organization.
            own: whether the calls of this server are wanted as well.
        """
        from volcengine_audit import distinct, event_of, judge

        book = rule_book(settings, accounts)
        left = self if own else replace(self, rows=tuple(row for row in self.rows if row.request_id not in self.own))
        events = distinct(map(event_of, left.items()))
        return judge(events, book, past.baseline(book, events))

    def coverage(self, settings: CloudTrailSettings, tool: Tool, *, returned: int, how_to_go_on: str) -> EventCoverage:
        """What an answer built on this must say.

        Args:
            tool: what was asked.
            returned: how many of the events the answer shows or counts.
            how_to_go_on: how to get the rest, said only where there is more.
        """
        from volcengine_audit import iso

        def part(span: Span) -> Part:
            ends = {"start": iso(span.start, settings.zone), "end": iso(span.end, settings.zone)}
            return Part(start_time=span.start, end_time=span.end, **ends)

        days = settings.retention_days
        oldest = iso(int(time()) - days * 86400, settings.zone)
        token = self.next_token
        return EventCoverage(
            asked=_asked(tool),
            searched=part(self.window),
            pages=self.pages,
            events_read=self.count,
            events_returned=returned,
            complete=token is None and not self.missing and not self.unread,
            more=token is not None,
            region=settings.region,
            horizon=f"Events can be looked up for {days} days, back to {oldest}.",
            recent=LATE,
            unread=[part(span) for span in self.unread] or None,
            missing=list(self.missing) or None,
            how_to_go_on=how_to_go_on if token is not None else None,
            next=None if token is None else _going_on(tool, token),
            error=next((one for one in self.missing if one.code not in ENDED), None),
        )


def settings_of(account: Account) -> CloudTrailSettings:
    """This server's settings."""
    if not isinstance(account.settings, CloudTrailSettings):
        raise TypeError("the Cloud Trail server runs with CloudTrailSettings")
    return account.settings


def condition(key: Key, value: str) -> actions.LookupCondition:
    """What an event must match."""
    return actions.LookupCondition(lookup_condition_key=key, lookup_condition_value=value)


def window_of(start: int | str | None, end: int | str | None, settings: CloudTrailSettings, *, days: float) -> Window:
    """The window that was asked for.

    Args:
        days: how far back it reaches when no start is given.

    Raises:
        ArgumentsError: a time cannot be read, or the window is not one that can be searched.
    """
    from volcengine_audit import Window

    now, retention = time(), settings.retention_days * 86400
    try:
        window = Window.parse(start, end, now=now, zone=settings.zone, length=int(days * 86400), retention=retention)
    except ValueError as error:
        message = str(error)
        raise ArgumentsError(
            "InvalidWindow", f"{message[0].upper()}{message[1:]}.", hint="Correct StartTime or EndTime and call again."
        ) from error
    inside = max(window.start, int(now) - retention + MARGIN)
    return Window(inside, max(window.end, inside + 1))


def parts_of(
    token: str | None,
    start: int | str | None,
    end: int | str | None,
    settings: CloudTrailSettings,
    *,
    days: float,
) -> tuple[Span, ...]:
    """The parts of time to read: those that a token names, else the window.

    Raises:
        ArgumentsError: the token is none of ours, or as `window_of`.
    """
    if token is None:
        window = window_of(start, end, settings, days=days)
        return (Span(window.start, window.end),)
    parts = spans_of(token)
    if parts is None:
        raise changed_token()
    return parts


def changed_token() -> ArgumentsError:
    """That a token cannot be gone on with."""
    hint = "Pass it back exactly as it was answered."
    return ArgumentsError("InvalidToken", "NextToken was changed on its way.", hint=hint)


def _page(conditions: Sequence[actions.LookupCondition], span: Span, token: str | None) -> actions.LookupEvents:
    return actions.LookupEvents(
        start_time=span.start,
        end_time=span.end,
        lookup_conditions=list(conditions) or None,
        max_results=PAGE,
        next_token=token,
    )


def _moment(row: actions.Event) -> int | None:
    from volcengine_audit import parse_stamp

    return parse_stamp(row.event_time)


SOURCE: Source[actions.Event] = Source(
    page=partial(_page, ()),
    rows=lambda result: cast("actions.LookupEventsResult", result).trails,
    token=lambda result: cast("actions.LookupEventsResult", result).next_token,
    key=lambda row: row.event_id,
    moment=_moment,
    what="events",
)
"""How the events of a window are asked for, all of them."""


async def read_parts(
    account: Account,
    parts: Sequence[Span],
    conditions: Sequence[actions.LookupCondition],
    *,
    most: int,
    at_once: int | None = None,
) -> EventsRead:
    """Events of some parts of time, several slices at once, up to `most` of them and within the page budget.

    Args:
        at_once: requests under way at the same time, if not as many as the settings allow.

    Raises:
        VolcengineError: the very first page could not be read.
    """
    settings = settings_of(account)
    source = replace(SOURCE, page=partial(_page, tuple(conditions)))
    read = await read_window(
        account,
        parts,
        source,
        most_pages=settings.page_budget,
        most_rows=most,
        at_once=at_once or settings.parallel_reads,
    )
    return EventsRead(
        window=Span(min(part.start for part in parts), max(part.end for part in parts)),
        rows=read.rows,
        count=len(read.rows),
        pages=read.pages,
        unread=read.unread,
        missing=read.missing,
        next_token=spans_token(read.unread) or None,
        own=account.own_requests,
    )


def rest_of(read: EventsRead) -> str:
    """How to get the rest of a window that was read in slices."""
    why = " ".join(dict.fromkeys(one.message for one in read.missing))
    return (
        f"{why} Unread names the parts that are missing. Make the call in Next to go on with them, ask for a shorter "
        "window, add conditions, or raise MaxEvents (the setting page_budget bounds it)."
    )


def rule_book(settings: CloudTrailSettings, accounts: frozenset[str] = frozenset()) -> RuleBook:
    """The detections in force; files are read again only when they change.

    Args:
        accounts: IDs of the accounts of one's own organization, which are no outsiders.
    """
    from volcengine_audit.sigma import Surroundings, load_rules

    own = [Path(settings.risk_rules).expanduser()] if settings.risk_rules else []
    return load_rules(own, Surroundings(networks=settings.networks, accounts=accounts))


_ASKED = {
    *("start_time", "end_time", "next_token", "lookup_conditions", "failures_only"),
    *("kind", "value", "where", "event_id", "request_id"),
}


def _asked(tool: Tool) -> dict[str, Any]:
    """The window and the conditions as they were asked for."""
    return tool.model_dump(mode="json", by_alias=True, exclude_defaults=True, include=_ASKED)


def _going_on(tool: Tool, token: str) -> Call:
    """The same question about the rest."""
    same = tool.model_dump(
        mode="json", by_alias=True, exclude_defaults=True, exclude={"start_time", "end_time", "next_token"}
    )
    return Call(tool=tool.wire_name(), arguments={**same, "NextToken": token})
