"""Verdicts: each rule of the order, each open point, and what a verdict says it rests on."""

from __future__ import annotations

import pytest
from unit.policy.examples import (
    ACCOUNT,
    ALLOW_ALL,
    FULL,
    LITERAL,
    UNREADABLE,
    allow,
    ask,
    deny,
    document,
    needs,
    path,
    policy,
    rests,
)
from volcengine_policy import (
    IDENTITY_SENTENCE,
    Assumptions,
    CauseKind,
    Enablement,
    Node,
    NodeKind,
    Outcome,
    Policy,
    PolicyType,
    Principal,
    Request,
    Verdict,
    attach,
    detach,
    evaluate,
    parse,
)

NO_RUN = policy("no-run", deny("ecs:RunInstances"))
ROLE_TRN = "trn:iam::2100000001:role/OrganizationAccessControlRole"


def with_(**values: str) -> Assumptions:
    return Assumptions.from_mapping({f"A-{key}": value.replace("_", " ") for key, value in values.items()})


def test_full_access_everywhere_allows_and_rests_on_nothing() -> None:
    verdict = ask(path())
    assert verdict.outcome is Outcome.ALLOWED
    assert IDENTITY_SENTENCE in verdict.reasons
    assert verdict.rests_on == ()
    assert verdict.decider is None


@pytest.mark.parametrize("level", ["root", "unit", "account"])
def test_a_deny_on_any_level_wins(level: str) -> None:
    verdict = ask(path(**{level: [FULL, NO_RUN]}))
    assert verdict.outcome is Outcome.DENIED_BY_STATEMENT
    assert verdict.decider is not None
    assert (verdict.decider.policy_id, verdict.decider.policy_name) == ("p-no-run", "no-run")
    assert verdict.decider.node_id == {"root": "r-1", "unit": "ou-1", "account": ACCOUNT}[level]
    assert verdict.decider.statement_index == 0
    assert verdict.denied
    assert verdict.rests_on == ()
    assert ask(path(**{level: [FULL, NO_RUN]}), "ecs:StopInstances").outcome is Outcome.ALLOWED


def test_the_deciding_statement_is_told() -> None:
    two = policy("two", deny("vpc:*"), allow("*"), deny("ecs:*"))
    decider = ask(path(unit=[two])).decider
    assert decider is not None
    assert decider.statement_index == 2
    assert decider.statement == deny("ecs:*")


@pytest.mark.parametrize(("missing", "node"), [("root", "r-1"), ("unit", "ou-1"), ("account", ACCOUNT)])
def test_every_level_needs_an_allow_when_attachments_are_taken_as_read(missing: str, node: str) -> None:
    verdict = ask(path(**{missing: [policy("list", allow("vpc:*"))]}), assumptions=LITERAL)
    assert verdict.outcome is Outcome.DENIED_FOR_WANT_OF_ALLOW
    assert verdict.decider is not None
    assert verdict.decider.node_id == node
    assert verdict.decider.statement_index is None
    assert rests(verdict) == {"A-LEVEL", "A-DEFAULT"}


def test_the_union_of_the_path_is_the_alternative() -> None:
    union = with_(DEFAULT="as_read", LEVEL="union")
    assert ask(path(root=[], unit=[]), assumptions=union).outcome is Outcome.ALLOWED
    assert rests(ask(path(root=[], unit=[]), assumptions=union)) == {"A-LEVEL"}
    nothing = ask(path(root=[], unit=[], account=[]), assumptions=union)
    assert nothing.outcome is Outcome.DENIED_FOR_WANT_OF_ALLOW
    assert rests(nothing) == {"A-DEFAULT"}
    undecided = ask(path(root=[], unit=[]), assumptions=with_(DEFAULT="as_read", LEVEL="depends"))
    assert undecided.outcome is Outcome.DEPENDS
    assert needs(undecided) == {"A-LEVEL"}
    assert rests(undecided) == {"A-LEVEL", "A-DEFAULT"}


def test_the_default_policy_is_assumed_and_the_verdict_says_so() -> None:
    verdict = ask(path(root=[], unit=[], account=[]))
    assert verdict.outcome is Outcome.ALLOWED
    (resting,) = verdict.rests_on
    assert (resting.assumption, resting.value) == ("A-DEFAULT", "everywhere")
    assert "System policy" in resting.sentence


def test_an_unreadable_system_policy_allows_by_assumption_only() -> None:
    dark = Policy("p-sys", "FullAccess", PolicyType.SYSTEM, None)
    nodes = path([dark], [dark], [dark])
    assert ask(nodes).outcome is Outcome.ALLOWED
    assert rests(ask(nodes)) == {"A-DEFAULT"}
    verdict = ask(nodes, assumptions=LITERAL)
    assert verdict.outcome is Outcome.DEPENDS
    assert {cause.kind for cause in verdict.depends_on} == {CauseKind.POLICY}
    assert needs(verdict) == {"FullAccess"}


def test_a_detached_default_is_no_longer_assumed() -> None:
    verdict = ask(detach(path(), "ou-1", FULL.id))
    assert verdict.outcome is Outcome.DENIED_FOR_WANT_OF_ALLOW
    assert verdict.decider is not None
    assert verdict.decider.node_id == "ou-1"


@pytest.mark.parametrize(
    ("values", "outcome", "resting"),
    [
        ({}, Outcome.ALLOWED, {"A-MGMT"}),
        ({"MGMT": "restricted"}, Outcome.DENIED_BY_STATEMENT, {"A-MGMT"}),
        ({"MGMT": "depends"}, Outcome.DEPENDS, {"A-MGMT"}),
    ],
)
def test_the_administrator_account(values: dict[str, str], outcome: Outcome, resting: set[str]) -> None:
    verdict = ask(path([FULL, NO_RUN]), is_administrator=True, assumptions=with_(**values))
    assert verdict.outcome is outcome
    assert rests(verdict) == resting


@pytest.mark.parametrize(
    ("principal", "values", "outcome", "resting"),
    [
        (Principal.USER, {}, Outcome.DENIED_BY_STATEMENT, set()),
        (Principal.ROLE, {}, Outcome.DENIED_BY_STATEMENT, set()),
        (Principal.ROOT, {}, Outcome.DEPENDS, {"A-ROOT"}),
        (Principal.ROOT, {"ROOT": "bound"}, Outcome.DENIED_BY_STATEMENT, {"A-ROOT"}),
        (Principal.ROOT, {"ROOT": "exempt"}, Outcome.ALLOWED, {"A-ROOT"}),
        (Principal.SERVICE_LINKED, {}, Outcome.ALLOWED, {"A-SLR"}),
        (Principal.SERVICE_LINKED, {"SLR": "restricted"}, Outcome.DENIED_BY_STATEMENT, {"A-SLR"}),
        (Principal.UNKNOWN, {"ROOT": "bound"}, Outcome.DEPENDS, {"A-SLR"}),
        (
            Principal.UNKNOWN,
            {"ROOT": "bound", "SLR": "restricted"},
            Outcome.DENIED_BY_STATEMENT,
            {"A-ROOT", "A-SLR"},
        ),
    ],
)
def test_principals(principal: Principal, values: dict[str, str], outcome: Outcome, resting: set[str]) -> None:
    verdict = ask(path([FULL, NO_RUN]), principal=principal, assumptions=with_(**values))
    assert verdict.outcome is outcome
    assert rests(verdict) == resting


def test_an_unknown_principal_is_named_and_does_not_matter_without_a_deny() -> None:
    verdict = ask(path([FULL, NO_RUN]), principal=Principal.UNKNOWN)
    assert verdict.outcome is Outcome.DEPENDS
    assert "principal" in needs(verdict)
    assert ask(path(), principal=Principal.UNKNOWN).outcome is Outcome.ALLOWED


@pytest.mark.parametrize(
    ("enablement", "values", "outcome", "resting"),
    [
        (Enablement.DISABLED, {}, Outcome.ALLOWED, {"A-OFF"}),
        (Enablement.DISABLED, {"OFF": "in_force"}, Outcome.DENIED_BY_STATEMENT, {"A-OFF"}),
        (Enablement.PENDING_ENABLE, {}, Outcome.DEPENDS, {"A-OFF"}),
        (Enablement.PENDING_DISABLE, {}, Outcome.DEPENDS, {"A-OFF"}),
        (Enablement.UNKNOWN, {}, Outcome.DEPENDS, {"A-OFF"}),
        (Enablement.PENDING_ENABLE, {"OFF": "in_force"}, Outcome.DENIED_BY_STATEMENT, {"A-OFF"}),
    ],
)
def test_the_switch(enablement: Enablement, values: dict[str, str], outcome: Outcome, resting: set[str]) -> None:
    verdict = ask(path([FULL, NO_RUN]), enablement=enablement, assumptions=with_(**values))
    assert verdict.outcome is outcome
    assert rests(verdict) == resting
    assert ask(path(), enablement=enablement).outcome is Outcome.ALLOWED


def test_a_transition_is_said() -> None:
    verdict = ask(path([FULL, NO_RUN]), enablement=Enablement.PENDING_ENABLE)
    assert any("in transition (PendingEnable)" in reason for reason in verdict.reasons)


def test_two_reasons_for_an_exemption_leave_one() -> None:
    verdict = ask(path([FULL, NO_RUN]), enablement=Enablement.DISABLED, is_administrator=True)
    assert len(verdict.rests_on) == 1


def test_case_and_the_decider_that_needs_no_assumption() -> None:
    loud = policy("loud", deny("ECS:runinstances"))
    assert rests(ask(path([FULL, loud]))) == {"A-CASE"}
    assert ask(path([FULL, loud]), assumptions=with_(CASE="exact")).outcome is Outcome.ALLOWED
    assert needs(ask(path([FULL, loud]), assumptions=with_(CASE="depends"))) == {"A-CASE"}
    both = ask(path([FULL, loud], [FULL, NO_RUN]))
    assert both.rests_on == ()
    assert both.decider is not None
    assert both.decider.policy_name == "no-run"


def test_wildcards_in_string_equals() -> None:
    teams = policy("teams", deny("ecs:*", Condition={"StringEquals": {"volc:UserName": "dev-*"}}))
    user = {"volc:UserName": "dev-ann"}
    assert ask(path([FULL, teams]), context=user).denied
    assert rests(ask(path([FULL, teams]), context=user)) == {"A-SE"}
    literal = ask(path([FULL, teams]), context=user, assumptions=with_(SE="literal"))
    assert literal.outcome is Outcome.ALLOWED
    assert rests(literal) == {"A-SE"}


def test_the_break_glass_sample() -> None:
    condition = {"StringNotEqualsIfExists": {"volc:UserName": ["break-glass"]}}
    nodes = path([FULL, policy("glass", deny("iam:*", Condition=condition))])
    action = "iam:CreateUser"
    assert ask(nodes, action, context={"volc:UserName": "break-glass"}).outcome is Outcome.ALLOWED
    assert ask(nodes, action, context={"volc:UserName": "ann"}).denied
    role = ask(nodes, action, principal=Principal.ROLE)
    assert role.denied
    assert "Roles and root users are taken to carry no volc:UserName." in role.reasons
    untold = ask(nodes, action)
    assert untold.outcome is Outcome.DEPENDS
    assert needs(untold) == {"volc:UserName"}
    assert "Statement[0] of policy glass (p-glass) on root Root (r-1)" in untold.reasons[0]


def test_a_missing_key_is_an_assumption() -> None:
    negated = policy("neg", deny("ecs:*", Condition={"StringNotEquals": {"volc:UserName": "ann"}}))
    verdict = ask(path([FULL, negated]), principal=Principal.ROLE)
    assert needs(verdict) == {"A-MISSING", "volc:UserName"}
    assert rests(verdict) == {"A-MISSING"}
    aws = ask(path([FULL, negated]), principal=Principal.ROLE, assumptions=with_(MISSING="aws"))
    assert aws.denied
    assert rests(aws) == {"A-MISSING"}
    assert "The operator StringNotEquals is not confirmed for Volcengine." in aws.reasons


def test_the_region_sample() -> None:
    region = policy(
        "region",
        deny(
            "*",
            NotAction=["iam:*", "organization:*", "ecs:Describe*", "vpc:DeleteFlowLog"],
            Condition={"StringNotEquals": {"volc:RequestedRegion": ["cn-beijing"]}},
        ),
    )
    nodes = path([FULL, region])
    far = {"volc:RequestedRegion": "cn-guangzhou"}
    assert ask(nodes, context={"volc:RequestedRegion": "cn-beijing"}).outcome is Outcome.ALLOWED
    assert ask(nodes, context=far).denied
    assert ask(nodes, context=far).rests_on == ()
    excepted = ask(nodes, "iam:CreateUser", context=far)
    assert excepted.outcome is Outcome.ALLOWED
    assert rests(excepted) == {"A-NOTACTION"}
    assert ask(nodes, "iam:CreateUser", context=far, assumptions=with_(NOTACTION="ignored")).denied
    documented = ask(nodes, "vpc:DeleteFlowLog", context=far)
    assert documented.outcome is Outcome.ALLOWED
    assert documented.rests_on == ()
    unsupported = ask(nodes, "ecs:DescribeInstances", context=far)
    assert unsupported.outcome is Outcome.DEPENDS
    assert needs(unsupported) == {"NotAction"}


def test_not_action_alone_is_evaluated_as_in_aws_only_when_assumed() -> None:
    alone = Policy(
        "p-a",
        "alone",
        PolicyType.CUSTOM,
        parse(document({"Effect": "Deny", "NotAction": ["iam:*"], "Resource": ["*"]})),
    )
    assert ask(path([FULL, alone])).outcome is Outcome.DEPENDS
    assert ask(path([FULL, alone]), assumptions=with_(NOTACTION="complement")).denied
    excepted = ask(path([FULL, alone]), "iam:GetUser", assumptions=with_(NOTACTION="complement"))
    assert excepted.outcome is Outcome.ALLOWED


@pytest.mark.parametrize(
    ("resource", "outcome"),
    [
        ("trn:tos:::logs/a/b", Outcome.DENIED_BY_STATEMENT),
        ("trn:tos:::other/a", Outcome.ALLOWED),
        (None, Outcome.DEPENDS),
    ],
)
def test_resources(resource: str | None, outcome: Outcome) -> None:
    guard = policy("guard", deny("tos:*", Resource=["trn:tos:::logs/*"]))
    assert ask(path([FULL, guard]), "tos:DeleteObject", resource=resource).outcome is outcome


def test_not_resource_takes_away() -> None:
    guard = policy("guard", deny("vpc:*", NotResource=["trn:vpc:*:*:vpc/free"]))
    trn = "trn:vpc:cn-beijing:2100000001:vpc/"
    assert ask(path([FULL, guard]), "vpc:DeleteVpc", resource=f"{trn}free").outcome is Outcome.ALLOWED
    assert ask(path([FULL, guard]), "vpc:DeleteVpc", resource=f"{trn}x").denied


def test_a_variable_in_a_resource() -> None:
    own = policy("own", deny("iam:*", Resource=["trn:iam::*:user/${volc:UserName}"]))
    trn = "trn:iam::2100000001:user/ann"
    nodes = path([FULL, own])
    assert ask(nodes, "iam:UpdateUser", resource=trn, context={"volc:UserName": "ann"}).denied
    assert ask(nodes, "iam:UpdateUser", resource=trn, context={"volc:UserName": "*"}).outcome is Outcome.ALLOWED
    assert needs(ask(nodes, "iam:UpdateUser", resource=trn)) == {"volc:UserName"}


@pytest.mark.parametrize(
    "statement",
    [
        "text",
        {"Effect": "deny", "Action": ["*"], "Resource": ["*"]},
        {"Effect": "Deny", "Resource": ["*"]},
        {"Effect": "Deny", "Action": [7], "Resource": ["*"]},
        {"Effect": "Deny", "Action": ["ecs*"], "Resource": ["*"]},
        {"Effect": "Deny", "Action": ["ecs:*"], "Resource": ["trn:ecs:*"]},
        {"Effect": "Deny", "Action": ["ecs:*"], "Resource": ["*"], "Condition": {"Is": {"a:b": "c"}}},
        {"Effect": "Deny", "Action": ["ecs:*"], "Resource": ["*"], "Condition": "never"},
    ],
)
def test_a_statement_that_cannot_be_understood_is_no_guess(statement: object) -> None:
    verdict = ask(path([FULL, policy("odd", statement)]))
    assert verdict.outcome is Outcome.DEPENDS
    assert CauseKind.STATEMENT in {cause.kind for cause in verdict.depends_on}
    assert ask(path([FULL, policy("odd", statement), NO_RUN])).denied


@pytest.mark.parametrize("source", ["{", '{"Statement":[],"Statement":[]}', "{}"])
def test_a_document_that_cannot_be_read_is_no_guess(source: str) -> None:
    broken = Policy("p-b", "broken", PolicyType.CUSTOM, parse(source))
    for dark in (broken, UNREADABLE):
        verdict = ask(path([FULL], [FULL, dark]))
        assert verdict.outcome is Outcome.DEPENDS
        assert needs(verdict) == {dark.name}
        assert ask(path([FULL, NO_RUN], [FULL, dark])).outcome is Outcome.DENIED_BY_STATEMENT


def test_attachments_that_are_not_known_are_no_guess() -> None:
    nodes = (
        Node("r-1", "Root", NodeKind.ROOT, (FULL,)),
        Node(ACCOUNT, "shop", NodeKind.ACCOUNT, (FULL,), attachments_known=False),
    )
    assert needs(ask(nodes)) == {"shop"}


def test_an_allow_that_may_apply_is_no_guess() -> None:
    perhaps = policy("perhaps", allow("ecs:*", Condition={"IpAddress": {"volc:SourceIp": "10.0.0.0/8"}}))
    verdict = ask(path(account=[perhaps]), assumptions=LITERAL)
    assert verdict.outcome is Outcome.DEPENDS
    assert needs(verdict) == {"volc:SourceIp"}
    inside = ask(path(account=[perhaps]), assumptions=LITERAL, context={"volc:SourceIp": "10.1.1.1"})
    assert inside.outcome is Outcome.ALLOWED


def test_a_deny_that_may_apply_does_not_hide_a_missing_allow() -> None:
    perhaps = policy("perhaps", deny("ecs:*", Condition={"IpAddress": {"volc:SourceIp": "10.0.0.0/8"}}))
    verdict = ask(path(account=[perhaps]), assumptions=LITERAL)
    assert verdict.outcome is Outcome.DENIED_FOR_WANT_OF_ALLOW


def test_the_administrators_role_is_a_role_of_the_member() -> None:
    guard = policy("guard", deny("ecs:*", Condition={"StringLike": {"volc:PrincipalTrn": ROLE_TRN}}))
    context = {"volc:PrincipalTrn": ROLE_TRN}
    assert ask(path([FULL, guard]), principal=Principal.ROLE, context=context).denied


def test_a_statement_without_resource_says_how_it_was_taken() -> None:
    bare = policy("bare", {"Effect": "Deny", "Action": ["ecs:*"]})
    verdict = ask(path([FULL, bare]))
    assert verdict.denied
    assert any("no Resource" in reason for reason in verdict.reasons)


@pytest.mark.parametrize("action", ["RunInstances", "ecs:*", "ecs:", ":x", "*"])
def test_a_request_is_one_action(action: str) -> None:
    with pytest.raises(ValueError, match="one action"):
        Request(action)


def test_a_resource_is_a_trn() -> None:
    with pytest.raises(ValueError, match="TRN"):
        Request("ecs:RunInstances", "i-1")


@pytest.mark.parametrize(
    "nodes",
    [
        (),
        path()[1:],
        (path()[0], path()[0]),
        (path()[0], path()[2], path()[1]),
        (path()[0], path()[1], path()[1]),
    ],
)
def test_a_path_runs_from_the_root_to_the_account(nodes: tuple[Node, ...]) -> None:
    with pytest.raises(ValueError, match="path"):
        ask(nodes)


def test_a_path_may_end_at_a_unit() -> None:
    verdict: Verdict = evaluate(
        path()[:2],
        Request("ecs:RunInstances", principal=Principal.USER),
        enablement=Enablement.ENABLED,
        is_administrator=False,
    )
    assert verdict.outcome is Outcome.ALLOWED


@pytest.mark.parametrize(
    ("actions", "denied", "free"),
    [
        (["iam:CreateUser", "iam:DeleteRole"], "iam:DeleteRole", "iam:GetUser"),
        (["organization:QuitOrganization"], "organization:QuitOrganization", "organization:ListAccounts"),
        (["ecs:ModifyInstanceSpec", "ecs:ModifyInstancesSpec"], "ecs:ModifyInstanceSpec", "ecs:RunInstances"),
        (["ecs:RunInstances"], "ecs:RunInstances", "ecs:DeleteInstance"),
        (["ecs:DeleteInstance", "ecs:DeleteInstances"], "ecs:DeleteInstances", "ecs:RunInstances"),
        (["cloud_trail:StopLogging"], "cloud_trail:StopLogging", "cloud_trail:StartLogging"),
    ],
)
def test_the_documented_purposes(actions: list[str], denied: str, free: str) -> None:
    nodes = path([FULL, policy("guard", deny(*actions))])
    assert ask(nodes, denied).outcome is Outcome.DENIED_BY_STATEMENT
    assert ask(nodes, free).outcome is Outcome.ALLOWED
    assert ask(nodes, denied).rests_on == ask(nodes, free).rests_on == ()


@pytest.mark.parametrize(
    ("left", "outcome"),
    [
        ([policy("list", allow("vpc:*"))], Outcome.DENIED_FOR_WANT_OF_ALLOW),
        ([policy("guard", deny("vpc:*"))], Outcome.DENIED_FOR_WANT_OF_ALLOW),
        ([policy("list", allow("ecs:*"))], Outcome.ALLOWED),
        ([policy("other", ALLOW_ALL, type_=PolicyType.SYSTEM)], Outcome.ALLOWED),
    ],
)
def test_a_system_policy_that_is_detached_beside_another_one_no_longer_covers_its_node(
    left: list[Policy], outcome: Outcome
) -> None:
    """Whatever else hangs there, A-DEFAULT speaks of the node no more, unless another System policy remains."""
    after = detach(path(unit=[FULL, *left]), "ou-1", FULL.id)
    verdict = ask(after)
    assert verdict.outcome is outcome
    if outcome is Outcome.DENIED_FOR_WANT_OF_ALLOW:
        assert verdict.decider is not None
        assert verdict.decider.node_id == "ou-1"
        assert "A-DEFAULT" not in rests(verdict)
    again = attach(after, "ou-1", policy("Again", ALLOW_ALL, type_=PolicyType.SYSTEM))
    assert ask(detach(again, "ou-1", "p-Again")).outcome is outcome


def test_detaching_another_policy_leaves_the_system_policy_in_force() -> None:
    verdict = ask(detach(path(unit=[FULL, NO_RUN]), "ou-1", NO_RUN.id))
    assert verdict.outcome is Outcome.ALLOWED
