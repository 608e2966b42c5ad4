"""Moments and windows: as people and models write them, as Unix seconds, and as ISO 8601.

A moment is given in Unix seconds, in ISO 8601, or in words of English or Chinese, which `time_words` reads. Nothing is
guessed: what can be read in two ways is refused with a sentence that says how to write it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from volcengine_audit.time_words import Period, UnclearError, moments_of, period_of

MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 86400
WEEK: Final = 7 * DAY

RETENTION: Final = 90 * DAY
"""Seconds that the service can look back: its documented default window."""
SLACK: Final = MINUTE
"""Seconds by which a start may be older than the retention, because "90 days ago" ages on its way to the service."""
FUTURE: Final = DAY
"""Seconds by which an end may lie ahead, so that "today" and clocks that run fast are fine."""

Edge = Literal["start", "end"]

_SMALLEST: Final = 1_000_000_000
_LARGEST: Final = 100_000_000_000
_LONGEST_TEXT: Final = 64

_ISO = re.compile(r"[0-9]{4}(-?)[0-9]{2}\1[0-9]{2}[ T][0-9]{2}(?::?[0-9]{2}){0,2}(?:[.,][0-9]+)?")
_ZONE = re.compile(
    r"(?<![A-Z])(?P<named>(?:UTC|GMT)(?: ?[+-][0-9]{1,2}(?::?[0-9]{2})?)?)(?![A-Z0-9:])"
    r"|(?P<beijing>北京时间)|(?<=[0-9M.]) ?(?P<end>Z|[+-][0-9]{2}(?::?[0-9]{2})?)$"
)
_CLOCK_AT_END = re.compile(r"(?:[0-9]:[0-9]{2}|[0-9]T[0-9]{2,6})(?:[.,][0-9]+)?$|[0-9] ?[AP]\.?M\.?$")
_FIXED_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])([0-9]{1,2})(?::?([0-9]{2}))?")
_NO_DAYLIGHT_SAVING: Final = {"Asia/Shanghai": 8, "PRC": 8, "Asia/Singapore": 8, "Asia/Hong_Kong": 8}


def zone_named(name: str) -> tzinfo:
    """The time zone of an IANA name (`Asia/Shanghai`), `UTC`, or an offset such as `+08:00`.

    UTC, offsets and China work without a time zone database, which Windows has only with the package `tzdata`.

    Raises: ValueError with a sentence that says what is allowed.
    """
    text = name.strip()
    if text.upper() in ("UTC", "Z", "GMT"):
        return UTC
    if match := _FIXED_OFFSET.fullmatch(text.upper()):
        sign, hours, minutes = match.groups()
        offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
        if offset <= timedelta(hours=14):
            return timezone(-offset if sign == "-" else offset)
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        if text in _NO_DAYLIGHT_SAVING:
            return timezone(timedelta(hours=_NO_DAYLIGHT_SAVING[text]), text)
    raise ValueError(
        f"{_shown(name)} is not a time zone that is known here: give an IANA name such as Asia/Shanghai, UTC, "
        "or an offset such as +08:00"
    )


def parse_time(text: str | int, *, now: float, zone: tzinfo, edge: Edge = "start") -> int:
    """The Unix second of a moment that a person or a model wrote.

    Args:
        text: Unix seconds; ISO 8601 with or without offset, or a date alone; words of English or Chinese, as
            `time_words` reads them, with or without a zone (`UTC`, `+08:00`, `北京时间`).
        now: the present, in Unix seconds.
        zone: where a clock without an offset hangs, and where days begin.
        edge: whether a period, such as `yesterday` or `last week`, stands for its first second (`start`) or its last
            (`end`), and a clock that goes back over an hour for its earlier or its later showing.

    Raises: ValueError with a sentence that says what was given and what is allowed.
    """
    period = _period(text, now, zone)
    return period.start if edge == "start" else period.end


def parse_stamp(value: object) -> int | None:
    """The Unix second of a time that a service wrote, or None when there is none to be read.

    Lenient: RFC 3339, the short form of trails (`20241210T1000Z`), a clock without offset as UTC, Unix seconds or
    milliseconds.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and re.fullmatch(r"[0-9]{10,13}", value.strip()):
        value = int(value)
    if isinstance(value, int | float):
        seconds = value / 1000 if value >= _LARGEST else value
        return int(seconds) if 0 < seconds < _LARGEST else None
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip().upper())
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
    return int(seconds) if seconds > 0 else None


def iso(moment: int, zone: tzinfo = UTC) -> str:
    """A Unix second in ISO 8601 with its offset: `2026-11-20T17:00:00+08:00`, in UTC with `Z`."""
    text = datetime.fromtimestamp(moment, zone).isoformat(timespec="seconds")
    return text.replace("+00:00", "Z") if zone is UTC else text


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time, both ends in Unix seconds and both inside."""

    start: int
    end: int

    @classmethod
    def checked(cls, start: int, end: int, *, now: float, zone: tzinfo = UTC, retention: int = RETENTION) -> Window:
        """A window that the service can answer.

        A start up to `SLACK` before the retention is moved to its edge. The retention is a parameter because
        documents of the service and of its international twin differ (90 and 180 days).

        Raises: ValueError with a sentence that says which end is wrong and what is allowed.
        """
        oldest = int(now) - retention
        if start > now:
            raise ValueError(
                f"the start ({iso(start, zone)}) lies in the future: it is {iso(int(now), zone)} now, "
                "and nothing has been recorded after that"
            )
        if start >= end:
            raise ValueError(f"the start ({iso(start, zone)}) must be earlier than the end ({iso(end, zone)})")
        if end > now + FUTURE:
            raise ValueError(
                f"the end ({iso(end, zone)}) lies more than a day ahead: it is {iso(int(now), zone)} now; "
                "leave the end out, or give now"
            )
        if start < oldest - SLACK:
            raise ValueError(
                f"the start ({iso(start, zone)}) is older than events are kept for look-up "
                f"({retention // DAY} days): the earliest start is {iso(oldest, zone)}; "
                "older events are only where a trail delivered them"
            )
        return cls(max(start, oldest), end)

    @classmethod
    def parse(
        cls,
        start: str | int | None,
        end: str | int | None,
        *,
        now: float,
        zone: tzinfo,
        length: int = DAY,
        retention: int = RETENTION,
    ) -> Window:
        """The window between two moments as written; without an end until now, without a start `length` seconds.

        A period counts from its first second as a start, and up to its last as an end, or up to now while it lasts. A
        start alone says since when: `last week` begins with that week and ends now, so that nothing after it is missed;
        with the same words as its end too, the window is that week.

        Raises: ValueError as `parse_time` and `checked`, with the name of the end that is wrong.
        """
        last = int(now) if end is None else _named("end", end, now, zone)
        if start is None:
            first = max(last - length, min(int(now) - retention, last - 1))
        else:
            first = _named("start", start, now, zone)
        return cls.checked(first, last, now=now, zone=zone, retention=retention)

    @property
    def seconds(self) -> int:
        """The length."""
        return self.end - self.start

    def record(self, zone: tzinfo = UTC) -> dict[str, object]:
        """The window written both ways: Unix seconds as the API takes them, and ISO 8601 in a zone."""
        return {
            "StartTime": self.start,
            "EndTime": self.end,
            "Start": iso(self.start, zone),
            "End": iso(self.end, zone),
        }


def _named(edge: Edge, value: str | int, now: float, zone: tzinfo) -> int:
    """One end of a window; a period that is not over ends now, because nothing of it is recorded after that."""
    try:
        period = _period(value, now, zone)
    except ValueError as error:
        raise ValueError(f"the {edge}: {error}") from None
    if edge == "end" and period.start <= now < period.end:
        return max(int(now), period.start + 1)
    return period.start if edge == "start" else period.end


def _period(text: str | int, now: float, zone: tzinfo) -> Period:
    if isinstance(text, bool) or not isinstance(text, str | int):
        raise ValueError(f"{_shown(text)} is not a time; {_allowed(zone)}")  # noqa: TRY004 - one kind of error
    if isinstance(text, int):
        return _unix(text)
    if len(text) > _LONGEST_TEXT:
        raise ValueError(f"{_shown(text)} is too long for a time; {_allowed(zone)}")
    words = " ".join(unicodedata.normalize("NFKC", text).split())
    if re.fullmatch(r"[+-]?[0-9]+", words):
        return _unix(int(words))
    try:
        words, zone = _without_zone(words.upper(), zone)
        period = _iso(words, zone) or period_of(words.casefold(), now=now, zone=zone)
    except UnclearError as error:
        raise ValueError(f"{_shown(text)} {error}") from None
    except OverflowError:
        period = None
    if period is None:
        raise ValueError(f"{_shown(text)} is not a time that is understood; {_allowed(zone)}")
    if period.start < 0:
        raise ValueError(f"{_shown(text)} lies before 1970; {_allowed(zone)}")
    return period


def _without_zone(words: str, zone: tzinfo) -> tuple[str, tzinfo]:
    """The words without the zone that they name, and that zone or else the usual one."""
    match = _ZONE.search(words)
    if match is None:
        return words, zone
    before, after = words[: match.start()].rstrip(), words[match.end() :].lstrip()
    if match["end"] and not _CLOCK_AT_END.search(before):  # "-20" may end a date
        return words, zone
    name = "+08:00" if match["beijing"] else (match["named"] or match["end"]).replace(" ", "")
    return f"{before} {after}".strip(), zone_named(name)


def _iso(words: str, zone: tzinfo) -> Period | None:
    if not _ISO.fullmatch(words):
        return None
    try:
        wall = datetime.fromisoformat(words)
    except ValueError:
        return None
    return moments_of(wall, zone)


def _unix(number: int) -> Period:
    if number >= _LARGEST:
        raise ValueError(f"{number} looks like milliseconds; give Unix seconds, which have ten digits")
    if number < _SMALLEST:
        raise ValueError(
            f"{number} is too small for Unix seconds, which have ten digits; write a date as 2026-11-20, "
            "a time that has passed as 2h ago"
        )
    return Period(number, number)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 48 else f"{text[:47]}…"


def _allowed(zone: tzinfo) -> str:
    return (
        "give Unix seconds (1795000000), ISO 8601 (2026-11-20T09:00:00+08:00, or 2026-11-20 09:00 for time zone "
        f"{zone}), or words: now, 2h ago, last 24 hours, yesterday 9pm, last week, last Friday, Nov 20 14:30, 2小时前, "
        "昨天 09:00, 上周五, 11月20日"
    )
