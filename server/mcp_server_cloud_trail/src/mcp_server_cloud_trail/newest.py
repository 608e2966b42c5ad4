"""Events newest first, one page after another, from the newest or from where an answer ended."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic

from volcengine_mcp.answers import Missing
from volcengine_mcp.declare import Account
from volcengine_mcp.errors import VolcengineError
from volcengine_mcp.windows import Span

from . import actions
from .events import PAGE, EventsRead, changed_token, settings_of

_TOKEN = re.compile(r"([0-9]{10})-([0-9]{10})(?:\.([^_]+))?_(.*)")


@dataclass(frozen=True)
class Place:
    """Where reading goes on: at a page, and on it behind the event that was given last."""

    token: str | None = None
    after: str | None = None


def resumed(token: str) -> tuple[Span | None, Place]:
    """The window and the place inside a token of ours; a token of the service itself has no window.

    Raises:
        ArgumentsError: its window is none.
    """
    match = _TOKEN.fullmatch(token)
    if match is None:
        return None, Place(token)
    window = Span(int(match[1]), int(match[2]))
    if window.start >= window.end:
        raise changed_token()
    return window, Place(match[4] or None, match[3])


@dataclass(frozen=True)
class NewestRead(EventsRead):
    """What was read, newest first.

    Attributes:
        begun: at which row each page began, and its token.
    """

    begun: tuple[tuple[int, str | None], ...] = field(default=(), kw_only=True)

    def cut(self, count: int, why: Missing | None = None) -> NewestRead:
        """Only the first rows, with what goes on behind them."""
        token = next(token for first, token in reversed(self.begun) if first < max(count, 1))
        last = self.rows[count - 1].event_id or "" if count else ""
        behind = f".{last}" if last and "_" not in last else ""
        rows = self.rows[:count]
        return replace(
            self,
            rows=rows,
            unread=(_behind(self.window, rows),),
            missing=(*self.missing, why) if why else self.missing,
            next_token=f"{self.window.start}-{self.window.end}{behind}_{token or ''}",
        )


async def read_newest(
    account: Account,
    window: Span,
    conditions: Sequence[actions.LookupCondition],
    *,
    most: int,
    place: Place | None = None,
    weight: Callable[[actions.Event], int] = lambda _: 0,
    enough: int | None = None,
) -> NewestRead:
    """Up to `most` events of a window, within the page budget and the time for a call.

    An error after the first page ends the reading, and is part of what is returned.

    Args:
        place: where to begin, if not at the newest event.
        weight, enough: what an event weighs at least; no more pages are read when all weigh more than this.

    Raises:
        VolcengineError: the first page could not be read.
    """
    settings = settings_of(account)
    place = place or Place()
    rows: list[actions.Event] = []
    begun: list[tuple[int, str | None]] = []
    token, after, weighed = place.token, place.after, 0
    missing: Missing | None = None
    while not begun or (token and len(rows) < most and (enough is None or weighed <= enough)):
        if begun and (missing := _ended(account, len(begun), settings.page_budget)):
            break
        request = actions.LookupEvents(
            start_time=window.start,
            end_time=window.end,
            lookup_conditions=list(conditions) or None,
            max_results=PAGE if after else min(PAGE, most - len(rows)),
            next_token=token,
        )
        try:
            result = await account.send(request)
        except VolcengineError as error:
            if not begun:
                raise
            # Without an answer of the service, a request that the end of the call cut short is late.
            late = _late(account) if error.http_status is None else None
            missing = late or Missing.because("events", error)
            break
        begun.append((len(rows), token))
        page = _after(after, [row for row in result.trails or () if row is not None])
        rows += page
        weighed += sum(map(weight, page))
        token, after = result.next_token or None, None
        if most > PAGE:
            await account.progress(len(rows), most, f"{len(rows)} events read")
    read = NewestRead(
        window=window,
        rows=tuple(rows),
        count=min(len(rows), most),
        pages=len(begun),
        unread=(_behind(window, rows),) if token else (),
        missing=(missing,) if missing else (),
        next_token=f"{window.start}-{window.end}_{token}" if token else None,
        begun=tuple(begun),
    )
    return read.cut(most) if len(rows) > most else read


def _ended(account: Account, pages: int, most: int) -> Missing | None:
    """Why no further page may be read, if so."""
    if (late := _late(account)) is not None:
        return late
    if pages >= most:
        message = f"{pages} pages were read, which is as many as one call may read (page_budget)."
        return Missing(what="events", code="TooMany", message=message)
    return None


def _late(account: Account) -> Missing | None:
    """That the time for a call is over, if so."""
    if monotonic() < account.deadline:
        return None
    return Missing(what="events", code="Late", message="The time for a call (call_timeout) was over.")


def _after(event_id: str | None, rows: list[actions.Event]) -> list[actions.Event]:
    """The events of a page behind one of them; all of them when it is not there."""
    at = next((at for at, row in enumerate(rows) if event_id and row.event_id == event_id), -1)
    return rows[at + 1 :]


def _behind(window: Span, rows: Sequence[actions.Event]) -> Span:
    """The part of a window that lies behind the rows, which come newest first."""
    oldest = oldest_of(rows)
    return window if oldest is None else Span(window.start, min(max(oldest, window.start + 1), window.end))


def oldest_of(rows: Sequence[actions.Event]) -> int | None:
    """The time of the last event that has one, in Unix seconds."""
    from volcengine_audit import parse_stamp

    return next((at for row in reversed(rows) if (at := parse_stamp(row.event_time)) is not None), None)
