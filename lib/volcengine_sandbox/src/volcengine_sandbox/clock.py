"""Times: the clock that the sandbox runs by, and the four ways in which the services write one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

Clock = Callable[[], float]
"""Returns the time in epoch seconds."""

BEIJING = timezone(timedelta(hours=8))
MINUTE, HOUR, DAY = 60, 3600, 86400


def rfc3339(epoch: float) -> str:
    """`2021-09-13T09:54:08Z`, as audit events have it."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def beijing(epoch: float) -> str:
    """`2023-10-17T15:19:33+08:00`, as Organization has it."""
    return datetime.fromtimestamp(epoch, BEIJING).strftime("%Y-%m-%dT%H:%M:%S+08:00")


def plain(epoch: float) -> str:
    """`2023-01-11 20:19:27` in Beijing time: `ExTime` of an invitation."""
    return datetime.fromtimestamp(epoch, BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def compact(epoch: float | None) -> str:
    """`20241210T1000Z`, as trails have it; empty for a time that has not come."""
    return "" if epoch is None else datetime.fromtimestamp(epoch, UTC).strftime("%Y%m%dT%H%MZ")


def parse_signed(text: str) -> float | None:
    """The epoch of an `X-Date` header (`YYYYMMDDTHHMMSSZ`), or None when it is not one."""
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
