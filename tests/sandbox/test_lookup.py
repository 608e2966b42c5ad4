"""LookupEvents: windows, conditions, pages and their errors."""

from __future__ import annotations

import calendar
import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import volcenginesdkcloudtrail as cloudtrail
from sandbox.clients import Caller, sdk
from volcengine_sandbox import Sandbox

DAY = 86400
KEYS: dict[str, Callable[[Any, Any], str]] = {
    "EventID": lambda event, detail: event["EventID"],
    "RequestID": lambda event, detail: event["RequestID"],
    "EventSource": lambda event, detail: event["EventSource"],
    "EventName": lambda event, detail: event["EventName"],
    "ApiVersion": lambda event, detail: detail["ApiVersion"],
    "ReadOnly": lambda event, detail: json.dumps(detail["ReadOnly"]),
    "IdentityType": lambda event, detail: detail["UserIdentity"]["Type"],
    "IdentityName": lambda event, detail: event["UserName"],
    "AccessKeyID": lambda event, detail: event["AccessKeyID"],
    "Region": lambda event, detail: event["Region"],
    "ResourceType": lambda event, detail: event["RelatedResources"][0]["ResourceType"],
    "ResourceID": lambda event, detail: event["RelatedResources"][0]["ResourceID"],
    "ErrorCode": lambda event, detail: event["ErrorCode"],
}


def condition(key: str, value: str) -> dict[str, str]:
    return {"LookupConditionKey": key, "LookupConditionValue": value}


def lookup(caller: Caller, *conditions: dict[str, str], **body: Any) -> dict[str, Any]:
    answer = caller("LookupEvents", body | {"LookupConditions": list(conditions)}, service="cloud_trail")
    return dict(answer)


def everything(caller: Caller, *conditions: dict[str, str], **body: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    token = ""
    while True:
        page = lookup(caller, *conditions, **body, NextToken=token)
        found += page["Trails"]
        token = page["NextToken"]
        if not token:
            return found


def test_the_typed_sdk_reads_an_event(shared: Sandbox) -> None:
    api = cloudtrail.CLOUDTRAILApi(sdk(shared, shared.administrator))
    wanted = cloudtrail.LookupConditionForLookupEventsInput(
        lookup_condition_key="EventName", lookup_condition_value="StopLogging"
    )
    answer = api.lookup_events(cloudtrail.LookupEventsRequest(max_results=5, lookup_conditions=[wanted]))
    event = next(event for event in answer.trails if event.user_name == "legacy-sync")
    assert event.event_source_display == "云审计"
    assert event.related_resources[0].resource_id == "identity-events"
    detail = json.loads(event.event_detail)
    assert (detail["EventVersion"], detail["EventType"]) == ("v1.0", "ApiCall")
    assert json.loads(detail["RequestParameters"]) == {"TrailName": "identity-events"}


def test_newest_first_fifty_at_most_in_the_last_ninety_days(shared: Sandbox, admin: Caller) -> None:
    for size in ({}, {"MaxResults": 0}, {"MaxResults": 50}):
        events = lookup(admin, **size)["Trails"]
        times = [event["EventTime"] for event in events]
        assert len(events) == 50
        assert times == sorted(times, reverse=True)
    oldest = everything(admin, condition("EventSource", "iam"))[-1]["EventTime"]
    assert time.time() - calendar.timegm(time.strptime(oldest, "%Y-%m-%dT%H:%M:%SZ")) < 91 * DAY


@pytest.mark.parametrize("key", KEYS)
def test_each_condition_is_exact(shared: Sandbox, admin: Caller, key: str) -> None:
    story = shared.stories.leaked_key
    event_id = story.event_ids[-1]
    (event,) = lookup(admin, condition("EventID", event_id))["Trails"]
    if key == "ErrorCode":
        (event,) = lookup(admin, condition("EventID", story.event_ids[1]))["Trails"]
    read = KEYS[key]
    value = read(event, json.loads(event["EventDetail"]))
    window = {"StartTime": story.start, "EndTime": story.end}
    found = lookup(admin, condition(key, value), **window)["Trails"]
    assert event in found
    assert all(read(other, json.loads(other["EventDetail"])) == value for other in found)
    for wrong in (value.swapcase(), value[:-1], f" {value}"):
        if wrong != value:
            assert lookup(admin, condition(key, wrong), **window)["Trails"] == []


def test_conditions_are_anded_and_empty_ones_ignored(shared: Sandbox, admin: Caller) -> None:
    key = shared.stories.leaked_key.access_key
    denied = lookup(admin, condition("AccessKeyID", key), condition("ErrorCode", "AccessDenied"), condition("", ""))
    assert len(denied["Trails"]) == 8
    assert {event["AccessKeyID"] for event in denied["Trails"]} == {key}


def test_an_event_with_two_resources_of_a_type_is_found_once(box: Sandbox, admin: Caller) -> None:
    known = next(event for event in box.state.events if len(event.resources) == 1)
    first = known.resources[0]
    both = (replace(first, id="one"), replace(first, id="two"))
    box.state.events.add(replace(known, event_id="twice", time=int(time.time()), resources=both))
    for key, value in (("ResourceType", first.type), ("ResourceID", "two")):
        found = lookup(admin, condition(key, value), StartTime=int(time.time()) - 60)["Trails"]
        assert [event["EventID"] for event in found] == ["twice"]


def test_pages_join_without_gap_or_repetition_while_events_arrive(shared: Sandbox, admin: Caller) -> None:
    ids = [event["EventID"] for event in everything(admin, condition("EventName", "DescribeInstances"), MaxResults=37)]
    direct = {event.event_id for event in shared.state.events if event.name == "DescribeInstances"}
    assert len(ids) == len(set(ids))
    assert set(ids) == direct
    # Each lookup is an event itself, so the unfiltered log grows while it is read.
    start = shared.stories.leaked_key.start
    all_ids = [event["EventID"] for event in everything(admin, StartTime=start)]
    assert len(all_ids) == len(set(all_ids))


def test_a_token_belongs_to_its_filters_and_caller(shared: Sandbox, admin: Caller) -> None:
    token = lookup(admin, condition("EventSource", "ecs"))["NextToken"]
    refused = (400, "InvalidParameter")
    for body in (
        {"NextToken": token},
        {"NextToken": token, "LookupConditions": [condition("EventSource", "iam")]},
        {"NextToken": token, "LookupConditions": [condition("EventSource", "ecs")], "StartTime": int(time.time()) - 9},
        {"NextToken": "613f1ed7-2-5ed3-1-1"},
        {"NextToken": token[:-1]},
    ):
        assert admin.refusal("LookupEvents", body, service="cloud_trail") == refused
    mine = {"NextToken": token, "LookupConditions": [condition("EventSource", "ecs")]}
    assert Caller(shared, shared.member).refusal("LookupEvents", mine, service="cloud_trail") == refused
    assert lookup(admin, condition("EventSource", "ecs"), NextToken=token, MaxResults=3)["Trails"]


NOW = int(time.time())


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"MaxResults": 51}, "InvalidParameter"),
        ({"MaxResults": -1}, "InvalidParameter"),
        ({"MaxResults": "ten"}, "InvalidParameter"),
        ({"LookupConditions": [condition("UserName", "x")]}, "InvalidParameter"),
        ({"LookupConditions": {"LookupConditionKey": "EventName"}}, "InvalidParameter"),
        ({"StartTime": NOW - 91 * DAY}, "InvalidParameterStartTime"),
        ({"StartTime": "yesterday"}, "InvalidParameterStartTime"),
        ({"EndTime": -5}, "InvalidParameterEndTime"),
        ({"EndTime": True}, "InvalidParameterEndTime"),
        ({"StartTime": NOW - 5, "EndTime": NOW - 5}, "InvalidTimeRange"),
        ({"StartTime": NOW - 5, "EndTime": NOW - 6}, "InvalidTimeRange"),
        ({"StartTime": NOW + 3600}, "InvalidTimeRange"),
    ],
)
def test_refusals(shared: Sandbox, admin: Caller, body: dict[str, Any], code: str) -> None:
    assert admin.refusal("LookupEvents", body, service="cloud_trail") == (400, code)


def test_ninety_days_ago_to_the_second_is_accepted(shared: Sandbox, admin: Caller) -> None:
    assert lookup(admin, StartTime=int(time.time()) - 90 * DAY)["Trails"]


def test_a_window_includes_both_of_its_ends(shared: Sandbox, admin: Caller) -> None:
    story = shared.stories.console_logins
    mine = condition("EventName", "ConsoleLogin")
    found = lookup(admin, mine, StartTime=story.start, EndTime=story.end)["Trails"]
    assert {event["EventID"] for event in found} >= {story.event_ids[0], story.event_ids[-1]}


def test_a_member_sees_its_own_account_only(shared: Sandbox) -> None:
    member = Caller(shared, shared.member)
    member("LookupEvents", service="cloud_trail")
    found = everything(member)
    accounts = {json.loads(event["EventDetail"])["UserIdentity"]["AccountID"] for event in found}
    assert accounts == {shared.member.account_id}


def test_lookup_exists_in_the_newer_version_only(shared: Sandbox, admin: Caller) -> None:
    refusal = admin.refusal("LookupEvents", service="cloud_trail", version="2018-01-01")
    assert refusal == (404, "InvalidActionOrVersion")
