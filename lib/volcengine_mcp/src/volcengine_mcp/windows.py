"""Windows of time, read in slices: what is asked for by time, comes newest first, and goes on by a token."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from volcengine_mcp.answers import Missing
from volcengine_mcp.declare import Account, Answers

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


async def read_window(
    account: Account,
    spans: Sequence[Span],
    *,
    page: Callable[[Span, str | None], Answers[Any]],
    rows: Callable[[Any], Sequence[Row | None] | None],
    token: Callable[[Any], str | None],
    key: Callable[[Row], str | None],
    moment: Callable[[Row], int | None],
    what: str,
    most_pages: int,
    most_rows: int,
    at_once: int,
) -> WindowRead[Row]:
    """Every row of some spans of time, a few slices at once, within a number of pages and of rows.

    Args:
        page: the request for a page of a span: its first, or the one that a token names.
        rows, token: what a result says; the token of the next page is empty on the last.
        key: the ID of a row, by which one that two slices bring counts once; rows without an ID all count.
        moment: the time of a row in Unix seconds, None when it cannot be read.
        what: the rows, in words.
        most_pages, most_rows: how much may be read; it is spread over the spans, so that each is read from its newest
            end.
        at_once: requests under way at the same time.

    Raises:
        VolcengineError: the very first page could not be read.
    """
    raise NotImplementedError
