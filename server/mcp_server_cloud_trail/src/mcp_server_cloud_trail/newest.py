"""Events newest first, one page after another, from the newest or from where an answer ended."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic

from volcengine_mcp.answers import Missing
from volcengine_mcp.declare import Account
from volcengine_mcp.errors import VolcengineError
from volcengine_mcp.windows import Span

from . import actions
from .events import EventsRead, changed_token
from .source import PAGE, settings_of

_TOKEN = re.compile(r"([0-9]{10})-([0-9]{10})(w?)(?:\.([^_]+))?_(.*)")

LARGEST_BATCH = 64
"""Pages at most that are read before their events are evaluated together."""

Meets = Callable[[Sequence[actions.Event]], Awaitable[Sequence[bool]]]
"""Of each of some events, whether it meets what is evaluated after reading."""


@dataclass(frozen=True)
class Place:
    """Where reading goes on: at a page, and on it behind the event that was given last.

    Attributes:
        widened: whether resources are looked for in requests as well.
    """

    token: str | None = None
    after: str | None = None
    widened: bool = False


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
    return window, Place(match[5] or None, match[4], bool(match[3]))


@dataclass(frozen=True)
class NewestRead(EventsRead):
    """What was read, newest first.

    Attributes:
        begun: at which event read each page began, and its token.
        places: of each row, how many events were read before it; others that were read met no condition.
        matched: how many of the events read meet what was evaluated after reading; None where nothing was.
        every: all events that were read.
        oldest: the time of the last event that an answer speaks of, Unix seconds.
        mark: what a token says besides its window and its place.
    """

    begun: tuple[tuple[int, str | None], ...] = field(default=(), kw_only=True)
    places: Sequence[int] = field(default=(), kw_only=True)
    matched: int | None = field(default=None, kw_only=True)
    oldest: int | None = field(default=None, kw_only=True)
    every: tuple[actions.Event, ...] = field(default=(), kw_only=True)
    mark: str = field(default="", kw_only=True)

    def cut(self, count: int, why: Missing | None = None) -> NewestRead:
        """Only the first rows, with what goes on behind them."""
        count = min(count, len(self.rows))
        behind_place = self.places[count - 1] + 1 if count else 0
        token = next(token for first, token in reversed(self.begun) if first < max(behind_place, 1))
        last = self.rows[count - 1].event_id or "" if count else ""
        behind = f".{last}" if last and "_" not in last else ""
        rows = self.rows[:count]
        return replace(
            self,
            rows=rows,
            unread=(_behind(self.window, rows),),
            oldest=oldest_of(rows),
            missing=(*self.missing, why) if why else self.missing,
            next_token=f"{self.window.start}-{self.window.end}{self.mark}{behind}_{token or ''}",
        )


@dataclass
class _Sieve:
    """Finds out which of the events read are wanted, some pages at a time.

    Attributes:
        meets: None when all are wanted.
        growing: whether each batch may be twice as large as the one before, as evaluating takes long by itself.
    """

    meets: Meets | None
    growing: bool
    looked_at: int = 0
    batch: int = 1
    places: list[int] = field(default_factory=list)

    async def look(self, rows: Sequence[actions.Event], *, last: bool) -> list[int]:
        """The places of the wanted ones among the events that were not looked at yet, if these are enough to look."""
        fresh = rows[self.looked_at :]
        if self.meets is None:
            new = list(range(self.looked_at, len(rows)))
        elif last or len(fresh) >= self.batch * PAGE:
            flags = await self.meets(fresh) if fresh else ()
            new = [self.looked_at + at for at, wanted in enumerate(flags) if wanted]
            self.batch = min(self.batch * 2, LARGEST_BATCH) if self.growing else 1
        else:
            return []
        self.looked_at = len(rows)
        self.places += new
        return new


async def read_newest(
    account: Account,
    window: Span,
    conditions: Sequence[actions.LookupCondition],
    *,
    most: int,
    place: Place | None = None,
    weight: Callable[[actions.Event], int] = lambda _: 0,
    enough: int | None = None,
    meets: Meets | None = None,
    growing: bool = False,
) -> NewestRead:
    """Up to `most` events of a window, within the page budget and the time for a call.

    An error after the first page ends the reading, and is part of what is returned.

    Args:
        place: where to begin, if not at the newest event.
        weight, enough: what an event weighs at least; no more pages are read when all weigh more than this.
        meets: tells which events are wanted; reading goes on until `most` of them are there.
        growing: whether more and more pages are read before these are asked for.

    Raises:
        VolcengineError: the first page could not be read.
    """
    settings = settings_of(account)
    place = place or Place()
    sieve = _Sieve(meets, growing)
    rows: list[actions.Event] = []
    begun: list[tuple[int, str | None]] = []
    token, after, weighed = place.token, place.after, 0
    missing: Missing | None = None
    while not begun or (token and len(sieve.places) < most and (enough is None or weighed <= enough)):
        if begun and (missing := _ended(account, len(begun), settings.page_budget)):
            break
        request = actions.LookupEvents(
            start_time=window.start,
            end_time=window.end,
            lookup_conditions=list(conditions) or None,
            max_results=PAGE if after or meets else min(PAGE, most - len(rows)),
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
        rows += _after(after, [row for row in result.trails or () if row is not None])
        token, after = result.next_token or None, None
        weighed += sum(weight(rows[at]) for at in await sieve.look(rows, last=not token))
        if most > PAGE or meets:
            await account.progress(len(rows), None if meets else most, f"{len(rows)} events read")
    await sieve.look(rows, last=True)
    mark = "w" if place.widened else ""
    read = NewestRead(
        window=window,
        rows=tuple(rows[at] for at in sieve.places),
        count=len(rows) if meets else min(len(rows), most),
        pages=len(begun),
        unread=(_behind(window, rows),) if token else (),
        missing=(missing,) if missing else (),
        next_token=f"{window.start}-{window.end}{mark}_{token}" if token else None,
        begun=tuple(begun),
        places=sieve.places,
        matched=len(sieve.places) if meets else None,
        oldest=oldest_of(rows),
        every=tuple(rows),
        mark=mark,
    )
    return read.cut(most) if len(read.rows) > most else read


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


def span_of(rows: Sequence[actions.Event], window: Span) -> Span:
    """From the oldest of some rows to the newest; the window where no time can be read."""
    oldest, newest = oldest_of(rows), oldest_of(rows[::-1])
    return window if oldest is None or newest is None else Span(min(oldest, newest), max(oldest, newest))


def oldest_of(rows: Sequence[actions.Event]) -> int | None:
    """The time of the last event that has one, in Unix seconds."""
    from volcengine_audit import parse_stamp

    return next((at for row in reversed(rows) if (at := parse_stamp(row.event_time)) is not None), None)
