"""SummarizeEvents, TraceIdentity and CheckTrailCoverage, held against counts over the sandbox's own state."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from scenarios.asking import NOTICE, asking, newest, when
from scenarios.planting import After, plant
from volcengine_sandbox import Fault, Sandbox
from volcengine_sandbox.events import Event

pytestmark = pytest.mark.anyio

HOUR, DAY = 3600, 86400
SHANGHAI = timezone(timedelta(hours=8))


def who(event: Event) -> str:
    actor = event.actor
    kind = {"Root": "root", "IAMUser": "user", "AssumedRole": "role"}.get(actor.kind, "unknown")
    return (
        f"root@{actor.account_id}" if kind == "root" else f"{kind}/{actor.user_name.split('/')[0]}@{actor.account_id}"
    )


def clock(event: Event, form: str) -> list[str]:
    return [datetime.fromtimestamp(event.time, SHANGHAI).strftime(form)]


KEYS: dict[str, Callable[[Event], list[str]]] = {
    "actor": lambda e: [who(e)],
    "action": lambda e: [f"{e.source}:{e.name}"],
    "source": lambda e: [e.source],
    "address": lambda e: [e.source_ip],
    "access_key": lambda e: [e.actor.access_key or "(none)"],
    "error": lambda e: [e.error_code or "(success)"],
    "resource": lambda e: [f"{r.service} {r.type}/{r.id}" for r in e.resources] or ["(none)"],
    "region": lambda e: [e.region],
    "hour": lambda e: clock(e, "%Y-%m-%d %H:00"),
    "day": lambda e: clock(e, "%Y-%m-%d"),
}


@pytest.mark.parametrize(("key", "failures_only"), [*((key, False) for key in KEYS), ("error", True), ("actor", True)])
async def test_counts_are_those_of_the_log(running: Sandbox, key: str, failures_only: bool) -> None:
    end = int(time.time()) // DAY * DAY - DAY
    start = end - 6 * DAY
    events = [e for e in newest(running, start, end) if e.error_code or not failures_only]
    expected: Counter[str] = Counter()
    failures: Counter[str] = Counter()
    for event in events:
        for value in KEYS[key](event):
            expected[value] += 1
            failures[value] += bool(event.error_code)
    async with asking("cloud-trail", running, MCP_SERVER_ANSWER_BUDGET="500000") as asker:
        answer = await asker.ask(
            "SummarizeEvents", GroupBy=[key], StartTime=start, EndTime=end, Top=100, FailuresOnly=failures_only
        )
    groups = {group[key]: group for group in answer["Groups"]}
    assert answer["Events"] == len(events) == answer["Coverage"]["EventsReturned"]
    assert answer["Failures"] == sum(bool(e.error_code) for e in events)
    assert answer["Coverage"]["Complete"] is True
    if "Other" in answer:
        assert len(groups) == 100
        assert answer["Other"]["Groups"] == len(expected) - 100
        assert min(group["Count"] for group in groups.values()) >= sorted(expected.values())[-100]
    else:
        assert {name: group["Count"] for name, group in groups.items()} == expected
    assert {name: group["Count"] for name, group in groups.items()}.items() <= expected.items()
    assert {name: group.get("Failures", 0) for name, group in groups.items()}.items() <= failures.items()
    known = {event.event_id: event for event in events}
    for name, group in groups.items():
        times = [event.time for event in events if name in KEYS[key](event)]
        assert group["EventIDs"]
        assert all(name in KEYS[key](known[evidence]) for evidence in group["EventIDs"])
        assert datetime.fromisoformat(group["First"]).timestamp() == min(times)
        assert datetime.fromisoformat(group["Last"]).timestamp() == max(times)


async def test_what_the_top_leaves_out_is_counted(running: Sandbox) -> None:
    async with asking("cloud-trail", running) as asker:
        answer = await asker.ask(
            "SummarizeEvents", GroupBy=["actor", "action"], StartTime="9 days ago", EndTime="1h ago", Top=3
        )
        shown = sum(group["Count"] for group in answer["Groups"])
        assert len(answer["Groups"]) == 3
        assert shown + answer["Other"]["Events"] == answer["Events"]
        assert answer["Other"]["Groups"] > 10
        assert answer["Next"], "what is grave is in Next although it is in none of the groups shown"


async def test_failures_lead_to_who_succeeded_after_them(running: Sandbox) -> None:
    """The success that follows nine failures is no failure; yet it is why they matter."""
    async with asking("cloud-trail", running) as asker:
        answer = await asker.ask(
            "SummarizeEvents",
            GroupBy=["actor"],
            StartTime="7 days ago",
            FailuresOnly=True,
            LookupConditions=[when("EventSource", "signin")],
        )
    story = running.stories.console_logins
    assert {"Kind": "user", "Value": story.user_name}.items() <= answer["Next"][0]["Arguments"].items()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"GroupBy": ["user"]}, "GroupBy"),
        ({"GroupBy": []}, "at least 1"),
        ({"GroupBy": ["actor", "action", "error", "day"]}, "GroupBy"),
        ({"GroupBy": ["actor", "actor"]}, "twice"),
        ({"Top": 0}, "Top"),
        ({"MaxEvents": 10**6}, "MaxEvents"),
    ],
)
async def test_a_grouping_that_is_none_is_refused(running: Sandbox, arguments: dict[str, Any], words: str) -> None:
    async with asking("cloud-trail", running) as asker:
        error = await asker.refused("SummarizeEvents", **arguments)
        assert error["Code"] == "InvalidArguments"
        assert words in error["Message"]


async def test_a_summary_that_stops_early_says_so(running: Sandbox) -> None:
    async with asking("cloud-trail", running) as asker:
        answer = await asker.ask("SummarizeEvents", StartTime="60 days ago", EndTime="1h ago", MaxEvents=100)
        coverage = answer["Coverage"]
        assert 100 <= answer["Events"] == coverage["EventsRead"] < 200, "whole pages are read"
        assert coverage["Complete"] is False
        assert coverage["Missing"][0]["Code"] == "TooMany"
        assert "MaxEvents" in coverage["HowToGoOn"]


async def test_which_limit_ended_a_summary_is_said_with_numbers(running: Sandbox) -> None:
    asked = {"StartTime": "60 days ago", "EndTime": "1h ago"}
    async with asking("cloud-trail", running, MCP_SERVER_PAGE_BUDGET="6") as asker:
        (missing,) = (await asker.ask("SummarizeEvents", **asked, MaxEvents=50_000))["Coverage"]["Missing"]
        assert "page_budget ended the reading" in missing["Message"]
        assert "6 pages of 50 events" in missing["Message"]
        assert "MaxEvents is 50000" in missing["Message"]
        (missing,) = (await asker.ask("SummarizeEvents", **asked, MaxEvents=100))["Coverage"]["Missing"]
        assert missing["Message"].startswith("MaxEvents ended the reading: it is 100, and 1")


async def test_ranking_by_gravity_and_calls_that_are_counted(box: Sandbox) -> None:
    caller = plant(box).actor
    for number in range(12):
        actor = replace(caller, access_key=f"AKLTthief{number:02}", user_name=f"thief-{number:02}")
        plant(box, actor=actor, source="cloud_trail", name="StopLogging", error_code="" if number % 2 else "Denied")
    for _ in range(40):
        plant(box, name="DescribeInstances", read_only=True)
    asked = {"StartTime": "90m ago", "EndTime": "10m ago", "GroupBy": ["action"], "Top": 1}
    async with asking("cloud-trail", box) as asker:
        most = await asker.ask("SummarizeEvents", **asked)
        gravest = await asker.ask("SummarizeEvents", **asked, Rank="severity")
    assert most["Groups"][0]["action"] == "ecs:DescribeInstances"
    assert most["Other"]["Gravest"]["Values"] == ["cloud_trail:StopLogging"]
    assert most["Other"]["Severity"] == most["Other"]["Gravest"]["Severity"] != "info"
    (group,) = gravest["Groups"]
    assert group["action"] == "cloud_trail:StopLogging"
    assert (group["Succeeded"], group["Failures"]) == (6, 6)
    shown = {
        event.event_id: bool(event.error_code) for event in box.state.events if event.event_id in group["EventIDs"]
    }
    assert set(shown.values()) == {False, True}, "evidence of both"
    assert len(gravest["Next"]) == 8
    assert gravest["MoreNext"] >= 4


@pytest.mark.parametrize("limits", [{"MaxEvents": 400}, {"MaxEvents": 50_000}])
async def test_what_was_not_read_is_read_by_the_call_that_goes_on(running: Sandbox, limits: dict[str, int]) -> None:
    """Every event of the window is read by one of the calls, whether MaxEvents or the page budget ended each."""
    end = int(time.time()) - HOUR
    start = end - 20 * DAY
    expected = {event.event_id for event in newest(running, start, end)}
    asked = {"Kind": "address", "Value": "192.0.2.99", **limits}
    found: set[str] = set()
    async with asking("cloud-trail", running, MCP_SERVER_PAGE_BUDGET="20") as asker:
        answer = await asker.ask("TraceIdentity", **asked, StartTime=start, EndTime=end)
        read = answer["Coverage"]["EventsRead"]
        calls = 1
        while (coverage := answer["Coverage"])["More"]:
            assert coverage["Complete"] is False
            assert coverage["Pages"] <= 20
            assert all(start <= part["StartTime"] < part["EndTime"] <= end for part in coverage["Unread"])
            assert coverage["Missing"][0]["Code"] == "TooMany"
            step = coverage["Next"]
            assert step["Arguments"].items() >= asked.items()
            found |= {event for run in answer["Timeline"]["Runs"] for event in run["EventIDs"]}
            answer = await asker.follow(step)
            read += answer["Coverage"]["EventsRead"]
            calls += 1
            assert calls < 30
        assert coverage["Complete"] is True
        assert not {"Unread", "Next", "HowToGoOn", "Missing"} & coverage.keys()
    found |= {event for run in answer["Timeline"]["Runs"] for event in run["EventIDs"]}
    assert calls > 1
    assert len(expected) <= read <= len(expected) + 5 * calls, "only the seconds at which parts meet are read twice"
    odd = running.stories.oddities
    assert found == {getattr(odd, name) for name in odd.__slots__}


async def test_a_token_of_a_window_that_was_changed_is_refused(running: Sandbox) -> None:
    async with asking("cloud-trail", running) as asker:
        for token in ("made-up", "1795000001-1795000000"):
            error = await asker.refused("SummarizeEvents", NextToken=token)
            assert error["Code"] == "InvalidToken"
        assert asker.requests == 0


async def test_several_requests_are_under_way_only_as_far_as_the_setting_allows(box: Sandbox) -> None:
    """Requests one after another share a connection; each that is under way at the same time has one of its own."""
    box.inject(Fault("latency", action="LookupEvents", delay=0.05))
    opened = {}
    for at_once in (1, 8):
        async with asking("cloud-trail", box, MCP_SERVER_PARALLEL_READS=str(at_once)) as asker:
            before = box.connections
            answer = await asker.ask("SummarizeEvents", StartTime="7 days ago", EndTime="1h ago")
            opened[at_once] = box.connections - before
            assert answer["Coverage"]["Complete"] is True
    assert opened[1] == 1
    assert 2 <= opened[8] <= 8


async def test_an_error_on_a_later_page_keeps_what_was_read_and_names_what_is_missing(box: Sandbox) -> None:
    box.inject(After(action="LookupEvents", passes=3, kind="error", status=403, code="AccessDenied"))
    async with asking("cloud-trail", box) as asker:
        window = {"StartTime": "20 days ago", "EndTime": "1h ago"}
        answer = await asker.ask("SummarizeEvents", **window)
        coverage = answer["Coverage"]
        assert answer["Events"] == coverage["EventsRead"] > 100
        assert (coverage["Complete"], coverage["More"], coverage["Pages"]) == (False, True, 3)
        assert coverage["Error"]["Code"] == "AccessDenied"
        assert coverage["Error"] in coverage["Missing"]
        assert coverage["Unread"]
        box.clear_faults()
        rest = await asker.follow(coverage["Next"])
        whole = await asker.ask("SummarizeEvents", **window)
        assert rest["Coverage"]["Complete"] is True
        # Parts share the second at which they meet, and the page that failed is read again from its start.
        assert answer["Events"] + rest["Events"] >= whole["Events"]
        box.inject(Fault("error", action="LookupEvents", status=403, code="AccessDenied", message="no"))
        assert (await asker.refused("SummarizeEvents", **window))["Code"] == "AccessDenied"


async def test_the_default_window_is_one_day(running: Sandbox) -> None:
    async with asking("cloud-trail", running) as asker:
        searched = (await asker.ask("SummarizeEvents"))["Coverage"]["Searched"]
        assert searched["EndTime"] - searched["StartTime"] == DAY
        searched = (await asker.ask("TraceIdentity", Kind="user", Value="nobody"))["Coverage"]["Searched"]
        assert searched["EndTime"] - searched["StartTime"] == 7 * DAY


@pytest.mark.parametrize("kind", ["access_key", "user", "address", "resource"])
async def test_a_trace_has_all_events_of_its_subject_and_no_others(running: Sandbox, kind: str) -> None:
    end = int(time.time()) - HOUR
    start = end - 30 * DAY
    of: dict[str, Callable[[Event], list[str]]] = {
        "access_key": lambda e: [e.actor.access_key],
        "user": lambda e: [e.actor.user_name],
        "address": lambda e: [e.source_ip],
        "resource": lambda e: [r.id for r in e.resources],
    }
    events = newest(running, start, end)
    counts = Counter(value for e in events if e.actor.user_name == "li.jing" for value in of[kind](e) if value)
    value = counts.most_common(1)[0][0]
    mine = [e for e in events if value in of[kind](e)]
    async with asking("cloud-trail", running) as asker:
        answer = await asker.ask("TraceIdentity", Kind=kind, Value=value, StartTime=start, EndTime=end)
    timeline = answer["Timeline"]
    assert answer["Subject"] == f"{kind} {value}"
    assert timeline["Events"] == len(mine) == sum(run["Count"] for run in timeline["Runs"]) > 5
    assert Counter(f"{e.source}:{e.name}" for e in mine) == sum(
        (Counter({run["Action"]: run["Count"]}) for run in timeline["Runs"]), Counter()
    )
    assert {event for run in timeline["Runs"] for event in run["EventIDs"]} <= {e.event_id for e in mine}
    assert answer["Coverage"]["Complete"] is True
    assert answer["Coverage"]["EventsReturned"] == len(mine)
    assert answer["Notice"] == NOTICE


async def test_first_sightings_name_the_new_address_action_and_region(box: Sandbox) -> None:
    now = int(time.time())
    plant(box, time=now - 5 * DAY)
    for hours in (48, 40):
        plant(box, time=now - hours * HOUR)
    new = plant(box, time=now - 2 * HOUR, source_ip="198.51.100.99", name="StopInstances", region="cn-guangzhou")
    async with asking("cloud-trail", box) as asker:
        answer = await asker.ask("TraceIdentity", Kind="user", Value="planted")
    firsts = {(row["Kind"], row["Value"], row["EventID"]) for row in answer["Timeline"]["FirstSightings"]}
    assert firsts == {
        ("address", "198.51.100.99", new.event_id),
        ("action", "ecs:StopInstances", new.event_id),
        ("region", "cn-guangzhou", new.event_id),
    }
    assert "before the window" in answer["Timeline"]["Caveat"]


async def test_a_temporary_key_that_was_obtained_is_linked_and_traced_next(box: Sandbox) -> None:
    now = int(time.time())
    given = {"Credentials": {"AccessKeyId": "AKTPplanted0000000000000000001", "SecretAccessKey": "s"}}
    assumed = plant(
        box,
        source="sts",
        name="AssumeRole",
        time=now - 7200,
        request_parameters='{"RoleTrn":"trn:iam::1:role/ops","RoleSessionName":"night"}',
        response_elements=json.dumps(given),
    )
    temporary = replace(assumed.actor, access_key="AKTPplanted0000000000000000001", user_name="ops/night")
    plant(box, actor=temporary, time=now - 3600)
    async with asking("cloud-trail", box) as asker:
        answer = await asker.ask("TraceIdentity", Kind="access_key", Value="AKLTplanted")
        (link,) = answer["RoleLinks"]
        assert (link["AccessKeyID"], link["EventID"]) == ("AKTPplanted0000000000000000001", assumed.event_id)
        assert link["Uses"] == 1
        assert answer["Timeline"]["Events"] == 2
        by_address = await asker.ask("TraceIdentity", Kind="address", Value="203.0.113.200", StartTime="3h ago")
        assert by_address["RoleLinks"][0]["Uses"] == 1


async def test_nothing_found_in_a_week_leads_to_all_that_is_kept(running: Sandbox) -> None:
    async with asking("cloud-trail", running) as asker:
        answer = await asker.ask("TraceIdentity", Kind="user", Value=" data-pipeline ")
        assert answer["Timeline"]["Events"] == 0
        again = await asker.follow(answer["Next"][0])
        assert again["Timeline"]["Runs"][0]["EventIDs"] == [running.stories.oddities.unknown_identity]
        nobody = await asker.ask("TraceIdentity", Kind="user", Value="nobody", StartTime="90 days ago")
        assert nobody["Next"] == []


async def test_runs_are_compacted(box: Sandbox) -> None:
    start = int(time.time()) - 10 * HOUR
    for number in range(41):
        plant(box, time=start + number * 12, name="DescribeInstances", read_only=True)
    async with asking("cloud-trail", box) as asker:
        answer = await asker.ask("TraceIdentity", Kind="user", Value="planted")
    woke, run = answer["Timeline"]["Runs"]
    assert (woke["Action"], woke["Count"]) == ("ecs:DescribeInstances", 1), "the call that woke the key stands alone"
    assert (run["Action"], run["Count"]) == ("ecs:DescribeInstances", 40)
    assert datetime.fromisoformat(run["Last"]) - datetime.fromisoformat(woke["First"]) == timedelta(seconds=480)


async def test_a_reader_extends_the_risk_marks_by_configuration(box: Sandbox, tmp_path: Any) -> None:
    (tmp_path / "our-canary.yml").write_text(
        "title: Nobody may do this\nid: 6c7a9f0e-5d1b-4d5e-9b0a-2f6f0b5d7c11\nname: our-canary\nstatus: experimental\n"
        "logsource: {product: volcengine, service: cloudtrail}\n"
        "detection: {touched: {EventSource: ecs, EventName: TouchCanary}, condition: touched}\nlevel: critical\n",
        encoding="utf-8",
    )
    event = plant(box, name="TouchCanary")
    async with asking("cloud-trail", box, MCP_SERVER_RISK_RULES=str(tmp_path)) as asker:
        answer = await asker.ask("GetEvent", EventID=event.event_id)
        mark = next(one for one in answer["RiskMarks"][event.event_id] if one["Id"] == "our-canary")
        assert mark.items() >= {"Id": "our-canary", "Severity": "critical", "Reason": "Nobody may do this"}.items()
        found = await asker.ask("SummarizeEvents", StartTime="2h ago")
        assert found["Next"][0]["Arguments"]["Value"] == "AKLTplanted"


# Trails


async def findings(box: Sandbox) -> tuple[str, dict[str, str]]:
    async with asking("cloud-trail", box) as asker:
        answer = await asker.ask("CheckTrailCoverage")
        assert answer["Coverage"]["Complete"] is True
        assert all(row["Reason"] for row in answer["Findings"])
        return answer["Verdict"], {row["Id"]: row["Severity"] for row in answer["Findings"]}


async def test_without_a_trail_the_log_is_not_kept(box: Sandbox) -> None:
    box.state.trails.clear()
    assert await findings(box) == ("failing", {"no-trail": "high"})


async def test_trails_that_are_all_off_are_failing(box: Sandbox) -> None:
    for trail in box.state.trails.values():
        trail.logging = False
    verdict, found = await findings(box)
    assert (verdict, found["logging-off"]) == ("failing", "critical")


async def test_a_delivery_that_fails_is_failing(box: Sandbox) -> None:
    for (_, name), trail in list(box.state.trails.items()):
        trail.logging, trail.delivery_error = name == "org-audit-archive", "bucket gone, token=abcdef1234567890"
    verdict, found = await findings(box)
    assert (verdict, found["delivery-failing"]) == ("failing", "high")


async def test_a_trail_of_some_writes_of_one_account_leaves_gaps(box: Sandbox) -> None:
    owner = box.administrator.account_id
    del box.state.trails[owner, "org-audit-archive"]
    trail = box.state.trails[owner, "identity-events"]
    trail.logging, trail.delivery_error, trail.delivered = True, "", time.time()
    verdict, found = await findings(box)
    assert verdict == "attention"
    assert {"sources-missing", "reads-missing", "single-account"} <= found.keys()
    trail.settings.event_rw = "Read"
    verdict, found = await findings(box)
    assert (verdict, found["changes-missing"]) == ("failing", "high")


async def test_one_healthy_trail_of_the_organization_is_healthy(box: Sandbox) -> None:
    del box.state.trails[box.administrator.account_id, "identity-events"]
    verdict, found = await findings(box)
    assert verdict == "healthy"
    assert set(found.values()) <= {"info"}


async def test_a_member_sees_the_trail_of_its_organization(box: Sandbox) -> None:
    async with asking("cloud-trail", box, box.member) as asker:
        answer = await asker.ask("CheckTrailCoverage")
        assert (answer["Trails"], answer["Verdict"]) == (1, "healthy")
