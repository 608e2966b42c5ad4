"""What an evaluation is asked and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from volcengine_policy.conditions import ContextValue
from volcengine_policy.document import Statement
from volcengine_policy.matching import parse_trn, split_action
from volcengine_policy.truth import Cause

IDENTITY_SENTENCE = (
    "Control policies grant nothing: the identity (IAM) policies inside the account decide after them, and may "
    "still deny."
)


class Enablement(StrEnum):
    """Whether the feature is on (Volcengine docs 6723/1176973); UNKNOWN when it could not be read."""

    ENABLED = "Enabled"
    DISABLED = "Disabled"
    PENDING_ENABLE = "PendingEnable"
    PENDING_DISABLE = "PendingDisable"
    UNKNOWN = "Unknown"


class Principal(StrEnum):
    """Who asks. UNKNOWN may be any of the others, so that a Deny may depend on A-ROOT and A-SLR."""

    UNKNOWN = "unknown"
    USER = "user"
    ROLE = "role"
    ROOT = "root"
    SERVICE_LINKED = "service_linked"


class Outcome(StrEnum):
    """The outcomes; none of them says that a request succeeds."""

    ALLOWED = "allowed by policies"
    DENIED_BY_STATEMENT = "denied by a statement"
    DENIED_FOR_WANT_OF_ALLOW = "denied for want of an allow"
    DEPENDS = "depends on"


@dataclass(frozen=True, slots=True)
class Request:
    """One action by one principal on one resource.

    `resource` is None when it is not known; `context` maps condition keys to values. A key that maps to None is one
    that the request does not carry; a key that is left out is one whose value is not known. Raises ValueError when
    the action is not `service:Name` or the resource not a TRN.
    """

    action: str
    resource: str | None = None
    principal: Principal = Principal.UNKNOWN
    context: Mapping[str, ContextValue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        split = split_action(self.action)
        if split is None or not all(split) or "*" in self.action or "?" in self.action:
            raise ValueError(f'"{self.action}" is not one action such as ecs:RunInstances')
        if self.resource is not None and parse_trn(self.resource) is None:
            raise ValueError(
                f'"{self.resource}" is not a TRN such as trn:ecs:cn-beijing:2100000001:instance/i-1; '
                "leave the resource out when it is not known"
            )


@dataclass(frozen=True, slots=True)
class Resting:
    """An assumption that a verdict rests on: another value may change the outcome."""

    id: str
    value: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Decider:
    """What decided: a node and, when a statement did, its policy and statement."""

    node_id: str
    node_name: str
    policy_id: str | None = None
    policy_name: str | None = None
    statement: Statement | None = None

    @property
    def statement_index(self) -> int | None:
        """The index of the deciding statement in its document, from 0."""
        return None if self.statement is None else self.statement.index


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer of the control policies to one request.

    `decider` is set for the two denials, except for an allow that is wanting on the path as a whole. `depends_on` is
    filled for `depends on`. `rests_on` names the assumptions without which the outcome does not follow.
    """

    outcome: Outcome
    reasons: tuple[str, ...]
    rests_on: tuple[Resting, ...]
    decider: Decider | None = None
    depends_on: tuple[Cause, ...] = ()

    @property
    def denied(self) -> bool:
        """Whether the policies deny for certain."""
        return self.outcome in {Outcome.DENIED_BY_STATEMENT, Outcome.DENIED_FOR_WANT_OF_ALLOW}
