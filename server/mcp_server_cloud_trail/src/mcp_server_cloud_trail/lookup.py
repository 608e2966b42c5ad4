"""Reading audit events over a window: pages followed up to what was asked for, and what that covers."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from time import monotonic, time
from typing import Any

from volcengine_audit import Window, iso, parse_stamp
from volcengine_mcp.budget import fitted, size
from volcengine_mcp.errors import ArgumentsError, VolcengineError
from volcengine_mcp.inquiry import Caller
from volcengine_mcp.untrusted import visible

from . import actions
from .settings import CloudTrailSettings

PAGE = 50
"""Events on a page at most (Volcengine docs 7015/166045)."""

MARGIN = 30
"""Seconds by which a window stays inside the retention, as requests take time to arrive."""

LATE = "Events of the last 15 minutes or so may still be arriving."

RESERVE = 800
"""Bytes that a shortened answer leaves for saying how to go on."""

_TOKEN = re.compile(r"([0-9]{10})-([0-9]{10})(?:\.([^_]+))?_(.*)")


@dataclass(frozen=True)
class Place:
    """Where reading goes on: at a page, and on it behind the event that was given last."""

    token: str | None = None
    after: str | None = None


@dataclass
class Read:
    """What was read of a window, newest first."""

    asked: dict[str, Any]
    window: Window
    items: list[dict[str, Any]] = field(default_factory=list)
    token: str | None = None
    begun: list[tuple[int, str | None]] = field(default_factory=list)
    error: VolcengineError | None = None
    late: bool = False
    within: str | None = None

    @property
    def pages(self) -> int:
        """How many pages were read."""
        return len(self.begun)

    @property
    def next_token(self) -> str | None:
        """The service's token, with the window that it belongs to: relative times would mean another one later."""
        if self.within is not None:
            return self.within
        return f"{self.window.start}-{self.window.end}_{self.token}" if self.token else None

    def token_after(self, count: int) -> str:
        """What goes on behind the first events, wherever on a page the last of them is."""
        token = next(token for first, token in reversed(self.begun) if first < max(count, 1))
        last = str(self.items[count - 1].get("EventID") or "") if count else ""
        behind = f".{last}" if last and "_" not in last else ""
        return f"{self.window.start}-{self.window.end}{behind}_{token or ''}"

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
            "Complete": self.next_token is None and self.error is None,
            "More": self.next_token is not None,
            "Region": settings.region,
            "Horizon": f"Events can be looked up for {settings.retention_days} days, back to {iso(oldest, zone)}.",
            "Recent": LATE,
        }
        if self.next_token is not None:
            oldest_read = _oldest(self.items, zone)
            why = " The time for a call (call_timeout) was over." if self.late else ""
            said["HowToGoOn"] = f"Only the newest events were read, back to {oldest_read}.{why} {go_on}"
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


def resumed(token: str) -> tuple[Window | None, Place]:
    """The window and the place inside a token of ours; a token of the service itself has no window.

    Raises:
        ArgumentsError: its window is none.
    """
    match = _TOKEN.fullmatch(token)
    if match is None:
        return None, Place(token)
    window = Window(int(match[1]), int(match[2]))
    if window.start >= window.end:
        raise ArgumentsError(
            "InvalidToken", "NextToken was changed on its way.", hint="Pass it back exactly as it was answered."
        )
    return window, Place(match[4] or None, match[3])


def fitting(answer: dict[str, Any], read: Read, settings: CloudTrailSettings) -> dict[str, Any]:
    """An answer with the events as `Trails`, within the size budget; what it leaves out is next by its NextToken."""
    answer = visible(answer)
    if size(answer) <= settings.answer_budget:
        return answer
    how = "GetEvent shows one event whole; a larger answer_budget shows more at once."
    answer = fitted(answer, settings.answer_budget - RESERVE, how)[0]
    shown = len(answer["Trails"])
    if not 0 < shown < len(read.items):
        return answer
    back_to = _oldest(read.items[:shown], settings.zone)
    coverage = answer["Coverage"] | {
        "EventsReturned": shown,
        "Complete": False,
        "More": True,
        "HowToGoOn": f"The answer was full: it shows events back to {back_to}. Call again with this NextToken and "
        "the same conditions, or ask for fewer events.",
    }
    return answer | {"NextToken": read.token_after(shown), "Coverage": coverage}


async def read_events(
    caller: Caller,
    window: Window,
    conditions: Sequence[actions.LookupCondition],
    *,
    most: int,
    asked: dict[str, Any],
    place: Place | None = None,
    enough: Callable[[Sequence[dict[str, Any]]], bool] = lambda _: False,
) -> Read:
    """Up to `most` events of a window, within the page budget and the time for a call.

    An error after the first page ends the reading, and is part of what is returned.

    Args:
        place: where to begin, if not at the newest event.
        enough: whether no more than these events can be of use.

    Raises:
        VolcengineError: the first page could not be read.
    """
    settings = settings_of(caller)
    place = place or Place()
    read = Read(asked, window, token=place.token)
    deadline = monotonic() + settings.call_timeout
    while read.pages == 0 or (read.token and len(read.items) < most and read.pages < settings.page_budget):
        if read.pages and monotonic() > deadline:
            read.late = True
            return read
        behind = place.after if read.pages == 0 else None
        request = actions.LookupEvents(
            start_time=window.start,
            end_time=window.end,
            lookup_conditions=list(conditions) or None,
            max_results=PAGE if behind else min(PAGE, most - len(read.items)),
            next_token=read.token,
        )
        try:
            result = (await caller.send(request)).result
        except VolcengineError as error:
            if read.pages == 0:
                raise
            read.error = error
            return read
        read.begun.append((len(read.items), read.token))
        read.items += _behind(behind, [item for item in result.get("Trails") or () if item])
        read.token = result.get("NextToken") or None
        if most > PAGE:
            await caller.progress(len(read.items), most, f"{len(read.items)} events read")
        if enough(read.items):
            break
    if len(read.items) > most:
        read.within = read.token_after(most)
        del read.items[most:]
    return read


def _oldest(items: Sequence[dict[str, Any]], zone: tzinfo) -> str:
    """The time of the last event that has one, as answers write times."""
    stamps = (parse_stamp(item.get("EventTime")) for item in reversed(items))
    return next((iso(stamp, zone) for stamp in stamps if stamp is not None), "an unknown time")


def _behind(event_id: str | None, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events of a page behind one of them; all of them when it is not there."""
    at = next((at for at, item in enumerate(items) if event_id and item.get("EventID") == event_id), -1)
    return items[at + 1 :]


def zone_of(caller: Caller) -> tzinfo:
    """The time zone of answers."""
    return settings_of(caller).zone
