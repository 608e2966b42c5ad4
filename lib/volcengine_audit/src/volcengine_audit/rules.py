"""The rules of risk as data: what a rules file may say, read strictly, and merged with a user's own file."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Final

from volcengine_audit.identity import Kind
from volcengine_audit.rules_file import Network, Part, RulesError, Severity, read

__all__ = [
    "Escalator",
    "Limits",
    "Logins",
    "Network",
    "Opening",
    "Rule",
    "RuleSet",
    "RulesError",
    "Severity",
    "When",
    "load_rules",
]

BUILT_IN: Final = Path(__file__).with_name("risks.yaml")

CIRCUMSTANCES: Final = frozenset({"new-address", "first-use", "after-failures", "denied-burst", "burst"})
"""What only a sequence of events shows; see `circumstances.py`."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A request that lets these networks reach one of these ports."""

    networks: frozenset[str]
    ports: frozenset[int]


@dataclass(frozen=True, slots=True)
class When:
    """Conditions on an event, which must all hold; what is None or empty does not matter.

    parameters: the request has an object in which each of these fields has a value like one of these (globs).
    outside_networks: the address is public and in none of the `networks` of the rules.
    circumstances: any of these holds.
    """

    identity: frozenset[Kind] = frozenset()
    failed: bool | None = None
    errors: tuple[str, ...] = ()
    read_only: bool | None = None
    login: bool | None = None
    parameters: tuple[tuple[str, tuple[str, ...]], ...] = ()
    opens: Opening | None = None
    outside_networks: bool = False
    circumstances: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Rule:
    """Events that match get a mark.

    actions: globs of `source:name`, any of which matches, case aside.
    replaces: rules whose marks this one makes redundant.
    escalates: whether escalators raise the severity.
    """

    id: str
    severity: Severity
    reason: str
    actions: tuple[str, ...] = ("*:*",)
    when: When = field(default_factory=When)
    replaces: tuple[str, ...] = ()
    escalates: bool = True


@dataclass(frozen=True, slots=True)
class Escalator:
    """A circumstance that raises every mark of an event by one step."""

    id: str
    reason: str
    when: When


@dataclass(frozen=True, slots=True)
class Logins:
    """How a console login is recognised: by action name, by event type, or by source. An assumption."""

    names: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """Numbers behind the circumstances; spans in seconds."""

    failures: int = 3
    failures_seconds: int = 900
    denied_count: int = 5
    denied_seconds: int = 300
    denied_errors: tuple[str, ...] = ("AccessDenied*",)
    burst_count: int = 10
    burst_seconds: int = 600
    known_seconds: int = 7 * 86400


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All that marks events."""

    rules: tuple[Rule, ...] = ()
    escalators: tuple[Escalator, ...] = ()
    logins: Logins = field(default_factory=Logins)
    limits: Limits = field(default_factory=Limits)
    networks: tuple[Network, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """The IDs of rules and escalators."""
        return (*(rule.id for rule in self.rules), *(one.id for one in self.escalators))


def load_rules(extra: Path | None = None) -> RuleSet:
    """The built-in rules, with a user's file laid over them.

    A rule or escalator of the user's file with a known ID replaces the built-in one, an unknown ID adds one, `disable`
    drops some; `logins` and `limits` change the values they name, `networks` says which addresses are one's own.

    Raises: RulesError with the file, the place in it and what is allowed.
    """
    rules = _laid_over(RuleSet(), BUILT_IN)
    return rules if extra is None else _laid_over(rules, extra)


def _laid_over(base: RuleSet, path: Path) -> RuleSet:
    top = Part(read(path), path.name, path)
    disabled = top.texts("disable")
    added = {rule.id: rule for rule in map(_rule, top.parts("rules"))}
    raised = {one.id: one for one in map(_escalator, top.parts("escalators"))}
    rules = {rule.id: rule for rule in base.rules} | added
    escalators = {one.id: one for one in base.escalators} | raised
    known = {*rules, *escalators}
    for wanted in disabled:
        if wanted not in known:
            raise top.error(f"'disable' names {wanted!r}, which no rule has")
    for rule in added.values():
        if missing := set(rule.replaces) - known:
            raise top.error(f"rule {rule.id!r} replaces {sorted(missing)[0]!r}, which no rule has")
    if both := set(rules) & set(escalators):
        raise top.error(f"the ID {sorted(both)[0]!r} is that of a rule and of an escalator")
    logins, limits = top.part("logins"), top.part("limits")
    result = RuleSet(
        rules=tuple(rule for rule in rules.values() if rule.id not in disabled),
        escalators=tuple(one for one in escalators.values() if one.id not in disabled),
        logins=_logins(logins, base.logins) if logins else base.logins,
        limits=_limits(limits, base.limits) if limits else base.limits,
        networks=tuple(map(top.network, top.texts("networks"))) or base.networks,
    )
    top.done()
    return result


def _rule(part: Part) -> Rule:
    name = part.text("id")
    part.where += f" (id {name})"
    actions = part.texts("actions")
    for action in actions:
        if action.count(":") != 1:
            raise part.error(f"'actions' must hold source:name such as iam:CreateUser or kms:*, not {action!r}")
    when = part.part("when")
    if not actions and when is None:
        raise part.error("give 'actions', 'when', or both; without either it would mark every event")
    rule = Rule(
        id=name,
        severity=part.severity("severity"),
        reason=part.text("reason"),
        actions=actions or ("*:*",),
        when=_when(when) if when else When(),
        replaces=part.texts("replaces"),
        escalates=part.flag("escalates") is not False,
    )
    part.done()
    return rule


def _escalator(part: Part) -> Escalator:
    name = part.text("id")
    part.where += f" (id {name})"
    when = part.part("when")
    if when is None:
        raise part.error("'when' is missing")
    escalator = Escalator(id=name, reason=part.text("reason"), when=_when(when))
    part.done()
    return escalator


def _when(part: Part) -> When:
    opens, parameters = part.part("opens"), part.part("parameters")
    when = When(
        identity=frozenset(Kind(kind) for kind in part.texts("identity", choices=tuple(Kind))),
        failed=part.flag("failed"),
        errors=part.texts("errors"),
        read_only=part.flag("read_only"),
        login=part.flag("login"),
        parameters=tuple((name, parameters.texts(name)) for name in parameters.names()) if parameters else (),
        opens=_opening(opens) if opens else None,
        outside_networks=part.flag("outside_networks") is True,
        circumstances=frozenset(part.texts("circumstances", choices=tuple(sorted(CIRCUMSTANCES)))),
    )
    if when == When():
        raise part.error("no condition is given")
    part.done()
    return when


def _opening(part: Part) -> Opening:
    networks = frozenset(str(part.network(text)) for text in part.texts("networks"))
    opening = Opening(networks, frozenset(part.numbers("ports")))
    if not networks:
        raise part.error("'networks' is missing")
    part.done()
    return opening


def _logins(part: Part, base: Logins) -> Logins:
    changes = {name: part.texts(name) for name in ("names", "types", "sources") if name in part.names()}
    part.done()
    return replace(base, **changes)


def _limits(part: Part, base: Limits) -> Limits:
    known = tuple(one.name for one in fields(Limits))
    if unknown := [name for name in part.names() if name not in known]:
        raise part.error(f"{unknown[0]!r} is not known; allowed are {', '.join(known)}")
    errors = part.texts("denied_errors") or base.denied_errors
    numbers = {name: part.number(name) for name in part.names() if name != "denied_errors"}
    return replace(base, denied_errors=errors, **numbers)
