"""When things happen: moments before now in Beijing time, as the data files write them."""

from __future__ import annotations

from typing import Final

from volcengine_sandbox.clock import DAY, HOUR
from volcengine_sandbox.seed import traffic

WORKDAYS: Final = 20
"""Workdays that every month has at least; people come to work on that many."""


class Days:
    """The days before `now`, epoch seconds. Names no holidays: a workday is Monday to Friday."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.midnight = traffic.at(now, 0, 0, 0)
        days = (self.midnight - back * DAY for back in range(2 * WORKDAYS))
        self._workdays = [day for day in days if not _weekend(day)]

    def moment(self, text: str, workday: bool = False) -> int:
        """Of `6d 02:41`: six days before the last 02:41, or the workday up to then."""
        days, _, time = text.partition(" ")
        then = traffic.at(self.now, int(days.removesuffix("d")), *clock(time))
        return then - _weekend(then) * DAY if workday else then

    def workday(self, rank: int, second: int, room: int = 0) -> int:
        """A second of the day on a workday: rank 0 is the newest that lies at least `room` seconds before now."""
        late = self._workdays[0] + second >= self.now - room
        return self._workdays[rank + late] + second

    def newest(self, step: int, second: int, ago: int, room: int) -> int:
        """The newest of the moments that repeat every `step` seconds, at a second of the day, and `room` before now.

        ago: with 1 and more, that many days before today instead, whatever the step.
        """
        anchor = self.midnight + second - ago * DAY
        return anchor if ago else anchor + int((self.now - room - anchor) // step) * step


def clock(text: str) -> tuple[int, int]:
    """Hour and minute of `02:41`."""
    hour, minute = text.split(":")
    return int(hour), int(minute)


def same_day(one: int, other: int) -> bool:
    """Whether two moments are on one day in Beijing."""
    return (one + 8 * HOUR) // DAY == (other + 8 * HOUR) // DAY


def _weekend(time: int) -> int:
    """Days since Friday: 1 on a Saturday, 2 on a Sunday, else 0. 1 January 1970 was a Thursday."""
    return max(0, ((time + 8 * HOUR) // DAY + 3) % 7 - 4)
