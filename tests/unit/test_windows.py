"""Windows of time read in slices: nothing is lost, nothing counts twice, and what was not read is named."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, cast

import anyio
from hypothesis import given, settings
from hypothesis import strategies as st
from volcengine_mcp.declare import Answers
from volcengine_mcp.errors import ServiceError
from volcengine_mcp.settings.model import Settings
from volcengine_mcp.windows import Source, Span, WindowRead, read_window, spans_of, spans_token

PAGE = 5


@dataclass
class Log:
    """A service that keeps rows with a time, and answers pages of five, newest first, with a token to go on."""

    rows: Sequence[tuple[str, int]]
    oldest_first: bool = False
    fails_at: int | None = None
    settings: Settings = field(default_factory=Settings)
    deadline: float = field(default_factory=lambda: monotonic() + 60)
    own_requests: frozenset[str] = frozenset()
    asked: list[tuple[Span, str | None]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    async def send(self, action: Any) -> Any:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await anyio.lowlevel.checkpoint()
            self.asked.append(action)
            if self.fails_at is not None and len(self.asked) >= self.fails_at:
                raise ServiceError("Throttled", "Too many requests.")
            span, token = action
            inside = [row for row in self.rows if span.start <= row[1] <= span.end]
            inside.sort(key=lambda row: row[1] if self.oldest_first else -row[1])
            start = int(token or 0)
            return inside[start : start + PAGE], str(start + PAGE) if start + PAGE < len(inside) else ""
        finally:
            self.at_once -= 1

    async def progress(self, done: float, total: float | None = None, message: str | None = None) -> None:
        pass

    def kept(self, key: Hashable) -> Any:
        return None

    def keep(self, key: Hashable, value: Any, *, seconds: float) -> None:
        pass


def page(span: Span, token: str | None) -> Answers[Any]:
    """The request, which this log takes as it is."""
    return cast("Answers[Any]", (span, token))


ROWS: Source[tuple[str, int]] = Source(
    page=page,
    rows=lambda result: result[0],
    token=lambda result: result[1],
    key=lambda row: row[0] or None,
    moment=lambda row: row[1],
    what="rows",
)


def read(log: Log, *spans: Span, pages: int = 1000, rows: int = 100_000, at_once: int = 4) -> WindowRead[Any]:
    """What is read of the log."""

    async def reading() -> WindowRead[Any]:
        return await read_window(log, spans, ROWS, most_pages=pages, most_rows=rows, at_once=at_once)

    return anyio.run(reading)


MOMENTS = st.lists(st.integers(1_700_000_000, 1_700_000_400) | st.integers(1_700_000_000, 1_700_090_000), max_size=120)
WHOLE = Span(1_700_000_000, 1_700_090_000)


@settings(max_examples=150, deadline=None)
@given(moments=MOMENTS, oldest_first=st.booleans(), at_once=st.integers(1, 6))
def test_a_window_is_read_whole_and_each_row_once(moments: list[int], oldest_first: bool, at_once: int) -> None:
    log = Log([(f"r{number}", moment) for number, moment in enumerate(moments)], oldest_first)
    found = read(log, WHOLE, at_once=at_once)
    assert sorted(found.rows) == sorted(log.rows)
    assert [row[1] for row in found.rows] == sorted(moments, reverse=True)
    assert (found.unread, found.missing, found.pages) == ((), (), len(log.asked))
    assert log.most_at_once <= at_once


@settings(max_examples=150, deadline=None)
@given(moments=MOMENTS, oldest_first=st.booleans(), pages=st.integers(1, 12), fails_at=st.none() | st.integers(2, 10))
def test_what_was_not_read_is_named_and_can_be_gone_on_with(
    moments: list[int], oldest_first: bool, pages: int, fails_at: int | None
) -> None:
    log = Log([(f"r{number}", moment) for number, moment in enumerate(moments)], oldest_first, fails_at)
    found = read(log, WHOLE, pages=pages)
    assert found.pages <= pages
    lost = set(log.rows) - set(found.rows)
    assert all(any(span.start <= row[1] <= span.end for span in found.unread) for row in lost)
    assert bool(found.unread) == bool(found.missing)
    if found.unread:
        spans = spans_of(spans_token(found.unread))
        assert spans == found.unread
        log.fails_at = None
        rest = read(log, *spans)
        assert set(found.rows) | set(rest.rows) == set(log.rows)


def test_the_budget_is_spread_over_the_window() -> None:
    log = Log([(f"r{number}", 1_700_000_000 + 100 * number) for number in range(900)])
    found = read(log, WHOLE, pages=20)
    assert len(found.rows) >= 80
    quarters = {(row[1] - WHOLE.start) * 4 // (WHOLE.end - WHOLE.start) for row in found.rows}
    assert quarters >= {0, 1, 2, 3}
    assert {missing.code for missing in found.missing} == {"TooMany"}


def test_a_small_window_costs_no_more_requests_than_pages() -> None:
    log = Log([(f"r{number}", 1_700_000_000 + 900 * number) for number in range(9)])
    assert read(log, WHOLE).pages == 2
    assert read(Log([]), WHOLE).pages == 1


def test_a_large_window_costs_little_more_than_its_pages() -> None:
    log = Log([(f"r{number}", 1_700_000_000 + 100 * number) for number in range(900)])
    assert 180 <= read(log, WHOLE).pages <= 190


def test_rows_end_the_reading_too() -> None:
    log = Log([(f"r{number}", 1_700_000_000 + 100 * number) for number in range(900)])
    found = read(log, WHOLE, rows=30)
    assert 30 <= len(found.rows) < 30 + PAGE * 4
    assert found.missing[0].code == "TooMany"
    assert "as many as were asked for" in found.missing[0].message


def test_time_ends_the_reading_after_the_first_page() -> None:
    log = Log([(f"r{number}", 1_700_000_000 + 100 * number) for number in range(900)], deadline=monotonic() - 1)
    found = read(log, WHOLE)
    assert found.pages == 1
    assert [missing.code for missing in found.missing] == ["Late"]


def test_rows_without_an_id_all_count_once() -> None:
    log = Log([("", 1_700_000_000 + 100 * number) for number in range(900)])
    assert len(read(log, WHOLE).rows) == 900


def test_other_tokens_are_not_ours() -> None:
    assert spans_of("1794940000-1794950000.1794930000-1794940000") == (
        Span(1794940000, 1794950000),
        Span(1794930000, 1794940000),
    )
    for token in ("", "abc", "1794940000-", "1794950000-1794940000", "1794940000-1794950000_x"):
        assert spans_of(token) is None
