"""Results that are kept for when the same short texts come again, as the names inside events do."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Concatenate, ParamSpec, TypeVar

LONGEST = 64
"""Characters of a text that is kept; a longer one is no name, and whoever wrote it shall not fill the memory."""

MOST = 4096
"""Results that are kept of one function."""

P = ParamSpec("P")
R = TypeVar("R")


def kept(function: Callable[Concatenate[str, P], R]) -> Callable[Concatenate[str, P], R]:
    """The function, which remembers its results by its first text where that is short."""
    remembered = lru_cache(maxsize=MOST)(function)

    @wraps(function)
    def call(text: str, *more: P.args, **named: P.kwargs) -> R:
        return remembered(text, *more, **named) if len(text) <= LONGEST else function(text, *more, **named)

    return call
