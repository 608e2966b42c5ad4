"""Risk marks: which events deserve a look, how much, and why.

A mark is a hint from a fixed table (`risks.yaml`), not a verdict. Severities are our own judgement.
"""

from __future__ import annotations

from collections.abc import Sequence

from volcengine_audit.circumstances import seen_in_sequence
from volcengine_audit.events import Event
from volcengine_audit.globs import glob_of
from volcengine_audit.matching import Seen, meets, seen
from volcengine_audit.models import Mark
from volcengine_audit.rules import Rule, RuleSet
from volcengine_audit.severity import Severity

Marks = tuple[Mark, ...]
"""The marks of one event, the worst first."""

_WILD = frozenset("*?[")


def mark_event(event: Event, rules: RuleSet) -> Marks:
    """The marks that an event earns by itself, without those that need a sequence."""
    return _Marker(rules).marks(seen(event, rules.logins))


def mark_events(events: Sequence[Event], rules: RuleSet) -> list[Marks]:
    """The marks of each event, in the order given, with those that only the sequence shows."""
    marker = _Marker(rules)
    return [marker.marks(one) for one in seen_in_sequence(events, rules.logins, rules.limits)]


def worst(marks: Marks) -> Severity | None:
    """The highest severity, None without marks."""
    return max((mark.severity for mark in marks), default=None)


class _Marker:
    """Rules by the action that they name, so that an event meets only those that can match."""

    def __init__(self, rules: RuleSet) -> None:
        self._set = rules
        self._named: dict[str, list[Rule]] = {}
        self._wild: list[Rule] = []
        for rule in rules.rules:
            if not rule.actions or any(_WILD.intersection(action) for action in rule.actions):
                self._wild.append(rule)
                continue
            for action in rule.actions:
                self._named.setdefault(action.casefold(), []).append(rule)
        self._rules_of: dict[str, tuple[Rule, ...]] = {}
        self._made: dict[tuple[str, Severity, str], Mark] = {}

    def marks(self, one: Seen) -> Marks:
        """The marks of an event."""
        action = one.event.action
        rules = self._rules_of.get(action)
        if rules is None:
            rules = self._rules_of[action] = self._rules_for(action)
        networks = self._set.networks
        found = [rule for rule in rules if meets(one, rule.when, networks)]
        if not found:
            return ()
        replaced = {name for rule in found for name in rule.replaces}
        raised = [each for each in self._set.escalators if meets(one, each.when, networks)]
        why = f"; raised: {', '.join(each.reason for each in raised)}" if raised else ""
        how = f" (attempted, failed with {one.event.error_code})" if one.event.failed else ""
        marks = []
        for rule in found:
            if rule.id in replaced:
                continue
            raises = bool(raised) and rule.escalates and rule.severity is not Severity.CRITICAL
            severity = rule.severity.raised(len(raised)) if raises else rule.severity
            marks.append(self._mark(rule.id, severity, f"{rule.reason}{why if raises else ''}{how}"))
        return tuple(sorted(marks, key=lambda mark: (-mark.severity.rank, mark.id)))

    def _rules_for(self, action: str) -> tuple[Rule, ...]:
        wild = (rule for rule in self._wild if not rule.actions or _any_like(action, rule.actions))
        return (*self._named.get(action.casefold(), ()), *wild)

    def _mark(self, rule: str, severity: Severity, reason: str) -> Mark:
        """A mark; many events have the same one."""
        key = (rule, severity, reason)
        if key not in self._made:
            self._made[key] = Mark(id=rule, severity=severity, reason=reason)
        return self._made[key]


def _any_like(action: str, globs: tuple[str, ...]) -> bool:
    return any(glob_of(glob).fullmatch(action) for glob in globs)
