"""The rules of risk as data: what a rules file may say, and how a user's own file is laid over the built-in one."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

from volcengine_audit.datafile import Part, RulesError, read
from volcengine_audit.identity import Kind
from volcengine_audit.severity import Severity

BUILT_IN: Final = Path(__file__).with_name("risks.yaml")

Circumstance = Literal["after-failures", "burst", "denied-burst", "first-use", "new-address"]
"""What only a sequence of events shows; see `circumstances.py`."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _listed(value: object) -> object:
    """A text alone stands for a list of one."""
    return value if isinstance(value, list | tuple | frozenset) else [value]


def _network(text: object) -> Network:
    if isinstance(text, ipaddress.IPv4Network | ipaddress.IPv6Network):
        return text
    try:
        if isinstance(text, str):
            return ipaddress.ip_network(text)
    except ValueError:
        pass
    raise ValueError(f"must hold networks such as 203.0.113.0/24, not {text!r}")


def _action(text: str) -> str:
    if text.count(":") != 1:
        raise ValueError(f"must hold source:name such as iam:CreateUser or kms:*, not {text!r}")
    return text


Words = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, min_length=1)]
"""A text that is not empty."""
Item = Annotated[StrictStr, Field(min_length=1)]
Texts = Annotated[tuple[Item, ...], BeforeValidator(_listed)]
"""Texts, or one text alone."""
Action = Annotated[Item, AfterValidator(_action)]
Networks = Annotated[tuple[Annotated[Network, BeforeValidator(_network)], ...], BeforeValidator(_listed)]
Port = Annotated[StrictInt, Field(ge=0, le=65535)]
Number = Annotated[StrictInt, Field(ge=1)]
Gravity = Annotated[Severity, BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value)]


class Opening(Part):
    """A request that lets these networks reach one of these ports; without ports, any port."""

    networks: Annotated[Networks, Field(min_length=1)]
    ports: Annotated[frozenset[Port], BeforeValidator(_listed)] = frozenset()


class When(Part):
    """Conditions on an event, which must all hold; what is None or empty does not matter.

    Attributes:
        errors: globs of error codes.
        parameters: the request has an object in which each of these fields has a value like one of these (globs).
        outside_networks: the address is public and in none of the `networks` of the rules.
        circumstances: any of these holds.
    """

    identity: Annotated[frozenset[Kind], BeforeValidator(_listed)] = frozenset()
    failed: StrictBool | None = None
    errors: Texts = ()
    read_only: StrictBool | None = None
    login: StrictBool | None = None
    parameters: dict[str, Texts] = Field(default_factory=dict)
    opens: Opening | None = None
    outside_networks: StrictBool = False
    circumstances: Annotated[frozenset[Circumstance], BeforeValidator(_listed)] = frozenset()

    @property
    def anything(self) -> bool:
        """Whether no condition is given."""
        return self == When()


def _given(when: When) -> When:
    if when.anything:
        raise PydanticCustomError("whole", "no condition is given")
    return when


Conditions = Annotated[When, AfterValidator(_given)]


class Rule(Part):
    """Events that match get a mark.

    Attributes:
        actions: globs of `source:name`, any of which matches, case aside.
        replaces: rules whose marks this one makes redundant.
        escalates: whether escalators raise the severity.
    """

    id: Words
    severity: Gravity
    reason: Words
    actions: Annotated[tuple[Action, ...], BeforeValidator(_listed)] = ()
    when: Conditions = When()
    replaces: Texts = ()
    escalates: StrictBool = True

    @model_validator(mode="after")
    def _marks_something(self) -> Self:
        if not self.actions and self.when.anything:
            raise PydanticCustomError(
                "whole", "give 'actions', 'when', or both; without either it would mark every event"
            )
        return self


class Escalator(Part):
    """A circumstance that raises every mark of an event by one step."""

    id: Words
    reason: Words
    when: Conditions


class Logins(Part):
    """How a console login is recognised: by action name, by event type, or by source. An assumption."""

    names: Texts = ()
    types: Texts = ()
    sources: Texts = ()


class Limits(Part):
    """Numbers behind the circumstances; spans in seconds."""

    failures: Number = 3
    failures_seconds: Number = 900
    denied_count: Number = 5
    denied_seconds: Number = 300
    denied_errors: Annotated[Texts, Field(min_length=1)] = ("AccessDenied*",)
    burst_count: Number = 10
    burst_seconds: Number = 600
    known_seconds: Number = 7 * 86400


def _differ(listed: tuple[Any, ...]) -> tuple[Any, ...]:
    ids = [one.id for one in listed]
    if twice := next((one for one in ids if ids.count(one) > 1), None):
        raise ValueError(f"has the ID {twice!r} twice")
    return listed


class RuleSet(Part):
    """All that marks events; also what a rules file may say, in which `disable` drops some of those below it."""

    disable: Texts = ()
    escalators: Annotated[tuple[Escalator, ...], AfterValidator(_differ)] = ()
    limits: Limits = Limits()
    logins: Logins = Logins()
    networks: Networks = ()
    rules: Annotated[tuple[Rule, ...], AfterValidator(_differ)] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """The IDs of rules and escalators."""
        return (*(rule.id for rule in self.rules), *(one.id for one in self.escalators))


def load_rules(extra: Path | None = None) -> RuleSet:
    """The built-in rules, with a user's file laid over them.

    A rule or escalator of the user's file with a known ID replaces the built-in one, an unknown ID adds one, `disable`
    drops some; `logins` and `limits` change the values they name, `networks` says which addresses are one's own.

    Raises:
        RulesError: the sentence names the file, the place in it and what is allowed.
    """
    rules = _laid_over(RuleSet(), BUILT_IN)
    return rules if extra is None else _laid_over(rules, extra)


def _laid_over(base: RuleSet, path: Path) -> RuleSet:
    own = read(path, RuleSet)
    rules = {rule.id: rule for rule in (*base.rules, *own.rules)}
    escalators = {one.id: one for one in (*base.escalators, *own.escalators)}
    known = {*rules, *escalators}

    def refuse(problem: str) -> RulesError:
        return RulesError(f"{path}: {problem}")

    for wanted in own.disable:
        if wanted not in known:
            raise refuse(f"'disable' names {wanted!r}, which no rule has")
    for rule in own.rules:
        if missing := set(rule.replaces) - known:
            raise refuse(f"rule {rule.id!r} replaces {sorted(missing)[0]!r}, which no rule has")
    if both := rules.keys() & escalators.keys():
        raise refuse(f"the ID {sorted(both)[0]!r} is that of a rule and of an escalator")
    return RuleSet(
        rules=tuple(rule for rule in rules.values() if rule.id not in own.disable),
        escalators=tuple(one for one in escalators.values() if one.id not in own.disable),
        logins=_changed(base.logins, own.logins),
        limits=_changed(base.limits, own.limits),
        networks=own.networks or base.networks,
    )


P = TypeVar("P", bound=Part)


def _changed(base: P, own: P) -> P:
    """The values that a part of a file names, laid over those below it."""
    return base.model_copy(update={name: getattr(own, name) for name in own.model_fields_set})
