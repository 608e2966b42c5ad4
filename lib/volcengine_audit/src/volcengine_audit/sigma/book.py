"""All rules together: which of them an event matches, the marks that it earns by that, and what its fellows add."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final

from volcengine_audit.events import Event
from volcengine_audit.severity import Severity
from volcengine_audit.sigma.correlate import Correlation, Correlator, Happened, correlated, correlator_of
from volcengine_audit.sigma.errors import SigmaError
from volcengine_audit.sigma.fields import NOTHING, View
from volcengine_audit.sigma.matching import Holds, Predicate, detection_of
from volcengine_audit.sigma.model import Rule
from volcengine_audit.sigma.prebuilt import built_in
from volcengine_audit.sigma.reading import Stamp, files_of, rules_of
from volcengine_audit.sigma.surroundings import Surroundings

_MOST_NAMES: Final = 4096


@dataclass(frozen=True, slots=True)
class Mark:
    """One reason to look at an event.

    Attributes:
        name: of the rule, documented in docs/detections.md.
        title: of the rule; `reason` adds what raised the level, and that a call was only an attempt.
        techniques: of MITRE ATT&CK.
    """

    name: str
    level: Severity
    title: str
    reason: str
    techniques: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Checked:
    """What the rules say about one event: the marks, the worst first, and the names of all rules that it matched.

    The names are what `correlate` needs; they hold rules whose mark is replaced, or that only serve a correlation.
    """

    marks: tuple[Mark, ...] = ()
    names: frozenset[str] = frozenset()


NOTHING_FOUND: Final = Checked()


@dataclass(frozen=True, slots=True, eq=False)
class _Compiled:
    rule: Rule
    level: Severity
    holds: Holds
    names: frozenset[str] | None
    silent: bool
    place: int


@dataclass(frozen=True, slots=True)
class RuleBook:
    """Rules, ready to be asked; safe to be shared between threads.

    Attributes:
        rules: every rule that is switched on, by name.
    """

    rules: Mapping[str, Rule]
    surroundings: Surroundings
    _named: Mapping[str, tuple[_Compiled, ...]]
    _always: tuple[_Compiled, ...]
    _raising: tuple[_Compiled, ...]
    _found: dict[str, tuple[_Compiled, ...]]

    def within(self, surroundings: Surroundings) -> RuleBook:
        """The same rules for other surroundings: one's own networks and accounts, another way to know a login."""
        return replace(self, surroundings=surroundings)

    def check(self, event: Event, derived: Mapping[str, object] = NOTHING) -> Checked:
        """What the rules say about an event.

        Args:
            derived: derived fields that follow from other events, such as {"NewAddress": True}; see `derived.SUPPLIED`.
        """
        view = View(event, derived, self.surroundings)
        matched = [one for one in self._candidates(event.name) if one.holds(view)]
        if not matched:
            return NOTHING_FOUND
        names = frozenset(one.rule.name for one in matched)
        loud = [one for one in matched if not one.silent]
        if not loud:
            return Checked((), names)
        replaced = {name for one in matched for name in one.rule.replaces}
        marks: list[Mark] = []
        raised: list[_Compiled] | None = None
        for one in loud:
            rule, level, reason = one.rule, one.level, one.rule.title
            if rule.name in replaced:
                continue
            if rule.escalates and level != Severity.CRITICAL:
                if raised is None:
                    raised = [other for other in self._raising if other.holds(view)]
                if raised:
                    level = level.raised(sum(other.rule.raises for other in raised))
                    reason = f"{reason}; raised: {', '.join(_within_a_sentence(other.rule.title) for other in raised)}"
            if event.failed:
                reason = f"{reason} (attempted, failed with {event.error_code})"
            marks.append(Mark(rule.name, level, rule.title, reason, rule.techniques))
        if len(marks) > 1:
            marks.sort(key=lambda mark: mark.name)
            marks.sort(key=lambda mark: mark.level, reverse=True)
        return Checked(tuple(marks), names)

    def marks(self, event: Event, derived: Mapping[str, object] = NOTHING) -> tuple[Mark, ...]:
        """The marks that an event earns, the worst first."""
        return self.check(event, derived).marks

    def correlate(self, happened: Iterable[Happened]) -> list[Correlation]:
        """What events mean together.

        Args:
            happened: when (Unix seconds), the event, and the names that `check` gave for it; events without names may
                be left out.
        """
        correlators: list[Correlator] = [
            correlator_of(rule, _level(rule)) for rule in self.rules.values() if rule.correlation is not None
        ]
        return correlated(correlators, happened, self.surroundings)

    def _candidates(self, name: str) -> tuple[_Compiled, ...]:
        """The rules that an event of this name can match."""
        found = self._found.get(name)
        if found is None:
            named = self._named.get(name.casefold(), ())
            found = tuple(sorted((*named, *self._always), key=lambda one: one.place)) if named else self._always
            if len(self._found) < _MOST_NAMES:  # names come from events, and so from anybody
                self._found[name] = found
        return found


def load_rules(folders: Sequence[Path] = (), surroundings: Surroundings | None = None) -> RuleBook:
    """The built-in rules, with those of other folders laid over them.

    A file whose `name` is known replaces that rule; one whose `status` is unsupported or deprecated switches it off,
    and needs no more than `name` and `status`. Files are read again only when they change.

    Raises: SigmaError with the file, the place in it and how to write it.
    """
    book = _book(tuple(tuple(files_of(folder)) for folder in folders))
    return book if surroundings is None else book.within(surroundings)


@dataclass(frozen=True, slots=True, eq=False)
class _Entry:
    """A rule with its file, and its predicate unless it is a correlation."""

    rule: Rule
    path: Path
    predicate: Predicate | None


def _entry(rule: Rule, path: Path) -> _Entry:
    try:
        if rule.correlation is not None:
            correlator_of(rule, _level(rule))
            return _Entry(rule, path, None)
        return _Entry(rule, path, detection_of(rule.detection or {}))
    except SigmaError as error:
        raise error.at(path) from None


@lru_cache(maxsize=1)
def _built_in() -> dict[str, _Entry]:
    return {rule.name: _entry(rule, path) for path, rule in built_in()}


@lru_cache(maxsize=16)
def _book(stamps: tuple[tuple[Stamp, ...], ...]) -> RuleBook:
    entries = dict(_built_in())
    off: set[str] = set()
    for folder in stamps:
        _lay_over(entries, off, folder)
    return _assembled(entries, off)


def _lay_over(entries: dict[str, _Entry], off: set[str], folder: Sequence[Stamp]) -> None:
    """Put the rules of a folder over those there are."""
    here: dict[str, Path] = {}
    for stamp in folder:
        path = stamp[0]
        for one in rules_of(stamp):
            name = one if isinstance(one, str) else one.name
            if name in here:
                raise SigmaError(f"the name {name!r} is also that of a rule in {here[name]}; choose another", path=path)
            here[name] = path
            if isinstance(one, Rule):
                entries[name] = _entry(one, path)
            elif entries.pop(name, None) is None:
                raise SigmaError(f"switches {name!r} off, which no rule is called", path=path)
            else:
                off.add(name)


def _assembled(listed: Mapping[str, _Entry], off: set[str]) -> RuleBook:
    # A correlation of a rule that somebody switched off goes with it.
    entries = {
        name: one
        for name, one in listed.items()
        if one.rule.correlation is None
        or all(other in listed or other not in off for other in one.rule.correlation.rules)
    }
    for one in entries.values():
        if missing := [other for other in one.rule.replaces if other not in entries and other not in off]:
            raise SigmaError(f"there is no rule {missing[0]!r}", "replaces", one.path)
    silent = _silent(entries)
    compiled = [
        _Compiled(one.rule, _level(one.rule), one.predicate.holds, one.predicate.names, name in silent, place)
        for place, (name, one) in enumerate(entries.items())
        if one.predicate is not None
    ]
    named: dict[str, list[_Compiled]] = {}
    for each in compiled:
        if not each.rule.raises:
            for event_name in each.names or ():
                named.setdefault(event_name, []).append(each)
    return RuleBook(
        rules={name: one.rule for name, one in entries.items()},
        surroundings=Surroundings(),
        _named={name: tuple(these) for name, these in named.items()},
        _always=tuple(each for each in compiled if each.names is None and not each.rule.raises),
        _raising=tuple(each for each in compiled if each.rule.raises),
        _found={},
    )


def _silent(entries: Mapping[str, _Entry]) -> frozenset[str]:
    """Rules that only serve correlations: Sigma says that they tell nothing themselves, unless `generate` says so."""
    serving: set[str] = set()
    telling: set[str] = set()
    for one in entries.values():
        if one.rule.correlation is None:
            continue
        for position, other in enumerate(one.rule.correlation.rules):
            place = f"correlation › rules[{position}]"
            if other not in entries:
                raise SigmaError(f"there is no rule {other!r}", place, one.path)
            if entries[other].rule.correlation is not None:
                problem = f"{other!r} is a correlation itself, which is not supported; name the rules behind it"
                raise SigmaError(problem, place, one.path)
            (telling if one.rule.correlation.generate else serving).add(other)
    return frozenset(serving - telling)


def _level(rule: Rule) -> Severity:
    return Severity.INFO if rule.level == "informational" else Severity[rule.level.upper()]


def _within_a_sentence(title: str) -> str:
    return title[:1].lower() + title[1:]
