"""Texts that are like a glob (`*`, `?`, `[…]`), case aside."""

from __future__ import annotations

import fnmatch
import re
from functools import lru_cache

from volcengine_audit.kept import kept


@kept
def like(text: str, globs: tuple[str, ...]) -> bool:
    """Whether a text is like one of some globs."""
    return any(glob_of(glob).fullmatch(text) for glob in globs)


@lru_cache(maxsize=2048)
def glob_of(glob: str) -> re.Pattern[str]:
    """A glob as a pattern."""
    return re.compile(fnmatch.translate(glob), re.IGNORECASE)
