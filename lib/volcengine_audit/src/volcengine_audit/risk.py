"""Risk marks: which events deserve a look, how much, and why.

A mark is a hint from a fixed table (`risks.yaml`), not a verdict. Severities are our own judgement.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from volcengine_audit.circumstances import circumstances_of
from volcengine_audit.events import Event
from volcengine_audit.matching import glob_of, meets
from volcengine_audit.rules import Rule, RulesError, RuleSet, Severity, When, load_rules

__all__ = ["Marks", "RiskMark", "RuleSet", "RulesError", "Severity", "load_rules", "mark_event", "mark_events", "worst"]

_WILD = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class RiskMark:
    """One reason to look at an event. `id` is that of the rule, documented in docs/risk-marks.md."""

    id: str
    severity: Severity
    reason: str

    def record(self) -> dict[str, str]:
        """As a tool answers it."""
        return {"Id": self.id, "Severity": self.severity.label, "Reason": self.reason}


Marks = tuple[RiskMark, ...]
"""The marks of one event, the worst first."""


def mark_event(event: Event, rules: RuleSet) -> Marks:
    """The marks that an event earns by itself, without those that need a sequence."""
    return _Marker(rules).marks(event, ())


def mark_events(events: Sequence[Event], rules: RuleSet) -> list[Marks]:
    """The marks of each event, in the order given, with those that only the sequence shows."""
    marker = _Marker(rules)
    held = circumstances_of(events, rules.logins, rules.limits)
    return [marker.marks(event, these) for event, these in zip(events, held, strict=True)]


def worst(marks: Marks) -> Severity | None:
    """The highest severity, None without marks."""
    return max((mark.severity for mark in marks), default=None)


class _Marker:
    """Rules by the action they name, so that an event meets only those that can match."""

    def __init__(self, rules: RuleSet) -> None:
        self._set = rules
        self._named: dict[str, list[Rule]] = {}
        self._wild: list[Rule] = []
        for rule in rules.rules:
            if any(_WILD.intersection(action) for action in rule.actions):
                self._wild.append(rule)
                continue
            for action in rule.actions:
                self._named.setdefault(action.casefold(), []).append(rule)

    def marks(self, event: Event, held: Collection[str]) -> Marks:
        """The marks of an event, given its circumstances."""
        action = event.action
        candidates = [
            *self._named.get(action.casefold(), ()),
            *(rule for rule in self._wild if any(glob_of(glob).fullmatch(action) for glob in rule.actions)),
        ]
        found = [rule for rule in candidates if self._meets(event, rule.when, held)]
        if not found:
            return ()
        replaced = {name for rule in found for name in rule.replaces}
        raised = [one for one in self._set.escalators if self._meets(event, one.when, held)]
        marks = []
        for rule in found:
            if rule.id in replaced:
                continue
            reason = rule.reason
            severity = rule.severity
            if rule.escalates and raised and severity < Severity.CRITICAL:
                severity = severity.raised(len(raised))
                reason = f"{reason}; raised: {', '.join(one.reason for one in raised)}"
            if event.failed:
                reason = f"{reason} (attempted, failed with {event.error_code})"
            marks.append(RiskMark(rule.id, severity, reason))
        return tuple(sorted(marks, key=lambda mark: (-mark.severity, mark.id)))

    def _meets(self, event: Event, when: When, held: Collection[str]) -> bool:
        return meets(event, when, self._set.logins, self._set.networks, held)
