"""Results that are kept for when the same short texts come again, as the names inside events do."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, TypeVar, TypeVarTuple

LONGEST = 64
"""Characters of a text that is kept; a longer one is no name, and whoever wrote it shall not fill the memory."""

MOST = 4096
"""Results that are kept of one function."""

R = TypeVar("R")
Ts = TypeVarTuple("Ts")


def kept(function: Callable[[str, *Ts], R]) -> Callable[[str, *Ts], R]:
    """The function, which remembers its results by its first text where that is short."""
    remembered: Any = lru_cache(maxsize=MOST)(function)

    @wraps(function)
    def call(text: str, *more: *Ts) -> R:
        result: R = remembered(text, *more) if len(text) <= LONGEST else function(text, *more)
        return result

    return call
