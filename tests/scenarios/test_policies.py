"""The tools for service control policies: what is in force, what would be decided, what a document changes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from scenarios.asking import NOTICE, Asker, asking
from volcengine_sandbox import Fault, Sandbox
from volcengine_sandbox.records import Organization, Policy, TargetType

pytestmark = pytest.mark.anyio

OUTCOMES = {"allowed by policies", "denied by a statement", "denied for want of an allow", "depends on"}
ALLOWED, DENIED, WANTING, DEPENDS = (
    "allowed by policies",
    "denied by a statement",
    "denied for want of an allow",
    "depends on",
)


def organization(box: Sandbox) -> Organization:
    return next(iter(box.state.organizations.values()))


def account(box: Sandbox, name: str) -> str:
    return next(member.account_id for member in organization(box).members.values() if member.account_name == name)


def unit(box: Sandbox, name: str) -> str:
    return next(each.id for each in organization(box).units.values() if each.name == name)


def policy(box: Sandbox, name: str) -> str:
    return next(each.id for each in organization(box).policies.values() if each.name == name)


def document(effect: str, *actions: str, **parts: Any) -> dict[str, Any]:
    return {"Statement": [{"Effect": effect, "Action": list(actions), "Resource": ["*"], **parts}]}


def hang(box: Sandbox, target: str, statement: dict[str, Any], kind: TargetType = TargetType.ACCOUNT) -> str:
    """Attach a new policy in the sandbox's state."""
    org, now = organization(box), box.state.now
    new = Policy(box.state.new_id(), "hung-by-the-test", json.dumps(statement), now, now)
    org.policies[new.id] = new
    org.attach(new.id, target, kind, now)
    return new.id


def detach_all(box: Sandbox, name: str, target: str) -> None:
    org, which = organization(box), policy(box, name)
    org.attachments = [a for a in org.attachments if (a.policy_id, a.target_id) != (which, target)]


async def verdict(asker: Asker, **arguments: Any) -> dict[str, Any]:
    """The verdict of a simulation that says what every one must."""
    answer = await asker.ask("SimulatePolicies", **arguments)
    found = answer["Verdict"]
    assert found["Outcome"] in OUTCOMES
    assert found["Reasons"]
    assert (found["Outcome"] == DEPENDS) is bool(found["DependsOn"])
    if found["Outcome"] == ALLOWED:
        assert "IAM" in found["Reasons"][-1], "policies that allow do not grant"
    assert '"allowed"' not in json.dumps(answer).casefold()
    assert answer["Notice"] == NOTICE
    return dict(found)


# What is in force


async def test_policies_are_explained_from_root_to_account(running: Sandbox) -> None:
    org, target = organization(running), account(running, "prod-payment")
    async with asking("organization", running, stdio=True) as asker:
        answer = await asker.ask("ExplainPolicies", TargetID=target)
        assert (asker.calls, asker.requests) == (1, 13)
    line = [org.root_id, unit(running, "Workloads"), unit(running, "Production"), target]
    assert [node["ID"] for node in answer["Path"]] == line
    assert [node["Kind"] for node in answer["Path"]] == ["root", "unit", "unit", "account"]
    for node in answer["Path"]:
        hung = {each.policy_id for each in org.attachments if each.target_id == node["ID"]}
        assert {each["PolicyID"] for each in node["Policies"]} == hung
        for each in node["Policies"]:
            assert each["Document"] == json.loads(org.policies[each["PolicyID"]].statement)
    assert answer["Target"] == f"account 生产支付 Payment ({target})"
    assert answer["Enablement"] == "Enabled"
    assert "A-LEVEL" in answer["Note"]
    assert "IAM" in answer["Note"]
    assert answer["Coverage"]["Complete"] is True


async def test_a_unit_is_explained_and_an_unknown_target_refused(running: Sandbox) -> None:
    async with asking("organization", running) as asker:
        answer = await asker.ask("ExplainPolicies", TargetID=unit(running, "Production"))
        assert [node["Name"] for node in answer["Path"]] == ["Root", "Workloads", "Production"]
        error = await asker.refused("ExplainPolicies", TargetID="1")
        assert error["Code"] == "UnknownTarget"
        assert "FindAccounts" in error["Hint"]


@pytest.mark.parametrize(
    ("action", "what"),
    [
        ("ListPoliciesForTarget", "policies of "),
        ("GetServiceControlPolicy", "document of policy "),
        ("GetServiceControlPolicyEnablement", "enablement"),
    ],
)
async def test_what_cannot_be_read_is_said_and_makes_a_verdict_depend(box: Sandbox, action: str, what: str) -> None:
    box.inject(Fault("error", action=action, status=403, code="PermissionError", message="no"))
    target = account(box, "prod-web")
    async with asking("organization", box) as asker:
        answer = await asker.ask("ExplainPolicies", TargetID=target)
        assert answer["Coverage"]["Complete"] is False
        assert all(each["What"].startswith(what) for each in answer["Coverage"]["Missing"])
        found = await verdict(asker, AccountId=target, Action="ecs:DeleteInstance")
        assert found["Outcome"] == DEPENDS


# Simulation


@pytest.mark.parametrize(
    ("name", "action", "identity", "outcome", "decider"),
    [
        ("prod-web", "ecs:DescribeInstances", ("user", {}), ALLOWED, None),
        ("prod-web", "ecs:DeleteInstance", ("user", {}), DENIED, ("Production", "deny-instance-deletion")),
        ("dev-web", "ecs:DeleteInstance", ("user", {}), ALLOWED, None),
        ("prod-web", "cloud_trail:StopLogging", ("role", {}), DENIED, ("Production", "protect-audit-trail")),
        ("dev-data", "organization:QuitOrganization", ("user", {}), DENIED, ("Root", "deny-leave-organization")),
        ("prod-payment", "iam:CreateUser", ("user", {}), DEPENDS, None),
        (
            "prod-payment",
            "iam:CreateUser",
            ("user", {"volc:UserName": "alice"}),
            DENIED,
            ("生产支付 Payment", "iam-break-glass-only"),
        ),
        ("prod-payment", "iam:CreateUser", ("user", {"volc:UserName": "break-glass"}), ALLOWED, None),
        ("prod-payment", "iam:CreateUser", ("role", {}), DENIED, ("生产支付 Payment", "iam-break-glass-only")),
        ("prod-web", "ecs:DeleteInstance", ("root", {}), DEPENDS, None),
        ("prod-web", "ecs:DeleteInstance", ("service_linked", {}), ALLOWED, None),
        ("group-management", "organization:QuitOrganization", ("user", {}), ALLOWED, None),
    ],
)
async def test_verdicts_of_the_policies_in_force(
    running: Sandbox,
    name: str,
    action: str,
    *,
    identity: tuple[str, dict[str, str]],
    outcome: str,
    decider: tuple[str, str] | None,
) -> None:
    principal, context = identity
    arguments = {"AccountId": account(running, name), "Action": action, "Principal": principal}
    async with asking("organization", running) as asker:
        found = await verdict(asker, **arguments, **({"Context": context} if context else {}))
    assert found["Outcome"] == outcome
    if decider:
        assert (found["Decider"]["NodeName"], found["Decider"]["PolicyName"]) == decider
        deciding = json.loads(organization(running).policies[found["Decider"]["PolicyID"]].statement)
        assert found["Decider"]["Statement"] == deciding["Statement"][found["Decider"]["StatementIndex"]]
    else:
        assert "Decider" not in found
    if outcome == DEPENDS:
        named = {cause["Name"] for cause in found["DependsOn"]}
        assert named <= {"volc:UserName", "A-ROOT"}


@pytest.mark.smoke
async def test_an_imagined_change_is_judged_beside_what_is_in_force(running: Sandbox) -> None:
    web, production = account(running, "prod-web"), unit(running, "Production")
    before = len(organization(running).attachments)
    deny = document("Deny", "ecs:RunInstances")
    async with asking("organization", running) as asker:

        async def both(action: str, **change: Any) -> tuple[str, str]:
            answer = await asker.ask("SimulatePolicies", AccountId=web, Action=action, Change=change)
            return answer["Before"]["Outcome"], answer["Verdict"]["Outcome"]

        guard = policy(running, "deny-instance-deletion")
        assert await both("ecs:RunInstances", Kind="add", Statement=deny) == (ALLOWED, DENIED)
        assert await both("ecs:RunInstances", Kind="add", Statement=deny, TargetID=production) == (ALLOWED, DENIED)
        other = policy(running, "iam-break-glass-only")
        assert await both("iam:CreateUser", Kind="add", PolicyID=other) == (ALLOWED, DEPENDS)
        assert await both("ecs:DeleteInstance", Kind="change", PolicyID=guard, Statement=deny) == (DENIED, ALLOWED)
        assert await both("ecs:DeleteInstance", Kind="detach", PolicyID=guard, TargetID=production) == (DENIED, ALLOWED)
        full = policy(running, "FullAccess")
        assert await both("ecs:RunInstances", Kind="detach", PolicyID=full) == (ALLOWED, WANTING)
    assert len(organization(running).attachments) == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"Kind": "detach"}, "Change.PolicyID is required to detach"),
        ({"Kind": "change", "PolicyID": "1"}, "Change.Statement is required to change"),
        ({"Kind": "add"}, "Change.PolicyID or Change.Statement is required to add"),
        ({"Kind": "add", "PolicyID": "1"}, "cannot be read (PolicyNotFoundException: "),
        ({"Kind": "detach", "PolicyID": "1"}, "is not attached"),
        ({"Kind": "add", "Statement": document("Deny", "*"), "TargetID": "1"}, "is not on this path"),
        ({"Kind": "remove"}, "detach"),
    ],
)
async def test_a_change_that_does_not_fit_is_refused(running: Sandbox, change: dict[str, Any], words: str) -> None:
    async with asking("organization", running) as asker:
        error = await asker.refused(
            "SimulatePolicies", AccountId=account(running, "prod-web"), Action="ecs:RunInstances", Change=change
        )
    assert error["Code"] == "InvalidArguments"
    assert words in error["Message"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"Action": "ecs:*"}, "one action"),
        ({"Action": "DeleteInstance"}, "one action"),
        ({"Action": "ecs:RunInstances", "Resource": "i-1"}, "TRN"),
        ({"Action": "ecs:RunInstances", "Principal": "admin"}, "Principal"),
    ],
)
async def test_a_request_that_is_none_is_refused_before_anything_is_read(
    running: Sandbox, arguments: dict[str, Any], words: str
) -> None:
    async with asking("organization", running) as asker:
        error = await asker.refused("SimulatePolicies", AccountId=account(running, "prod-web"), **arguments)
        assert asker.requests == 0
    assert words in error["Message"]


@pytest.mark.parametrize("value", ["", "not an address", "999.1.1.1/99", "\u202e", "2026-99-99"])
async def test_context_of_any_kind_is_judged_or_refused_but_breaks_nothing(box: Sandbox, value: str) -> None:
    web = account(box, "dev-web")
    for operator, key in (
        ("IpAddress", "volc:SourceIp"),
        ("DateGreaterThan", "volc:CurrentTime"),
        ("NumericLessThan", "volc:N"),
        ("Bool", "volc:B"),
    ):
        hang(box, web, document("Deny", "ecs:RunInstances", Condition={operator: {key: ["x"]}}))
    keys = ("volc:SourceIp", "volc:CurrentTime", "volc:N", "volc:B")
    async with asking("organization", box) as asker:
        found = await verdict(
            asker, AccountId=web, Action="ecs:RunInstances", Context={key: [value, value] for key in keys}
        )
        assert found["Outcome"] in OUTCOMES


async def test_while_the_feature_is_off_nothing_is_restricted(box: Sandbox) -> None:
    organization(box).policies_enabled = False
    arguments = {"AccountId": account(box, "prod-web"), "Action": "ecs:DeleteInstance"}
    async with asking("organization", box) as asker:
        found = await verdict(asker, **arguments)
        assert found["Outcome"] == ALLOWED
        assert [each["Assumption"] for each in found["RestsOn"]] == ["A-OFF"]
    async with asking("organization", box, MCP_SERVER_POLICY_ASSUMPTIONS="A-OFF=in force") as asker:
        assert (await verdict(asker, **arguments))["Outcome"] == DENIED


NAMED = {"Condition": {"StringEquals": {"volc:UserName": ["ops-*"]}}}
NOBODY = {"Condition": {"StringNotEquals": {"volc:UserName": ["break-glass"]}}}
SWITCHES = [
    # assumption, values with their outcomes (the default first), account, request, policy on the account
    ("A-MGMT", {"exempt": ALLOWED, "restricted": DENIED}, "group-management", {"Action": "ecs:X"}, ["Deny", {}]),
    (
        "A-ROOT",
        {"depends": DEPENDS, "bound": DENIED, "exempt": ALLOWED},
        "dev-web",
        {"Action": "ecs:X", "Principal": "root"},
        ["Deny", {}],
    ),
    (
        "A-SLR",
        {"exempt": ALLOWED, "restricted": DENIED},
        "dev-web",
        {"Action": "ecs:X", "Principal": "service_linked"},
        ["Deny", {}],
    ),
    (
        "A-SE",
        {"wildcard": DENIED, "literal": ALLOWED},
        "dev-web",
        {"Action": "ecs:X", "Context": {"volc:UserName": "ops-1"}},
        ["Deny", NAMED],
    ),
    ("A-CASE", {"ignore": DENIED, "exact": ALLOWED}, "dev-web", {"Action": "ECS:x"}, ["Deny", {}]),
    (
        "A-MISSING",
        {"depends": DEPENDS, "aws": DENIED},
        "dev-web",
        {"Action": "ecs:X", "Principal": "role"},
        ["Deny", NOBODY],
    ),
    (
        "A-NOTACTION",
        {"subtract": ALLOWED, "ignored": DENIED},
        "dev-web",
        {"Action": "kms:X"},
        ["Deny", {"Action": ["kms:*"], "NotAction": ["kms:X"]}],
    ),
]


@pytest.mark.parametrize(("name", "values", "who", "request_", "hung"), SWITCHES, ids=[row[0] for row in SWITCHES])
async def test_every_assumption_can_be_switched_and_is_named(
    box: Sandbox, name: str, values: dict[str, str], *, who: str, request_: dict[str, Any], hung: list[Any]
) -> None:
    hang(box, account(box, who), document(hung[0], "ecs:X", **hung[1]))
    for number, (value, outcome) in enumerate(values.items()):
        chosen = f"{name}={value}" if number else ""
        async with asking("organization", box, MCP_SERVER_POLICY_ASSUMPTIONS=chosen) as asker:
            found = await verdict(asker, AccountId=account(box, who), **request_)
        assert found["Outcome"] == outcome, value
        rests = {each["Assumption"]: each["Value"] for each in found["RestsOn"]}
        assert rests[name] == value
        assert all(each["Sentence"] for each in found["RestsOn"])


async def test_the_assumptions_about_levels_and_the_default_policy(box: Sandbox) -> None:
    web = account(box, "dev-web")
    detach_all(box, "FullAccess", web)
    hang(box, web, document("Allow", "vpc:*"))
    for choices, outcome, named in (
        ("", ALLOWED, {"A-DEFAULT"}),
        ("A-DEFAULT=as read", WANTING, {"A-DEFAULT", "A-LEVEL"}),
        ("A-DEFAULT=as read, A-LEVEL=union", ALLOWED, {"A-LEVEL"}),
        ("A-DEFAULT=depends", DEPENDS, {"A-DEFAULT"}),
        ("A-DEFAULT=as read A-LEVEL=depends", DEPENDS, {"A-LEVEL"}),
    ):
        async with asking("organization", box, MCP_SERVER_POLICY_ASSUMPTIONS=choices) as asker:
            found = await verdict(asker, AccountId=web, Action="ecs:RunInstances")
        assert found["Outcome"] == outcome, choices
        assert named <= {each["Assumption"] for each in found["RestsOn"]}, choices


# Preview


async def test_every_problem_of_a_document_has_its_path(running: Sandbox) -> None:
    bad = {
        "Statement": [
            {"Effect": "deny", "Action": [], "Resource": ["trn:ecs"]},
            {"Effect": "Deny", "Action": ["ecs:NoSuch*", "ec2:*"], "Resource": ["*"]},
            {"Effect": "Deny", "Action": ["*"], "Resource": ["*"]},
            {"Effect": "Deny", "Action": ["organization:*"], "Resource": ["*"]},
            {"Effect": "Deny", "Action": ["ecs:RunInstances"] * 400, "Resource": ["*"]},
        ]
    }
    async with asking("organization", running) as asker:
        answer = await asker.ask("PreviewServiceControlPolicy", Statement=bad)
        assert asker.requests == 0
    found = {(row["Path"], row["Code"]): row["Severity"] for row in answer["Findings"]}
    assert answer["Valid"] is False
    assert found["Statement[0].Effect", "unknown-effect"] == "error"
    assert found["Statement[0].Action", "empty-element"] == "error"
    assert found["Statement[0].Resource[0]", "trn-form"] == "error"
    assert found["Statement[2]", "denies-everything"] == "warning"
    assert found["Statement[3]", "denies-organization"] == "warning"
    assert found["", "oversized"] == "warning"
    assert {path for path, _ in found} >= {"Statement[1].Action[0]", "Statement[1].Action[1]"}
    assert all(row["Message"] and row["Advice"] for row in answer["Findings"])
    alike = [row for row in answer["Findings"] if row["Code"] == "duplicate-value"]
    assert len(alike) == 10, "a lock-out does not drown in what is alike"
    assert alike[-1]["Message"].endswith("And 389 more like this.")


async def test_a_preview_touches_the_accounts_below_and_agrees_with_simulation(running: Sandbox) -> None:
    deny = document("Deny", "ecs:RunInstances", "ecs:DeleteInstance", "cloud_trail:StopLogging")
    workloads = unit(running, "Workloads")
    org = organization(running)
    below = {workloads, *(each.id for each in org.units.values() if each.parent_id == workloads)}
    async with asking("organization", running) as asker:
        answer = await asker.ask("PreviewServiceControlPolicy", Statement=deny, TargetID=workloads)
        rows = {row["AccountID"]: row for row in answer["Accounts"]}
        assert rows.keys() == {member.account_id for member in org.members.values() if member.unit_id in below}
        assert answer["Probed"] == 3
        for name in ("prod-web", "dev-web"):
            identifier = account(running, name)
            row = rows[identifier]
            changes = rows[row.get("SameAs", identifier)]["Changes"]
            told = {action: kind for kind, actions in changes.items() for action in actions}
            for action in deny["Statement"][0]["Action"]:
                simulated = await asker.ask(
                    "SimulatePolicies",
                    AccountId=identifier,
                    Action=action,
                    Change={"Kind": "add", "Statement": deny, "TargetID": workloads},
                )
                before, after = simulated["Before"]["Outcome"], simulated["Verdict"]["Outcome"]
                assert told.get(action) == (f"{before} → {after}" if before != after else None)
        assert "Changes" in rows[account(running, "prod-payment")], "it has a policy of its own, so it is like no other"


async def test_a_preview_of_a_replacement_asks_about_what_the_old_document_touched(running: Sandbox) -> None:
    guard = policy(running, "deny-instance-deletion")
    async with asking("organization", running) as asker:
        answer = await asker.ask(
            "PreviewServiceControlPolicy", Statement=document("Deny", "ml_platform:OwnAction"), PolicyID=guard
        )
    assert len(answer["Accounts"]) == 4
    first = next(row for row in answer["Accounts"] if "Changes" in row)
    assert first["Changes"] == {
        f"{DENIED} → {ALLOWED}": ["ecs:DeleteInstance", "ecs:DeleteInstances"],
        f"{ALLOWED} → {DENIED}": ["ml_platform:OwnAction"],
    }


async def test_a_preview_of_a_change_that_is_attached_further_does_both(running: Sandbox) -> None:
    guard, dev = policy(running, "deny-instance-deletion"), account(running, "dev-web")
    async with asking("organization", running) as asker:
        answer = await asker.ask(
            "PreviewServiceControlPolicy", Statement=document("Deny", "ecs:RunInstances"), PolicyID=guard, TargetID=dev
        )
        again = await asker.ask(
            "PreviewServiceControlPolicy",
            Statement=document("Deny", "ecs:RunInstances"),
            PolicyID=guard,
            TargetID=unit(running, "Production"),
        )
    assert {row["AccountID"] for row in answer["Accounts"]} == {
        dev,
        *(account(running, name) for name in ("prod-web", "prod-data", "prod-payment", "prod-mobile")),
    }
    assert len(again["Accounts"]) == 4, "it is attached there already, and changes nevertheless"


async def test_accounts_that_only_become_alike_are_judged_each(box: Sandbox) -> None:
    web, data = account(box, "dev-web"), account(box, "dev-data")
    own = hang(box, data, document("Deny", "ecs:RunInstances"))
    async with asking("organization", box) as asker:
        answer = await asker.ask(
            "PreviewServiceControlPolicy", Statement=document("Deny", "ecs:RunInstances"), PolicyID=own, TargetID=web
        )
    changes = {row["AccountID"]: row.get("Changes") for row in answer["Accounts"]}
    assert changes == {web: {f"{ALLOWED} → {DENIED}": ["ecs:RunInstances"]}, data: {}}


async def test_a_preview_names_what_it_rests_on_and_what_it_leaves_out(box: Sandbox) -> None:
    async with asking("organization", box) as asker:
        answer = await asker.ask(
            "PreviewServiceControlPolicy", Statement=document("Deny", "*"), TargetID=unit(box, "Root")
        )
        owner = next(row for row in answer["Accounts"] if row["AccountID"] == organization(box).owner)
        assert owner["Changes"] == {}
        assert "A-MGMT" in owner["RestsOn"]
        (missing,) = answer["Coverage"]["Missing"]
        assert missing["Code"] == "TooMany"
        assert "actions" in missing["What"]
        services = {
            action.split(":")[0] for row in answer["Accounts"] for a in row.get("Changes", {}).values() for action in a
        }
        assert len(services) > 15, "a sample of all services, not the first in the alphabet"
        gone = await asker.ask("PreviewServiceControlPolicy", Statement=document("Deny", "*"), PolicyID="7")
        assert gone["Coverage"]["Complete"] is False
        organization(box).policies_enabled = False
        off = await asker.ask(
            "PreviewServiceControlPolicy", Statement=document("Deny", "ecs:X"), TargetID=box.member.account_id
        )
        assert "A-OFF" in off["Accounts"][0]["RestsOn"]


async def test_a_document_that_cannot_be_read_has_no_effect_to_preview(running: Sandbox) -> None:
    async with asking("organization", running) as asker:
        statement = {"Statement": [{"Effect": "Deny", "Action": {"a": 1}, "Resource": ["*"]}]}
        answer = await asker.ask("PreviewServiceControlPolicy", Statement=statement)
        assert answer["Valid"] is False
        assert (await asker.refused("PreviewServiceControlPolicy", Statement="{"))["Code"] == "InvalidArguments"


# Creation


@pytest.mark.parametrize(
    ("statement", "path"),
    [
        (document("deny", "ecs:*"), "Statement[0].Effect"),
        (document("Deny"), "Statement[0].Action"),
        ({"Statement": []}, "Statement"),
        (document("Deny", "ecs:*", Resource=["trn:ecs"]), "Statement[0].Resource[0]"),
        (document("Deny", "ecs:*", Principal={"IAM": ["*"]}), "Statement[0].Principal"),
        (document("Deny", "ecs:*", Condition={"StringSortOf": {"volc:UserName": "x"}}), "Statement[0].Condition"),
        ('{"Statement":[{"Effect":"Deny","Effect":"Allow","Action":["ecs:*"],"Resource":["*"]}]}', "Statement[0]"),
        (document("Deny", "ecs:*", Resource=[f"trn:{n}" for n in range(400)]), "And 390 more problems"),
    ],
)
async def test_a_document_that_cannot_be_valid_is_not_sent(box: Sandbox, statement: Any, path: str) -> None:
    async with asking("organization", box) as asker:
        error = await asker.refused("CreateServiceControlPolicy", PolicyName="bad", Statement=statement)
        assert asker.requests == 0
    assert error["Code"] in {"InvalidPolicyDocument", "InvalidArguments"}
    assert path in error["Message"]
    assert "othing was sent" in error["Hint"]


async def test_a_valid_document_is_created_with_its_warnings(box: Sandbox) -> None:
    statement = document("Deny", "*")
    async with asking("organization", box, stdio=True) as asker:
        answer = await asker.ask("CreateServiceControlPolicy", PolicyName="careful", Statement=statement)
        assert asker.requests == 1
    created = organization(box).policies[answer["PolicyId"]]
    assert (created.name, json.loads(created.statement)) == ("careful", statement)
    assert {row["Code"] for row in answer["Findings"]} >= {"denies-everything"}


async def test_read_only_hides_what_creates_and_keeps_the_preview(running: Sandbox) -> None:
    async with asking("organization", running, MCP_SERVER_READ_ONLY="true") as asker:
        names = {tool.name for tool in (await asker.client.list_tools()).tools}
        assert not {name for name in names if name.startswith("Create")}
        assert {"PreviewServiceControlPolicy", "SimulatePolicies", "GetOrganizationTree"} <= names
        error = await asker.refused("CreateServiceControlPolicy", PolicyName="x", Statement=document("Deny", "ecs:*"))
        assert error["Code"] == "UnknownTool"
        assert asker.requests == 0
