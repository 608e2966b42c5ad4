"""Reading audit events over a window: pages followed up to what was asked for, and what that covers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from time import time
from typing import Any

from volcengine_mcp.errors import ArgumentsError, VolcengineError
from volcengine_mcp.inquiry import Caller

from . import actions
from .analysis import Window, iso
from .settings import CloudTrailSettings

PAGE = 50
"""Events on a page at most (Volcengine docs 7015/166045)."""

MARGIN = 30
"""Seconds by which a window stays inside the retention, as requests take time to arrive."""

LATE = "Events of the last 15 minutes or so may still be arriving."

_TOKEN = re.compile(r"([0-9]{10})-([0-9]{10})_(.+)")


@dataclass
class Read:
    """What was read of a window, newest first."""

    asked: dict[str, Any]
    window: Window
    items: list[dict[str, Any]] = field(default_factory=list)
    token: str | None = None
    pages: int = 0
    error: VolcengineError | None = None

    @property
    def next_token(self) -> str | None:
        """The service's token, with the window that it belongs to: relative times would mean another one later."""
        return f"{self.window.start}-{self.window.end}_{self.token}" if self.token else None

    def coverage(self, settings: CloudTrailSettings, *, returned: int, go_on: str) -> dict[str, Any]:
        """What an answer built on this must say.

        Args:
            returned: how many of the events the answer shows or counts.
            go_on: how to get the rest.
        """
        zone, oldest = settings.zone, int(time()) - settings.retention_days * 86400
        said: dict[str, Any] = {
            "Asked": self.asked,
            "Searched": self.window.record(zone),
            "Pages": self.pages,
            "EventsRead": len(self.items),
            "EventsReturned": returned,
            "Complete": self.token is None and self.error is None,
            "More": self.token is not None,
            "Region": settings.region,
            "Horizon": f"Events can be looked up for {settings.retention_days} days, back to {iso(oldest, zone)}.",
            "Recent": LATE,
        }
        if self.token is not None:
            oldest_read = next((item.get("EventTime") for item in reversed(self.items) if item.get("EventTime")), None)
            said["HowToGoOn"] = f"Only the newest events were read, back to {oldest_read}. {go_on}"
        if self.error is not None:
            said["Error"] = self.error.as_dict()
        return said


def settings_of(caller: Caller) -> CloudTrailSettings:
    """This server's settings."""
    if not isinstance(caller.settings, CloudTrailSettings):
        raise TypeError("the Cloud Trail server runs with CloudTrailSettings")
    return caller.settings


def window_of(
    start: int | str | None, end: int | str | None, settings: CloudTrailSettings, *, days: float
) -> tuple[Window, dict[str, Any]]:
    """The window that was asked for, and how it was asked for.

    Args:
        days: how far back it reaches when no start is given.

    Raises:
        ArgumentsError: a time cannot be read, or the window is not one that can be searched.
    """
    zone, now = settings.zone, time()
    retention = settings.retention_days * 86400
    try:
        window = Window.parse(start, end, now=now, zone=zone, length=int(days * 86400), retention=retention)
    except ValueError as error:
        message = str(error)
        raise ArgumentsError(
            "InvalidWindow", f"{message[0].upper()}{message[1:]}.", hint="Correct StartTime or EndTime and call again."
        ) from error
    inside = max(window.start, int(now) - retention + MARGIN)
    asked = {"StartTime": start, "EndTime": end}
    return Window(inside, max(window.end, inside + 1)), {
        key: value for key, value in asked.items() if value is not None
    }


def resumed(token: str) -> tuple[Window | None, str]:
    """The window and the service's token inside a token of ours; a token of the service itself has no window."""
    if match := _TOKEN.fullmatch(token):
        return Window(int(match[1]), int(match[2])), match[3]
    return None, token


async def read_events(
    caller: Caller,
    window: Window,
    conditions: Sequence[actions.LookupCondition],
    *,
    most: int,
    asked: dict[str, Any],
    token: str | None = None,
) -> Read:
    """Up to `most` events of a window, within the page budget.

    An error after the first page ends the reading, and is part of what is returned.

    Raises:
        VolcengineError: the first page could not be read.
    """
    settings = settings_of(caller)
    read = Read(asked, window, token=token)
    while read.pages == 0 or (read.token and len(read.items) < most and read.pages < settings.page_budget):
        request = actions.LookupEvents(
            start_time=window.start,
            end_time=window.end,
            lookup_conditions=list(conditions) or None,
            max_results=min(PAGE, most - len(read.items)),
            next_token=read.token,
        )
        try:
            result = (await caller.send(request)).result
        except VolcengineError as error:
            if read.pages == 0:
                raise
            read.error = error
            return read
        read.items += [item for item in result.get("Trails") or () if item]
        read.token = result.get("NextToken") or None
        read.pages += 1
        if most > PAGE:
            await caller.progress(len(read.items), most, f"{len(read.items)} events read")
    return read


def zone_of(caller: Caller) -> tzinfo:
    """The time zone of answers."""
    return settings_of(caller).zone
