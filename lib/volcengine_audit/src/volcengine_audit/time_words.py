"""Times in words, English and Chinese: `last week`, `Nov 20 9pm`, `two days ago`, `昨晚9点`, `最近24小时`.

A phrase is cut into tokens by a vocabulary, and the tokens are read by a small grammar. Nothing is guessed: where
people differ in what a phrase means, it is refused and its readings are named.

- Weeks begin on Monday (ISO 8601). `上周五` is Friday of the previous week. `last Friday` is the latest Friday before
  today, and is refused on days on which Friday of the previous week is another one.
- A date without a year is the latest that has come; a clock without a day is the latest that has passed.
- `3 days ago` and `last 3 days` count hours back from now; `last week` and `上个月` are whole weeks and months.
- A part of a day is taken widely, so that nothing is missed: a morning begins at midnight, a night ends at 06:00.
- A clock without am, pm or a part of the day is read over 24 hours (`昨天9点`); `yesterday at 9` is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta, tzinfo
from functools import cache
from typing import Final, NamedTuple

DAY: Final = 86400
MONTHS: Final = "january february march april may june july august september october november december"
WEEKDAYS: Final = "monday tuesday wednesday thursday friday saturday sunday"


class Period(NamedTuple):
    """The first and the last second that a phrase means; a moment is one second, or two where clocks show it twice."""

    start: int
    end: int


class UnclearError(ValueError):
    """A phrase that is refused, with a message that goes on after the phrase itself."""


class Token(NamedTuple):
    """A word of the grammar, what it counts, and how it was written."""

    kind: str
    value: float = 0
    text: str = ""


class Part(NamedTuple):
    """A part of a day, in hours since its midnight; clocks may lie a little outside, as in `6 in the afternoon`."""

    name: str
    first: int
    last: int
    earliest: int
    latest: int


PARTS: Final = (
    Part("early hours", 0, 6, 0, 5),
    Part("morning", 0, 12, 0, 11),
    Part("midday", 11, 14, 11, 13),
    Part("afternoon", 12, 18, 12, 18),
    Part("evening", 18, 24, 17, 24),
    Part("night", 18, 30, 17, 29),
)
EARLY, MORNING, MIDDAY, AFTERNOON, EVENING, NIGHT = range(len(PARTS))

WORDS: Final[dict[tuple[Token, ...], str]] = {
    (Token("now"),): "now, just now, right now, 现在, 刚刚, 刚才, 此刻, 当前",
    (Token("ago"),): "ago, 前, 以前, 之前",
    (Token("within"),): "内, 以内, 之内, 来, 以来",
    (Token("past"),): "past, 最近, 过去, 近",
    (Token("last", 1),): "last",
    (Token("previous", 1),): "previous, 上, 上个, 上一, 上一个",
    (Token("previous", 2),): "上上, 上上个",
    (Token("this"),): "this, 本, 这, 这个",
    (Token("unit", 1),): "s, sec, secs, second, seconds, 秒钟",
    (Token("unit", 60),): "m, min, mins, minute, minutes, 分钟",
    (Token("unit", 900),): "刻钟",
    (Token("unit", 3600),): "h, hr, hrs, hour, hours, 小时, 钟头",
    (Token("unit", DAY),): "d, day, days, 天",
    (Token("week", 7 * DAY),): "w, wk, wks, week, weeks, 周, 星期, 礼拜",
    (Token("month"),): "month, months",
    (Token("year"),): "year, years",
    (Token("秒", 1),): "秒",
    (Token("分", 60),): "分",
    (Token("日", DAY),): "日",
    (Token("月"),): "月",
    (Token("年"),): "年",
    (Token("previous", 1), Token("年")): "去年",
    (Token("this"), Token("年")): "今年",
    (Token("number", 1),): "a, an",
    (Token("half"),): "half, half a, half an, a half, and a half, 半",
    (Token("个"),): "个",
    (Token("day", 0),): "today, 今天, 今日",
    (Token("day", 1),): "yesterday, 昨天, 昨日",
    (Token("day", 2),): "day before yesterday, 前天, 前日",
    (Token("day", 3),): "大前天",
    (Token("part", EARLY),): "凌晨",
    (Token("part", MORNING),): "morning, 早上, 早晨, 清晨, 上午, 早",
    (Token("part", MIDDAY),): "中午",
    (Token("part", AFTERNOON),): "afternoon, 下午",
    (Token("part", EVENING),): "evening, 傍晚",
    (Token("part", NIGHT),): "night, 晚上, 夜里, 夜间, 晚",
    (Token("day", 0), Token("part", MORNING)): "今早, 今晨",
    (Token("day", 0), Token("part", NIGHT)): "tonight, 今晚, 今夜",
    (Token("day", 1), Token("part", NIGHT)): "last night, 昨晚, 昨夜",
    (Token("clock", 0, "12:00"),): "noon, 正午",
    (Token("midnight"),): "midnight, 午夜",
    (Token("meridiem", 0),): "am",
    (Token("meridiem", 1),): "pm",
    (Token("点"),): "点, 点钟, 点整, 时, o'clock",
    (Token("刻"),): "刻",
    (Token("号"),): "号, st, nd, rd, th",
    (Token("minus"),): "-",
    (): "at, on, the, of, and, in the, over the, within the, during, during the, 的",
}
SHORT: Final = {"sep": "sept", "tue": "tues", "wed": "weds", "thu": "thur, thurs"}
ONES: Final = "one two three four five six seven eight nine"
TEENS: Final = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
TENS: Final = "twenty thirty forty fifty sixty seventy eighty ninety"
DIGITS: Final = "一二三四五六七八九"
SIMPLER: Final = str.maketrans("點時鐘個兩號週禮過現剛裡內來這間−。、’", "点时钟个两号周礼过现刚里内来这间-  '")
"""Traditional characters, and marks that are written in more than one way."""

_SHAPES = re.compile(
    r"(?P<date>[0-9]{4}([-/.])[0-9]{1,2}\2[0-9]{1,2}(?![0-9]))"
    r"|(?P<calendar>[0-9]{4}[-/][0-9]{1,2}(?![-/0-9]))"
    r"|(?P<slashes>[0-9]{1,2}/[0-9]{1,2}(?:/[0-9]{4})?(?![/0-9]))"
    r"|(?P<clock>[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?![:0-9]))"
    r"|(?P<number>[0-9]+(?:\.[0-9]+)?)"
)


def _numbers() -> Iterator[tuple[str, int]]:
    """The number words of both languages up to ninety-nine."""
    yield from ((word, number) for number, word in enumerate(f"{ONES} {TEENS}".split(), 1))
    for tens, word in enumerate(TENS.split(), 2):
        yield from ((f"{word} {one}".strip(), 10 * tens + number) for number, one in enumerate(["", *ONES.split()]))
    yield from {"零": 0, "〇": 0, "两": 2}.items()
    for number, digit in enumerate(DIGITS, 1):
        yield from ((digit, number), (f"零{digit}", number), (f"〇{digit}", number))
    for tens, word in enumerate(["", *DIGITS[1:]], 1):
        yield from ((f"{word}十{one}", 10 * tens + number) for number, one in enumerate(["", *DIGITS]))


@cache
def _vocabulary() -> dict[str, tuple[Token, ...]]:
    words = {word: tokens for tokens, line in WORDS.items() for word in line.split(", ")}
    words |= {word: (Token("number", number),) for word, number in _numbers()}
    for kind, names in (("name", MONTHS), ("weekday", WEEKDAYS)):
        for number, name in enumerate(names.split()):
            spellings = (name, name[:3], *SHORT.get(name[:3], name).split(", "))
            words |= dict.fromkeys(spellings, (Token(kind, number + (kind == "name")),))
    for number, day in enumerate(f"{DIGITS[:6]}日天"):
        token = Token("weekday", min(number, 6))
        words |= {f"{week}{day}": (token,) for week in ("周", "星期", "礼拜")}
    return words


def _tokens(words: str) -> list[Token] | None:
    """The words of a phrase, the longest that is known first; None where one is not known."""
    words = re.sub(r"(?<![a-z])([ap])\.m\b\.?", r"\1m", words.translate(SIMPLER))
    words = re.sub(r"(?<=[a-z])[-.]|-(?=[a-z])", " ", words)
    words = " ".join(words.replace(",", " ").split())
    vocabulary, tokens, place = _vocabulary(), list[Token](), 0
    longest = max(map(len, vocabulary))
    while place < len(words):
        if words[place] == " ":
            place += 1
        elif match := _SHAPES.match(words, place):
            kind = str(match.lastgroup)
            tokens.append(Token(kind, float(match[0]) if kind == "number" else 0, match[0]))
            place = match.end()
        else:
            for end in range(min(len(words), place + longest), place, -1):
                inside_a_word = "a" <= words[end - 1] <= "z" and "a" <= words[end : end + 1] <= "z"
                if not inside_a_word and words[place:end] in vocabulary:
                    tokens += vocabulary[words[place:end]]
                    place = end
                    break
            else:
                return None
    return tokens


Fields = dict[str, int]
"""What a few tokens say of a day or a clock, by the names that `_Reader` reads."""


def _says(*names: str, **more: int) -> Callable[..., Fields]:
    """A rule whose tokens give their values to these names, in order; a token without a name is a mark."""
    return lambda *tokens: {name: int(token.value) for name, token in zip(names, tokens, strict=False) if name} | more


def _split(*names: str) -> Callable[..., Fields]:
    """A rule whose token is written as numbers with marks between them."""
    return lambda token, *_: dict(zip(names, map(int, re.split("[-/.:]", token.text)), strict=False))


def _named_month(month: Token, number: Token, *_: Token) -> Fields:
    return {"month": int(month.value), "dom" if number.value < 32 else "year": int(number.value)}


_WEEKDAYS: Final = WEEKDAYS.title().split()
_AMOUNTS: Final = frozenset({"unit", "week", "日", "分", "秒"})
_CALENDAR: Final = {"week": "weeks", "month": "months", "月": "months", "year": "years", "年": "years"}
_DAYS: Final = frozenset({*_CALENDAR.values(), "back", "year", "month", "dom", "weekday", "latest", "left", "right"})
_RULES: Final[dict[str, Callable[..., Fields]]] = {
    "date": _split("year", "month", "dom"),
    "calendar": _split("year", "month"),
    "slashes": _split("left", "right", "year"),
    "name number 号": _named_month,
    "name number": _named_month,
    "name": _says("month"),
    "number 号 name": _says("dom", "", "month"),
    "number name": lambda number, month: _named_month(month, number),
    "number 年": _says("year"),
    "number 月 number 日": _says("month", "", "dom"),
    "number 月 number 号": _says("month", "", "dom"),
    "number 月 number": _says("month", "", "dom"),
    "number 月": _says("month"),
    "number 日": _says("dom"),
    "number 号": _says("dom"),
    **{f"{lead} {unit}": _says(name) for lead in ("this", "last", "previous") for unit, name in _CALENDAR.items()},
    "last weekday": _says("latest", "weekday"),
    "previous weekday": _says("weeks", "weekday"),
    "this weekday": _says("weeks", "weekday"),
    "weekday": _says("weekday"),
    "day": _says("back"),
    "this part": _says("back", "part"),
    "part": _says("part"),
    "midnight": _says(hour=24, midnight=1),
    "clock meridiem": lambda clock, half: _split("hour", "minute", "second")(clock) | _says("pm")(half),
    "clock": _split("hour", "minute", "second"),
    "number meridiem": _says("hour", "pm"),
    "number 点 number 分 number 秒": _says("hour", "", "minute", "", "second"),
    "number 点 number 分": _says("hour", "", "minute"),
    "number 点 number 刻": lambda hour, _, quarters, __: {"hour": int(hour.value), "minute": int(15 * quarters.value)},
    "number 点 number": _says("hour", "", "minute"),
    "number 点 half": _says("hour", minute=30),
    "number 点": _says("hour"),
    "number": lambda number: _says("year")(number) if number.value > 1900 else _says("hour", bare=1)(number),
}
"""What tokens that follow each other say; where two rules fit, the first is taken, which is the longer."""


def period_of(words: str, *, now: float, zone: tzinfo) -> Period | None:
    """What a phrase means, or None where it is not understood.

    Args:
        words: the phrase in NFKC form, its case folded, one blank between words.
        now: the present, in Unix seconds.
        zone: where clocks hang, and where days begin.

    Raises:
        UnclearError: the phrase has more than one reading, or none, for a reason that can be said.
        OverflowError: the moment lies outside of the calendar.
    """
    tokens = _tokens(words)
    return _Reader(tokens, words, now, zone).read() if tokens else None


def moments_of(wall: datetime, zone: tzinfo) -> Period:
    """The Unix seconds at which clocks of a zone show a time: two of them when clocks go back over it.

    Raises: UnclearError when clocks go forward over it, so that none shows it.
    """
    first, second = (int(wall.replace(tzinfo=zone, fold=fold).timestamp()) for fold in (0, 1))
    if second < first:
        raise UnclearError(
            f"does not exist in time zone {zone}, where clocks go forward over {wall:%H:%M} on {wall:%Y-%m-%d}; "
            f"write {datetime.fromtimestamp(first, zone):%H:%M}, or a time before they do"
        )
    return Period(first, second)


def _between(start: datetime, after: datetime, zone: tzinfo) -> Period:
    """The seconds from one time that clocks show up to another."""
    first, last = (int(wall.replace(tzinfo=zone).timestamp()) for wall in (start, after))
    return Period(first, last - 1)


class _Reader:
    """One phrase being read: its tokens, the place that reading has come to, and what has been found so far."""

    def __init__(self, tokens: list[Token], words: str, now: float, zone: tzinfo) -> None:
        self.tokens, self.words, self.now, self.zone = tokens, words, now, zone
        self.present = datetime.fromtimestamp(now, zone)
        self.today = self.present.date()
        self.place = 0
        self.found: Fields = {}

    def read(self) -> Period | None:
        if self.take("now"):
            return Period(int(self.now), int(self.now)) if self.done else None
        if (period := self.amount()) is not None:
            return period
        while not self.done:
            if not self.rule():
                return None
        return self.period()

    @property
    def done(self) -> bool:
        return self.place == len(self.tokens)

    def take(self, *kinds: str) -> list[Token]:
        """The next tokens if they are of these kinds, and the place moves past them; else none."""
        tokens = self.tokens[self.place : self.place + len(kinds)]
        if tuple(token.kind for token in tokens) != kinds:
            return []
        self.place += len(kinds)
        return tokens

    def first_of(self, *kinds: str) -> str:
        """The kind of the next token if it is one of these, and the place moves past it; else nothing."""
        return next((kind for kind in kinds if self.take(kind)), "")

    def amount(self) -> Period | None:
        """Time counted back from now, as `2h ago`; None where reading goes on, after it or from the start."""
        lead = self.first_of("minus", "last", "past")
        seconds = self.seconds()
        if seconds is None and lead in ("last", "past"):
            seconds = self.one(last=lead == "last")
        tail = self.first_of("ago", "within")
        if seconds is not None and self.done:
            match lead, tail:
                case ("minus", "") | ("", "ago"):
                    return Period(int(self.now - seconds), int(self.now - seconds))
                case ("last" | "past", "" | "within") | ("", "within"):
                    return Period(int(self.now - seconds), int(self.now))
                case ("minus", "ago") | ("", "") if self.tokens[-1].kind != "日":  # it may be the day of a month
                    bare = self.words.lstrip("- ").removesuffix("ago").strip()
                    raise UnclearError(f'does not say from when; write "{bare}{" ago" if bare.isascii() else "前"}"')
        if seconds is not None and (lead, tail) == ("", "ago") and seconds % DAY == 0:
            self.found["back"] = int(seconds // DAY)  # a clock follows, as in "3 days ago 9pm"
        else:
            self.place = 0
        return None

    def seconds(self) -> float | None:
        """Amounts with units, added up: `1h30m`, `two and a half hours`, `两个半小时`."""
        total, begin = None, self.place
        while tokens := self.take("number") or self.take("half"):
            halves, measured = [tokens[0].kind == "half"], bool(self.take("个"))
            halves.append(bool(self.take("half")))
            kind = self.tokens[self.place].kind if not self.done else ""
            if kind in ("month", "year") or (measured and kind in ("月", "年")):
                raise UnclearError("counts months or years, which differ in length; write days, or the date")
            if kind not in _AMOUNTS:
                break
            unit = self.take(kind)[0]
            halves.append(bool(self.take("half")))
            if sum(halves) > 1:
                break
            total = (total or 0) + (tokens[0].value + 0.5 * sum(halves)) * unit.value
            begin = self.place
        self.place = begin
        return total

    def one(self, *, last: bool) -> float | None:
        """The unit after `past` or `last` where no number stands: `past hour`, but not `last week`."""
        if not last and (self.take("month") or self.take("year")):
            raise UnclearError("can mean a number of days, or the same date before; write last 30 days, or last month")
        tokens = self.take("unit") or ([] if last else self.take("week"))
        if tokens and last and tokens[0].value == DAY:
            raise UnclearError("can mean yesterday or the last 24 hours; write one of these")
        return tokens[0].value if tokens else None

    def rule(self) -> bool:
        """Read the next tokens by the first rule that fits; false where none does, or it says a thing twice."""
        for kinds, says in _RULES.items():
            if tokens := self.take(*kinds.split()):
                fields = says(*tokens)
                if fields.keys() & self.found.keys() or any(token.value % 1 for token in tokens):
                    return False
                self.found |= fields
                return True
        return False

    def period(self) -> Period | None:
        """What the things found mean together."""
        found = self.found
        clocked = "hour" in found
        if not found.keys() & _DAYS:
            return self.latest_clock() if clocked else None
        days = self.days()
        if days is None:
            return None
        start, after = datetime.combine(days[0], time()), datetime.combine(days[1] + timedelta(days=1), time())
        if not (clocked or "part" in found):
            return _between(start, after, self.zone)
        if days[0] != days[1]:
            return None
        if clocked:
            wall = self.wall(days[0])
            return moments_of(wall, self.zone) if wall else None
        part = PARTS[found["part"]]
        return _between(start + timedelta(hours=part.first), start + timedelta(hours=part.last), self.zone)

    def days(self) -> tuple[date, date] | None:
        """The first and the last day that were named."""
        found = self.found
        match sorted(found.keys() & _DAYS):
            case ["weeks"]:
                monday = self.monday(found["weeks"])
                return monday, monday + timedelta(days=6)
            case ["months"]:
                return _month(_months_before(self.today, found["months"]))
            case ["years"]:
                return date(self.year, 1, 1), date(self.year, 12, 31)
            case ["month"]:
                return _month(self.latest_day(found["month"], 1))
            case ["month", "year" | "years"]:
                return _month(_date(self.year, found["month"], 1))
        day = self.day()
        if day is None:
            return None
        named, is_one = found.get("weekday", day.weekday()), day.weekday()
        if named != is_one:
            raise UnclearError(f"contradicts itself: {day} is a {_WEEKDAYS[is_one]}, not a {_WEEKDAYS[named]}")
        return day, day

    @property
    def year(self) -> int:
        return self.found.get("year", self.today.year - self.found.get("years", 0))

    def day(self) -> date | None:
        """The one day that was named, whether or not its weekday was named too."""
        found = self.found
        match sorted(found.keys() & _DAYS - {"weekday"}):
            case ["back"]:
                return self.today - timedelta(days=found["back"])
            case ["dom", "month", "year" | "years"]:
                return _date(self.year, found["month"], found["dom"])
            case ["dom", "month"]:
                return self.latest_day(found["month"], found["dom"])
            case ["dom"]:
                months = (_months_before(self.today, back) for back in range(12))
                return self.latest(_date(first.year, first.month, found["dom"]) for first in months)
            case ["dom", "months"]:
                first = _months_before(self.today, found["months"])
                return _date(first.year, first.month, found["dom"])
            case ["left", "right"] | ["left", "right", "year"]:
                return self.slashes(found["left"], found["right"])
            case ["weeks"]:
                return self.monday(found["weeks"]) + timedelta(days=found["weekday"])
            case [] | ["latest"]:
                return self.weekday(found["weekday"])
        return None

    def weekday(self, weekday: int) -> date:
        """The latest day of that name, if people agree which one that is."""
        latest = self.today - timedelta(days=(self.today.weekday() - weekday - 1) % 7 + 1)
        before, name = self.monday(1) + timedelta(days=weekday), _WEEKDAYS[weekday]
        if "latest" in self.found and latest != before:
            raise UnclearError(
                f"can mean {latest}, the latest {name}, or {before}, {name} of last week; write the date"
            )
        if "latest" not in self.found and self.today.weekday() == weekday:
            raise UnclearError(f"can mean today, {self.today}, or {latest}; write the date")
        return latest

    def monday(self, weeks: int) -> date:
        return self.today - timedelta(days=self.today.weekday() + 7 * weeks)

    def slashes(self, left: int, right: int) -> date | None:
        """A date such as `11/20`, if only one order of month and day makes it a date."""
        readings: dict[date, str] = {}
        for order, month, dom in (("month first", left, right), ("day first", right, left)):
            day = _date(self.year, month, dom) if "year" in self.found else self.latest_day(month, dom)
            if day is not None:
                readings.setdefault(day, f"{day} ({order})")
        if len(readings) > 1:
            raise UnclearError(f"can mean {' or '.join(readings.values())}; write the one that is meant")
        return next(iter(readings), None)

    def latest_day(self, month: int, dom: int) -> date | None:
        """The latest such day that has come: of this year, an earlier one, or of a leap year."""
        return self.latest(_date(self.today.year - back, month, dom) for back in range(9))

    def latest(self, days: Iterator[date | None]) -> date | None:
        return next((day for day in days if day is not None and day <= self.today), None)

    def latest_clock(self) -> Period | None:
        """The latest time of that clock that has passed; in a night it may be one of the day after."""
        for back in range(3):
            wall = self.wall(self.today - timedelta(days=back))
            if wall is None or wall.replace(tzinfo=self.zone).timestamp() <= self.now:
                return moments_of(wall, self.zone) if wall else None
        return None

    def wall(self, day: date) -> datetime | None:
        """What clocks show at the time of that day, which may lie in the night after it."""
        hour = self.hour(day)
        clock = self.found.get("minute", 0), self.found.get("second", 0)
        return None if hour is None else datetime.combine(day + timedelta(hour // 24), time(hour % 24, *clock))

    def hour(self, day: date) -> int | None:
        """The hour that the clock shows, counted from the day's midnight: 24 and more in the night after it."""
        found = self.found
        hour, part = found["hour"], PARTS[found["part"]] if "part" in found else None
        if hour > 24 or found.get("minute", 0) > 59 or found.get("second", 0) > 59:
            return None
        if hour == 24 and (found.get("minute") or found.get("second")):
            return None
        if "midnight" in found and part is None:
            if found.keys() & _DAYS:
                raise UnclearError(f"can mean the midnight at which {day} begins, or ends; write 00:00 or 24:00")
            return 0
        if "bare" in found and part is None:
            if not 1 <= hour <= 12:
                return None
            raise UnclearError(f"can mean {hour} am or {hour} pm; write which one")
        if "pm" in found:
            if not (1 <= hour <= 12 or hour // 12 == found["pm"]):
                return None
            hour = hour % 12 + 12 * found["pm"] if hour <= 12 else hour
        return hour if part is None else self.inside(hour, part, day)

    def inside(self, hour: int, part: Part, day: date) -> int:
        """The hour of the part of the day that a clock of twelve hours shows, or one of twenty-four."""
        if "pm" in self.found or hour == 0:
            hours = {hour, hour + 24}
        elif hour == 12:
            hours = {0 if part.name == "early hours" else 12, 24}
        else:
            hours = {hour, hour + 12, hour + 24} if hour < 12 else {hour}
        fitting = sorted(hour for hour in hours if part.earliest <= hour <= part.latest)
        if not fitting:
            raise UnclearError(f"contradicts itself: the {part.name} has no such hour")
        if len(fitting) > 1:
            raise UnclearError(f"can mean {hour} am or {hour} pm; write which one")
        if fitting[0] > 24 and not self.night_is_known():
            morning = day + timedelta(days=1)
            raise UnclearError(f"can mean early on {day}, or on {morning}; write the date with {hour} am")
        return fitting[0]

    def night_is_known(self) -> bool:
        """Whether the small hours of a night are those after the day: as in `last night`, unless said in such hours."""
        if "back" in self.found:
            return self.found["back"] < 2 and self.present.hour >= PARTS[EARLY].last
        return not self.found.keys() & _DAYS  # without a day it is the latest that has passed


def _date(year: int, month: int, dom: int) -> date | None:
    try:
        return date(year, month, dom) if year < 9999 else None  # the day after it is a date too
    except ValueError:
        return None


def _months_before(day: date, months: int) -> date:
    """The first day of a month before the one of a day, or of the same."""
    count = day.year * 12 + day.month - 1 - months
    return date(count // 12, count % 12 + 1, 1)


def _month(first: date | None) -> tuple[date, date] | None:
    """The first and the last day of a month that begins on a day."""
    return (first, _months_before(first, -1) - timedelta(days=1)) if first else None
