"""Windows of time, read in slices: what is asked for by time, comes newest first, and goes on by a token."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any, Generic, TypeVar

from volcengine_mcp.answers import Missing, together
from volcengine_mcp.declare import Account, Answers
from volcengine_mcp.errors import VolcengineError

Row = TypeVar("Row")
_SPANS = re.compile(r"[0-9]{9,11}-[0-9]{9,11}(?:\.[0-9]{9,11}-[0-9]{9,11})*")


@dataclass(frozen=True)
class Span:
    """Unix seconds, both ends included."""

    start: int
    end: int


@dataclass(frozen=True)
class WindowRead(Generic[Row]):
    """What was read of a window.

    Attributes:
        rows: newest first, each once; those without a time last.
        pages: how many pages were read.
        unread: the parts that were not read to their end, newest first; none when the window is whole.
        missing: why; a reason for each part or kind of part.
    """

    rows: tuple[Row, ...]
    pages: int
    unread: tuple[Span, ...]
    missing: tuple[Missing, ...]


def spans_token(spans: Sequence[Span]) -> str:
    """The parts of a window as a token that goes on with them."""
    return ".".join(f"{span.start}-{span.end}" for span in spans)


def spans_of(token: str) -> tuple[Span, ...] | None:
    """The parts that a token names; None when it is none of ours."""
    if not _SPANS.fullmatch(token):
        return None
    spans = tuple(Span(*map(int, part.split("-"))) for part in token.split("."))
    return spans if all(span.start < span.end for span in spans) else None


@dataclass(frozen=True)
class Source(Generic[Row]):
    """How the rows of a window are asked for.

    Attributes:
        page: the request for a page of a span: its first, or the one that a token names.
        rows, token: what a result says; the token of the next page is empty on the last.
        key: the ID of a row, by which one that two slices bring counts once; rows without an ID all count.
        moment: the time of a row in Unix seconds, None when it cannot be read.
        what: the rows, in words.
    """

    page: Callable[[Span, str | None], Answers[Any]]
    rows: Callable[[Any], Sequence[Row | None] | None]
    token: Callable[[Any], str | None]
    key: Callable[[Row], str | None]
    moment: Callable[[Row], int | None]
    what: str


async def read_window(
    account: Account, spans: Sequence[Span], source: Source[Row], *, most_pages: int, most_rows: int, at_once: int
) -> WindowRead[Row]:
    """Every row of some spans of time, a few slices at once, within a number of pages and of rows.

    The first page tells how dense the window is; where it is not the last, the rest is cut into slices that are read
    at the same time, each from its newest end. What may be read is spread over the slices, so that a window that is
    too large is read in every part of it rather than at its end only.

    Args:
        most_pages, most_rows: how much may be read.
        at_once: requests under way at the same time.

    Raises:
        VolcengineError: the very first page could not be read.
    """
    reader = _Reader(account, source, most_pages=most_pages, most_rows=most_rows, at_once=at_once)
    return await reader.read(spans)


@dataclass
class _Slice:
    """A part of the window while it is read.

    Attributes:
        asked: the span that its requests name; a token goes on with these only.
        left: what is not read yet.
        ordered: whether its rows came newest first, which is not documented; only then is `left` known.
    """

    asked: Span
    left: Span
    token: str | None = None
    pages: int = 0
    ordered: bool = True

    @property
    def pages_left(self) -> float:
        """How many more pages it may have, if it goes on as densely as it began."""
        covered = self.asked.end - self.left.end
        if not self.ordered or not self.pages or covered <= 0:
            return 1.0
        return self.pages * (self.left.end - self.left.start) / covered

    def cut(self, parts: int) -> list[_Slice]:
        """What is left as slices of the same length, newest first; they share the seconds at which they meet."""
        start, end = self.left.start, self.left.end
        edges = [end - (end - start) * part // parts for part in range(parts + 1)]
        return [_fresh(Span(low, high)) for high, low in itertools.pairwise(edges)]


def _fresh(span: Span) -> _Slice:
    return _Slice(asked=span, left=span)


class _Reader(Generic[Row]):
    """Reads one window."""

    def __init__(self, account: Account, source: Source[Row], *, most_pages: int, most_rows: int, at_once: int) -> None:
        self._account = account
        self._source = source
        self._most_pages = most_pages
        self._most_rows = most_rows
        self._at_once = at_once
        self._rows: dict[str, tuple[int | None, Row]] = {}
        self._pages = 0
        self._page_size = 1
        self._unread: list[Span] = []
        self._missing: list[Missing] = []

    async def read(self, spans: Sequence[Span]) -> WindowRead[Row]:
        slices = [_fresh(span) for span in sorted(spans, key=lambda span: -span.end)]
        first = slices[0]
        if await self._page(first):
            del slices[0]
        while slices:
            if (ended := self._ended()) is not None:
                self._missing += [ended] if ended not in self._missing else []
                self._unread += [one.left for one in slices]
                break
            slices = self._shared_out(slices)
            turn = slices[: self._next_turn()]
            outcomes = await together([partial(self._page, one) for one in turn], at_once=self._at_once)
            slices = slices[len(turn) :]  # those that had their turn wait for the others
            for one, outcome in zip(turn, outcomes, strict=True):
                if isinstance(outcome, VolcengineError):
                    # Without an answer of the service, a request that the end of the call cut short is late.
                    late = self._late() if outcome.http_status is None else None
                    why = late or Missing.because(self._source.what, outcome)
                    self._missing += [why] if why not in self._missing else []
                    self._unread.append(one.left)
                elif not outcome:
                    slices.append(one)
            await self._account.progress(
                len(self._rows), self._most_rows, f"{len(self._rows)} {self._source.what} read"
            )
        return self._result()

    async def _page(self, one: _Slice) -> bool:
        """Read the next page of a slice. Answers whether it was its last."""
        source = self._source
        result = await self._account.send(source.page(one.asked, one.token))
        self._pages += 1
        one.pages += 1
        one.token = source.token(result) or None
        rows = [row for row in source.rows(result) or () if row is not None]
        self._page_size = max(self._page_size, len(rows))
        for row in rows:
            moment = source.moment(row)
            self._rows.setdefault(source.key(row) or repr(row), (moment, row))
            if moment is None or not one.ordered:
                continue
            if moment > one.left.end:
                one.ordered, one.left = False, one.asked
            else:
                one.left = Span(one.left.start, max(moment, one.left.start + 1))
        return one.token is None

    def _ended(self) -> Missing | None:
        """Why nothing more may be read, if so."""
        what = self._source.what
        if (late := self._late()) is not None:
            return late
        if self._pages >= self._most_pages:
            message = f"{self._pages} pages were read, which is as many as one call may read (page_budget)."
            return Missing(what=what, code="TooMany", message=message)
        if len(self._rows) >= self._most_rows:
            message = f"{len(self._rows)} {what} were read, which is as many as were asked for."
            return Missing(what=what, code="TooMany", message=message)
        return None

    def _late(self) -> Missing | None:
        """That the time for a call is over, if so."""
        if monotonic() < self._account.deadline:
            return None
        message = "The time for a call (call_timeout) was over before the whole window was read."
        return Missing(what=self._source.what, code="Late", message=message)

    def _shared_out(self, slices: list[_Slice]) -> list[_Slice]:
        """The slices, the longest of them cut where fewer are left than can be read at the same time."""
        while (idle := self._at_once - len(slices)) > 0:
            longest = max(slices, key=lambda one: one.pages_left)
            parts = min(idle + 1, int(longest.pages_left // 2), longest.left.end - longest.left.start)
            if parts < 2:
                break
            at = slices.index(longest)
            slices[at : at + 1] = longest.cut(parts)
        return slices

    def _next_turn(self) -> int:
        """How many pages to ask for at the same time."""
        rows_left = -(-(self._most_rows - len(self._rows)) // self._page_size)
        return min(self._at_once, self._most_pages - self._pages, rows_left)

    def _result(self) -> WindowRead[Row]:
        newest_first = sorted(self._rows.values(), key=lambda found: -(found[0] or 0))
        return WindowRead(
            rows=tuple(row for _, row in newest_first),
            pages=self._pages,
            unread=tuple(sorted(self._unread, key=lambda span: -span.end)),
            missing=tuple(self._missing),
        )
