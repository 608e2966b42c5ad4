"""Audit events of a window, as several tools ask for them, and what an answer that is built on them covers."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints
from volcengine_mcp.answers import Call, Coverage, Missing, Said
from volcengine_mcp.declare import Account, Tool
from volcengine_mcp.declare import Part as RequestPart
from volcengine_mcp.errors import ArgumentsError
from volcengine_mcp.windows import Span, WindowRead, read_window, spans_of, spans_token

from . import actions
from .settings import CloudTrailSettings
from .source import PAGE, SOURCE, page_of, settings_of

if TYPE_CHECKING:
    from volcengine_audit import Event, Judged, RuleBook, Window

    from .past import Past

MARGIN = 30
"""Seconds by which a window stays inside the retention, as requests take time to arrive."""

LATE = "Events of the last 15 minutes or so may still be arriving."

TIMES = "Unix seconds, ISO 8601, or words: 2h ago, yesterday 21:00, last Friday, 昨晚9点, 最近24小时, Nov 20"

NO_MATCH = "NoMatch"
"""Code of an answer that is empty although what it names stands there in another way."""

ENDED = frozenset({"Late", "TooMany", "Full", NO_MATCH})
"""Codes of what ends a reading, or leaves it open, besides an error of the service."""

WHERE = (
    "Conditions on any field, which must all hold: objects with Field, Values (any of which may match), Exclude (true "
    "for those that match none). Case does not matter, * and ? are wildcards, and addresses may be networks. Fields "
    "besides those of the answer: Action (iam:CreateUser), Result, Account, Severity, Detection, TimeOfDay, Weekday, "
    "RequestParameters.<path>, ResponseElements.<path>."
)

Moment = Annotated[int | str, Field(union_mode="left_to_right")]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Conditions = Annotated[list[actions.LookupCondition], Field(min_length=1)]
Key = Literal["EventID", "RequestID", "EventName", "AccessKeyID", "IdentityName", "ResourceID"]


def _opened(value: object) -> object:
    """A list as clients send it: as JSON text, one object for a list of one, or an empty text for none."""
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.strip() else []
        except ValueError:
            return value
    return [value] if isinstance(value, dict) else value


def _texts(value: object) -> object:
    """One text stands for a list of one, and a list may come as JSON text; numbers and truth values are written out."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except ValueError:
            return [value]
    several = value if isinstance(value, list | tuple) else [value]
    return [str(one).lower() if isinstance(one, bool) else str(one) if isinstance(one, int) else one for one in several]


class WhereCondition(RequestPart):
    """What a field of an event must be, or must not be."""

    field: Name = Field(
        description="The field: EventName, EventSource, Action, Who, IdentityName, Session, Account, AccessKeyID, "
        "Region, SourceIPAddress, UserAgent, ResourceType, ResourceID, ErrorCode, ErrorMessage, Result, ReadOnly, "
        "Severity, Detection, TimeOfDay, Weekday, RequestParameters.<path>, ResponseElements.<path> and so on."
    )
    values: Annotated[list[str], Field(min_length=1, max_length=100), BeforeValidator(_texts)] = Field(
        description="Any of these; (none) is an empty field. Result: OK, failed or an error code; Severity: the least; "
        "TimeOfDay: 22:00-06:00; Weekday: sat-sun; SourceIPAddress: 203.0.113.0/24."
    )
    exclude: bool = Field(False, description="True for events that match none of Values.")


Where = Annotated[list[WhereCondition], Field(max_length=20), BeforeValidator(_opened)]
"""Conditions on any field; none and an empty list are the same."""


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
    events_matched: int | None = Field(None, description="Events among them that meet Where, as far as was read.")
    events_returned: int = Field(description="Events among them that the answer shows or counts.")
    own_calls: int | None = Field(None, description="Calls that this server made itself, which are left out.")
    more: bool = Field(description="Whether there is more to read.")
    region: str = Field(description="Region that was asked.")
    horizon: str = Field(description="How far back events can be looked up.")
    recent: str = Field(description="What may still be missing at the new end.")
    matching: str | None = Field(None, description="What the matching of conditions rests on, where it matters.")
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
        own: IDs of requests that this server made itself, for the same person, whose events are left out.
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

    def events(self) -> list[Event]:
        """The typed events, each once, without the calls of this server itself."""
        from volcengine_audit import distinct, event_of

        left = replace(self, rows=tuple(row for row in self.rows if row.request_id not in self.own))
        return distinct(map(event_of, left.items()))

    def judged(self, settings: CloudTrailSettings, past: Past, accounts: frozenset[str] = frozenset()) -> Judged:
        """The typed events, with their marks and with what is unusual about them.

        Args:
            accounts: IDs of the accounts of one's own organization.
        """
        from volcengine_audit import judge

        book = rule_book(settings, accounts)
        events = self.events()
        return judge(events, book, past.baseline(book, events))

    def coverage(
        self, settings: CloudTrailSettings, tool: Tool, *, returned: int, how_to_go_on: str, told: Told | None = None
    ) -> EventCoverage:
        """What an answer built on this must say.

        Args:
            tool: what was asked.
            returned: how many of the events the answer shows or counts.
            how_to_go_on: how to get the rest, said only where there is more.
            told: what is to be said of the conditions.
        """
        from volcengine_audit import iso

        def part(span: Span) -> Part:
            ends = {"start": iso(span.start, settings.zone), "end": iso(span.end, settings.zone)}
            return Part(start_time=span.start, end_time=span.end, **ends)

        days = settings.retention_days
        oldest = iso(int(time()) - days * 86400, settings.zone)
        token, told = self.next_token, told or Told()
        missing = [*self.missing, *told.missing]
        return EventCoverage(
            asked=_asked(tool),
            searched=part(self.window),
            pages=self.pages,
            events_read=self.count,
            events_matched=told.matched,
            events_returned=returned,
            own_calls=self.own_calls or None,
            complete=token is None and not missing and not self.unread,
            more=token is not None,
            region=settings.region,
            horizon=f"Events can be looked up for {days} days, back to {oldest}.",
            recent=LATE,
            matching=told.matching,
            unread=[part(span) for span in self.unread] or None,
            missing=missing or None,
            how_to_go_on=how_to_go_on if token is not None else None,
            next=None if token is None else _going_on(tool, token, told.instead),
            error=next((one for one in missing if one.code not in ENDED), None),
        )


@dataclass(frozen=True)
class Told:
    """What an answer says of its conditions.

    Attributes:
        matched: how many of the events that were read meet them, where that was found out after reading.
        matching: what the matching rests on, in words.
        missing: that the answer may be empty for a misspelling only.
        instead: arguments that go on better than those that were given, by their name on the wire; None leaves one out.
    """

    matched: int | None = None
    matching: str | None = None
    missing: tuple[Missing, ...] = ()
    instead: Mapping[str, Any] = field(default_factory=dict)


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


async def read_parts(
    account: Account,
    parts: Sequence[Span],
    conditions: Sequence[actions.LookupCondition],
    *,
    most: int,
    at_once: int | None = None,
    own: bool = False,
    pages: int | None = None,
) -> EventsRead:
    """Events of some parts of time, several slices at once, up to `most` of them and within the page budget.

    Args:
        at_once: requests under way at the same time, if not as many as the settings allow.
        own: whether the calls of this server itself are wanted as well.
        pages: how many pages at most, where that is fewer than the page budget.

    Raises:
        VolcengineError: the very first page could not be read.
    """
    settings = settings_of(account)
    source = replace(SOURCE, page=partial(page_of, tuple(conditions)))
    read = await read_window(
        account,
        parts,
        source,
        most_pages=min(pages or settings.page_budget, settings.page_budget),
        most_rows=most,
        at_once=at_once or settings.parallel_reads,
    )
    return EventsRead(
        window=Span(min(part.start for part in parts), max(part.end for part in parts)),
        rows=read.rows,
        count=len(read.rows),
        pages=read.pages,
        unread=read.unread,
        missing=tuple(_ended_by(one, read, most, settings) for one in read.missing),
        next_token=spans_token(read.unread) or None,
        own=frozenset() if own else account.own_requests,
    )


def _ended_by(missing: Missing, read: WindowRead[Any], most: int, settings: CloudTrailSettings) -> Missing:
    """Which of the two limits ended a reading, with numbers; what else is missing as it stands."""
    if missing.code != "TooMany":
        return missing
    rows, budget = len(read.rows), settings.page_budget
    if rows >= most:
        said = f"MaxEvents ended the reading: it is {most}, and {rows} events were read on {read.pages} pages."
    else:
        said = (
            f"The setting page_budget ended the reading: one call may read {budget} pages of {PAGE} events, and "
            f"{read.pages} pages had {rows} events, where MaxEvents is {most}."
        )
    return missing.model_copy(update={"message": said})


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
    *("start_time", "end_time", "next_token", "lookup_conditions", "where", "failures_only"),
    *("kind", "value", "event_id", "request_id"),
}


def _asked(tool: Tool) -> dict[str, Any]:
    """The window and the conditions as they were asked for."""
    return tool.model_dump(mode="json", by_alias=True, exclude_defaults=True, include=_ASKED)


def _going_on(tool: Tool, token: str, instead: Mapping[str, Any]) -> Call:
    """The same question about the rest."""
    same = tool.model_dump(
        mode="json", by_alias=True, exclude_defaults=True, exclude={"start_time", "end_time", "next_token"}
    )
    arguments = {name: value for name, value in {**same, **instead}.items() if value is not None}
    return Call(tool=tool.wire_name(), arguments={**arguments, "NextToken": token})
