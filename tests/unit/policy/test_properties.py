"""Laws that hold for every document, path and request."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unit.policy.examples import ask, path, rests
from volcengine_policy import (
    ASSUMPTION_IDS,
    DEPENDS,
    Assumptions,
    Enablement,
    Node,
    Outcome,
    Policy,
    PolicyType,
    Principal,
    Request,
    assumption_texts,
    evaluate,
    lint,
    parse,
    probe_actions,
    serialise,
)

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ORDER = {
    Outcome.DENIED_BY_STATEMENT: 0,
    Outcome.DENIED_FOR_WANT_OF_ALLOW: 0,
    Outcome.DEPENDS: 1,
    Outcome.ALLOWED: 2,
}
few = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])

ACTIONS = st.sampled_from(["*", "ecs:*", "ecs:RunInstances", "ECS:runinstances", "iam:*", "*:Run*", "ecs", ""])
RESOURCES = st.sampled_from(["*", "trn:ecs:*:*:instance/*", "trn:ecs:*:*:instance/${volc:UserName}", "trn:x"])
CONDITIONS = st.sampled_from(
    [
        {"StringEquals": {"volc:UserName": "a*"}},
        {"StringNotEquals": {"volc:UserName": "ann"}},
        {"StringNotEqualsIfExists": {"volc:UserName": ["ann"]}},
        {"IpAddress": {"volc:SourceIp": "10.0.0.0/8"}},
        {"Null": {"volc:UserName": "true"}},
        {"Odd": {"volc:UserName": "true"}},
        {},
    ]
)


@st.composite
def statements(draw: st.DrawFn, effects: tuple[str, ...] = ("Allow", "Deny", "deny")) -> dict[str, object]:
    statement: dict[str, object] = {"Effect": draw(st.sampled_from(effects))}
    for name, values, chance in (
        ("Action", st.lists(ACTIONS, max_size=2), 9),
        ("NotAction", st.lists(ACTIONS, max_size=2), 2),
        ("Resource", st.lists(RESOURCES, min_size=1, max_size=2), 8),
        ("NotResource", st.lists(RESOURCES, max_size=1), 1),
        ("Condition", CONDITIONS, 4),
    ):
        if draw(st.integers(1, 10)) <= chance:
            statement[name] = draw(values)
    return statement


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    number = draw(st.integers(0, 9999))
    kind = draw(st.sampled_from(PolicyType))
    source = {"Statement": draw(st.lists(statements(), max_size=3))}
    return Policy(f"p-{number}", f"n-{number}", kind, draw(st.sampled_from([parse(source)] * 4 + [None])))


@st.composite
def paths(draw: st.DrawFn) -> tuple[Node, ...]:
    some = st.lists(policies(), max_size=2)
    nodes = path(draw(some), draw(some), draw(some))
    return tuple(replace(node, default_detached=draw(st.booleans())) for node in nodes)


@st.composite
def assumptions(draw: st.DrawFn) -> Assumptions:
    return Assumptions.from_mapping(
        {point.id: draw(st.sampled_from((*point.values, DEPENDS))) for point in assumption_texts().values()}
    )


@st.composite
def cases(draw: st.DrawFn) -> dict[str, object]:
    keys = st.fixed_dictionaries(
        {},
        optional={
            "volc:UserName": st.sampled_from(["ann", "bob", None, ("ann", "bob")]),
            "volc:SourceIp": st.sampled_from(["10.0.0.1", "8.8.8.8", None]),
        },
    )
    return {
        "action": draw(st.sampled_from(["ecs:RunInstances", "iam:CreateUser", "vpc:DeleteVpc"])),
        "resource": draw(st.sampled_from([None, "trn:ecs:cn-beijing:2100000001:instance/ann"])),
        "principal": draw(st.sampled_from(Principal)),
        "context": draw(keys),
        "enablement": draw(st.sampled_from([Enablement.ENABLED] * 3 + list(Enablement))),
        "is_administrator": draw(st.booleans()),
        "assumptions": draw(assumptions()),
    }


def level(nodes: tuple[Node, ...], case: dict[str, object]) -> int:
    return ORDER[ask(nodes, **case).outcome]  # type: ignore[arg-type]


def with_statement(nodes: tuple[Node, ...], at: int, statement: dict[str, object]) -> tuple[Node, ...]:
    """The path with the statement put into the first policy of a node, or into a new one."""
    node = nodes[at]
    first = node.policies[0] if node.policies and node.policies[0].document else None
    if first is None:
        added = Policy("p-new", "new", PolicyType.CUSTOM, parse({"Statement": [statement]}))
        changed = replace(node, policies=(*node.policies, added))
    else:
        assert first.document is not None
        body = json.loads(serialise(first.document))
        grown = replace(first, document=parse({"Statement": [*body["Statement"], statement]}))
        changed = replace(node, policies=(grown, *node.policies[1:]))
    return (*nodes[:at], changed, *nodes[at + 1 :])


@few
@given(paths(), cases(), statements(("Deny",)), st.integers(0, 2))
def test_another_deny_never_allows_more(
    nodes: tuple[Node, ...], case: dict[str, object], statement: dict[str, object], at: int
) -> None:
    assert level(with_statement(nodes, at, statement), case) <= level(nodes, case)


@few
@given(paths(), cases(), statements(("Allow",)), st.integers(0, 2))
def test_one_allow_less_never_allows_more(
    nodes: tuple[Node, ...], case: dict[str, object], statement: dict[str, object], at: int
) -> None:
    assert level(nodes, case) <= level(with_statement(nodes, at, statement), case)


@few
@given(paths(), cases(), st.randoms(use_true_random=False))
def test_order_never_matters(nodes: tuple[Node, ...], case: dict[str, object], random: object) -> None:
    def shuffled(policy: Policy) -> Policy:
        if policy.document is None:
            return policy
        body = json.loads(serialise(policy.document))["Statement"]
        random.shuffle(body)  # type: ignore[attr-defined]
        return replace(policy, document=parse({"Statement": body}))

    mixed = tuple(replace(node, policies=tuple(shuffled(p) for p in reversed(node.policies))) for node in nodes)
    first, second = ask(nodes, **case), ask(mixed, **case)  # type: ignore[arg-type]
    assert first.outcome is second.outcome
    assert rests(first) == rests(second)


@few
@given(paths(), cases(), assumptions())
def test_a_verdict_holds_whatever_it_does_not_rest_on(
    nodes: tuple[Node, ...], case: dict[str, object], others: Assumptions
) -> None:
    verdict = ask(nodes, **case)  # type: ignore[arg-type]
    if verdict.outcome is Outcome.DEPENDS:
        return
    mixed = Assumptions.from_mapping(
        {key: others.value(key) for key in ASSUMPTION_IDS} | {r.assumption: r.value for r in verdict.rests_on}
    )
    assert ask(nodes, **{**case, "assumptions": mixed}).outcome is verdict.outcome  # type: ignore[arg-type]


@few
@given(paths(), cases())
def test_a_verdict_needs_each_thing_that_it_rests_on(nodes: tuple[Node, ...], case: dict[str, object]) -> None:
    verdict = ask(nodes, **case)  # type: ignore[arg-type]
    chosen = case["assumptions"]
    assert isinstance(chosen, Assumptions)
    kept = {r.assumption: r.value for r in verdict.rests_on}
    assert all(chosen.value(key) == value for key, value in kept.items())
    if verdict.outcome is Outcome.DEPENDS:
        assert verdict.depends_on
        assert verdict.decider is None
        return
    for key in kept:
        bare = Assumptions.from_mapping(dict.fromkeys(ASSUMPTION_IDS, DEPENDS) | kept | {key: DEPENDS})
        assert ask(nodes, **{**case, "assumptions": bare}).outcome is not verdict.outcome  # type: ignore[arg-type]


@few
@given(st.lists(statements(), max_size=4))
def test_what_is_written_is_read_again(body: list[dict[str, object]]) -> None:
    document = parse({"Statement": body})
    text = serialise(document)
    assert parse(text) == document
    assert serialise(parse(text)) == text


NAMES = st.sampled_from(
    ["Statement", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition", "StringEquals", "Version"]
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["Allow", "Deny", "*", "ecs:*", "trn:ecs:*:*:x", "${", "${a}", ":", "\ud800"])
)
ANY_JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
ODD = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"), ANY_JSON),
)


@few
@given(ANY_JSON | st.text() | st.fixed_dictionaries({"Statement": st.lists(ODD | ANY_JSON, max_size=3)}))
def test_nothing_crashes_on_any_json(source: object) -> None:
    for document in (parse(source), parse(json.dumps(source))):
        lint(document, now=NOW)
        probe_actions(document)
        assert parse(serialise(document)).statements == document.statements or not document.readable
        nodes = path([Policy("p", "p", PolicyType.CUSTOM, document)])
        for principal in Principal:
            evaluate(
                nodes,
                Request("ecs:RunInstances", principal=principal, context={"volc:UserName": "a"}),
                enablement=Enablement.ENABLED,
                is_administrator=False,
            )
