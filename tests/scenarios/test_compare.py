"""CompareEvents, held against counts over the sandbox's own state."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any, get_args

import pytest
from mcp_server_cloud_trail.tools.compare_events import Key
from scenarios.asking import asking, newest, when
from scenarios.planting import After, plant
from volcengine_audit.compare import KEYS
from volcengine_sandbox import Sandbox
from volcengine_sandbox.events import Actor, Event

pytestmark = pytest.mark.anyio

HOUR, DAY = 3600, 86400
VALUES: dict[str, Callable[[Event], str]] = {
    "action": lambda event: f"{event.source}:{event.name}",
    "address": lambda event: event.source_ip,
    "error": lambda event: event.error_code or "(success)",
    "account": lambda event: event.actor.account_id,
}


def windows(days: int) -> tuple[int, int, int]:
    """A window of whole days that ended a day ago: its start and end, and the start of the one before."""
    end = int(time.time()) // DAY * DAY - DAY
    return end - days * DAY, end, end - 2 * days * DAY - 1


@pytest.mark.parametrize("by", VALUES)
async def test_counts_are_those_of_the_log(running: Sandbox, by: str) -> None:
    start, end, base = windows(3)
    after, before = newest(running, start, end), newest(running, base, start - 1)
    counts = [Counter(map(VALUES[by], events)) for events in (before, after)]
    failures = [Counter(VALUES[by](event) for event in events if event.error_code) for events in (before, after)]
    async with asking("cloud-trail", running) as asker:
        answer = await asker.ask("CompareEvents", By=by, StartTime=start, EndTime=end, Top=100)
    assert (answer["EventsBefore"], answer["EventsAfter"]) == (len(before), len(after))
    assert answer["Coverage"]["Complete"] is True
    assert answer["Coverage"]["Before"]["Searched"]["StartTime"] == base, "as long as the window, right before it"
    assert answer["Coverage"]["Before"]["Searched"]["EndTime"] == start - 1
    ids = {event.event_id: VALUES[by](event) for event in (*before, *after)}
    shown = {change["Value"]: change for change in answer["Changes"]}
    for value, change in shown.items():
        assert (change["Before"], change["After"]) == (counts[0][value], counts[1][value])
        assert (change["FailuresBefore"], change["FailuresAfter"]) == (failures[0][value], failures[1][value])
        assert change["EventIDs"]
        assert all(ids[evidence] == value for evidence in change["EventIDs"])
        assert change["Kind"] != "same" or change["Surprise"] > 3.84
    come_or_gone = counts[0].keys() ^ counts[1].keys()
    assert come_or_gone <= shown.keys(), "what is new or gone is always a change"
    hidden = (counts[0].keys() | counts[1].keys()) - shown.keys()
    assert answer["OtherValues"] == len(hidden)
    assert answer["OtherBefore"] == sum(counts[0][value] for value in hidden)
    assert answer["OtherAfter"] == sum(counts[1][value] for value in hidden)


async def test_any_two_windows_can_be_compared(running: Sandbox) -> None:
    """A week against the same days of another week, with conditions that hold for both."""
    end = int(time.time()) // DAY * DAY - DAY
    start, base = end - DAY, end - 8 * DAY
    conditions = [when("EventSource", "ecs")]
    async with asking("cloud-trail", running) as asker:
        answer = await asker.ask(
            "CompareEvents",
            StartTime=start,
            EndTime=end,
            BaseStartTime=base,
            BaseEndTime=base + DAY,
            LookupConditions=conditions,
        )
    of_ecs = [sum(event.source == "ecs" for event in newest(running, since, since + DAY)) for since in (base, start)]
    assert [answer["EventsBefore"], answer["EventsAfter"]] == of_ecs
    assert answer["Coverage"]["Asked"]["LookupConditions"] == conditions
    assert answer["Coverage"]["Asked"]["BaseStartTime"] == base


async def test_a_stranger_is_new_and_the_next_call_traces_them(box: Sandbox) -> None:
    account = box.administrator.account_id
    actor = Actor(account, "IAMUser", "7", f"trn:iam::{account}:user/mallory", "mallory", "AKLTmallory")
    for number in range(300):
        plant(box, actor=actor, name="DescribeInstances", time=int(time.time()) - 7200 + number)
    async with asking("cloud-trail", box) as asker:
        answer = await asker.ask("CompareEvents", By="actor")
        first = answer["Changes"][0]
        assert (first["Value"], first["Kind"], first["Before"], first["After"]) == (
            f"user/mallory@{account}",
            "new",
            0,
            300,
        )
        assert "not seen before" in first["Why"]
        traced = await asker.follow(answer["Next"][0])
        assert traced["Subject"] == "access_key AKLTmallory"
        assert traced["Timeline"]["Events"] == 300
        assert answer["Accounts"][account]["Name"], "the accounts behind the changes have names"


@pytest.mark.parametrize("by", KEYS)
async def test_every_key_has_calls_that_work(running: Sandbox, by: str) -> None:
    async with asking("cloud-trail", running) as asker:
        answer = await asker.ask("CompareEvents", By=by, StartTime="4 days ago", EndTime="1h ago", Top=100)
        assert answer["By"] == by
        assert len(answer["Next"]) <= 8
        changed = [one for one in answer["Changes"] if one["Value"][0] != "("]
        assert bool(answer["Next"]) >= bool(changed)
        if answer.get("MoreNext"):
            assert len(answer["Next"]) == 8
        for step in answer["Next"][:2]:
            followed = await asker.follow(step)
            told = followed["Timeline"]["Events"] if step["Tool"] == "TraceIdentity" else followed["Events"]
            assert told > 0, "what changed is there in the window that the call names"


def test_the_keys_are_those_of_the_library() -> None:
    assert get_args(Key) == tuple(KEYS)


async def test_the_next_calls_keep_the_conditions(running: Sandbox) -> None:
    condition = when("ReadOnly", "false")
    async with asking("cloud-trail", running) as asker:
        answer = await asker.ask(
            "CompareEvents", StartTime="5 days ago", EndTime="1h ago", LookupConditions=[condition]
        )
    assert answer["Next"]
    for step in answer["Next"]:
        assert step["Tool"] == "SummarizeEvents"
        assert condition in step["Arguments"]["LookupConditions"]


async def test_a_comparison_of_windows_that_were_not_read_whole_says_so(running: Sandbox) -> None:
    async with asking("cloud-trail", running) as asker:
        answer = await asker.ask("CompareEvents", StartTime="20 days ago", EndTime="1h ago", MaxEvents=400)
    coverage = answer["Coverage"]
    assert coverage["Complete"] is coverage["Before"]["Complete"] is coverage["After"]["Complete"] is False
    assert coverage["Missing"][0]["Code"] == "TooMany"
    assert answer["EventsBefore"] + answer["EventsAfter"] < 700, "both windows share what may be read"
    for side in ("Before", "After"):
        assert coverage[side]["Unread"]
        assert "MaxEvents" in coverage[side]["HowToGoOn"]
        assert "Next" not in coverage[side], "counts of the rest could not be compared with these"
    assert answer["HoursAfter"] < 20 * 24 - 1, "rates are those of the time that was read"


async def test_a_window_that_breaks_off_makes_the_comparison_incomplete(box: Sandbox) -> None:
    box.inject(After("error", action="LookupEvents", code="AccessDenied", status=403, passes=12))
    async with asking("cloud-trail", box) as asker:
        answer = await asker.ask("CompareEvents", StartTime="5 days ago", EndTime="1h ago")
    coverage = answer["Coverage"]
    assert coverage["Complete"] is False
    assert {"AccessDenied"} <= {one["Code"] for one in coverage["Missing"]}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"StartTime": "2 days ago", "BaseEndTime": "1 day ago"}, "overlap"),
        ({"StartTime": "2 days ago", "BaseStartTime": "1 hour ago", "BaseEndTime": "30 minutes ago"}, "overlap"),
        ({"StartTime": "90 days ago"}, "nothing to compare with"),
        ({"BaseStartTime": "whenever"}, "whenever"),
        ({"By": "hour"}, "By"),
    ],
)
async def test_windows_that_cannot_be_compared_are_refused(
    running: Sandbox, arguments: dict[str, Any], words: str
) -> None:
    async with asking("cloud-trail", running) as asker:
        error = await asker.refused("CompareEvents", **arguments)
        assert words in error["Message"]
        assert asker.requests == 0
