"""Correlations: events that mean something together only, such as twenty deletions in five minutes.

Each keeps what it needs of the last timespan for each group, so that a pass over the events takes a time that grows
with their number only.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from volcengine_audit.events import Event
from volcengine_audit.severity import Severity
from volcengine_audit.sigma.errors import SigmaError
from volcengine_audit.sigma.fields import NOTHING, Getter, View, getter_of
from volcengine_audit.sigma.model import Correlated, Rule
from volcengine_audit.sigma.surroundings import Surroundings

MOST_EVIDENCE: Final = 10
MOST_VALUES: Final = 10

Group = tuple[str, ...]
Happened = tuple[int, Event, Collection[str]]
"""When, what, and the names of the rules that it matched."""


@dataclass(frozen=True, slots=True)
class Correlation:
    """Events that met a correlation, as one: the time from the first to the last in which it held without a gap.

    Attributes:
        name, level, title: of the rule.
        group: the values of the fields that the events share, by field.
        count: how many events there were; `amount`: what was counted or summed up, at its highest.
        values: some of the values that were counted, or the rules that were met.
        first, last: Unix seconds.
        completed_by: ID of the event that first made it hold.
        event_ids: IDs of the first event, the last and some between, at most ten.
    """

    name: str
    level: Severity
    title: str
    techniques: tuple[str, ...]
    group: tuple[tuple[str, str], ...]
    count: int
    amount: int
    values: tuple[str, ...]
    first: int
    last: int
    completed_by: str
    event_ids: tuple[str, ...]


@dataclass(slots=True)
class _Seen:
    time: int
    id: str
    value: str = ""
    number: int = 1
    rule: str = ""


@dataclass(slots=True)
class _Episode:
    """A correlation that holds at the moment."""

    count: int
    amount: int
    first: int
    last: int
    completed_by: str
    ids: list[str]
    newest: str
    values: dict[str, None] = field(default_factory=dict)

    def add(self, one: _Seen, amount: int) -> None:
        self.count += 1
        self.amount = max(self.amount, amount)
        self.last, self.newest = one.time, one.id
        if one.id and len(self.ids) < MOST_EVIDENCE - 1:
            self.ids.append(one.id)
        if one.value and len(self.values) < MOST_VALUES:
            self.values[one.value] = None

    def evidence(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(one for one in (*self.ids[: MOST_EVIDENCE - 1], self.newest) if one))


class Correlator(ABC):
    """One correlation over the events of one pass."""

    def __init__(self, rule: Rule, level: Severity, getters: Mapping[str, Sequence[Getter]]) -> None:
        assert rule.correlation is not None  # noqa: S101 - the caller picks the correlations
        self.rule, self.level, self.spec = rule, level, rule.correlation
        self.span = rule.correlation.seconds
        self._getters = getters

    def see(self, time: int, view: View, names: Collection[str]) -> Iterator[Correlation]:
        """Take the next event; the correlations that ended before it."""
        for position, name in enumerate(self.spec.rules):
            if name in names and (group := self._group(view, name)) is not None:
                yield from self.add(group, _Seen(time, view.event.id, rule=name), view, position)

    def _group(self, view: View, name: str) -> Group | None:
        """The values that the events of a group share; None when the event lacks one."""
        group = []
        for get in self._getters[name]:
            values = get(view)
            if not values:
                return None
            group.append(str(values[0]))
        return tuple(group)

    @abstractmethod
    def add(self, group: Group, one: _Seen, view: View, position: int) -> Iterator[Correlation]:
        """Take an event of a group."""

    @abstractmethod
    def end(self) -> Iterator[Correlation]:
        """The correlations that still hold when the events end."""

    def found(self, group: Group, episode: _Episode) -> Correlation:
        """What is told about an episode."""
        return Correlation(
            name=self.rule.name,
            level=self.level,
            title=self.rule.title,
            techniques=self.rule.techniques,
            group=tuple(zip(self.spec.group_by, group, strict=True)),
            count=episode.count,
            amount=episode.amount,
            values=tuple(episode.values),
            first=episode.first,
            last=episode.last,
            completed_by=episode.completed_by,
            event_ids=episode.evidence(),
        )


@dataclass(slots=True)
class _Window:
    """The events of the last timespan in one group, and what they come to."""

    seen: deque[_Seen] = field(default_factory=deque)
    values: Counter[str] = field(default_factory=Counter)
    total: int = 0
    episode: _Episode | None = None


class Counting(Correlator):
    """How many events, how many different values, or what sum within the timespan."""

    def __init__(self, rule: Rule, level: Severity, getters: Mapping[str, Sequence[Getter]]) -> None:
        super().__init__(rule, level, getters)
        self._windows: dict[Group, _Window] = {}
        self._least = self.spec.condition.least or 1
        self._of: Getter | None = getter_of(self.spec.condition.field) if self.spec.condition.field else None
        self._amount: Callable[[_Window], int] = {
            "event_count": lambda window: len(window.seen),
            "value_count": lambda window: len(window.values),
            "value_sum": lambda window: window.total,
        }[self.spec.type]

    def see(self, time: int, view: View, names: Collection[str]) -> Iterator[Correlation]:
        """Take the next event once, whichever of the rules it matched."""
        for name in self.spec.rules:
            if name in names and (group := self._group(view, name)) is not None:
                yield from self.add(group, _Seen(time, view.event.id, rule=name), view, 0)
                return

    def add(self, group: Group, one: _Seen, view: View, position: int) -> Iterator[Correlation]:
        """Take an event of a group."""
        if self._of is not None:
            values = self._of(view)
            if not values:
                return
            one.value = str(values[0])
            one.number = _whole(values[0])
        window = self._windows.setdefault(group, _Window())
        self._slide(window, one.time)
        window.seen.append(one)
        window.values[one.value] += 1
        window.total += one.number
        amount = self._amount(window)
        if amount < self._least:
            if window.episode is not None:
                yield self.found(group, window.episode)
                window.episode = None
        elif window.episode is not None:
            window.episode.add(one, amount)
        else:
            window.episode = _Episode(0, 0, window.seen[0].time, one.time, one.id, [], one.id)
            for earlier in window.seen:
                window.episode.add(earlier, amount)

    def _slide(self, window: _Window, now: int) -> None:
        """Drop what is older than the timespan."""
        while window.seen and now - window.seen[0].time > self.span:
            old = window.seen.popleft()
            window.total -= old.number
            window.values[old.value] -= 1
            if not window.values[old.value]:
                del window.values[old.value]

    def end(self) -> Iterator[Correlation]:
        """The correlations that still hold."""
        for group, window in self._windows.items():
            if window.episode is not None:
                yield self.found(group, window.episode)
        self._windows = {}


class Together(Correlator):
    """Several rules within the timespan, in any order."""

    def __init__(self, rule: Rule, level: Severity, getters: Mapping[str, Sequence[Getter]]) -> None:
        super().__init__(rule, level, getters)
        self._latest: dict[Group, dict[str, _Seen]] = {}
        self._least = self.spec.condition.least or len(set(self.spec.rules))

    def add(self, group: Group, one: _Seen, view: View, position: int) -> Iterator[Correlation]:
        """Take an event of a group."""
        latest = self._latest.setdefault(group, {})
        latest.pop(one.rule, None)
        latest[one.rule] = one  # the newest last
        for name in [name for name, seen in latest.items() if one.time - seen.time > self.span]:
            del latest[name]
        if len(latest) >= self._least:
            yield self.found(group, _story(list(latest.values())))
            del self._latest[group]

    def end(self) -> Iterator[Correlation]:
        """Nothing: what is not complete is not told."""
        self._latest = {}
        return iter(())


class InOrder(Correlator):
    """Several rules within the timespan, one after another."""

    def __init__(self, rule: Rule, level: Severity, getters: Mapping[str, Sequence[Getter]]) -> None:
        super().__init__(rule, level, getters)
        self._chains: dict[Group, list[tuple[_Seen, ...]]] = {}

    def see(self, time: int, view: View, names: Collection[str]) -> Iterator[Correlation]:
        """Take the next event, the last step first, so that one event is not two steps."""
        for position in range(len(self.spec.rules) - 1, -1, -1):
            name = self.spec.rules[position]
            if name in names and (group := self._group(view, name)) is not None:
                yield from self.add(group, _Seen(time, view.event.id, rule=name), view, position)

    def add(self, group: Group, one: _Seen, view: View, position: int) -> Iterator[Correlation]:
        """Take an event of a group: the chain that began last is the one that has the most time left."""
        chains = self._chains.setdefault(group, [()] * len(self.spec.rules))
        if position == 0:
            chains[0] = (one,)
            return
        before = chains[position - 1]
        if not before or one.time - before[0].time > self.span:
            return
        chains[position] = (*before, one)
        if position == len(self.spec.rules) - 1:
            yield self.found(group, _story(chains[position]))
            del self._chains[group]

    def end(self) -> Iterator[Correlation]:
        """Nothing: what is not complete is not told."""
        self._chains = {}
        return iter(())


def _story(seen: Sequence[_Seen]) -> _Episode:
    first, last = seen[0], seen[-1]
    ids = [one.id for one in seen if one.id]
    values = dict.fromkeys(one.rule for one in seen)
    return _Episode(len(seen), len(values), first.time, last.time, last.id, ids, last.id, values)


def _whole(value: object) -> int:
    """A value as a number to sum up; what is none counts as nothing."""
    text = str(value).strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 12 else 0


_KINDS: Final[dict[str, type[Correlator]]] = {
    "event_count": Counting,
    "value_count": Counting,
    "value_sum": Counting,
    "temporal": Together,
    "temporal_ordered": InOrder,
}


def correlator_of(rule: Rule, level: Severity) -> Correlator:
    """A fresh correlator.

    Raises: SigmaError for a field that does not exist, or an alias that does not say what a rule calls it.
    """
    spec = rule.correlation
    assert spec is not None  # noqa: S101 - the caller picks the correlations
    try:
        if spec.condition.field:
            getter_of(spec.condition.field)
        getters = {name: [getter_of(_called(spec, wanted, name)) for wanted in spec.group_by] for name in spec.rules}
    except SigmaError as error:
        raise SigmaError(error.problem, error.place or "correlation") from None
    return _KINDS[spec.type](rule, level, getters)


def _called(spec: Correlated, wanted: str, name: str) -> str:
    """What a field to group by is called in the events of a rule."""
    alias = spec.aliases.get(wanted)
    if alias is None:
        return wanted
    if name not in alias:
        raise SigmaError(f"the alias {wanted!r} does not say what {name!r} calls it", "correlation › aliases")
    return alias[name]


def correlated(
    correlators: Sequence[Correlator], happened: Iterable[Happened], surroundings: Surroundings
) -> list[Correlation]:
    """What the correlators find in events, the first first. Events of the same second keep the order given."""
    by_rule: dict[str, list[Correlator]] = {}
    for one in correlators:
        for name in dict.fromkeys(one.spec.rules):
            by_rule.setdefault(name, []).append(one)
    found: list[Correlation] = []
    for time, event, names in sorted(happened, key=lambda one: one[0]):
        wanted = dict.fromkeys(one for name in names for one in by_rule.get(name, ()))
        if not wanted:
            continue
        view = View(event, NOTHING, surroundings)
        for correlator in wanted:
            found += correlator.see(time, view, names)
    for one in correlators:
        found += one.end()
    return sorted(found, key=lambda one: (one.first, one.name, one.group))
