"""What calls of the same person keep for each other for a while, within bounds.

Threat: one person is answered from what another one's keys have read. What is kept is therefore kept for a credential,
by a digest of all of it, so that a known access key with another secret finds nothing; and the keys themselves are not
kept here.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Any

MOST = 1024
"""Values kept; the least recently used goes first."""


@dataclass(frozen=True)
class _Kept:
    value: Any
    until: float


class Memory:
    """Values by owner and key, each until its time is over. Safe to be used by several threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, Hashable], _Kept] = OrderedDict()
        self._lock = Lock()

    def get(self, owner: str, key: Hashable) -> Any:
        """What is kept, or None."""
        with self._lock:
            found = self._kept.get((owner, key))
            if found is None or found.until <= monotonic():
                return None
            self._kept.move_to_end((owner, key))
            return found.value

    def keep(self, owner: str, key: Hashable, value: Any, *, seconds: float) -> None:
        """Keep a value for some seconds."""
        now = monotonic()
        with self._lock:
            for old in [old for old, kept in self._kept.items() if kept.until <= now]:
                del self._kept[old]
            self._kept[owner, key] = _Kept(value, now + seconds)
            self._kept.move_to_end((owner, key))
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
