"""Times in words: what each phrase means at a present and in a zone, which are refused, and what holds for all."""

from __future__ import annotations

import re
import time
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from volcengine_audit import parse_time
from volcengine_audit.time_words import MONTHS, ONES, TEENS, WEEKDAYS, WORDS
from volcengine_audit.times import DAY, HOUR, MINUTE, WEEK

BEIJING, BERLIN, NEW_YORK = (ZoneInfo(name) for name in ("Asia/Shanghai", "Europe/Berlin", "America/New_York"))

WEDNESDAY = """
    now: 2026-11-25 10:30 Asia/Shanghai

    today                             2026-11-25
    yesterday                         2026-11-24
    the day before yesterday          2026-11-23
    Day Before Yesterday 6 pm         2026-11-23 18:00
    yesterday 9pm                     2026-11-24 21:00
    yesterday at 9 pm                 2026-11-24 21:00
    9pm yesterday                     2026-11-24 21:00
    yesterday 9:15 p.m.               2026-11-24 21:15
    yesterday 12am                    2026-11-24 00:00
    yesterday 12:30 pm                2026-11-24 12:30
    yesterday 21:00 pm                2026-11-24 21:00
    yesterday 0:30 am                 2026-11-24 00:30
    yesterday 24:00                   2026-11-25 00:00
    yesterday noon                    2026-11-24 12:00
    yesterday at 9 in the evening     2026-11-24 21:00
    yesterday morning                 2026-11-24 00:00 .. 2026-11-24 11:59:59
    yesterday afternoon               2026-11-24 12:00 .. 2026-11-24 17:59:59
    yesterday evening                 2026-11-24 18:00 .. 2026-11-24 23:59:59
    yesterday evening 5:30            2026-11-24 17:30
    3 days ago at 14:00               2026-11-22 14:00
    two weeks ago 9pm                 2026-11-11 21:00
    this morning                      2026-11-25 00:00 .. 2026-11-25 11:59:59
    this morning at 8                 2026-11-25 08:00
    8 this morning                    2026-11-25 08:00
    tonight                           2026-11-25 18:00 .. 2026-11-26 05:59:59
    tonight at midnight               2026-11-26 00:00
    last night                        2026-11-24 18:00 .. 2026-11-25 05:59:59
    last night 11pm                   2026-11-24 23:00
    last night at 11                  2026-11-24 23:00
    last night at 2am                 2026-11-25 02:00
    last night 12am                   2026-11-25 00:00
    03:10                             2026-11-25 03:10
    3:10 am                           2026-11-25 03:10
    10:30                             2026-11-25 10:30
    10:31                             2026-11-24 10:31
    21:00                             2026-11-24 21:00
    9 p.m.                            2026-11-24 21:00
    9PM                               2026-11-24 21:00
    3 o'clock in the afternoon        2026-11-24 15:00
    noon                              2026-11-24 12:00
    midnight                          2026-11-25 00:00
    last Friday                       2026-11-20
    last Fri.                         2026-11-20
    last Wednesday                    2026-11-18
    last sunday                       2026-11-22
    Friday                            2026-11-20
    on Monday                         2026-11-23
    Tues                              2026-11-24
    Friday night                      2026-11-20 18:00 .. 2026-11-21 05:59:59
    Friday at 5pm                     2026-11-20 17:00
    last friday 17:00                 2026-11-20 17:00
    this Tuesday                      2026-11-24
    this Friday                       2026-11-27
    Friday last week                  2026-11-20
    last week Tuesday                 2026-11-17
    Tuesday of last week, 9am         2026-11-17 09:00
    this week                         2026-11-23 .. 2026-11-29
    last week                         2026-11-16 .. 2026-11-22
    previous week                     2026-11-16 .. 2026-11-22
    this month                        2026-11-01 .. 2026-11-30
    last month                        2026-10-01 .. 2026-10-31
    this year                         2026-01-01 .. 2026-12-31
    last year                         2025-01-01 .. 2025-12-31
    Nov 20                            2026-11-20
    Nov. 20                           2026-11-20
    November 20 2026 14:30            2026-11-20 14:30
    November 20th, 2026               2026-11-20
    20 Nov                            2026-11-20
    20-Nov-2026                       2026-11-20
    20th of November 2026, 2:30pm     2026-11-20 14:30
    14:30 on Nov 20                   2026-11-20 14:30
    Nov 25                            2026-11-25
    Nov 26                            2025-11-26
    Dec 1                             2025-12-01
    Sept 5                            2026-09-05
    may 5                             2026-05-05
    Feb 29                            2024-02-29
    the 20th                          2026-11-20
    the 30th                          2026-10-30
    November                          2026-11-01 .. 2026-11-30
    December                          2025-12-01 .. 2025-12-31
    Oct 2026                          2026-10-01 .. 2026-10-31
    2026-10                           2026-10-01 .. 2026-10-31
    2026.11.20                        2026-11-20
    2026/11/20 9pm                    2026-11-20 21:00
    2026-11-20 03:10                  2026-11-20 03:10
    2026-11-20 24:00                  2026-11-21 00:00
    2026-11-20 9:05:07                2026-11-20 09:05:07
    2026-11-20 09                     2026-11-20 09:00
    Fri Nov 20                        2026-11-20
    Fri, 20 Nov 2026 09:00:00 +0000   2026-11-20 17:00
    Tue Nov 24 02:00:08 UTC 2026      2026-11-24 10:00:08
    yesterday 9pm UTC                 2026-11-25 05:00
    Nov 20 14:30 -05:00               2026-11-21 03:30
    9 p.m. +09:00                     2026-11-24 20:00
    14:30 2026-11-20                  2026-11-20 14:30
    20261120T0900+0900                2026-11-20 08:00
    9pm UTC +9                        2026-11-24 20:00
    9pm GMT+9                         2026-11-24 20:00
    2026-11-20 09:00 utc+8            2026-11-20 09:00
    11/20                             2026-11-20
    11/20/2026                        2026-11-20
    20/11/2026                        2026-11-20
    11/11                             2026-11-11
    11/20 14:30                       2026-11-20 14:30
    last 24 hours                     2026-11-24 10:30 .. 2026-11-25 10:30
    the last 24 hours                 2026-11-24 10:30 .. 2026-11-25 10:30
    in the last 90 minutes            2026-11-25 09:00 .. 2026-11-25 10:30
    past 3 days                       2026-11-22 10:30 .. 2026-11-25 10:30
    last two weeks                    2026-11-11 10:30 .. 2026-11-25 10:30
    past hour                         2026-11-25 09:30 .. 2026-11-25 10:30
    last hour                         2026-11-25 09:30 .. 2026-11-25 10:30
    past week                         2026-11-18 10:30 .. 2026-11-25 10:30
    two days ago                      2026-11-23 10:30
    twenty-one minutes ago            2026-11-25 10:09
    ninety nine minutes ago           2026-11-25 08:51
    an hour and a half ago            2026-11-25 09:00
    two and a half hours ago          2026-11-25 08:00
    half an hour ago                  2026-11-25 10:00
    1h30m ago                         2026-11-25 09:00
    1 day 2 hours ago                 2026-11-24 08:30
    1 day and 2 hours ago             2026-11-24 08:30
    right now                         2026-11-25 10:30
    昨晚9点                           2026-11-24 21:00
    昨晚21点                          2026-11-24 21:00
    昨晚9:30                          2026-11-24 21:30
    昨晚十一点一刻                    2026-11-24 23:15
    昨晚                              2026-11-24 18:00 .. 2026-11-25 05:59:59
    昨晚2点                           2026-11-25 02:00
    昨晚12点                          2026-11-25 00:00
    昨晚12点半                        2026-11-25 00:30
    昨天下午3点半                     2026-11-24 15:30
    昨天傍晚六点                      2026-11-24 18:00
    昨天9点                           2026-11-24 09:00
    昨天零点                          2026-11-24 00:00
    昨天凌晨12点半                    2026-11-24 00:30
    昨天中午12点                      2026-11-24 12:00
    昨天中午1点                       2026-11-24 13:00
    昨天中午                          2026-11-24 11:00 .. 2026-11-24 13:59:59
    昨天正午                          2026-11-24 12:00
    昨天凌晨                          2026-11-24 00:00 .. 2026-11-24 05:59:59
    昨日上午十点                      2026-11-24 10:00
    今早8点                           2026-11-25 08:00
    今天上午９點                      2026-11-25 09:00
    今晚                              2026-11-25 18:00 .. 2026-11-26 05:59:59
    凌晨3点                           2026-11-25 03:00
    下午3点                           2026-11-24 15:00
    晚上两点                          2026-11-25 02:00
    9点05分30秒                       2026-11-25 09:05:30
    三点零五分                        2026-11-25 03:05
    9点钟                             2026-11-25 09:00
    前天                              2026-11-23
    大前天                            2026-11-22
    上周五                            2026-11-20
    上周二                            2026-11-17
    上個星期日                        2026-11-22
    上礼拜天                          2026-11-22
    上上周五                          2026-11-13
    上周五晚上8点                     2026-11-20 20:00
    周五                              2026-11-20
    星期一上午                        2026-11-23 00:00 .. 2026-11-23 11:59:59
    本周                              2026-11-23 .. 2026-11-29
    这个星期                          2026-11-23 .. 2026-11-29
    本周二                            2026-11-24
    上周                              2026-11-16 .. 2026-11-22
    上週                              2026-11-16 .. 2026-11-22
    本月                              2026-11-01 .. 2026-11-30
    上个月                            2026-10-01 .. 2026-10-31
    上月                              2026-10-01 .. 2026-10-31
    上个月20号                        2026-10-20
    本月3日下午2点                    2026-11-03 14:00
    今年                              2026-01-01 .. 2026-12-31
    去年11月20日                      2025-11-20
    11月20日                          2026-11-20
    11月20号                          2026-11-20
    十一月二十日                      2026-11-20
    11月20日 14:30                    2026-11-20 14:30
    １１月２０日　１４：３０          2026-11-20 14:30
    11月20日下午三点一刻              2026-11-20 15:15
    11月20日，周五，9点               2026-11-20 09:00
    11月26日                          2025-11-26
    11月                              2026-11-01 .. 2026-11-30
    2026年10月                        2026-10-01 .. 2026-10-31
    2026年11月20日9点5分              2026-11-20 09:05
    2026-11-20 下午3点                2026-11-20 15:00
    20号                              2026-11-20
    20日                              2026-11-20
    20日9点                           2026-11-20 09:00
    北京时间昨晚9点                   2026-11-24 21:00
    最近24小时                        2026-11-24 10:30 .. 2026-11-25 10:30
    最近24小时内                      2026-11-24 10:30 .. 2026-11-25 10:30
    24小时内                          2026-11-24 10:30 .. 2026-11-25 10:30
    过去三天                          2026-11-22 10:30 .. 2026-11-25 10:30
    过去的三天                        2026-11-22 10:30 .. 2026-11-25 10:30
    近两周                            2026-11-11 10:30 .. 2026-11-25 10:30
    十五分钟前                        2026-11-25 10:15
    一刻钟前                          2026-11-25 10:15
    两个半小时前                      2026-11-25 08:00
    半个小时之前                      2026-11-25 10:00
    一天半前                          2026-11-23 22:30
    九十九分钟前                      2026-11-25 08:51
    三天前下午3点                     2026-11-22 15:00
    昨天。                            2026-11-24
"""
SUNDAY = """
    now: 2026-11-22 23:59:59 Asia/Shanghai

    this week                         2026-11-16 .. 2026-11-22
    本周                              2026-11-16 .. 2026-11-22
    last week                         2026-11-09 .. 2026-11-15
    上周五                            2026-11-13
    last Sunday                       2026-11-15
    Friday                            2026-11-20
    周六                              2026-11-21
    本周日                            2026-11-22
    Friday last week                  2026-11-13
    23:59:59                          2026-11-22 23:59:59
    midnight                          2026-11-22 00:00
"""
MONDAY = """
    now: 2026-03-02 00:00 Asia/Shanghai

    this week                         2026-03-02 .. 2026-03-08
    last week                         2026-02-23 .. 2026-03-01
    上周日                            2026-03-01
    last Sunday                       2026-03-01
    last Monday                       2026-02-23
    yesterday                         2026-03-01
    前天                              2026-02-28
    last month                        2026-02-01 .. 2026-02-28
    the 31st                          2026-01-31
    Feb 29                            2024-02-29
    2月29日                           2024-02-29
    midnight                          2026-03-02 00:00
    noon                              2026-03-01 12:00
    tonight 8pm                       2026-03-02 20:00
    yesterday 11pm                    2026-03-01 23:00
"""
NEW_YEAR = """
    now: 2027-01-01 00:30 Asia/Shanghai

    today                             2027-01-01
    yesterday                         2026-12-31
    last week                         2026-12-21 .. 2026-12-27
    this week                         2026-12-28 .. 2027-01-03
    last month                        2026-12-01 .. 2026-12-31
    上个月                            2026-12-01 .. 2026-12-31
    this month                        2027-01-01 .. 2027-01-31
    last year                         2026-01-01 .. 2026-12-31
    Dec 31                            2026-12-31
    Jan 1                             2027-01-01
    12月31日                          2026-12-31
    1月                               2027-01-01 .. 2027-01-31
    12月                              2026-12-01 .. 2026-12-31
    30号                              2026-12-30
    last Friday                       2026-12-25
    00:15                             2027-01-01 00:15
    00:45                             2026-12-31 00:45
    晚上2点                           2026-12-31 02:00
    11pm                              2026-12-31 23:00
    大前天                            2026-12-29
"""
LEAP_DAY = """
    now: 2028-02-29 12:00 Asia/Shanghai

    today                             2028-02-29
    Feb 29                            2028-02-29
    this month                        2028-02-01 .. 2028-02-29
    last month                        2028-01-01 .. 2028-01-31
    29 Feb 2024                       2024-02-29
    2月                               2028-02-01 .. 2028-02-29
    2/29                              2028-02-29
    last Tuesday                      2028-02-22
    noon                              2028-02-29 12:00
    去年2月28日                       2027-02-28
"""
BERLIN_BACK = """
    now: 2026-10-26 09:00 Europe/Berlin

    yesterday                         2026-10-25T00:00+02:00 .. 2026-10-25T23:59:59+01:00
    yesterday 2:30                    2026-10-25T02:30+02:00 .. 2026-10-25T02:30+01:00
    2026-10-25 02:30                  2026-10-25T02:30+02:00 .. 2026-10-25T02:30+01:00
    2026-10-25T02:30:00+01:00         2026-10-25T02:30+01:00
    昨天凌晨两点半                    2026-10-25T02:30+02:00 .. 2026-10-25T02:30+01:00
    yesterday 3:00                    2026-10-25T03:00+01:00
    yesterday 1:59                    2026-10-25T01:59+02:00
    24 hours ago                      2026-10-25T09:00+01:00
    2 days ago                        2026-10-24T10:00+02:00
    2 days ago 9am                    2026-10-24T09:00+02:00
    last week                         2026-10-19T00:00+02:00 .. 2026-10-25T23:59:59+01:00
    last night                        2026-10-25T18:00+01:00 .. 2026-10-26T05:59:59+01:00
"""
NEW_YORK_FORWARD = """
    now: 2026-03-08 12:00 America/New_York

    today                             2026-03-08T00:00-05:00 .. 2026-03-08T23:59:59-04:00
    1:59                              2026-03-08T01:59-05:00
    3:00                              2026-03-08T03:00-04:00
    last night                        2026-03-07T18:00-05:00 .. 2026-03-08T05:59:59-04:00
    24 hours ago                      2026-03-07T11:00-05:00
    9pm UTC                           2026-03-07T16:00-05:00
    北京时间 3月8日 9:00              2026-03-07T20:00-05:00
"""
NEW_YORK_BETWEEN = """
    now: 2026-11-01T01:20-05:00 America/New_York

    1:30                              2026-11-01T01:30-04:00 .. 2026-11-01T01:30-05:00
    1:10                              2026-11-01T01:10-04:00 .. 2026-11-01T01:10-05:00
    today                             2026-11-01T00:00-04:00 .. 2026-11-01T23:59:59-05:00
    one hour ago                      2026-11-01T01:20-04:00
"""


def moment(text: str, zone: tzinfo) -> int:
    read = datetime.fromisoformat(text)
    return int((read if read.tzinfo else read.replace(tzinfo=zone)).timestamp())


def rows(table: str) -> list[tuple[str, int, tzinfo, int, int]]:
    """A table's rows: the phrase, the present, the zone, and the first and the last second that are meant."""
    head, *lines = (line.strip() for line in table.strip().splitlines() if line.strip())
    present, name = head.removeprefix("now: ").rsplit(" ", 1)
    zone = ZoneInfo(name)
    found: list[tuple[str, int, tzinfo, int, int]] = []
    for line in lines:
        phrase, _, meaning = line.partition("  ")
        start, _, end = meaning.strip().partition(" .. ")
        last = moment(end or start, zone)
        if len(end or start) == len("2026-11-20"):
            last = moment(str(date.fromisoformat(end or start) + timedelta(days=1)), zone) - 1
        found.append((phrase, moment(present, zone), zone, moment(start, zone), last))
    return found


TABLES = (WEDNESDAY, SUNDAY, MONDAY, NEW_YEAR, LEAP_DAY, BERLIN_BACK, NEW_YORK_FORWARD, NEW_YORK_BETWEEN)
MEANINGS = [row for table in TABLES for row in rows(table)]


@pytest.mark.parametrize(
    ("phrase", "now", "zone", "start", "end"), MEANINGS, ids=[f"{row[0]} at {row[1]}" for row in MEANINGS]
)
def test_a_phrase_means_its_first_second_as_a_start_and_its_last_as_an_end(
    phrase: str, now: int, zone: tzinfo, start: int, end: int
) -> None:
    assert len(MEANINGS) > 200
    assert parse_time(phrase, now=now, zone=zone) == start
    assert parse_time(phrase, now=now, zone=zone, edge="end") == end


REFUSED = [
    (
        "last Monday",
        "2026-11-25 10:30",
        ["can mean 2026-11-23, the latest Monday", "or 2026-11-16, Monday of last week"],
    ),
    ("last Friday", "2026-11-21 10:30", ["can mean 2026-11-20", "or 2026-11-13", "write the date"]),
    ("last Friday", "2026-11-22 10:30", ["can mean 2026-11-20", "or 2026-11-13"]),
    ("Wednesday", "2026-11-25 10:30", ["can mean today, 2026-11-25, or 2026-11-18"]),
    ("周三 9点", "2026-11-25 10:30", ["can mean today, 2026-11-25, or 2026-11-18"]),
    ("11/12", "2026-11-25 10:30", ["can mean 2026-11-12 (month first) or 2025-12-11 (day first)"]),
    ("03/04/2026", "2026-11-25 10:30", ["can mean 2026-03-04 (month first) or 2026-04-03 (day first)"]),
    ("yesterday at 9", "2026-11-25 10:30", ["can mean 9 am or 9 pm"]),
    ("Nov 20 9", "2026-11-25 10:30", ["can mean 9 am or 9 pm"]),
    ("昨天晚上5点", "2026-11-25 10:30", ["can mean 5 am or 5 pm"]),
    ("11月20日晚上2点", "2026-11-25 10:30", ["can mean early on 2026-11-20, or on 2026-11-21", "with 2 am"]),
    ("前天晚上2点", "2026-11-25 10:30", ["can mean early on 2026-11-23, or on 2026-11-24"]),
    ("last night 2am", "2026-11-25 03:00", ["can mean early on 2026-11-24, or on 2026-11-25"]),
    ("yesterday midnight", "2026-11-25 10:30", ["the midnight at which 2026-11-24 begins, or ends", "00:00 or 24:00"]),
    ("last day", "2026-11-25 10:30", ["can mean yesterday or the last 24 hours"]),
    ("past month", "2026-11-25 10:30", ["write last 30 days, or last month"]),
    ("2 months ago", "2026-11-25 10:30", ["counts months or years, which differ in length"]),
    ("last 3 months", "2026-11-25 10:30", ["counts months or years"]),
    ("三个月前", "2026-11-25 10:30", ["counts months or years"]),
    ("最近一年", "2026-11-25 10:30", ["is not a time that is understood"]),
    ("Thu, 20 Nov 2026", "2026-11-25 10:30", ["contradicts itself: 2026-11-20 is a Friday, not a Thursday"]),
    ("11月20日周四", "2026-11-25 10:30", ["contradicts itself: 2026-11-20 is a Friday"]),
    ("yesterday afternoon 9:00", "2026-11-25 10:30", ["contradicts itself: the afternoon has no such hour"]),
    ("this morning 3pm", "2026-11-25 10:30", ["contradicts itself: the morning has no such hour"]),
    ("上午12点", "2026-11-25 10:30", ["contradicts itself: the morning has no such hour"]),
    ("2h", "2026-11-25 10:30", ['write "2h ago"']),
    ("1h30m", "2026-11-25 10:30", ['write "1h30m ago"']),
    ("2小时", "2026-11-25 10:30", ['write "2小时前"']),
    ("-2h ago", "2026-11-25 10:30", ['write "2h ago"']),
]


@pytest.mark.parametrize(("phrase", "present", "parts"), REFUSED, ids=[f"{row[0]} at {row[1]}" for row in REFUSED])
def test_what_people_read_in_two_ways_is_refused_with_its_readings(phrase: str, present: str, parts: list[str]) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(repr(phrase))}") as caught:
        parse_time(phrase, now=moment(present, BEIJING), zone=BEIJING)
    assert [part for part in parts if part not in str(caught.value)] == []


UNKNOWN = """
    next Friday, tomorrow, 明天, 下周五, in 2 hours, 2 hours later, 两小时后, last yesterday, - yesterday
    past 3 days ago, soon, recently, 最近, a few days ago, 几天前, 三五天前, half half hour ago, last 3, ago, 3
    the, 2h 9pm, now 9pm, morning, 下午, yesterday today, last week 9pm, last month morning, November 9pm
    Friday November, 2026年, 2026 9am, yesterday pm, 13 am, 0:30 pm, yesterday 25:00, yesterday 24:30
    yesterday 9:60, yesterday 9:00:60, yesterday 9:5, Nov 31, 2月30日, 31/31, 0/5, 13/13/2026, 11/20/26, 11-20
    13月, 0月, 32号, 45th, 1.5 Nov, 2026-02-30 9pm, 9999-12-31, 9999-12, Nov 20 Nov 21, 9pm 10pm, midnight noon
    yesterday at 15, 3分点, 9月9点9月, 2026-11-20-09:00, Nov 20 2026 2026, Wednesdayish, xyesterday, 9 pmm
    CST 9pm, 9pm UTC UTC, 99999999999999999999 days ago 9pm, 9999999 days ago 9pm, 2h ago 9pm, onyesterday, - hour
    2hago, 1:2:3, 2026-1-1-1
"""


@pytest.mark.parametrize("phrase", re.split(", |\n", UNKNOWN.strip().replace("\n    ", "\n")))
def test_what_is_not_known_is_not_guessed(phrase: str) -> None:
    with pytest.raises(ValueError, match=r"is not a time that is understood|is too small for Unix seconds"):
        parse_time(phrase, now=moment("2026-11-25 10:30", BEIJING), zone=BEIJING)


@pytest.mark.parametrize(
    ("phrase", "zone", "present"),
    [
        ("2026-03-29 02:30", BERLIN, "2026-03-30 12:00"),
        ("2026-03-29T02:00:00", BERLIN, "2026-03-30 12:00"),
        ("yesterday 2:30 am", BERLIN, "2026-03-30 12:00"),
        ("2:30", NEW_YORK, "2026-03-08 12:00"),
        ("3月8日凌晨2点半", NEW_YORK, "2026-03-10 12:00"),
    ],
)
def test_a_clock_that_clocks_skip_is_refused(phrase: str, zone: tzinfo, present: str) -> None:
    with pytest.raises(ValueError, match=r"does not exist in time zone .* clocks go forward .* write 03:[03]0"):
        parse_time(phrase, now=moment(present, zone), zone=zone)


def test_a_clock_is_yesterdays_before_clocks_skip_it() -> None:
    now = moment("2026-03-08 01:00", NEW_YORK)
    assert parse_time("2:30", now=now, zone=NEW_YORK) == moment("2026-03-07 02:30", NEW_YORK)


def test_a_day_begins_with_its_first_second_where_midnight_is_skipped() -> None:
    santiago, now = ZoneInfo("America/Santiago"), moment("2026-09-08", UTC)
    assert parse_time("2026-09-06", now=now, zone=santiago) == moment("2026-09-06T01:00-03:00", UTC)
    assert parse_time("2026-09-05", now=now, zone=santiago, edge="end") == moment("2026-09-06T00:59:59-03:00", UTC)


@pytest.mark.parametrize(("present", "leap"), [("2028-02-28", "2024-02-29"), ("2104-02-28", "2096-02-29")])
def test_the_29th_of_february_is_that_of_the_latest_leap_year(present: str, leap: str) -> None:
    assert parse_time("29 Feb", now=moment(present, UTC), zone=UTC) == moment(leap, UTC)


presents = st.integers(moment("2024-01-01", UTC), moment("2029-12-31", UTC))
zones = st.sampled_from([BEIJING, BERLIN, NEW_YORK, UTC])
NAMES = ["", *ONES.split(), *TEENS.split()]
CHINESE = ["", *"一二三四五六七八九十", "十一", "十二", "十三"]
UNITS = [("seconds", "秒", 1), ("min", "分钟", MINUTE), ("h", "小时", HOUR), ("days", "天", DAY), ("weeks", "周", WEEK)]


def both(phrase: str, now: int, zone: tzinfo) -> tuple[int, int]:
    return parse_time(phrase, now=now, zone=zone), parse_time(phrase, now=now, zone=zone, edge="end")


@st.composite
def dated(draw: st.DrawFn) -> tuple[str, date]:
    """A date with its year, in one of the ways in which people write it."""
    day = draw(st.dates(date(2024, 1, 1), date(2027, 12, 31)))
    month, weekday = MONTHS.split()[day.month - 1], WEEKDAYS.split()[day.weekday()]
    ways = [
        f"{day}",
        f"{day:%Y/%m/%d}",
        f"{month} {day.day}, {day.year}",
        f"{month[:3].title()} {day.day} {day.year}",
        f"{day.day} {month} {day.year}",
        f"{weekday.title()}, {day.day} {month[:3]} {day.year}",
        f"{day.year}年{day.month}月{day.day}日",
        f"{day.year}年{day.month}月{day.day}号星期{'一二三四五六日'[day.weekday()]}",
    ]
    if day.day > 12:
        ways += [f"{day.month}/{day.day}/{day.year}", f"{day.day}/{day.month}/{day.year}"]
    return draw(st.sampled_from(ways)), day


@st.composite
def clocked(draw: st.DrawFn) -> tuple[str, int, int]:
    """A clock, in one of the ways in which people write it."""
    hour, minute = draw(st.integers(0, 23)), draw(st.integers(0, 59))
    twelve, half = (hour + 11) % 12 + 1, "am" if hour < 12 else "pm"
    ways = [f"{hour}:{minute:02}", f"{hour:02}:{minute:02}:00", f"{twelve}:{minute:02} {half}", f"{hour}点{minute}分"]
    if 1 <= hour <= 11:
        ways += [f"上午{hour}点{minute:02}分", f"{hour}:{minute:02} in the morning"]
    if 12 <= hour <= 18:
        ways += [f"下午{twelve}点{minute}", f"{twelve}:{minute:02} in the afternoon"]
    if minute == 0:
        ways += [f"{twelve}{half}", f"{hour}点钟"]
    return draw(st.sampled_from(ways)), hour, minute


@settings(deadline=None, max_examples=300)
@given(dated(), clocked(), presents, st.sampled_from([BEIJING, UTC]), st.booleans())
def test_any_date_with_any_clock_in_either_order_is_that_moment(
    day: tuple[str, date], clock: tuple[str, int, int], now: int, zone: tzinfo, swapped: bool
) -> None:
    phrase = f"{clock[0]} {day[0]}" if swapped and "点" not in clock[0] else f"{day[0]} {clock[0]}"
    wall = datetime(day[1].year, day[1].month, day[1].day, clock[1], clock[2], tzinfo=zone)
    assert both(phrase, now, zone) == (int(wall.timestamp()),) * 2


@settings(deadline=None, max_examples=100)
@given(dated(), presents, zones)
def test_any_date_is_a_whole_day(day: tuple[str, date], now: int, zone: tzinfo) -> None:
    first, after = (moment(str(day[1] + timedelta(days=more)), zone) for more in (0, 1))
    assert both(day[0], now, zone) == (first, after - 1)


@settings(deadline=None, max_examples=100)
@given(st.integers(1, 13), st.sampled_from(UNITS), presents, zones)
def test_amounts_count_back_and_more_of_them_reach_further(
    number: int, unit: tuple[str, str, int], now: int, zone: tzinfo
) -> None:
    english, chinese, seconds = unit
    then = now - number * seconds
    for ago in (f"{number}{english} ago", f"{NAMES[number]} {english} ago", f"{CHINESE[number]}{chinese}前"):
        assert both(ago, now, zone) == (then, then)
    for last in (f"last {number} {english}", f"the past {NAMES[number]} {english}", f"最近{CHINESE[number]}{chinese}"):
        assert both(last, now, zone) == (then, now)
    assert both(f"{number + 1} {english} ago", now, zone)[0] < then
    more = both(f"1 week {number} {english} ago", now, zone)[0] if english != "weeks" else then - WEEK
    assert more == then - WEEK


@settings(deadline=None, max_examples=100)
@given(presents, zones)
def test_periods_follow_each_other_without_a_gap(now: int, zone: tzinfo) -> None:
    days = [both(phrase, now, zone) for phrase in ("大前天", "前天", "yesterday", "today")]
    weeks = [both(phrase, now, zone) for phrase in ("上上周", "last week", "本周")]
    months = [both(phrase, now, zone) for phrase in ("last month", "本月")]
    years = [both(phrase, now, zone) for phrase in ("去年", "this year")]
    for periods in (days, weeks, months, years):
        assert [end + 1 for _, end in periods[:-1]] == [start for start, _ in periods[1:]]
        assert periods[-1][0] <= now <= periods[-1][1]


@settings(deadline=None, max_examples=200)
@given(presents, zones, st.integers(0, 6))
def test_last_friday_is_accepted_only_where_people_agree(now: int, zone: tzinfo, weekday: int) -> None:
    today = datetime.fromtimestamp(now, zone).date()
    latest = next(day for day in (today - timedelta(days=n) for n in range(1, 8)) if day.weekday() == weekday)
    of_last_week = today - timedelta(days=today.weekday() + 7 - weekday)
    assert both(f"上周{'一二三四五六日'[weekday]}", now, zone)[0] == moment(str(of_last_week), zone)
    phrase = f"last {WEEKDAYS.split()[weekday]}"
    if latest == of_last_week:
        assert both(phrase, now, zone)[0] == moment(str(latest), zone)
    else:
        with pytest.raises(ValueError, match=f"{latest}.*{of_last_week}"):
            both(phrase, now, zone)


@settings(deadline=None, max_examples=200)
@given(presents, zones, clocked())
def test_a_clock_alone_is_the_latest_that_has_passed(now: int, zone: tzinfo, clock: tuple[str, int, int]) -> None:
    try:
        found = parse_time(clock[0], now=now, zone=zone)
    except ValueError as error:
        if "does not exist" not in str(error):
            raise
        return
    shown = datetime.fromtimestamp(found, zone)
    assert (shown.hour, shown.minute, shown.second) == (*clock[1:], 0)
    assert now - 49 * HOUR < found <= now
    later = datetime.combine(shown.date() + timedelta(days=1), shown.time(), zone).timestamp()
    assert later > now


WORDS_KNOWN = [word for line in WORDS.values() for word in line.split(", ")]
pieces = st.sampled_from(
    [*WORDS_KNOWN, *MONTHS.split(), *WEEKDAYS.split(), *ONES.split(), *"一二十〇", *"0123456789:/-., ", "2026"]
)


@settings(deadline=None, max_examples=500)
@given(st.lists(pieces, max_size=8).map(" ".join) | st.lists(pieces, max_size=16).map("".join), presents, zones)
def test_any_mixture_of_known_words_gives_a_period_or_a_sentence_and_soon(text: str, now: int, zone: tzinfo) -> None:
    begin = time.perf_counter()
    try:
        start, end = both(text, now, zone)
        assert 0 <= start <= end
    except ValueError as error:
        if not re.search("is not a time|write|contradicts itself|Unix seconds", str(error)):
            raise
    assert time.perf_counter() - begin < 0.5


@pytest.mark.parametrize(
    "text", ["\ufdfa" * 64, "the " * 16, "a " * 32, "1h" * 32, "半" * 64, "1:" * 32, "1/" * 32, "-" * 64]
)
def test_long_repetitions_take_no_longer_than_their_length(text: str) -> None:
    begin = time.perf_counter()
    with pytest.raises(ValueError, match=r"time|write"):
        parse_time(text, now=1795000000, zone=BEIJING)
    assert time.perf_counter() - begin < 0.2
