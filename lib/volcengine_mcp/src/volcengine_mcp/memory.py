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

MOST_REQUESTS = 10_000
"""IDs of requests that are remembered of one owner, the latest."""

MOST_OWNERS = 20
"""Owners whose requests are remembered; the one that asked least recently goes first."""


@dataclass(frozen=True)
class _Kept:
    value: Any
    until: float


class Requests:
    """The IDs of the latest requests of one owner; `in` tells whether it made one. Safe to be used by several threads.

    Threat: an intruder names itself as this server does, so that its calls pass for the server's own. So a call is the
    server's own only if its ID came in an answer that this process received.
    """

    def __init__(self) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._lock = Lock()

    def add(self, request_id: str) -> None:
        """Remember a request; the oldest is forgotten where there are too many."""
        with self._lock:
            self._ids[request_id] = None
            while len(self._ids) > MOST_REQUESTS:
                self._ids.popitem(last=False)

    def __contains__(self, request_id: object) -> bool:
        with self._lock:
            return request_id in self._ids


class Memory:
    """Values by owner and key, each until its time is over. Safe to be used by several threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, Hashable], _Kept] = OrderedDict()
        self._requests: OrderedDict[str, Requests] = OrderedDict()
        self._lock = Lock()

    def requests(self, owner: str) -> Requests:
        """The requests of an owner, to be added to and asked."""
        with self._lock:
            found = self._requests.setdefault(owner, Requests())
            self._requests.move_to_end(owner)
            while len(self._requests) > MOST_OWNERS:
                self._requests.popitem(last=False)
            return found

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
