"""Times as people and models write them: what is understood, what is refused and with which sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.audit.samples import NOW
from volcengine_audit import RETENTION, Window, iso, parse_stamp, parse_time, zone_named
from volcengine_audit.times import DAY, HOUR, MINUTE, WEEK

BEIJING = ZoneInfo("Asia/Shanghai")


def at(text: str, zone: tzinfo = BEIJING) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp())


UNDERSTOOD = [
    (1763600000, 1763600000),
    ("1763600000", 1763600000),
    (" 1763600000 ", 1763600000),
    ("2026-11-20T09:00:00Z", at("2026-11-20T09:00:00", UTC)),
    ("2026-11-20t09:00:00z", at("2026-11-20T09:00:00", UTC)),
    ("2026-11-20T09:00:00+08:00", at("2026-11-20T09:00:00")),
    ("2026-11-20T09:00:00+0800", at("2026-11-20T09:00:00")),
    ("2026-11-20 09:00:00 +08:00", at("2026-11-20T09:00:00")),
    ("2026-11-20 09:00 UTC", at("2026-11-20T09:00:00", UTC)),
    ("2026-11-20T09:00:00.123456Z", at("2026-11-20T09:00:00", UTC)),
    ("2026-11-20 09:00", at("2026-11-20T09:00:00")),
    ("2026-11-20 9:05", at("2026-11-20T09:05:00")),
    ("2026-11-20T09:00:30", at("2026-11-20T09:00:30")),
    ("2026-11-20", at("2026-11-20T00:00:00")),
    ("2026/11/2 09:00", at("2026-11-02T09:00:00")),
    ("2026年11月2日", at("2026-11-02T00:00:00")),
    ("2026年11月20日 09:00", at("2026-11-20T09:00:00")),
    ("20261120T0900Z", at("2026-11-20T09:00:00", UTC)),
    ("now", NOW),
    ("NOW", NOW),
    ("现在", NOW),
    ("刚刚", NOW),
    ("2h ago", NOW - 2 * HOUR),
    ("2 hours ago", NOW - 2 * HOUR),
    ("90m ago", NOW - 90 * MINUTE),
    ("1.5h ago", NOW - 90 * MINUTE),
    ("30s ago", NOW - 30),
    ("3 days ago", NOW - 3 * DAY),
    ("1 week ago", NOW - WEEK),
    ("a week ago", NOW - WEEK),
    ("an hour ago", NOW - HOUR),
    ("1h30m ago", NOW - 90 * MINUTE),
    ("1 day, 2 hours ago", NOW - DAY - 2 * HOUR),
    ("-2h", NOW - 2 * HOUR),
    ("- 3d", NOW - 3 * DAY),
    ("−2h", NOW - 2 * HOUR),
    ("2小时前", NOW - 2 * HOUR),
    ("２小时前", NOW - 2 * HOUR),
    ("2个小时以前", NOW - 2 * HOUR),
    ("两小时前", NOW - 2 * HOUR),
    ("半小时前", NOW - 30 * MINUTE),
    ("30分钟前", NOW - 30 * MINUTE),
    ("1小时30分钟前", NOW - 90 * MINUTE),
    ("3天前", NOW - 3 * DAY),
    ("3天之前", NOW - 3 * DAY),
    ("一周前", NOW - WEEK),
    ("1个星期前", NOW - WEEK),
    ("today", at("2026-11-21T00:00:00")),
    ("today 09:00", at("2026-11-21T09:00:00")),
    ("yesterday", at("2026-11-20T00:00:00")),
    ("yesterday 09:00", at("2026-11-20T09:00:00")),
    ("Yesterday at 9:00", at("2026-11-20T09:00:00")),
    ("今天", at("2026-11-21T00:00:00")),
    ("昨天 09:00", at("2026-11-20T09:00:00")),
    ("昨天09：00", at("2026-11-20T09:00:00")),
    ("昨天9点半", at("2026-11-20T09:30:00")),
    ("昨天 9点05分", at("2026-11-20T09:05:00")),
    ("前天", at("2026-11-19T00:00:00")),
]


@pytest.mark.parametrize(("text", "expected"), UNDERSTOOD, ids=[str(text) for text, _ in UNDERSTOOD])
def test_a_time_is_understood(text: str | int, expected: int) -> None:
    assert parse_time(text, now=NOW, zone=BEIJING) == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (1763600000000, "looks like milliseconds"),
        ("1763600000000", "looks like milliseconds"),
        (1763600000000000000, "looks like milliseconds"),
        (5, "too small for Unix seconds"),
        (-5, "too small for Unix seconds"),
        ("20261120", "write a date as 2026-11-20"),
        (True, "not a time"),
        (1.5, "not a time"),
        (None, "not a time"),
        ("", "not a time that is understood"),
        ("soon", "not a time that is understood"),
        ("2h", 'write "2h ago"'),
        ("-2h ago", "does not say from when"),
        ("2 months ago", "write days, or the date"),
        ("3 fortnights ago", "not a time that is understood"),
        ("tomorrow", "not a time that is understood"),
        ("yesterday 25:00", "not a time that is understood"),
        ("yesterday 09:61", "not a time that is understood"),
        ("2026-02-30", "not a time that is understood"),
        ("2026-13-01T00:00:00Z", "not a time that is understood"),
        ("2026-11-20T09:00:60Z", "not a time that is understood"),
        ("2026-W47-1", "not a time that is understood"),
        ("11/12/2026", "2026-11-12 .* or 2026-12-11"),
        ("99999999999999999999 days ago", "understood|before 1970"),
        ("1950-01-01", "before 1970"),
        ("0001-01-01", "understood|before 1970"),
        ("9" * 5000, "too long"),
    ],
)
def test_what_is_not_understood_is_refused_with_a_sentence(text: str | int, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        parse_time(text, now=NOW, zone=BEIJING)


def test_the_sentence_shows_what_was_given_the_zone_and_what_is_allowed() -> None:
    with pytest.raises(ValueError, match="understood") as caught:
        parse_time("next tuesday", now=NOW, zone=BEIJING)
    for part in ("'next tuesday'", "Asia/Shanghai", "2h ago", "昨天 09:00", "2026-11-20T09:00:00+08:00"):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("2026-11-20", "2026-11-20T23:59:59"),
        ("yesterday", "2026-11-20T23:59:59"),
        ("今天", "2026-11-21T23:59:59"),
        ("2026-11-20 09:00", "2026-11-20T09:00:00"),
        ("yesterday 09:00", "2026-11-20T09:00:00"),
    ],
)
def test_a_day_as_an_end_means_its_last_second(text: str, last: str) -> None:
    assert parse_time(text, now=NOW, zone=BEIJING, edge="end") == at(last)


def test_days_begin_where_the_zone_says() -> None:
    late = at("2026-11-21T20:00:00", UTC)  # already Sunday in Beijing
    assert parse_time("today", now=late, zone=BEIJING) == at("2026-11-22T00:00:00")
    assert parse_time("today", now=late, zone=UTC) == at("2026-11-21T00:00:00", UTC)


def test_a_day_of_25_hours_ends_after_all_of_them() -> None:
    berlin, now = ZoneInfo("Europe/Berlin"), at("2026-10-26T12:00:00", UTC)
    start = parse_time("2026-10-25", now=now, zone=berlin)
    assert parse_time("2026-10-25", now=now, zone=berlin, edge="end") - start == 25 * HOUR - 1


@settings(deadline=None, max_examples=50)
@given(st.integers(1_000_000_000, 4_000_000_000), st.integers(-12, 14))
def test_what_is_written_is_read_back(moment: int, hours: int) -> None:
    zone = zone_named(f"{hours:+03}:00")
    assert parse_time(iso(moment, zone), now=NOW, zone=UTC) == moment == parse_stamp(iso(moment, zone))


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=80))
def test_any_text_gives_a_time_or_a_sentence(text: str) -> None:
    try:
        assert parse_time(text, now=NOW, zone=BEIJING) >= 0
    except ValueError as error:
        sentence = str(error)
        if len(sentence) <= 20:
            pytest.fail(f"{sentence!r} says too little")


@pytest.mark.parametrize("name", ["UTC", "utc", "Z", "+08:00", "UTC+8", "-0330", "Asia/Shanghai", "Europe/Berlin"])
def test_zones_are_known_by_name_and_offset(name: str) -> None:
    assert datetime.fromtimestamp(NOW, zone_named(name)).utcoffset() is not None


@pytest.mark.parametrize("name", ["", "Mars/Base", "../../etc/passwd", "+25:00", "/etc/localtime"])
def test_unknown_zones_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not a time zone"):
        zone_named(name)


def test_china_is_known_without_a_time_zone_database() -> None:
    """As on Windows: an interpreter that finds neither the system's database nor the package tzdata."""
    program = (
        "import sys; sys.modules['tzdata'] = None\n"
        "from volcengine_audit import zone_named\n"
        "print(zone_named('Asia/Shanghai').utcoffset(None))"
    )
    environment = {**os.environ, "PYTHONTZPATH": ""}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "8:00:00\n"


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("2021-09-13T09:54:08Z", 1631526848),
        ("2021-09-13T17:54:08+08:00", 1631526848),
        ("2021-09-13T09:54:08", 1631526848),
        ("2021-09-13T09:54:08.123456789Z", 1631526848),
        ("20210913T0954Z", 1631526840),
        ("1631526848", 1631526848),
        (1631526848, 1631526848),
        (1631526848123, 1631526848),
        ("", None),
        (None, None),
        (True, None),
        ("never", None),
        ("0001-01-01T00:00:00Z", None),
        ({}, None),
    ],
)
def test_stamps_of_services_are_read_leniently(stamp: object, expected: int | None) -> None:
    assert parse_stamp(stamp) == expected


def window(start: str | int | None, end: str | int | None = None, **more: int) -> Window:
    return Window.parse(start, end, now=NOW, zone=BEIJING, **more)


def test_a_window_lasts_a_day_unless_said_otherwise() -> None:
    assert window(None) == Window(NOW - DAY, NOW)
    assert window(None, length=HOUR) == Window(NOW - HOUR, NOW)
    assert window(None, "yesterday 12:00") == Window(NOW - 2 * DAY, NOW - DAY)
    assert window("2026-11-19", "2026-11-20").seconds == 2 * DAY - 1


@pytest.mark.parametrize("period", ["last week", "上周"])
def test_a_period_as_a_start_says_since_when_and_as_both_ends_it_is_the_window(period: str) -> None:
    monday, sunday = at("2026-11-09T00:00:00"), at("2026-11-15T23:59:59")
    assert window(period) == Window(monday, NOW)
    assert window(period, period) == Window(monday, sunday)
    assert window(None, period) == Window(sunday - DAY, sunday)
    assert window("last 24 hours") == window("last 24 hours", "last 24 hours") == Window(NOW - DAY, NOW)
    assert window("yesterday 9am", "yesterday 9pm").seconds == 12 * HOUR


@pytest.mark.parametrize("period", ["today", "this week", "本月", "this morning"])
def test_a_period_that_lasts_ends_now(period: str) -> None:
    now = at("2026-11-21T10:00:00")
    assert Window.parse("yesterday", period, now=now, zone=BEIJING).end == now
    assert Window.parse(period, period, now=now, zone=BEIJING).end == now
    first = parse_time(period, now=now, zone=BEIJING)
    assert Window.parse(period, period, now=first, zone=BEIJING) == Window(first, first + 1)


def test_a_window_covers_both_readings_of_a_doubled_hour() -> None:
    berlin, now = ZoneInfo("Europe/Berlin"), at("2026-10-26T12:00:00", UTC)
    assert Window.parse("2026-10-25 02:30", "2026-10-25 02:30", now=now, zone=berlin).seconds == HOUR
    assert Window.parse("yesterday 02:00", "yesterday 02:59", now=now, zone=berlin).seconds == HOUR + 59 * MINUTE


def test_exactly_90_days_ago_is_inside_even_if_a_moment_has_passed() -> None:
    assert window("90 days ago").start == NOW - RETENTION
    assert Window.checked(NOW - RETENTION - 60, NOW, now=NOW).start == NOW - RETENTION
    assert window("100 days ago", retention=180 * DAY).start == NOW - 100 * DAY


@pytest.mark.parametrize(
    ("start", "end", "sentence"),
    [
        ("now", "now", "must be earlier than the end"),
        ("1h ago", "2h ago", "must be earlier than the end"),
        ("91 days ago", None, r"90 days\): the earliest start is 2026-08-23T12:00:00\+08:00"),
        ("2026-11-22", "2026-11-22", "the start .* lies in the future"),
        ("yesterday", "2026-11-23", "the end .* more than a day ahead"),
        ("this Sunday", None, "the start .* lies in the future"),
        ("Nov 22", None, r"the start \(2025-11-22T00:00:00\+08:00\) is older than events are kept"),
        ("11/12", None, "^the start: '11/12' can mean 2026-11-12"),
        ("someday", None, "^the start: 'someday'"),
        (None, "someday", "^the end: 'someday'"),
    ],
)
def test_a_window_that_cannot_be_answered_is_refused(start: str, end: str | None, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        window(start, end)


def test_a_window_is_written_both_ways() -> None:
    assert window("yesterday 09:00", "yesterday 10:00").record(BEIJING) == {
        "StartTime": at("2026-11-20T09:00:00"),
        "EndTime": at("2026-11-20T10:00:00"),
        "Start": "2026-11-20T09:00:00+08:00",
        "End": "2026-11-20T10:00:00+08:00",
    }
    assert window("today").record()["Start"] == "2026-11-20T16:00:00Z"
