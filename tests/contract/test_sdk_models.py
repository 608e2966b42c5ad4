"""Each declared action against the official typed SDK: a new SDK release shows what the service changed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from contract.shapes import Operation, Shape, declared, differences, in_sdk
from mcp_server_cloud_trail.actions import ACTIONS as CLOUD_TRAIL
from mcp_server_cloud_trail.actions import OF_TOOLS as NAMES
from mcp_server_organization.actions import ACTIONS as ORGANIZATION
from mcp_server_organization.actions import OF_TOOLS as ATTACHMENTS
from volcengine_mcp.declare import Action

ACTIONS = CLOUD_TRAIL + ORGANIZATION + ATTACHMENTS

APIS = {
    ("cloud_trail", "2018-01-01"): ("volcenginesdkcloudtrail20180101", "CLOUDTRAIL20180101Api"),
    ("cloud_trail", "2021-09-01"): ("volcenginesdkcloudtrail", "CLOUDTRAILApi"),
    ("organization", "2022-01-01"): ("volcenginesdkorganization", "ORGANIZATIONApi"),
}

GET = "Upstream servers send 2018-01-01 as GET with a query; the SDK posts a form; the service takes both."
UNMARKED_2018 = "The 2018-01-01 models mark nothing; the 2021-09-01 model and the docs do."
TRAIL_NAME = "The API refuses a trail without a name (InvalidTrailName); the 2018-01-01 models mark nothing."
TRAIL_REGION = "The service sends it, as upstream's OpenAPI description says; the SDK's models drop it."
CONDITION = "The service answers ParameterMissing to half a condition."
ORDER = "The API documents 1 (newest first) and 2 (oldest first)."
DOCUMENTED = "The API documents just these values; the SDK's models have no enum."
UNSORTED = "No tool: what uses it reads every page, so that the order does not matter."

LONG_ID = "JavaScript rounds numbers of more than 53 bits, and IDs have more."

CONDITIONS = "LookupConditions[].LookupCondition"
KEYS = (
    "str of AccessKeyID, ApiVersion, ErrorCode, EventID, EventName, EventSource, IdentityName, IdentityType, "
    "ReadOnly, Region, RequestID, ResourceID, ResourceType"
)

ALLOWED: dict[str, dict[str, str]] = {
    "CreateTrail": {
        "method: GET, SDK POST": GET,
        "request TrailName: required str, SDK optional str": TRAIL_NAME,
        "request EventRW: optional str of All, Read, Write, SDK optional str": UNMARKED_2018,
        "request TrailType: optional int of 0, 1, SDK optional int": DOCUMENTED,
    },
    "DescribeTrails": {
        "method: GET, SDK POST": GET,
        "request IncludeOrganizationTrail: optional int of 0, 1, SDK optional int": DOCUMENTED,
        "result Trails[].TrailRegion: optional str, SDK absent": TRAIL_REGION,
        "result Trails[].CreatorID: optional str, SDK optional int": LONG_ID,
        "result Trails[].OrganizationID: optional str, SDK optional int": LONG_ID,
    },
    "LookupEvents": {
        f"request {CONDITIONS}Key: required {KEYS}, SDK optional {KEYS}": CONDITION,
        f"request {CONDITIONS}Value: required str, SDK optional str": CONDITION,
    },
    "DescribeOrganization": {"result Owner.AccountID: optional str, SDK optional int": LONG_ID},
    "ListAccounts": {"request OrderBy: optional int of 1, 2, SDK optional int": ORDER},
    "ListInvitations": {
        "request OrderBy: optional int of 1, 2, SDK optional int": ORDER,
        "request OrderStr: optional str of created_time, updated_time, SDK optional str": DOCUMENTED,
    },
    "ListTargetsForPolicy": {
        "request SortBy: absent, SDK optional str": UNSORTED,
        "request SortOrder: absent, SDK optional str": UNSORTED,
    },
    "ListServiceControlPolicies": {
        "request PolicyType: optional str of Custom, System, SDK optional str": DOCUMENTED,
        "request SortBy: optional str of CreateDate, UpdateDate, SDK optional str": DOCUMENTED,
        "request SortOrder: optional str of Asc, Desc, SDK optional str": DOCUMENTED,
    },
}
"""Differences that are meant, by action, each with its reason. An entry that no longer holds fails too."""


def sdk_operation(action: type[Action]) -> Operation:
    return in_sdk(*APIS[action.service, action.version], action.wire_name())


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.wire_name())
def test_an_action_differs_from_the_sdk_only_as_is_allowed(action: type[Action]) -> None:
    found = differences(declared(action), sdk_operation(action))

    assert found == set(ALLOWED.get(action.wire_name(), {}))


@pytest.mark.parametrize("action", NAMES, ids=lambda action: action.wire_name())
def test_an_action_of_which_only_a_part_is_used_leaves_out_but_changes_nothing(action: type[Action]) -> None:
    """The Organization server declares the same action whole; this one asks it for the names of accounts only."""
    found = differences(declared(action), sdk_operation(action))

    assert {line for line in found if ": absent, SDK optional " not in line} == set()
    assert "AccountList[].AccountID" in declared(action).result


def test_allowed_differences_are_of_declared_actions_and_have_reasons() -> None:
    assert set(ALLOWED) <= {action.wire_name() for action in ACTIONS}
    assert all(reason.endswith(".") for reasons in ALLOWED.values() for reason in reasons.values())


def test_the_comparison_sees_every_kind_of_difference() -> None:
    """A comparison that sees nothing would pass everything."""
    lookup_events = next(action for action in ACTIONS if action.wire_name() == "LookupEvents")
    real = sdk_operation(lookup_events)
    key = "LookupConditions[].LookupConditionKey"
    drifted = replace(
        real,
        version="2030-01-01",
        request={path: shape for path, shape in real.request.items() if path != "NextToken"}
        | {
            key: replace(real.request[key], allowed=("EventID",)),
            "StartTime": Shape("str"),
            "EndTime": replace(real.request["EndTime"], required=True),
        },
        result=real.result | {"Trails[].RelatedResources[].New": Shape("str")},
    )

    seen = {line.partition(":")[0] for line in differences(real, drifted)}

    assert seen == {
        "version",
        "request NextToken",
        f"request {key}",
        "request StartTime",
        "request EndTime",
        "result Trails[].RelatedResources[].New",
    }


def test_the_sdk_is_read_with_its_types_requirements_and_enums() -> None:
    """Known facts of SDK 5.0.54, so that reading nothing cannot pass for agreement."""
    shapes = in_sdk("volcenginesdkcloudtrail", "CLOUDTRAILApi", "CreateTrail").request

    assert shapes["TrailName"] == Shape("str", required=True)
    assert shapes["TosSSEAlgorithm"] == Shape("str", allowed=("AES256", "kms"))
    assert shapes["EventSources"] == Shape("list[str]")
    assert shapes["IncludeAllEventSources"] == Shape("bool", required=True)
