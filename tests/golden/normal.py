"""Answers in which what differs from day to day reads the same: times, random IDs and keys, the clock."""

from __future__ import annotations

import re
from datetime import datetime
from functools import partial
from typing import Any

_TIME = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:Z|[+-][0-9]{2}:[0-9]{2})")
_UUID = re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b|\b[0-9a-f]{32}\b")
_KEY = re.compile(r"AK(?:LT|TP)[A-Za-z0-9+=/_-]{8,}")
_REQUEST = re.compile(r"\b20[0-9]{12,20}[0-9A-F]{8,40}\b")
_CLOCK = re.compile(r"\b20[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}\b")
_EPOCH = 1_500_000_000
"""Numbers above this are times in Unix seconds."""
_NOW = frozenset({"Horizon", "Searched", "Baseline", "NextToken", "Past"})
"""Fields that say when the question was asked, or what only this sandbox understands."""


class Normal:
    """Writes the values of one answer after another; the same value is named the same throughout."""

    def __init__(self, start: int) -> None:
        self._start = start
        self._names: dict[str, str] = {}

    def __call__(self, value: Any) -> Any:
        """The value, with times as seconds after the start of the story and random values numbered."""
        match value:
            case dict():
                return {self(key): "…" if key in _NOW else self(inner) for key, inner in value.items()}
            case list():
                return [self(inner) for inner in value]
            case str():
                return self._text(value)
            case int() if value > _EPOCH and not isinstance(value, bool):
                return f"T{value - self._start:+}"
            case _:
                return value

    def _text(self, text: str) -> str:
        text = _TIME.sub(lambda found: f"T{self._since(found.group()):+}", text)
        for kind, pattern in (("request", _REQUEST), ("id", _UUID), ("key", _KEY)):
            text = pattern.sub(partial(self._named, kind), text)
        return _CLOCK.sub("<minute>", text)

    def _since(self, stamp: str) -> int:
        return round(datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()) - self._start

    def _named(self, kind: str, found: re.Match[str]) -> str:
        return self._names.setdefault(found.group(), f"<{kind} {len(self._names) + 1}>")
