"""Accounts have names where the organization can be read, and nothing is lost where it cannot."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_server_cloud_trail.accounts import AccountName, Accounts
from scenarios.asking import asking
from scenarios.planting import plant
from volcengine_sandbox import Fault, Sandbox

pytestmark = pytest.mark.anyio

STRANGER = "2999999999"


def shared_with(box: Sandbox, account: str) -> str:
    """Plant that an image was shared with an account; the event's ID."""
    parameters = {"ImageId": "image-1", "AddAccounts": [account]}
    event = plant(box, name="ModifyImageSharePermission", request_parameters=parameters)
    return event.event_id


async def test_accounts_behind_detections_have_names_and_units(box: Sandbox) -> None:
    shared_with(box, STRANGER)
    async with asking("cloud-trail", box) as asker:
        answer = await asker.ask("FindSuspiciousActivity", StartTime="8 days ago")
    (organization,) = box.state.organizations.values()
    members = organization.members
    named = {account for account, said in answer["Accounts"].items() if "Name" in said}
    assert named
    assert named == {account for account in answer["Accounts"] if account in members}
    for account in named:
        assert answer["Accounts"][account]["Name"] == members[account].show_name
        assert answer["Accounts"][account]["Unit"]
    callers = {row["Who"].rpartition("@")[2] for row in answer["Detections"]}
    assert callers <= answer["Accounts"].keys()
    assert answer["Accounts"][STRANGER] == {"Note": "not in your organization"}
    assert "Accounts" not in answer["Coverage"]


async def test_sharing_within_the_organization_is_not_sharing_outside(box: Sandbox) -> None:
    colleague = box.member.account_id
    inside, outside = shared_with(box, colleague), shared_with(box, STRANGER)
    async with asking("cloud-trail", box) as asker:
        answer = await asker.ask("FindSuspiciousActivity", StartTime="2h ago", Least="low")
    found = {row["Detection"]: row["EventIDs"] for row in answer["Detections"]}
    assert found["image-shared-outside"] == [outside]
    assert inside in found["image-shared"]


async def test_a_key_that_may_not_read_the_organization_gets_its_answer(box: Sandbox) -> None:
    async with asking("cloud-trail", box, box.member) as asker:
        answer = await asker.ask("FindSuspiciousActivity", StartTime="8 days ago", Least="low")
        assert "Accounts" not in answer
        assert "names could not be read" in answer["Coverage"]["Accounts"]
        assert answer["Coverage"]["Complete"] is True, "names are no part of what was asked"
        compared = await asker.ask("CompareEvents")
        assert "names could not be read" in compared["Coverage"]["Accounts"]
    asked = [request for request in box.requests if request.action == "ListAccounts"]
    assert len(asked) == 1, "it is not asked again for a while"


async def test_names_are_asked_for_once(box: Sandbox) -> None:
    async with asking("cloud-trail", box) as asker:
        for _ in range(2):
            answer = await asker.ask("FindSuspiciousActivity", StartTime="8 days ago")
            assert answer["Accounts"]
    assert sum(request.action == "ListAccounts" for request in box.requests) == 1


async def test_an_answer_does_not_wait_for_names(box: Sandbox) -> None:
    box.inject(Fault("hang", action="ListAccounts"))
    async with asking("cloud-trail", box) as asker:
        answer = await asker.ask("FindSuspiciousActivity", StartTime="2 days ago")
    assert "names could not be read" in answer["Coverage"]["Accounts"]
    assert answer["Coverage"]["Complete"] is True


@pytest.mark.parametrize("whole", [True, False])
def test_only_a_whole_list_tells_who_is_no_member(whole: bool) -> None:
    known = {"2100000001": AccountName(name="Web", unit="Production")}
    named: Any = Accounts(known, whole=whole).named(["2100000001", STRANGER, ""])
    assert named["2100000001"].name == "Web"
    assert (STRANGER in named) is whole
    assert "" not in named
