"""Arguments as models send them: what goes over the wire, and the sentence that answers a bad one."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_server_cloud_trail.actions import ACTIONS as CLOUD_TRAIL
from mcp_server_organization.actions import ACTIONS as ORGANIZATION
from mcp_server_organization.actions import OF_TOOLS as ATTACHMENTS
from pydantic import ValidationError

ACTIONS = {action.wire_name(): action for action in CLOUD_TRAIL + ORGANIZATION + ATTACHMENTS}

DENY = {"Statement": [{"Effect": "Deny", "Action": ["ecs:*"], "Resource": ["*"]}]}
BUCKET = {"TrailName": "t", "TosBucketName": "b"}
CONDITION = {"LookupConditionKey": "EventName", "LookupConditionValue": "DeleteTrail"}
UNIT = "7167316755275595820"


def same(name: str, arguments: dict[str, Any]) -> Any:
    return pytest.param(name, arguments, arguments, id=f"{name}-{'-'.join(arguments) or 'nothing'}")


@pytest.mark.parametrize(
    ("name", "arguments", "wire"),
    [
        same("CreateTrail", BUCKET),
        same("CreateTrail", {"TrailName": "t", "TlsProjectName": "p"}),
        same(
            "CreateTrail",
            {
                "TrailName": "审计",
                "TrailType": 0,
                "EventRW": "Write",
                "EventSources": ["iam", "ecs"],
                "TosBucketName": "b",
                "TosBucketRegion": "cn-beijing",
                "TosBucketProject": "default",
                "TosKeyPrefix": "audit/",
                "TlsProjectName": "p",
                "TlsProjectRegion": "cn-beijing",
                "TlsTopicName": "topic",
                "TlsProjectTopicProject": "default",
            },
        ),
        ("CreateTrail", BUCKET | {"TrailType": "1"}, BUCKET | {"TrailType": 1}),
        ("CreateTrail", BUCKET | {"EventRW": None}, BUCKET),
        same("DescribeTrails", {}),
        same("DescribeTrails", {"TrailNames": ["a", "b"], "IncludeOrganizationTrail": 0}),
        ("DescribeTrails", {"IncludeOrganizationTrail": True}, {"IncludeOrganizationTrail": 1}),
        ("DescribeTrails", {"IncludeOrganizationTrail": False}, {"IncludeOrganizationTrail": 0}),
        ("DescribeTrails", {"IncludeOrganizationTrail": "1"}, {"IncludeOrganizationTrail": 1}),
        ("DescribeTrails", {"IncludeOrganizationTrail": "false"}, {"IncludeOrganizationTrail": 0}),
        same("LookupEvents", {}),
        same("LookupEvents", {"StartTime": 0, "EndTime": 1, "MaxResults": 50, "NextToken": "613f1ed7-2"}),
        same("LookupEvents", {"LookupConditions": [CONDITION]}),
        ("LookupEvents", {"MaxResults": "1", "StartTime": "5"}, {"MaxResults": 1, "StartTime": 5}),
        *(
            (
                "LookupEvents",
                {"LookupConditions": [{"LookupConditionKey": "ReadOnly", "LookupConditionValue": value}]},
                {"LookupConditions": [{"LookupConditionKey": "ReadOnly", "LookupConditionValue": "false"}]},
            )
            for value in (False, "false")
        ),
        same("CreateOrganization", {}),
        same("CreateOrganizationalUnit", {"ParentId": UNIT, "Name": "研发", "Description": ""}),
        ("CreateOrganizationalUnit", {"ParentId": 42, "Name": "n"}, {"ParentId": "42", "Name": "n"}),
        (
            "CreateServiceControlPolicy",
            {"PolicyName": "p", "Statement": {"Statement": [{"Effect": "Deny"}], "Note": "禁止"}},
            {
                "PolicyName": "p",
                "Statement": '{"Statement":[{"Effect":"Deny"}],"Note":"禁止"}',
            },
        ),
        same("CreateServiceControlPolicy", {"PolicyName": "p", "Statement": ' {"Statement": []} '}),
        ("DescribeAccount", {"AccountId": 2100245176}, {"AccountId": "2100245176"}),
        same("DescribeAccountInvitation", {"InviteId": UNIT}),
        same("DescribeOrganization", {}),
        same("DescribeOrganizationalUnit", {"OrgUnitId": UNIT}),
        same("DescribeQuitApplication", {"ApplicationId": UNIT}),
        same("GetAccountSecureContactInfo", {"AccountId": "2100245176"}),
        same("GetServiceControlPolicy", {"PolicyID": UNIT}),
        same("GetServiceControlPolicyEnablement", {}),
        same("ListAccounts", {}),
        same("ListPoliciesForTarget", {"TargetID": UNIT, "Limit": 100, "Offset": 2}),
        same("ListTargetsForPolicy", {"PolicyID": UNIT}),
        same(
            "ListAccounts",
            {
                "OrgUnitId": UNIT,
                "Search": "dev",
                "VerificationId": "2100245176",
                "IncludeTags": False,
                "OrderBy": 2,
                "Limit": 100,
                "Offset": 1,
            },
        ),
        ("ListAccounts", {"OrderBy": "2", "Limit": "10"}, {"OrderBy": 2, "Limit": 10}),
        same("ListInvitations", {"OrderBy": 1, "OrderStr": "updated_time", "Search": "a", "OrgUnitId": UNIT}),
        same("ListOrganizationalUnits", {}),
        same("ListOrganizationalUnitsForParent", {"ParentId": UNIT, "Limit": 1, "Offset": 2}),
        same(
            "ListServiceControlPolicies",
            {
                "PolicyType": "Custom",
                "Query": "deny",
                "SortBy": "UpdateDate",
                "SortOrder": "Asc",
                "PageNumber": 1,
                "PageSize": 100,
            },
        ),
    ],
)
def test_arguments_as_they_go_over_the_wire(name: str, arguments: dict[str, Any], wire: dict[str, Any]) -> None:
    assert ACTIONS[name].model_validate(arguments).wire() == wire


@pytest.mark.parametrize(
    ("name", "arguments", "place", "sentence"),
    [
        ("CreateTrail", {"TosBucketName": "b"}, "TrailName", "Field required"),
        ("CreateTrail", {"TrailName": "t"}, "", "give TosBucketName (a TOS bucket), TlsProjectName"),
        ("CreateTrail", {"TrailName": "t", "TlsTopicName": "x"}, "", "a trail must deliver somewhere"),
        ("CreateTrail", BUCKET | {"TrailName": ""}, "TrailName", "at least 1 character"),
        ("CreateTrail", BUCKET | {"EventRW": "write"}, "EventRW", "should be 'All', 'Read' or 'Write'"),
        ("CreateTrail", BUCKET | {"EventRw": "Write"}, "EventRw", "not permitted"),
        ("CreateTrail", BUCKET | {"EventSources": []}, "EventSources", "at least 1 item"),
        ("CreateTrail", BUCKET | {"EventSources": "iam"}, "EventSources", "valid list"),
        ("CreateTrail", BUCKET | {"TrailType": True}, "TrailType", "must be a number, not true or false"),
        ("CreateTrail", BUCKET | {"TrailType": "2"}, "TrailType", "should be 0 or 1"),
        ("CreateTrail", BUCKET | {"TosSSEAlgorithm": "kms"}, "TosSSEAlgorithm", "not permitted"),
        ("DescribeTrails", {"TrailNames": []}, "TrailNames", "at least 1 item"),
        ("DescribeTrails", {"IncludeOrganizationTrail": 2}, "IncludeOrganizationTrail", "should be 0 or 1"),
        (
            "LookupEvents",
            {"StartTime": 7, "EndTime": 7},
            "",
            "StartTime (7) must be earlier than EndTime",
        ),
        ("LookupEvents", {"StartTime": 9, "EndTime": 7}, "", "both in Unix seconds"),
        ("LookupEvents", {"StartTime": -1}, "StartTime", "greater than or equal to 0"),
        ("LookupEvents", {"StartTime": "2025-01-01"}, "StartTime", "valid integer"),
        ("LookupEvents", {"MaxResults": 0}, "MaxResults", "greater than or equal to 1"),
        ("LookupEvents", {"MaxResults": 51}, "MaxResults", "less than or equal to 50"),
        ("LookupEvents", {"LookupConditions": []}, "LookupConditions", "at least 1 item"),
        (
            "LookupEvents",
            {"LookupConditions": [CONDITION | {"LookupConditionKey": "UserName"}]},
            "LookupConditions.0.LookupConditionKey",
            "'IdentityName'",
        ),
        (
            "LookupEvents",
            {"LookupConditions": [{"LookupConditionKey": "EventName"}]},
            "LookupConditions.0.LookupConditionValue",
            "Field required",
        ),
        (
            "LookupEvents",
            {"LookupConditions": [CONDITION | {"LookupConditionValue": ""}]},
            "LookupConditions.0.LookupConditionValue",
            "at least 1",
        ),
        (
            "LookupEvents",
            {"LookupConditions": [CONDITION | {"Operator": "="}]},
            "LookupConditions.0.Operator",
            "not permitted",
        ),
        ("CreateOrganization", {"Name": "x"}, "Name", "not permitted"),
        ("CreateOrganizationalUnit", {"Name": "n"}, "ParentId", "Field required"),
        ("CreateOrganizationalUnit", {"ParentId": UNIT, "Name": ""}, "Name", "at least 1 character"),
        ("CreateServiceControlPolicy", {"PolicyName": "p"}, "Statement", "Field required"),
        *(
            ("CreateServiceControlPolicy", {"PolicyName": "p", "Statement": statement}, "Statement", sentence)
            for statement, sentence in (
                ("{", "is not valid JSON"),
                ("[" * 100_000, "is not valid JSON"),
                ("[]", "must be a JSON object with the key Statement, such as"),
                ("{}", "with the key Statement"),
                (DENY["Statement"], "with the key Statement"),
                (DENY["Statement"][0], "with the key Statement"),
                (5, "must be a JSON object"),
            )
        ),
        ("DescribeAccount", {}, "AccountId", "Field required"),
        ("DescribeAccount", {"AccountId": ""}, "AccountId", "at least 1"),
        ("DescribeAccount", {"AccountID": "1"}, "AccountID", "not permitted"),
        ("DescribeOrganizationalUnit", {"OrgUnitId": int(UNIT)}, "OrgUnitId", "must be a string in quotes"),
        ("DescribeOrganizationalUnit", {"OrgUnitId": True}, "OrgUnitId", "valid string"),
        ("GetServiceControlPolicy", {"PolicyId": UNIT}, "PolicyId", "not permitted"),
        ("ListAccounts", {"Limit": 0}, "Limit", "greater than or equal to 1"),
        ("ListAccounts", {"Limit": 101}, "Limit", "less than or equal to 100"),
        ("ListAccounts", {"Offset": 0}, "Offset", "greater than or equal to 1"),
        ("ListAccounts", {"OrderBy": 3}, "OrderBy", "should be 1 or 2"),
        ("ListAccounts", {"OrderBy": "desc"}, "OrderBy", "should be 1 or 2"),
        ("ListAccounts", {"OrderBy": True}, "OrderBy", "must be a number, not true or false"),
        ("ListInvitations", {"OrderStr": "CreatedTime"}, "OrderStr", "'created_time' or 'updated_time'"),
        ("ListOrganizationalUnits", {"Limit": 10}, "Limit", "not permitted"),
        ("ListOrganizationalUnitsForParent", {"Limit": 10}, "ParentId", "Field required"),
        ("ListServiceControlPolicies", {"PageNumber": 0}, "PageNumber", "greater than or equal to 1"),
        ("ListServiceControlPolicies", {"PolicyType": "custom"}, "PolicyType", "'System' or 'Custom'"),
        ("ListServiceControlPolicies", {"SortBy": "Name"}, "SortBy", "'CreateDate' or 'UpdateDate'"),
        ("ListServiceControlPolicies", {"SortOrder": "DESC"}, "SortOrder", "'Desc' or 'Asc'"),
    ],
)
def test_a_bad_argument_is_named_and_what_is_allowed_is_said(
    name: str, arguments: dict[str, Any], place: str, sentence: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        ACTIONS[name].model_validate(arguments)

    told = {".".join(map(str, problem["loc"])): problem["msg"] for problem in caught.value.errors()}
    assert place in told
    assert sentence in told[place]


@pytest.mark.parametrize("name", ACTIONS)
def test_the_schema_advertises_what_is_accepted(name: str) -> None:
    schema = ACTIONS[name].model_json_schema()

    assert schema["additionalProperties"] is False
    if name == "CreateServiceControlPolicy":
        statement = schema["properties"]["Statement"]
        assert statement["anyOf"] == [{"type": "object"}, {"type": "string"}]
        assert "Deny" in statement["description"]
