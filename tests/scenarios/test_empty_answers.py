"""An answer without events is not taken for "it did not happen": what is near is named, and what is meant is found."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from scenarios.asking import Asker, asking, when
from scenarios.planting import plant
from volcengine_sandbox import Sandbox
from volcengine_sandbox.events import Resource

pytestmark = pytest.mark.anyio

HOUR = 3600
TOOLS = ["LookupEvents", "SummarizeEvents", "FindSuspiciousActivity"]
RECENT = {"StartTime": "3h ago", "EndTime": "10m ago"}
"""A window that the calls of these tests are not in, as they are events themselves."""


@pytest.fixture(scope="module")
def planted() -> Iterator[Sandbox]:
    """A sandbox in which thirty machines were deleted an hour ago."""
    with Sandbox() as box:
        for number in range(30):
            plant(
                box,
                name="DeleteInstances",
                resources=(Resource("ecs", "instance", f"i-deleted-{number:02}", "2"),),
                request_parameters=json.dumps({"InstanceIds": [f"i-deleted-{number:02}", f"i-unlisted-{number:02}"]}),
                source_ip="2001:db8:0:0:0:0:0:1",
                time=int(time.time()) - 2 * HOUR + number,
            )
        caller = next(event.actor for event in box.state.events if event.actor.user_name == "planted")
        trn = f"trn:sts::{caller.account_id}:assumed-role/NightOps/night"
        role = replace(caller, kind="AssumedRole", trn=trn, user_name="NightOps/night", access_key="AKTPnight")
        trn = f"trn:iam::{caller.account_id}:root"
        root = replace(caller, kind="Root", trn=trn, user_name="", access_key="", principal_id=caller.account_id)
        for actor in (role, root):
            plant(box, actor=actor, name="GetUser", source="iam", read_only=True)
        yield box


def counted(tool: str, answer: dict[str, Any]) -> int:
    """How many events an answer is about."""
    return int(answer["Coverage"]["EventsReturned"])


def doubtful(answer: dict[str, Any]) -> str:
    """The hint of an empty answer that must not pass for a proof."""
    coverage = answer["Coverage"]
    assert coverage["EventsReturned"] == 0
    assert coverage["Complete"] is False
    assert coverage["Missing"][-1]["Code"] == "NoMatch"
    assert "no proof" in coverage["Matching"]
    assert "Error" not in coverage
    (near,) = answer["Near"]
    assert near["Alike"] is True
    return str(near["Hint"])


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("name", ["DeleteInstance", "deleteinstances", "DelteInstances", "Delete*", "DeleteInstances*"])
async def test_a_misspelt_action_is_answered_with_what_was_seen(planted: Sandbox, tool: str, name: str) -> None:
    async with asking("cloud-trail", planted) as asker:
        answer = await asker.ask(tool, **RECENT, LookupConditions=[when("EventName", name)])
    hint = doubtful(answer)
    assert hint.startswith("EventName is exact; seen here: DeleteInstances × 30")
    assert answer["Near"][0]["Seen"][0] == {"Value": "DeleteInstances", "Count": 30}
    assert "not documented" in answer["Coverage"]["Matching"]
    assert ("have no wildcards" in answer["Coverage"]["Matching"]) is ("*" in name)


@pytest.mark.parametrize(
    ("key", "value", "word"),
    [
        ("EventSource", "ECS", "ecs"),
        ("Region", "cn-beijng", "cn-beijing"),
        ("IdentityName", "Planted", "planted"),
        ("IdentityName", "plantd", "planted"),
        ("IdentityName", "NightOps", "Who"),
        ("AccessKeyID", "AKLTplante", "AKLTplanted"),
        ("ResourceType", "Instance", "instance"),
    ],
)
async def test_other_misspelt_values_are_answered_likewise(planted: Sandbox, key: str, value: str, word: str) -> None:
    async with asking("cloud-trail", planted) as asker:
        answer = await asker.ask("LookupEvents", **RECENT, LookupConditions=[when(key, value)])
    assert word in doubtful(answer)


@pytest.mark.parametrize("tool", TOOLS)
async def test_every_label_that_answers_print_finds_its_caller(planted: Sandbox, tool: str) -> None:
    account = planted.administrator.account_id
    labels = {
        f"user/planted@{account}": 30,
        "user/planted": 30,
        f"role/NightOps@{account}": 1,
        "role/NightOps": 1,
    }
    async with asking("cloud-trail", planted) as asker:
        for label, count in labels.items():
            answer = await asker.ask(tool, **RECENT, LookupConditions=[when("IdentityName", label)])
            assert counted(tool, answer) == count, label
        for label in ("root", f"root@{account}"):
            answer = await asker.ask(tool, **RECENT, LookupConditions=[when("IdentityName", label)])
            assert counted(tool, answer) >= 1, label


async def test_every_label_of_every_summary_can_be_asked_for(planted: Sandbox) -> None:
    """What stands in a group finds as many events as the group counts, for whatever is grouped by."""
    keys = {"actor": "IdentityName", "action": "EventName", "resource": "ResourceID", "access_key": "AccessKeyID"}
    async with asking("cloud-trail", planted) as asker:
        for key, condition in keys.items():
            window = {"StartTime": int(time.time()) - 3 * HOUR, "EndTime": int(time.time()) - 60}
            groups = (await asker.ask("SummarizeEvents", **window, GroupBy=[key]))["Groups"]
            for group in groups[:6]:
                answer = await asker.ask("SummarizeEvents", **window, LookupConditions=[when(condition, group[key])])
                assert answer["Events"] == group["Count"], group[key]


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize(
    "address",
    [
        "2001:db8::1",
        "2001:DB8::1",
        "2001:0db8:0000:0000:0000:0000:0000:0001",
        "2001:db8::/32",
        "2001:db8:0:0::/64",
        "2001:db8:*",
    ],
)
async def test_an_address_is_found_in_every_spelling_and_by_its_network(
    planted: Sandbox, tool: str, address: str
) -> None:
    where = [{"Field": "SourceIPAddress", "Values": [address]}]
    async with asking("cloud-trail", planted) as asker:
        assert counted(tool, await asker.ask(tool, **RECENT, Where=where)) == 30


@pytest.mark.parametrize("tool", TOOLS)
async def test_a_resource_that_only_the_request_names_is_found(planted: Sandbox, tool: str) -> None:
    async with asking("cloud-trail", planted) as asker:
        listed = await asker.ask(tool, **RECENT, LookupConditions=[when("ResourceID", "i-deleted-07")])
        assert counted(tool, listed) == 1
        assert "Matching" not in listed["Coverage"]
        hidden = await asker.ask(tool, **RECENT, LookupConditions=[when("ResourceID", "i-unlisted-07")])
        assert counted(tool, hidden) == 1
        assert "request or response" in hidden["Coverage"]["Matching"]
        both = [when("ResourceID", "i-unlisted-07"), when("EventName", "DeleteInstances")]
        assert counted(tool, await asker.ask(tool, **RECENT, LookupConditions=both)) == 1


async def test_looking_into_requests_goes_on_by_the_token(box: Sandbox) -> None:
    asked = json.dumps({"VolumeId": "vol-hidden"})
    events = [
        plant(box, name="AttachVolume", request_parameters=asked, time=int(time.time()) - number * HOUR)
        for number in range(1, 40)
    ]
    condition = [when("ResourceID", "vol-hidden")]
    window = {"StartTime": "3 days ago", "EndTime": "10m ago"}
    async with asking("cloud-trail", box, MCP_SERVER_PAGE_BUDGET="2") as asker:
        arguments: dict[str, Any] = {**window, "LookupConditions": condition, "MaxResults": 4}
        answer = await asker.ask("LookupEvents", **arguments)
        found = [row["EventID"] for row in answer["Trails"]]
        while token := answer["NextToken"]:
            answer = await asker.ask("LookupEvents", **arguments, NextToken=token)
            found += [row["EventID"] for row in answer["Trails"]]
            assert len(found) < 100
        assert found == [event.event_id for event in events]
        summary = await asker.ask("SummarizeEvents", **window, LookupConditions=condition)
        total = summary["Events"]
        while summary["Coverage"]["More"]:
            summary = await asker.follow(summary["Coverage"]["Next"])
            total += summary["Events"]
        assert len(events) <= total <= len(events) + 5, "parts share the second at which they meet"


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("EventName", ["CreateUser", "DeleteUser"]),
        ("IdentityName", ["alice", "bob"]),
        ("ErrorCode", ["A", "B"]),
        ("ResourceID", ["i-1", "i-2"]),
        ("IdentityName", ["alice", "role/x"]),
    ],
)
async def test_two_values_of_one_field_are_refused_with_how_to_write_them(
    planted: Sandbox, tool: str, key: str, values: list[str]
) -> None:
    async with asking("cloud-trail", planted) as asker:
        error = await asker.refused(tool, LookupConditions=[when(key, value) for value in values])
        assert asker.requests == 0
        assert "2 values" in error["Message"]
        advice = error["Hint"].partition("Where: ")[2].rstrip(".")
        assert json.loads(advice) == [{"Field": key, "Values": values}]
        await asker.ask(tool, **RECENT, Where=advice)
        twice = [when("EventName", "DeleteInstances")] * 2
        assert counted(tool, await asker.ask(tool, **RECENT, LookupConditions=twice)) == 30


async def near_of(asker: Asker, **arguments: Any) -> dict[str, Any]:
    return await asker.ask("LookupEvents", **RECENT, **arguments)


async def test_what_really_is_not_there_is_told_with_all_that_was_looked_at(planted: Sandbox) -> None:
    async with asking("cloud-trail", planted) as asker:
        answer = await near_of(asker, LookupConditions=[when("EventName", "Xyzzy")])
        assert answer["Coverage"]["Complete"] is True, "nothing is like it, and everything was looked at"
        assert "no proof" in answer["Coverage"]["Matching"]
        assert "looked at" in answer["Coverage"]["Matching"]
        assert answer["Near"][0]["Alike"] is False
        apart = await near_of(
            asker, LookupConditions=[when("EventName", "DeleteInstances")], Where=[{"Field": "Who", "Values": "role/*"}]
        )
        assert "Near" not in apart
        assert "EventName is DeleteInstances (exact) matches 30 events alone" in apart["Coverage"]["Matching"]
        severe = await near_of(asker, Where=[{"Field": "Detection", "Values": ["no-such-rule"]}])
        assert severe["Near"][0]["Field"] == "Detection"
        assert severe["Near"][0]["Seen"], "what the rules do say is shown"
        failed = await asker.ask(
            "SummarizeEvents", **RECENT, FailuresOnly=True, LookupConditions=[when("EventName", "DeleteInstances")]
        )
        assert failed["Events"] == 0
        assert "Result is failed" in failed["Coverage"]["Matching"]


async def test_an_answer_that_is_not_empty_says_nothing_of_what_is_near(planted: Sandbox) -> None:
    async with asking("cloud-trail", planted) as asker:
        before = asker.requests
        answer = await near_of(asker, LookupConditions=[when("EventName", "DeleteInstances")])
        assert asker.requests - before == 1
        assert "Near" not in answer
        assert "Matching" not in answer["Coverage"]
        everything = await near_of(asker)
        assert "EventsMatched" not in everything["Coverage"]


async def test_looking_around_is_bounded(planted: Sandbox) -> None:
    async with asking("cloud-trail", planted) as asker:
        answer = await asker.ask("LookupEvents", LookupConditions=[when("EventName", "Nothing")])
        assert asker.requests <= 1 + 20
        assert "not all of them" in answer["Coverage"]["Matching"]
