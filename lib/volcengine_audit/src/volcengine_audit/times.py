"""Moments and windows: as people and models write them, as Unix seconds, and as ISO 8601.

A moment is given in Unix seconds, in ISO 8601, or in words of English or Chinese. Nothing is guessed: what can be read
in two ways is refused with a sentence that says how to write it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

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

_SECONDS: Final = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "秒", "秒钟"), 1),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes", "分", "分钟"), MINUTE),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours", "小时", "钟头"), HOUR),
    **dict.fromkeys(("d", "day", "days", "天", "日"), DAY),
    **dict.fromkeys(("w", "wk", "wks", "week", "weeks", "周", "星期", "礼拜"), WEEK),
}
_NUMERALS: Final = dict(zip("半一二两三四五六七八九十", (0.5, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9, 10), strict=True))
_NOW: Final = frozenset({"now", "just now", "现在", "刚刚", "此刻", "当前"})
_DAYS: Final = {"today": 0, "今天": 0, "今日": 0, "yesterday": 1, "昨天": 1, "昨日": 1, "前天": 2}

_UNITS = "|".join(sorted(_SECONDS, key=len, reverse=True))
_AMOUNT = rf"(?:[0-9]+(?:\.[0-9]+)?|[{''.join(_NUMERALS)}]|an?\b)\s*个?\s*(?:{_UNITS})(?![a-z])"
_SPAN = re.compile(rf"([0-9]+(?:\.[0-9]+)?|[{''.join(_NUMERALS)}]|an?\b)\s*个?\s*({_UNITS})(?![a-z])")
_AGO = re.compile(rf"(?P<minus>-\s*)?(?P<spans>{_AMOUNT}(?:[\s,]*{_AMOUNT})*)\s*(?P<ago>ago|以前|之前|前)?")
_DAY_WORD = re.compile(
    rf"(?P<day>{'|'.join(_DAYS)})(?:\s*(?:at\s+)?(?:(?P<clock>[0-9]{{1,2}}:[0-9]{{2}}(?::[0-9]{{2}})?)"
    r"|(?P<hour>[0-9]{1,2})[点时](?:(?P<half>半)|(?P<minute>[0-9]{1,2})分?)?))?"
)
_SLASHES = re.compile(r"([0-9]{4})/([0-9]{1,2})/([0-9]{1,2})(?![0-9])")
_CHINESE_DATE = re.compile(r"([0-9]{4})年([0-9]{1,2})月([0-9]{1,2})[日号]?")
_OFFSET_GAP = re.compile(r"(?<=[0-9])\s+(?=(?:Z|[+-][0-9]{2}:?[0-9]{2})$)")
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
        text: Unix seconds; ISO 8601 with or without offset, or a date alone; `now`, `2h ago`, `-90m`, `3 days ago`,
            `yesterday`, `today 09:00`, `2小时前`, `昨天 09:00`.
        now: the present, in Unix seconds.
        zone: where a clock without an offset hangs, and where days begin.
        edge: whether a day without a clock stands for its first second (`start`) or its last (`end`).

    Raises: ValueError with a sentence that says what was given and what is allowed.
    """
    if isinstance(text, bool) or not isinstance(text, str | int):
        raise ValueError(f"{_shown(text)} is not a time; {_allowed(zone)}")  # noqa: TRY004 - one kind of error
    if isinstance(text, int):
        return _unix(text)
    if len(text) > _LONGEST_TEXT:
        raise ValueError(f"{_shown(text)} is too long for a time; {_allowed(zone)}")
    words = " ".join(unicodedata.normalize("NFKC", text).split()).replace("−", "-")
    if re.fullmatch(r"[+-]?[0-9]+", words):
        return _unix(int(words))
    lower = words.casefold()
    if lower in _NOW:
        return int(now)
    try:
        moment = _ago(lower, now)
        if moment is None:
            moment = _day_word(lower, now, zone, edge)
        if moment is None:
            moment = _iso(words.upper(), zone, edge)
    except OverflowError:
        moment = None
    if moment is None:
        raise ValueError(f"{_shown(text)} is not a time that is understood; {_allowed(zone)}")
    if moment < 0:
        raise ValueError(f"{_shown(text)} lies before 1970; {_allowed(zone)}")
    return moment


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
        if start >= end:
            raise ValueError(f"the start ({iso(start, zone)}) must be earlier than the end ({iso(end, zone)})")
        if start > now:
            raise ValueError(
                f"the start ({iso(start, zone)}) lies in the future: it is {iso(int(now), zone)} now, "
                "and nothing has been recorded after that"
            )
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
    try:
        return parse_time(value, now=now, zone=zone, edge=edge)
    except ValueError as error:
        raise ValueError(f"the {edge}: {error}") from None


def _unix(number: int) -> int:
    if number >= _LARGEST:
        raise ValueError(f"{number} looks like milliseconds; give Unix seconds, which have ten digits")
    if number < _SMALLEST:
        raise ValueError(
            f"{number} is too small for Unix seconds, which have ten digits; write a date as 2026-11-20, "
            "a time that has passed as 2h ago"
        )
    return number


def _ago(words: str, now: float) -> int | None:
    match = _AGO.fullmatch(words)
    if match is None:
        return None
    if bool(match["minus"]) == bool(match["ago"]):
        raise ValueError(f'{_shown(words)} does not say from when; write "{words.lstrip("- ")} ago"')
    total = sum(_amount(number) * _SECONDS[unit] for number, unit in _SPAN.findall(match["spans"]))
    return int(now - total)


def _amount(number: str) -> float:
    if number in _NUMERALS:
        return _NUMERALS[number]
    return 1 if number in ("a", "an") else float(number)


def _day_word(words: str, now: float, zone: tzinfo, edge: Edge) -> int | None:
    match = _DAY_WORD.fullmatch(words)
    if match is None:
        return None
    day = datetime.fromtimestamp(now, zone).date() - timedelta(days=_DAYS[match["day"]])
    if match["clock"]:
        hour, minute, second = [*(int(part) for part in match["clock"].split(":")), 0][:3]
    elif match["hour"]:
        hour, minute, second = int(match["hour"]), 30 if match["half"] else int(match["minute"] or 0), 0
    else:
        return _edge_of(day, zone, edge)
    try:
        return int(datetime.combine(day, time(hour, minute, second), zone).timestamp())
    except ValueError:
        return None


def _iso(words: str, zone: tzinfo, edge: Edge) -> int | None:
    """ISO 8601, and dates with slashes or Chinese characters; the earlier of two equal clocks when they go back."""
    words = _CHINESE_DATE.sub(_dashes, _SLASHES.sub(_dashes, words))
    words = _OFFSET_GAP.sub("", re.sub(r"\s*(?:UTC|GMT)$", "Z", words))
    words = re.sub(r"([ T])([0-9]):", r"\g<1>0\2:", words)
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", words):
            return _edge_of(date.fromisoformat(words), zone, edge)
        if "W" in words:  # week dates are valid ISO, but nobody means them
            return None
        moment = datetime.fromisoformat(words)
    except ValueError:
        return None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp())


def _dashes(match: re.Match[str]) -> str:
    year, month, day = match.groups()
    return f"{year}-{int(month):02}-{int(day):02}"


def _edge_of(day: date, zone: tzinfo, edge: Edge) -> int:
    if edge == "start":
        return int(datetime.combine(day, time(), zone).timestamp())
    return int(datetime.combine(day + timedelta(days=1), time(), zone).timestamp()) - 1


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 48 else f"{text[:47]}…"


def _allowed(zone: tzinfo) -> str:
    return (
        "give Unix seconds (1795000000), ISO 8601 (2026-11-20T09:00:00+08:00, or 2026-11-20 09:00 for time zone "
        f"{zone}), or words: now, 2h ago, 90m ago, 3 days ago, 1 week ago, today, yesterday 09:00, 2小时前, 昨天 09:00"
    )
