"""GetOrganizationTree and FindAccounts, held against the sandbox's own state."""

from __future__ import annotations

from typing import Any

import pytest
from scenarios.asking import NOTICE, asking
from volcengine_sandbox import Fault, Sandbox
from volcengine_sandbox.records import Organization

pytestmark = pytest.mark.anyio


def organization(box: Sandbox) -> Organization:
    return next(iter(box.state.organizations.values()))


def policies_on(org: Organization, target: str) -> set[str]:
    return {org.policies[each.policy_id].name for each in org.attachments if each.target_id == target}


def tree(org: Organization, unit_id: str, *, policies: bool = True) -> dict[str, Any]:
    """The tree as the state has it, with sets where order is not the point."""

    def on(target: str) -> set[str]:
        return policies_on(org, target) if policies else set()

    return {
        "ID": unit_id,
        "Name": org.units[unit_id].name,
        "Policies": on(unit_id),
        "Accounts": {
            member.account_id: (member.show_name, member.account_id == org.owner, frozenset(on(member.account_id)))
            for member in org.members.values()
            if member.unit_id == unit_id
        },
        "Units": {
            unit.id: tree(org, unit.id, policies=policies) for unit in org.units.values() if unit.parent_id == unit_id
        },
    }


def answered(node: dict[str, Any]) -> dict[str, Any]:
    """An answered tree in the same form."""
    return {
        "ID": node["ID"],
        "Name": node["Name"],
        "Policies": {policy["PolicyName"] for policy in node["Policies"]},
        "Accounts": {
            one["AccountID"]: (
                one["ShowName"],
                one["IsAdministrator"],
                frozenset(policy["PolicyName"] for policy in one["Policies"]),
            )
            for one in node["Accounts"]
        },
        "Units": {unit["ID"]: answered(unit) for unit in node["Units"]},
    }


async def test_the_tree_is_that_of_the_state_in_nine_requests(running: Sandbox) -> None:
    org = organization(running)
    async with asking("organization", running, stdio=True) as asker:
        answer = await asker.ask("GetOrganizationTree")
        assert (asker.calls, asker.requests) == (1, 9)
    assert answered(answer["Tree"]) == tree(org, org.root_id)
    assert answer["Organization"] == {"ID": org.id, "Name": org.name, "Administrator": org.owner}
    assert answer["Coverage"] == {
        "Complete": True,
        "Read": {"Units": len(org.units), "Accounts": len(org.members), "Policies": len(org.policies)},
        "Missing": [],
    }
    assert answer["Notice"] == NOTICE
    assert asker.told == [(0, 2, "reading units and accounts"), (1, 2, "reading policies"), (2, 2, "done")]


async def test_the_drawing_has_a_line_for_every_unit_and_account(running: Sandbox) -> None:
    org = organization(running)
    async with asking("organization", running) as asker:
        lines = (await asker.ask("GetOrganizationTree"))["Drawing"].split("\n")
    assert len(lines) == len(org.units) + len(org.members)
    for unit in org.units.values():
        (line,) = (line for line in lines if f"{unit.name} ({unit.id})" in line)
        assert len(line) - len(line.lstrip()) == 2 * unit.depth
        assert set(line.partition("[")[2].rstrip("]").split(", ")) == policies_on(org, unit.id)
    for member in org.members.values():
        (line,) = (line for line in lines if member.account_id in line)
        assert line.lstrip().startswith(f"- {member.show_name} {member.account_id}")
        assert (" administrator" in line) is (member.account_id == org.owner)
        assert set(line.partition("[")[2].rstrip("]").split(", ")) == policies_on(org, member.account_id)


async def test_a_part_of_the_tree_without_policies(running: Sandbox) -> None:
    org = organization(running)
    workloads = next(unit for unit in org.units.values() if unit.name == "Workloads")
    async with asking("organization", running) as asker:
        answer = await asker.ask("GetOrganizationTree", UnitId=workloads.id, IncludePolicies=False)
        assert asker.requests == 3
    assert answered(answer["Tree"]) == tree(org, workloads.id, policies=False)
    assert answer["Drawing"].startswith(f"Workloads ({workloads.id})\n")
    assert "[" not in answer["Drawing"]


async def test_a_unit_that_is_none_is_refused(running: Sandbox) -> None:
    async with asking("organization", running) as asker:
        for unknown in ("7000000000000000000", next(iter(organization(running).members))):
            error = await asker.refused("GetOrganizationTree", UnitId=unknown)
            assert error["Code"] == "UnknownUnit"
            assert unknown in error["Message"]


@pytest.mark.parametrize(
    ("action", "missing", "left"),
    [
        ("ListTargetsForPolicy", "targets of policy", {"Units": 7, "Accounts": 14, "Policies": 5}),
        ("ListServiceControlPolicies", "policies", {"Units": 7, "Accounts": 14}),
        ("ListAccounts", "accounts", {"Units": 7, "Accounts": 0, "Policies": 5}),
    ],
)
async def test_partial_permission_is_reported_as_partial(
    box: Sandbox, action: str, missing: str, left: dict[str, int]
) -> None:
    box.inject(Fault("error", action=action, status=403, code="PermissionError", message="no permission"))
    async with asking("organization", box) as asker:
        answer = await asker.ask("GetOrganizationTree")
    coverage = answer["Coverage"]
    assert coverage["Complete"] is False
    assert coverage["Read"] == left
    assert len(coverage["Missing"]) == (5 if action == "ListTargetsForPolicy" else 1)
    for each in coverage["Missing"]:
        assert each["What"].startswith(missing)
        assert each["Code"] == "PermissionError"
    assert answer["Tree"]["Name"] == "Root"


async def test_one_policy_that_cannot_be_read_is_named(box: Sandbox) -> None:
    box.inject(Fault("error", action="ListTargetsForPolicy", times=1, status=403, code="PermissionError"))
    async with asking("organization", box) as asker:
        answer = await asker.ask("GetOrganizationTree")
    (missing,) = answer["Coverage"]["Missing"]
    assert missing["What"].removeprefix("targets of policy ") in {p.name for p in organization(box).policies.values()}


@pytest.mark.parametrize("action", ["DescribeOrganization", "ListOrganizationalUnits"])
async def test_without_the_units_there_is_no_tree(box: Sandbox, action: str) -> None:
    box.inject(Fault("error", action=action, status=403, code="PermissionError", message="no permission"))
    async with asking("organization", box) as asker:
        assert (await asker.refused("GetOrganizationTree"))["Code"] == "PermissionError"


async def test_what_hangs_below_an_unseen_unit_is_said_to(box: Sandbox) -> None:
    org = organization(box)
    unit = next(unit for unit in org.units.values() if unit.name == "Development")
    unit.parent_id = "6999999999999999999"
    async with asking("organization", box) as asker:
        answer = await asker.ask("GetOrganizationTree")
        assert answer["Tree"]["ID"] == org.root_id
        assert answer["Coverage"]["Complete"] is False
        units, accounts = answer["Coverage"]["Missing"]
        assert (units["What"], accounts["What"]) == ("place of units", "place of accounts")
        assert "Development" in units["Message"]
        for member in org.members.values():
            assert (member.account_id in accounts["Message"]) is (member.unit_id == unit.id)
        found = await asker.ask("FindAccounts", Text="dev-web")
        assert found["Accounts"][0]["UnitPath"] == "Development"
        assert found["Coverage"]["Complete"] is False


async def test_hundreds_of_accounts_are_all_there_once(box: Sandbox) -> None:
    org = organization(box)
    unit = next(unit for unit in org.units.values() if unit.name == "Development")
    for number in range(236):
        account = box.state.add_account(f"bulk-{number:03d}", "示例", box.state.now)
        box.state.add_member(org, account, unit.id, f"批量 {number:03d}", box.state.now)
    async with asking("organization", box, MCP_SERVER_ANSWER_BUDGET="1000000") as asker:
        whole = await asker.ask("GetOrganizationTree")
        assert answered(whole["Tree"]) == tree(org, org.root_id)
        assert whole["Coverage"]["Read"]["Accounts"] == 250
        assert asker.requests == 9 + 2 + 2, "two more pages of accounts, two more of the targets of FullAccess"
        found = await asker.ask("FindAccounts", Text="BULK-", Unit="development", Limit=500)
        assert found["Total"] == len({account["AccountID"] for account in found["Accounts"]}) == 236
        few = await asker.ask("FindAccounts", Text="bulk", Limit=3)
        assert (few["Total"], len(few["Accounts"])) == (236, 3)


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({"Text": "payment"}, {"prod-payment"}),
        ({"Text": "生产 web"}, {"prod-web"}),
        ({"Text": "PROD-"}, {"prod-web", "prod-data", "prod-payment", "prod-mobile"}),
        ({"Unit": "root / workloads / dev"}, {"dev-web", "dev-data", "staging-web"}),
        ({"Unit": "Security"}, {"security-audit", "security-log"}),
        ({"TagKey": "env", "TagValue": "staging"}, {"staging-web"}),
        ({"TagKey": "cost-center", "TagValue": "staging"}, set()),
        ({"TagValue": "sandbox"}, {"sandbox-lab"}),
        ({"TagKey": "nothing"}, set()),
        ({"Text": "web", "Unit": "Production"}, {"prod-web"}),
        ({"Text": "nobody"}, set()),
    ],
)
async def test_accounts_are_found_by_name_unit_and_tag(
    running: Sandbox, arguments: dict[str, str], names: set[str]
) -> None:
    async with asking("organization", running) as asker:
        answer = await asker.ask("FindAccounts", **arguments)
    assert {account["AccountName"] for account in answer["Accounts"]} == names
    assert answer["Total"] == len(names)
    assert answer["Coverage"]["Complete"] is True
    org = organization(running)
    for account in answer["Accounts"]:
        member = org.members[account["AccountID"]]
        assert account["UnitID"] == member.unit_id
        assert account["UnitPath"].split(" / ")[-1] == org.units[member.unit_id].name
        assert account["Tags"] == org.tags["account", member.account_id]


async def test_an_account_is_found_by_its_id(running: Sandbox) -> None:
    account = running.member.account_id
    async with asking("organization", running) as asker:
        (found,) = (await asker.ask("FindAccounts", Text=account))["Accounts"]
    assert found["AccountName"] == "prod-mobile"
    assert found["UnitPath"] == "Root / Workloads / Production"


async def test_hostile_names_are_shown_as_escapes(box: Sandbox) -> None:
    org = organization(box)
    member = next(member for member in org.members.values() if member.account_name == "dev-web")
    member.show_name = "研发\u202ebeW\u200b\x1b[31m"
    next(unit for unit in org.units.values() if unit.name == "Development").name = "Dev\u2066"
    async with asking("organization", box) as asker:
        for answer in (
            await asker.ask("GetOrganizationTree"),
            await asker.ask("FindAccounts", Text="dev-web"),
            await asker.ask("ExplainPolicies", TargetID=member.account_id),
            await asker.ask("ListAccounts"),
        ):
            text = str(answer)
            assert r"研发\u202ebeW\u200b\u001b[31m" in text.replace("\\\\", "\\")
            assert all(character.isprintable() or character == "\n" for character in text)


async def test_a_key_of_a_member_account_learns_that_it_needs_the_administrator(running: Sandbox) -> None:
    async with asking("organization", running, running.member) as asker:
        error = await asker.refused("GetOrganizationTree")
        assert error["Hint"]
