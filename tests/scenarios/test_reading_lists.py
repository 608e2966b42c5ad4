"""Numbered lists, read from a service that behaves in each way that first-party sources tell, and when pages fail."""

from __future__ import annotations

import json
from typing import Any

import pytest
from scenarios.asking import Asker, asking
from scenarios.planting import After
from volcengine_sandbox import Fault, Sandbox
from volcengine_sandbox.records import Organization, Paging, Policy, TargetType

pytestmark = pytest.mark.anyio


def organization(box: Sandbox) -> Organization:
    return next(iter(box.state.organizations.values()))


def grow(box: Sandbox, accounts: int) -> None:
    """Add accounts until there are so many."""
    org = organization(box)
    unit = next(unit for unit in org.units.values() if unit.name == "Development")
    for number in range(accounts - len(org.members)):
        account = box.state.add_account(f"bulk-{number:03d}", "示例", box.state.now)
        box.state.add_member(org, account, unit.id, f"批量 {number:03d}", box.state.now)


async def found(asker: Asker) -> tuple[list[str], dict[str, Any]]:
    """The IDs of all accounts as they are found, and what is said to be missing."""
    answer = await asker.ask("FindAccounts", Limit=500)
    return [account["AccountID"] for account in answer["Accounts"]], answer["Coverage"]


@pytest.mark.parametrize("total", [True, False], ids=["total", "no total"])
@pytest.mark.parametrize("by_record", [False, True], ids=["by page", "by record"])
@pytest.mark.parametrize(("accounts", "largest"), [(14, 100), (100, 100), (101, 100), (250, 100), (130, 10), (20, 10)])
async def test_every_account_comes_once_however_the_service_counts(
    box: Sandbox, accounts: int, largest: int, *, by_record: bool, total: bool
) -> None:
    grow(box, accounts)
    box.state.paging = Paging(by_record=by_record, largest=largest, total=total)
    async with asking("organization", box) as asker:
        ids, coverage = await found(asker)
    assert sorted(ids) == sorted(organization(box).members)
    assert coverage["Complete"] is True
    assert coverage["Read"]["Accounts"] == accounts


@pytest.mark.parametrize(("total", "words"), [(True, "says that there are 250"), (False, "no page came empty")])
async def test_a_service_that_repeats_its_first_page_proves_nothing(box: Sandbox, *, total: bool, words: str) -> None:
    grow(box, 250)
    box.state.paging = Paging(stuck=True, total=total)
    async with asking("organization", box) as asker:
        ids, coverage = await found(asker)
        assert asker.requests < 10, "it is not asked for ever"
    assert len(set(ids)) == len(ids) == 100
    (missing,) = coverage["Missing"]
    assert coverage["Complete"] is False
    assert (missing["What"], missing["Code"]) == ("accounts", "NotProved")
    assert words in missing["Message"]


async def test_a_list_of_more_pages_than_are_read_is_said_to_be_cut(box: Sandbox) -> None:
    grow(box, 130)
    box.state.paging = Paging(largest=1)
    async with asking("organization", box) as asker:
        ids, coverage = await found(asker)
    assert len(set(ids)) == len(ids) == 100
    assert [missing["Code"] for missing in coverage["Missing"]] == ["TooMany"]


@pytest.mark.parametrize("passes", [1, 2])
@pytest.mark.parametrize("paging", [Paging(), Paging(total=False), Paging(by_record=True)], ids=str)
async def test_a_later_page_that_fails_keeps_what_was_read(box: Sandbox, paging: Paging, passes: int) -> None:
    grow(box, 250)
    box.state.paging = paging
    refused: dict[str, Any] = {"status": 403, "code": "PermissionError", "message": "no more"}
    box.inject(After("error", action="ListAccounts", passes=passes, **refused))
    async with asking("organization", box) as asker:
        ids, coverage = await found(asker)
        assert len(ids) >= 100
        assert set(ids) < set(organization(box).members)
        (missing,) = coverage["Missing"]
        assert coverage["Complete"] is False
        assert (missing["What"], missing["Code"], missing["HTTPStatus"]) == ("accounts", "PermissionError", 403)


async def test_a_middle_page_that_fails_does_not_take_the_later_ones_with_it(box: Sandbox) -> None:
    grow(box, 350)
    box.inject(After("error", action="ListAccounts", passes=2, times=1, status=403, code="PermissionError"))
    async with asking("organization", box) as asker:
        ids, coverage = await found(asker)
    assert 250 <= len(ids) < 350
    assert coverage["Missing"][0]["Code"] == "PermissionError"


@pytest.mark.parametrize("passes", [0, 1], ids=["the whole list", "a later page"])
async def test_an_account_that_was_not_read_is_not_said_to_be_unknown(box: Sandbox, passes: int) -> None:
    grow(box, 250)
    box.inject(After("error", action="ListAccounts", passes=passes, status=403, code="PermissionError", message="no"))
    unread = sorted(organization(box).members.values(), key=lambda member: member.created)[0].account_id
    calls: list[tuple[str, dict[str, Any]]] = [
        ("ExplainPolicies", {"TargetID": unread}),
        ("SimulatePolicies", {"AccountId": unread, "Action": "ecs:RunInstances"}),
        ("PreviewServiceControlPolicy", {"TargetID": unread, "Statement": {"Statement": []}}),
    ]
    async with asking("organization", box) as asker:
        for tool, arguments in calls:
            box.clear_faults()
            box.inject(
                After("error", action="ListAccounts", passes=passes, status=403, code="PermissionError", message="no")
            )
            error = await asker.refused(tool, **arguments)
            assert error["Code"] == "NotDecided", error
            assert unread in error["Message"]
            assert "PermissionError" in error["Message"]
            assert error["Hint"]
        box.clear_faults()
        assert (await asker.refused("ExplainPolicies", TargetID="2199999999"))["Code"] == "UnknownTarget"


async def test_policies_of_a_place_that_were_read_in_part_are_shown_and_leave_the_verdict_open(box: Sandbox) -> None:
    org = organization(box)
    target = next(member.account_id for member in org.members.values() if member.account_name == "dev-web")
    for number in range(120):
        policy = Policy(box.state.new_id(), f"p-{number:03d}", '{"Statement": []}', box.state.now, box.state.now)
        org.policies[policy.id] = policy
        org.attach(policy.id, target, TargetType.ACCOUNT, box.state.now)
    box.inject(After("error", action="ListPoliciesForTarget", passes=4, status=403, code="PermissionError"))
    async with asking("organization", box, MCP_SERVER_ANSWER_BUDGET="1000000") as asker:
        answer = await asker.ask("ExplainPolicies", TargetID=target)
        *above, last = answer["Path"]
        assert len(last["Policies"]) == 100
        assert last["PoliciesKnown"] is False
        assert all(node["PoliciesKnown"] for node in above)
        box.clear_faults()
        box.inject(After("error", action="ListPoliciesForTarget", passes=4, status=403, code="PermissionError"))
        simulated = await asker.ask("SimulatePolicies", AccountId=target, Action="ecs:RunInstances")
        assert simulated["Verdict"]["Outcome"] == "depends on"
        assert simulated["Coverage"]["Complete"] is False


async def test_targets_of_a_policy_that_were_read_in_part_leave_every_place_open(box: Sandbox) -> None:
    grow(box, 250)
    deny = {"Statement": [{"Effect": "Deny", "Action": ["ecs:RunInstances"], "Resource": ["*"]}]}
    target = box.member.account_id
    async with asking("organization", box) as asker:
        whole = await asker.ask("PreviewServiceControlPolicy", Statement=deny, TargetID=target)
        assert list(whole["Accounts"][0]["Changes"]) == ["allowed by policies → denied by a statement"]
        box.inject(After("error", action="ListTargetsForPolicy", passes=6, status=403, code="PermissionError"))
        part = await asker.ask("PreviewServiceControlPolicy", Statement=deny, TargetID=target)
    assert list(part["Accounts"][0]["Changes"]) == ["depends on → denied by a statement"]
    assert part["Coverage"]["Complete"] is False


async def test_an_account_below_a_unit_that_is_not_seen_is_not_judged_by_half_its_path(box: Sandbox) -> None:
    org = organization(box)
    unit = next(unit for unit in org.units.values() if unit.name == "Development")
    web = next(member for member in org.members.values() if member.account_name == "dev-web")
    unit.parent_id = "6999999999999999999"
    async with asking("organization", box) as asker:
        answer = await asker.ask("ExplainPolicies", TargetID=web.account_id)
        assert [node["Kind"] for node in answer["Path"]] == ["root", "unit", "account"]
        assert answer["Path"][0]["ID"] == unit.parent_id
        assert [node["PoliciesKnown"] for node in answer["Path"]] == [False, True, True]
        simulated = await asker.ask("SimulatePolicies", AccountId=web.account_id, Action="ecs:RunInstances")
        assert simulated["Verdict"]["Outcome"] == "depends on"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\n\t"])
async def test_a_document_is_read_as_the_service_sends_it(box: Sandbox, end: str) -> None:
    org = organization(box)
    guard = next(policy for policy in org.policies.values() if policy.name == "deny-instance-deletion")
    document = json.loads(guard.statement)
    guard.statement = json.dumps(document, indent=2).replace("\n", end)
    web = next(member.account_id for member in org.members.values() if member.account_name == "prod-web")
    async with asking("organization", box) as asker:
        simulated = await asker.ask("SimulatePolicies", AccountId=web, Action="ecs:DeleteInstance")
        assert simulated["Verdict"]["Decider"]["PolicyName"] == "deny-instance-deletion"
        answer = await asker.ask("ExplainPolicies", TargetID=web)
    shown = {each["PolicyName"]: each for node in answer["Path"] for each in node["Policies"]}
    assert shown["deny-instance-deletion"]["Document"] == document
    assert "Problem" not in shown["deny-instance-deletion"]


async def test_a_document_that_is_no_json_is_said_to_be_so(box: Sandbox) -> None:
    org = organization(box)
    guard = next(policy for policy in org.policies.values() if policy.name == "deny-instance-deletion")
    guard.statement = "{not json"
    web = next(member.account_id for member in org.members.values() if member.account_name == "prod-web")
    async with asking("organization", box) as asker:
        answer = await asker.ask("ExplainPolicies", TargetID=web)
        shown = {each["PolicyName"]: each for node in answer["Path"] for each in node["Policies"]}
        assert "not JSON" in shown["deny-instance-deletion"]["Problem"]
        assert "Document" not in shown["deny-instance-deletion"]
        simulated = await asker.ask("SimulatePolicies", AccountId=web, Action="ecs:DeleteInstance")
        assert simulated["Verdict"]["Outcome"] == "depends on"


async def test_what_was_asked_for_is_repeated_and_a_search_of_a_part_is_not_called_whole(box: Sandbox) -> None:
    asked = {"Text": "web", "Unit": "Production", "TagKey": "env", "TagValue": "prod"}
    async with asking("organization", box) as asker:
        assert (await asker.ask("FindAccounts", **asked, Limit=3))["Coverage"]["Asked"] == asked
        assert "Asked" not in (await asker.ask("FindAccounts"))["Coverage"]
        box.inject(Fault("error", action="ListAccounts", status=403, code="PermissionError"))
        answer = await asker.ask("FindAccounts", Text="web")
    assert (answer["Total"], answer["Accounts"], answer["Coverage"]["Complete"]) == (0, [], False)


async def test_a_preview_of_many_accounts_judges_each_place_once_and_says_which_it_leaves_out(box: Sandbox) -> None:
    grow(box, 250)
    deny = {"Statement": [{"Effect": "Deny", "Action": ["ecs:RunInstances"], "Resource": ["*"]}]}
    async with asking("organization", box) as asker:
        answer = await asker.ask("PreviewServiceControlPolicy", Statement=deny, TargetID=organization(box).root_id)
    assert len(answer["Accounts"]) == 200
    judged = {row["AccountID"] for row in answer["Accounts"] if "Changes" in row}
    assert len(judged) < 10
    assert {row["SameAs"] for row in answer["Accounts"] if "SameAs" in row} <= judged
    assert [(each["What"], each["Code"]) for each in answer["Coverage"]["Missing"]] == [("accounts touched", "TooMany")]
