"""TraceIdentity over the pack `incidents`: one story in one trace, found by any label, honest where there is none."""

from __future__ import annotations

import json
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from scenarios.asking import asking
from scenarios.planting import plant
from volcengine_audit import event_of
from volcengine_sandbox import Sandbox
from volcengine_sandbox.events import Event
from volcengine_sandbox.seed.incidents import Incident

pytestmark = pytest.mark.anyio

DAY = 86400


@pytest.fixture(scope="module")
def company() -> Iterator[Sandbox]:
    """A month to investigate; tests only read it."""
    with Sandbox(pack="incidents") as running:
        yield running


def told(box: Sandbox, name: str) -> tuple[Incident, list[Event]]:
    """A story, and its events."""
    log = {event.event_id: event for event in box.state.events}
    incident = next(one for one in box.incidents if one.name == name)
    return incident, [log[event_id] for event_id in incident.event_ids]


def window(incident: Incident) -> dict[str, int]:
    return {"StartTime": incident.first - 3600, "EndTime": incident.last + 3600}


def evidence(trace: dict[str, Any]) -> set[str]:
    """The IDs of the events that a trace names."""
    rows = [*trace["Highlights"], *trace["Timeline"]["Runs"], *(trace["Timeline"].get("Recoveries") or ())]
    return {one for row in rows for one in [row.get("EventID"), *row.get("EventIDs", ())] if one}


# Sessions


async def test_a_chain_of_roles_is_one_story(company: Sandbox) -> None:
    incident, events = told(company, "role-chain")
    key = events[0].actor.access_key
    async with asking("cloud-trail", company) as asker:
        trace = await asker.ask("TraceIdentity", Kind="access_key", Value=key, **window(incident))
    sessions = {row["AccessKeyID"]: row for row in trace["Sessions"]}
    assert set(sessions) == set(incident.access_keys)
    assert trace["Timeline"]["Events"] == len(events)
    assert trace["Coverage"]["Complete"] is True
    named = {row["Action"] for row in trace["Timeline"]["Runs"]}
    assert {f"{event.source}:{event.name}" for event in events} == named
    first, second = sorted((one for one in sessions.values() if one.get("Depth")), key=lambda one: one["Depth"])
    assert (first["ObtainedBy"], second["ObtainedBy"]) == (key, first["AccessKeyID"])
    assert (second["Succeeded"], second["Failed"]) == (11, 0)
    links = {row["AccessKeyID"]: row["Uses"] for row in trace["RoleLinks"]}
    assert links == {first["AccessKeyID"]: 5, second["AccessKeyID"]: 11}
    assert {row["InSession"] for row in trace["Timeline"]["Runs"]} == {1, 2, 3}
    assert trace["Sessions"][0]["Number"] == 1


async def test_a_session_leads_to_who_obtained_it(company: Sandbox) -> None:
    incident, events = told(company, "role-chain")
    thief, last = events[0].actor.access_key, events[-1].actor.access_key
    async with asking("cloud-trail", company) as asker:
        trace = await asker.ask("TraceIdentity", Kind="access_key", Value=last, **window(incident))
        for _ in range(2):
            step = next(one for one in trace["Next"] if one["Tool"] == "TraceIdentity")
            assert step["Arguments"].keys() == {"Kind", "Value", "StartTime", "EndTime"}
            trace = await asker.follow(step)
        assert trace["Subject"] == f"access_key {thief}"
        assert asker.calls == 3


async def test_a_caller_s_keys_are_followed_within_bounds_and_the_rest_is_said(company: Sandbox) -> None:
    async with asking("cloud-trail", company) as asker:
        trace = await asker.ask("TraceIdentity", Kind="user", Value="ci-runner", StartTime="7 days ago")
    missing = trace["Coverage"]["Missing"]
    assert trace["Coverage"]["Complete"] is False
    assert any("were not read, as one call follows 20 keys" in one["Message"] for one in missing)
    uses = Counter("Uses" in row for row in trace["RoleLinks"])
    assert len(trace["RoleLinks"]) + trace["RoleLinksLeftOut"] > 20
    assert uses[True] <= 20
    assert trace["MoreNext"] > 0
    assert len(trace["Next"]) == 8


# A success outranks an attempt


async def test_what_was_refused_and_then_succeeded_is_a_success(company: Sandbox) -> None:
    incident, events = told(company, "two-places")
    key = events[0].actor.access_key
    async with asking("cloud-trail", company) as asker:
        trace = await asker.ask("TraceIdentity", Kind="access_key", Value=key, StartTime="10 days ago")
    by_id = {event.event_id: event for event in company.state.events}
    expected: dict[str, Counter[bool]] = {}
    for event in events:
        expected.setdefault(f"{event.source}:{event.name}", Counter())[bool(event.error_code)] += 1
    both = {name: counts for name, counts in expected.items() if len(counts) == 2}
    assert both.keys() == {"kms:GetSecretValue", "rds_mysql:GetBackupDownloadLink"}
    for row in trace["Highlights"]:
        if row["Succeeded"]:
            assert "attempted, failed" not in row["Reason"]
            assert row["Result"] == "OK"
        assert row["Count"] >= row["Succeeded"] + row["Failed"] > 0
    for name, counts in both.items():
        rows = [row for row in trace["Highlights"] if f"{row['EventSource']}:{row['EventName']}" == name]
        assert any((row["Succeeded"], row["Failed"]) == (counts[False], counts[True]) for row in rows), name
        recovery = next(row for row in trace["Timeline"]["Recoveries"] if row["Action"] == name)
        assert (recovery["Failures"], recovery["Successes"]) == (counts[True], counts[False])
    assert any(row.get("Unusual") for row in trace["Highlights"])
    assert "before the window" in trace["Timeline"]["Caveat"]
    assert any(run.get("Runs", 1) > 100 for run in trace["Timeline"]["Runs"]), "the hourly job is told as one"
    assert {by_id[one].name for one in incident.key_event_ids} <= {by_id[one].name for one in evidence(trace)}


# Labels


async def test_every_label_that_answers_print_finds_its_caller(company: Sandbox) -> None:
    incident, events = told(company, "role-chain")
    user, _, last = incident.actors
    session = event_of(events[-1].wire()).identity.session
    counts = Counter(event_of(event.wire()).actor for event in events)
    whole = {"MaxEvents": 20_000, **window(incident)}
    asked = [
        (user, len(events)),
        (user.partition("@")[0], len(events)),
        (user.partition("@")[0].removeprefix("user/"), len(events)),
        (last, counts[last]),
        (last.partition("@")[0], counts[last]),
        (last.partition("@")[0].removeprefix("role/"), counts[last]),
        (last.partition("@")[0].upper().replace("ROLE/", "role/"), counts[last]),
        (session, len(events) - counts[user]),
        (f"{last.partition('@')[0]}/{session}", counts[last]),
    ]
    async with asking("cloud-trail", company) as asker:
        for value, expected in asked:
            trace = await asker.ask("TraceIdentity", Kind="user", Value=value, **whole)
            assert trace["Timeline"]["Events"] == expected, value
            assert trace["Coverage"]["Complete"] is True
            assert trace["Matched"]


async def test_root_is_found_by_its_name_and_by_its_label(company: Sandbox) -> None:
    roots = [event for event in company.state.events if event.actor.kind in ("Root", "Account")]
    label = event_of(roots[-1].wire()).actor
    around = {"StartTime": roots[-1].time - 60, "EndTime": roots[-1].time + 60}
    async with asking("cloud-trail", company) as asker:
        for value in ("root", label):
            trace = await asker.ask("TraceIdentity", Kind="user", Value=value, **around)
            assert roots[-1].event_id in evidence(trace)
            assert {row["Who"] for row in trace["Sessions"]} == {label}


async def test_an_address_is_found_in_any_spelling(box: Sandbox) -> None:
    four = plant(box, source_ip="203.0.113.77")
    six = plant(box, source_ip="2001:db8::7")
    spelt = [
        (four, "203.0.113.77"),
        (four, "::ffff:203.0.113.77"),
        (four, "203.0.113.64/28"),
        (six, "2001:db8::7"),
        (six, "2001:0DB8:0:0:0:0:0:7"),
        (six, "2001:db8::/64"),
    ]
    async with asking("cloud-trail", box) as asker:
        for event, value in spelt:
            trace = await asker.ask("TraceIdentity", Kind="address", Value=value, StartTime="2h ago")
            assert evidence(trace) == {event.event_id}, value
        before = asker.requests
        refused = await asker.refused("TraceIdentity", Kind="address", Value="203.0.113.0/99")
        assert "203.0.113.0/24" in refused["Message"]
        assert asker.requests == before


async def test_a_resource_is_found_where_only_a_request_names_it(box: Sandbox) -> None:
    named = plant(box, request_parameters=json.dumps({"Target": {"VolumeId": "vol-only-asked-for"}}))
    async with asking("cloud-trail", box) as asker:
        trace = await asker.ask("TraceIdentity", Kind="resource", Value="vol-only-asked-for", StartTime="2h ago")
    assert evidence(trace) == {named.event_id}


async def test_conditions_narrow_a_story_and_wrong_ones_are_refused(box: Sandbox) -> None:
    wanted = plant(box, name="DeleteInstances", user_agent="curl/8")
    plant(box, name="DeleteInstances", user_agent="ve/1")
    plant(box, name="DescribeInstances", user_agent="curl/8")
    asked: dict[str, Any] = {"Kind": "user", "Value": "planted", "StartTime": "2h ago"}
    where = [{"Field": "UserAgent", "Values": ["curl*"]}, {"Field": "EventName", "Values": ["Delete*"]}]
    async with asking("cloud-trail", box) as asker:
        trace = await asker.ask("TraceIdentity", **asked, Where=where)
        assert evidence(trace) == {wanted.event_id}
        assert trace["Coverage"]["Asked"]["Where"]
        assert trace["Matched"] == ["IdentityName is planted (exact)", "UserAgent is curl*", "EventName is Delete*"]
        refused = await asker.refused("TraceIdentity", **asked, Where=[{"Field": "EvntName", "Values": ["x"]}])
        assert "EventName" in refused["Message"]


# Nothing found


async def test_where_nothing_is_found_it_is_said_what_is_near(company: Sandbox) -> None:
    incident, events = told(company, "role-chain")
    key = events[0].actor.access_key
    around = window(incident)
    near = [
        ("access_key", f"{key[:-1]}{'x' if key[-1] != 'x' else 'y'}", key),
        ("user", "report-exprt", incident.actors[0]),
        ("user", "nightly-synk", "nightly-sync"),
        ("address", "198.51.100.141", "198.51.100.140"),
        ("resource", "orders-db", "orders-db-001"),
    ]
    async with asking("cloud-trail", company) as asker:
        for kind, value, meant in near:
            trace = await asker.ask("TraceIdentity", Kind=kind, Value=value, **around)
            assert trace["Timeline"]["Events"] == 0
            assert any(meant in line and "seen here" in line for line in trace["Near"]), trace["Near"]
            assert trace["Next"][0]["Arguments"]["StartTime"] == "90 days ago"
            steps = [step for step in trace["Next"] if step["Arguments"]["Value"] == meant]
            assert steps, trace["Next"]
            assert (await asker.follow(steps[0]))["Timeline"]["Events"] > 0


# Own calls


async def test_calls_of_this_server_are_left_out_and_counted(box: Sandbox) -> None:
    me = box.administrator
    async with asking("cloud-trail", box) as asker:
        for _ in range(3):
            await asker.ask("LookupEvents", MaxResults=1)
        asked: dict[str, Any] = {"Kind": "access_key", "Value": me.access_key, "StartTime": "5m ago"}
        mine = [event for event in box.state.events if event.actor.access_key == me.access_key]
        agent = mine[-1].user_agent
        disguised = plant(box, time=int(time.time()) - 5, actor=mine[-1].actor, user_agent=agent, name="LookupEvents")
        end = int(time.time()) + 1
        trace = await asker.ask("TraceIdentity", **asked, EndTime=end)
        assert trace["Timeline"]["Events"] == 1, "an intruder who only looks like the server is still seen"
        assert evidence(trace) == {disguised.event_id}
        assert trace["Coverage"]["OwnCalls"] >= 3
        whole = await asker.ask("TraceIdentity", **asked, EndTime=end, IncludeOwn=True)
        assert whole["Timeline"]["Events"] >= 4
        assert "OwnCalls" not in whole["Coverage"]
        window = {"StartTime": "5m ago", "EndTime": end}
        for tool in ("SummarizeEvents", "FindSuspiciousActivity"):
            without = (await asker.ask(tool, **window))["Coverage"]
            everything = (await asker.ask(tool, **window, IncludeOwn=True))["Coverage"]
            assert without["OwnCalls"] > 3
            assert "OwnCalls" not in everything
            assert everything["EventsReturned"] >= without["EventsReturned"] + 3
    async with asking("cloud-trail", box) as other:
        again = await other.ask("TraceIdentity", **asked, EndTime=end)
        assert again["Timeline"]["Events"] >= 4, "what another process asked is not its own"


# Size


async def test_traces_are_a_small_part_of_the_events_they_tell(company: Sandbox) -> None:
    end = int(time.time()) - 3600
    start = end - 7 * DAY
    events = [event for event in company.state.events if start <= event.time <= end]
    keys = Counter(event.actor.access_key for event in events if event.actor.access_key)
    ratios = []
    async with asking("cloud-trail", company, MCP_SERVER_ANSWER_BUDGET="10000000") as asker:
        for key in sorted(key for key, count in keys.items() if count >= 30)[:15]:
            trace = await asker.ask("TraceIdentity", Kind="access_key", Value=key, StartTime=start, EndTime=end)
            own = [event for event in events if event.actor.access_key == key]
            raw = sum(len(json.dumps(event.wire(), ensure_ascii=False).encode()) for event in own)
            if trace["Timeline"]["Events"] == len(own):
                ratios.append(len(json.dumps(trace, ensure_ascii=False, separators=(",", ":")).encode()) / raw)
    assert len(ratios) >= 8
    assert statistics.median(ratios) <= 0.15
