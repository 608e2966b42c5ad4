"""Builders and sample documents that the policy tests share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from volcengine_policy import (
    Assumptions,
    Enablement,
    Node,
    NodeKind,
    Policy,
    PolicyType,
    Principal,
    Request,
    Verdict,
    evaluate,
    parse,
)

ACCOUNT = "2100000001"
ALLOW_ALL: dict[str, object] = {"Effect": "Allow", "Action": ["*"], "Resource": ["*"]}
LITERAL = Assumptions.from_mapping({"A-DEFAULT": "as read"})


def document(*statements: object) -> dict[str, object]:
    return {"Statement": list(statements)}


def deny(*actions: str, **elements: object) -> dict[str, object]:
    return {"Effect": "Deny", "Action": list(actions), "Resource": ["*"], **elements}


def allow(*actions: str, **elements: object) -> dict[str, object]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": ["*"], **elements}


def policy(name: str, *statements: object, type_: PolicyType = PolicyType.CUSTOM) -> Policy:
    return Policy(f"p-{name}", name, type_, parse(document(*statements)))


FULL = policy("FullAccess", ALLOW_ALL, type_=PolicyType.SYSTEM)
UNREADABLE = Policy("p-dark", "dark", PolicyType.CUSTOM, None)


def path(
    root: Iterable[Policy] = (FULL,), unit: Iterable[Policy] = (FULL,), account: Iterable[Policy] = (FULL,)
) -> tuple[Node, ...]:
    return (
        Node("r-1", "Root", NodeKind.ROOT, tuple(root)),
        Node("ou-1", "Production", NodeKind.UNIT, tuple(unit)),
        Node(ACCOUNT, "shop", NodeKind.ACCOUNT, tuple(account)),
    )


def ask(
    nodes: tuple[Node, ...],
    action: str = "ecs:RunInstances",
    *,
    resource: str | None = None,
    principal: Principal = Principal.USER,
    context: Mapping[str, str | tuple[str, ...] | list[str] | None] | None = None,
    enablement: Enablement = Enablement.ENABLED,
    is_administrator: bool = False,
    assumptions: Assumptions | None = None,
) -> Verdict:
    return evaluate(
        nodes,
        Request(action, resource, principal, context or {}),
        enablement=enablement,
        is_administrator=is_administrator,
        assumptions=assumptions,
    )


def rests(verdict: Verdict) -> set[str]:
    return {resting.assumption for resting in verdict.rests_on}


def needs(verdict: Verdict) -> set[str]:
    return {cause.name for cause in verdict.depends_on}
