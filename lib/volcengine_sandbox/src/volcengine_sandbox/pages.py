"""Paging: by page number (`Offset` and `Limit`, `PageNumber` and `PageSize`) and by token.

`Offset` counts pages from 1, not records, as the newer documents say. A page past the end is empty and still
gives the true total. Out-of-range sizes are refused, where the documents leave clamping open. First-party sources
disagree on all of this: `State.paging` makes a sandbox behave in each of the ways that they tell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from volcengine_sandbox import errors
from volcengine_sandbox.parameters import Field, Integer, Text
from volcengine_sandbox.registry import Call, Result

DEFAULT_SIZE = 10
LARGEST_SIZE = 100

LIMIT_OFFSET: tuple[Field, ...] = (Integer("Limit", least=1, most=LARGEST_SIZE), Integer("Offset", least=1))
NUMBER_SIZE: tuple[Field, ...] = (Integer("PageNumber", least=1), Integer("PageSize", least=1, most=LARGEST_SIZE))
TOKEN: tuple[Field, ...] = (Integer("MaxResults", least=1, most=LARGEST_SIZE), Text("NextToken"))

T = TypeVar("T")


def by_offset(call: Call, name: str, items: Sequence[T], wire: Callable[[T], object]) -> Result:
    """A page for `Limit` and `Offset`, under the result key `name`."""
    size, number = call.integer("Limit", DEFAULT_SIZE), call.integer("Offset", 1)
    page = [wire(item) for item in _page(call, items, size, number)]
    return {name: page, "Limit": size, "Offset": number} | _total(call, "Total", items)


def by_number(call: Call, name: str, items: Sequence[T], wire: Callable[[T], object]) -> Result:
    """A page for `PageNumber` and `PageSize`, under the result key `name`."""
    size, number = call.integer("PageSize", DEFAULT_SIZE), call.integer("PageNumber", 1)
    page = [wire(item) for item in _page(call, items, size, number)]
    return {name: page, "PageNumber": number, "PageSize": size} | _total(call, "TotalCount", items)


def _page(call: Call, items: Sequence[T], size: int, number: int) -> Sequence[T]:
    """The items of a page, as this sandbox counts."""
    paging = call.state.paging
    size = min(size, paging.largest)
    begin = number - 1 if paging.by_record else (number - 1) * size
    return items[:size] if paging.stuck else items[begin : begin + size]


def _total(call: Call, name: str, items: Sequence[object]) -> Result:
    """How many items all pages have, unless this sandbox does not tell."""
    return {name: len(items)} if call.state.paging.total else {}


def by_token(call: Call, name: str, items: Sequence[str]) -> Result:
    """A page of sorted texts for `MaxResults` and `NextToken`; the token is the last text of the page before."""
    size, token = call.integer("MaxResults", DEFAULT_SIZE), call.text("NextToken")
    if token and not token.startswith("after:"):
        raise errors.invalid("organization", "NextToken", token)
    after = token.removeprefix("after:")
    rest = [item for item in sorted(items) if not token or item > after]
    page = rest[:size]
    more = f"after:{page[-1]}" if len(rest) > size else ""
    return {name: page, "MaxResults": size, "NextToken": more}
