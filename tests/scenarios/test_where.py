"""Where: any field of an event, in every tool that reads events, without losing what matches."""

from __future__ import annotations

import ipaddress
import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from scenarios.asking import Asker, asking, newest, when
from scenarios.planting import plant
from volcengine_sandbox import Sandbox
from volcengine_sandbox.events import Event

pytestmark = pytest.mark.anyio

HOUR, DAY = 3600, 86400
SHANGHAI = timezone(timedelta(hours=8))
NETWORK = ipaddress.ip_network("198.51.100.0/24")

Conditions = list[dict[str, Any]]


def that(field: str, *values: str, exclude: bool = False) -> dict[str, Any]:
    return {"Field": field, "Values": list(values), "Exclude": exclude}


def hour(event: Event) -> int:
    return datetime.fromtimestamp(event.time, SHANGHAI).hour


CASES: dict[str, tuple[Conditions, Callable[[Event], bool]]] = {
    "several values": (
        [that("EventName", "CreateUser", "DeleteUser", "CreateAccessKey")],
        lambda e: e.name in ("CreateUser", "DeleteUser", "CreateAccessKey"),
    ),
    "not": ([that("EventSource", "ecs", exclude=True)], lambda e: e.source != "ecs"),
    "wildcard": ([that("EventName", "Delete*")], lambda e: e.name.startswith("Delete")),
    "network": (
        [that("SourceIPAddress", str(NETWORK))],
        lambda e: bool(e.source_ip) and ipaddress.ip_address(e.source_ip) in NETWORK,
    ),
    "program": ([that("UserAgent", "curl/*")], lambda e: e.user_agent.startswith("curl/")),
    "time of day": ([that("TimeOfDay", "22:00-06:00")], lambda e: hour(e) >= 22 or hour(e) < 6),
    "two conditions": (
        [that("Result", "failed"), that("Action", "iam:*")],
        lambda e: bool(e.error_code) and e.source == "iam",
    ),
    "exact": ([that("EventName", "DescribeInstances")], lambda e: e.name == "DescribeInstances"),
}


@pytest.fixture(scope="module")
def seeded() -> Iterator[Sandbox]:
    """A sandbox to which addresses of one network are added."""
    with Sandbox() as box:
        for number in (7, 130):
            plant(box, source_ip=f"198.51.100.{number}", time=int(time.time()) - number * HOUR)
            plant(box, name="DeleteVpc", source="vpc", time=int(time.time()) - number * HOUR)
        yield box


async def everything(asker: Asker, **arguments: Any) -> tuple[list[str], int]:
    """The IDs of all events that match, newest first, and how many events were read for them."""
    answer = await asker.ask("LookupEvents", **arguments)
    found, read = [row["EventID"] for row in answer["Trails"]], answer["Coverage"]["EventsRead"]
    while token := answer["NextToken"]:
        answer = await asker.ask("LookupEvents", **{**arguments, "NextToken": token})
        found += [row["EventID"] for row in answer["Trails"]]
        read += answer["Coverage"]["EventsRead"]
        assert len(found) < 5000
    return found, read


@pytest.mark.parametrize("case", CASES)
async def test_all_events_that_match_are_found_and_no_others(seeded: Sandbox, case: str) -> None:
    conditions, meets = CASES[case]
    end = int(time.time()) - HOUR
    window = {"StartTime": end - 12 * DAY, "EndTime": end}
    expected = [event.event_id for event in newest(seeded, end - 12 * DAY, end) if meets(event)]
    assert expected
    async with asking("cloud-trail", seeded, MCP_SERVER_ANSWER_BUDGET="5000000") as asker:
        for most in (7, 1000):
            found, _ = await everything(asker, **window, Where=conditions, MaxResults=most)
            assert found == expected
        summary = await asker.ask("SummarizeEvents", **window, Where=conditions)
        assert summary["Events"] == len(expected)
        suspects = await asker.ask("FindSuspiciousActivity", **window, Where=conditions)
        assert suspects["Coverage"]["EventsReturned"] == len(expected)


@pytest.mark.parametrize("budget", ["1", "3"])
async def test_the_page_budget_ends_an_answer_but_no_event_is_skipped(seeded: Sandbox, budget: str) -> None:
    """The token goes on behind the last event that was read, whether or not any of a page matches."""
    end = int(time.time()) - HOUR
    window = {"StartTime": end - 9 * DAY, "EndTime": end}
    expected = [e.event_id for e in newest(seeded, end - 9 * DAY, end) if e.name.startswith("Delete")]
    total = len(newest(seeded, end - 9 * DAY, end))
    async with asking("cloud-trail", seeded, MCP_SERVER_PAGE_BUDGET=budget) as asker:
        asked = {**window, "Where": [that("EventName", "Delete*")], "MaxResults": 4}
        first = (await asker.ask("LookupEvents", **asked))["Coverage"]
        found, read = await everything(asker, **asked)
    assert first["Pages"] <= int(budget)
    assert first["EventsMatched"] >= first["EventsReturned"]
    assert first["EventsRead"] == first["Pages"] * 50
    assert found == expected
    assert read >= total


async def test_no_grave_event_is_skipped_where_the_page_budget_ends_a_batch(seeded: Sandbox) -> None:
    """Events whose marks matter are evaluated some pages at a time; what was read last is evaluated too."""
    asked: dict[str, Any] = {"StartTime": int(time.time()) - 5 * DAY, "EndTime": int(time.time()) - HOUR}
    asked |= {"Where": [that("Severity", "medium")], "MaxResults": 1000}
    async with asking("cloud-trail", seeded, MCP_SERVER_ANSWER_BUDGET="5000000") as asker:
        whole, _ = await everything(asker, **asked)
    async with asking("cloud-trail", seeded, MCP_SERVER_ANSWER_BUDGET="5000000", MCP_SERVER_PAGE_BUDGET="5") as asker:
        pieces, _ = await everything(asker, **asked)
    assert pieces == whole
    assert len(whole) > 10


async def test_what_the_service_can_filter_is_sent_to_it(seeded: Sandbox) -> None:
    async with asking("cloud-trail", seeded) as asker:
        few = await asker.ask(
            "LookupEvents",
            StartTime="12 days ago",
            LookupConditions=[when("EventSource", "iam")],
            Where=[that("EventName", "CreateUser"), that("Result", "OK")],
        )
    assert few["Trails"]
    assert few["Coverage"]["EventsRead"] < 30, "only what may match is read"
    assert {(row["EventSource"], row["EventName"], row["Result"]) for row in few["Trails"]} == {
        ("iam", "CreateUser", "OK")
    }


@pytest.mark.parametrize("tool", ["LookupEvents", "SummarizeEvents", "FindSuspiciousActivity"])
async def test_the_coverage_repeats_the_conditions(seeded: Sandbox, tool: str) -> None:
    conditions = [that("UserAgent", "curl/*"), that("Region", "cn-beijing", exclude=True)]
    async with asking("cloud-trail", seeded) as asker:
        coverage = (await asker.ask(tool, StartTime="2 days ago", Where=conditions))["Coverage"]
    assert [one["Field"] for one in coverage["Asked"]["Where"]] == ["UserAgent", "Region"]
    assert coverage["Asked"]["Where"][1]["Exclude"] is True


async def test_lists_may_come_as_json_text_and_one_value_for_a_list(seeded: Sandbox) -> None:
    async with asking("cloud-trail", seeded) as asker:
        window = {"StartTime": "12 days ago", "EndTime": "1h ago"}
        plain = await asker.ask("LookupEvents", **window, Where=[that("EventName", "Delete*")])
        for form in (
            [{"Field": "EventName", "Values": "Delete*"}],
            {"Field": "eventname", "Values": ["Delete*"]},
            json.dumps([that("EventName", "Delete*")]),
            [{"Field": "EventName", "Values": '["Delete*"]'}],
        ):
            assert (await asker.ask("LookupEvents", **window, Where=form))["Trails"] == plain["Trails"]
        every = await asker.ask("LookupEvents", **window)
        nothing: list[Any] = [[], "", None]
        for none in nothing:
            assert (await asker.ask("LookupEvents", **window, Where=none))["Trails"] == every["Trails"]


async def test_values_inside_requests_are_found_and_secrets_are_not_guessed_at(box: Sandbox) -> None:
    event = plant(
        box, name="ModifyThing", request_parameters=json.dumps({"Cidr": "10.9.8.0/24", "Password": "hunter2"})
    )
    async with asking("cloud-trail", box) as asker:
        found = await asker.ask("LookupEvents", Where=[that("RequestParameters.Cidr", "10.9.8.*")], StartTime="2h ago")
        assert [row["EventID"] for row in found["Trails"]] == [event.event_id]
        guess = await asker.ask(
            "LookupEvents", Where=[that("RequestParameters.Password", "hunter*")], StartTime="2h ago"
        )
        assert guess["Trails"] == []


async def test_severity_and_detection_are_those_that_every_tool_says(seeded: Sandbox) -> None:
    window = {"StartTime": "7 days ago", "EndTime": "1h ago"}
    async with asking("cloud-trail", seeded, MCP_SERVER_ANSWER_BUDGET="5000000") as asker:
        summary = await asker.ask("SummarizeEvents", **window, GroupBy=["detection"], Top=100)
        counts = {group["detection"]: group["Count"] for group in summary["Groups"]}
        for detection in ("iam-admin-policy-attached", "login"):
            found, _ = await everything(asker, **window, Where=[that("Detection", detection)], MaxResults=9)
            assert len(found) == counts[detection], detection
        graded = await asker.ask("SummarizeEvents", **window, GroupBy=["actor"], Where=[that("Severity", "high")])
        found, _ = await everything(asker, **window, Where=[that("Severity", "high")], MaxResults=1000)
        assert graded["Events"] == len(found) > 3
        assert all(group["Severity"] in ("high", "critical") for group in graded["Groups"])


@pytest.mark.parametrize("tool", ["LookupEvents", "SummarizeEvents", "FindSuspiciousActivity"])
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"Where": [that("EventNam", "x")]}, ["'EventNam'", "did you mean EventName"]),
        ({"Where": [that("RequestParameter", "x")]}, ["did you mean RequestParameters"]),
        ({"Where": [that("Severity", "terrible")]}, ["info, low, medium, high, critical", "'terrible'"]),
        ({"Where": [that("SourceIPAddress", "203.0.113.0/99")]}, ["no network"]),
        ({"Where": [that("TimeOfDay", "at night")]}, ["22:00-06:00"]),
        ({"Where": [that("ReadOnly", "maybe")]}, ["true or false"]),
        ({"Where": [that("EventName", "A"), that("EventName", "B")]}, ["can never hold together", "both values"]),
        ({"Where": [{"Field": "EventName", "Values": []}]}, ["at least 1"]),
        ({"Where": [{"Field": "EventName"}]}, ["Values is required"]),
        ({"Where": [{**that("EventName", "A"), "Not": True}]}, ["Not is not known"]),
        ({"LookupConditions": [when("ReadOnly", "maybe")]}, ["true or false"]),
    ],
)
async def test_what_cannot_hold_is_refused_before_anything_is_sent(
    seeded: Sandbox, tool: str, arguments: dict[str, Any], words: list[str]
) -> None:
    async with asking("cloud-trail", seeded) as asker:
        error = await asker.refused(tool, **arguments)
        assert asker.requests == 0
    assert error["Code"] == "InvalidArguments"
    for word in words:
        assert word in f"{error['Message']} {error['Hint']}", error


@pytest.mark.parametrize("tool", ["LookupEvents", "SummarizeEvents", "FindSuspiciousActivity"])
async def test_the_schema_of_the_argument_travels(seeded: Sandbox, tool: str) -> None:
    """No objects of any keys, and nothing but texts, lists and a truth value."""
    async with asking("cloud-trail", seeded) as asker:
        schemas = {one.name: one.input_schema for one in (await asker.client.list_tools()).tools}
    where = json.dumps(schemas[tool]["properties"]["Where"])
    assert '"additionalProperties": {' not in where
    assert {"Field", "Values", "Exclude"} <= set(where.split('"'))
    assert set(re.findall(r'"type": "([a-z]+)"', where)) <= {"array", "object", "string", "boolean", "null"}
