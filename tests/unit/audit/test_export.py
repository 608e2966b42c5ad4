"""Events as lines for other programs: nothing lost, no secret told, and OCSF as its schema wants it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.audit.samples import ACCOUNT, ALICE, NOW, OPS, ROOT, event
from unit.audit.test_where import ITEMS, SERVICE
from volcengine_audit import Event, Mark, Resource, Severity, judge
from volcengine_audit.export import ACTIVITIES, activity_of, exported, full_event, json_lines, ocsf_event

MARKED = (Mark(id="rule", severity=Severity.HIGH, reason="why"),)
CALL = event(
    "iam:CreateLoginProfile",
    OPS,
    id="E-1",
    parameters='{"UserName": "bob", "Password": "hunter2"}',
    response={"Credentials": {"SecretAccessKey": "hunter2", "AccessKeyId": "AKLTbob"}},
    detail={"ErrorMessage": "sent password=hunter2", "UserAgent": "curl token=hunter2abc"},
    error="AccessDenied",
    RelatedResources=[
        {"ResourceID": "bob", "ResourceType": "user", "ServiceCode": "iam", "IntegratedTrn": "trn:iam::1:user/bob"}
    ],
)


def test_the_full_record_has_every_field_as_the_api_spells_it() -> None:
    assert full_event(CALL, MARKED, ZoneInfo("Asia/Shanghai")) == {
        "EventID": "E-1",
        "RequestID": "r-E-1",
        "EventTime": "2026-11-21T12:00:00+08:00",
        "EventType": "ApiCall",
        "EventSource": "iam",
        "EventName": "CreateLoginProfile",
        "ApiVersion": "2018-01-01",
        "ReadOnly": False,
        "Who": "role/OrganizationAccessControlRole@2100000002",
        "UserIdentity": {
            "Type": "AssumedRole",
            "Kind": "role",
            "AccountID": "2100000002",
            "UserName": "OrganizationAccessControlRole",
            "PrincipalID": "40001:ops-session",
            "SessionName": "ops-session",
            "AccessKeyID": OPS["AccessKeyID"],
            "TRN": OPS["TRN"],
        },
        "Region": "cn-beijing",
        "SourceIPAddress": "203.0.113.9",
        "UserAgent": "curl token=***",
        "RelatedResources": [
            {
                "ServiceCode": "iam",
                "ResourceType": "user",
                "ResourceID": "bob",
                "IntegratedTrn": "trn:iam::1:user/bob",
            }
        ],
        "ErrorCode": "AccessDenied",
        "ErrorMessage": "sent password=***",
        "RequestParameters": {"UserName": "bob", "Password": "***"},
        "ResponseElements": {"Credentials": {"SecretAccessKey": "***", "AccessKeyId": "AKLTbob"}},
        "RiskMarks": [{"Id": "rule", "Severity": "high", "Reason": "why"}],
    }


def test_an_event_becomes_api_activity() -> None:
    assert ocsf_event(CALL, MARKED) == {
        "activity_id": 1,
        "activity_name": "Create",
        "category_uid": 6,
        "category_name": "Application Activity",
        "class_uid": 6003,
        "class_name": "API Activity",
        "type_uid": 600301,
        "type_name": "API Activity: Create",
        "time": NOW * 1000,
        "severity_id": 4,
        "severity": "High",
        "status_id": 2,
        "status": "Failure",
        "status_code": "AccessDenied",
        "status_detail": "sent password=***",
        "message": "role/OrganizationAccessControlRole@2100000002 called iam:CreateLoginProfile",
        "actor": {
            "user": {
                "name": "OrganizationAccessControlRole",
                "uid": OPS["TRN"],
                "uid_alt": "40001:ops-session",
                "type_id": 99,
                "type": "AssumedRole",
                "account": {"uid": "2100000002"},
                "credential_uid": OPS["AccessKeyID"],
            },
            "session": {"uid": "ops-session"},
        },
        "api": {
            "operation": "CreateLoginProfile",
            "service": {"name": "iam"},
            "version": "2018-01-01",
            "request": {"uid": "r-E-1", "data": {"UserName": "bob", "Password": "***"}},
            "response": {
                "error": "AccessDenied",
                "error_message": "sent password=***",
                "data": {"Credentials": {"SecretAccessKey": "***", "AccessKeyId": "AKLTbob"}},
            },
        },
        "src_endpoint": {"ip": "203.0.113.9"},
        "http_request": {"user_agent": "curl token=***"},
        "resources": [
            {
                "uid": "bob",
                "name": "trn:iam::1:user/bob",
                "type": "user",
                "region": "cn-beijing",
                "group": {"name": "iam"},
            }
        ],
        "cloud": {"provider": "Volcengine", "account": {"uid": "2100000002"}, "region": "cn-beijing"},
        "metadata": {
            "version": "1.6.0",
            "uid": "E-1",
            "product": {"name": "Cloud Trail", "vendor_name": "Volcengine"},
            "profiles": ["cloud"],
            "original_time": "2026-11-21T04:00:00Z",
        },
        "unmapped": {
            "EventType": "ApiCall",
            "ReadOnly": False,
            "RiskMarks": [{"Id": "rule", "Severity": "high", "Reason": "why"}],
        },
    }


@pytest.mark.parametrize(
    ("action", "activity"),
    [
        ("iam:CreateUser", 1),
        ("ecs:RunInstances", 1),
        ("ecs:DescribeInstances", 2),
        ("iam:GetUser", 2),
        ("iam:UpdateUser", 3),
        ("vpc:AuthorizeSecurityGroupIngress", 3),
        ("iam:AttachUserPolicy", 3),
        ("ecs:DeleteInstances", 4),
        ("vpc:ReleaseEipAddress", 4),
        ("sts:AssumeRole", 99),
        ("ecs:Runaway", 99),
        ("ecs:deleteInstances", 99),
        ("x:", 0),
    ],
)
def test_the_verb_tells_the_activity(action: str, activity: int) -> None:
    call = event(action)
    assert activity_of(call) == activity
    assert ocsf_event(call)["type_uid"] == 600300 + activity
    assert ocsf_event(call)["activity_name"] == ACTIVITIES[activity]


@pytest.mark.parametrize(
    ("identity", "expected"),
    [
        (ALICE, {"name": "alice", "type_id": 1, "type": "User", "uid": ALICE["TRN"], "uid_alt": "30001"}),
        (ROOT, {"name": "root", "type_id": 2, "type": "Admin", "uid": ROOT["TRN"], "uid_alt": ACCOUNT}),
        (SERVICE, {"name": "autoscaling", "type_id": 3, "type": "System"}),
        ({"PrincipalID": "7:s"}, {"uid": "7:s", "type_id": 0, "type": "Unknown"}),
        ({}, {"name": "Unknown", "type_id": 0, "type": "Unknown"}),
    ],
)
def test_callers_have_the_kinds_of_the_schema(identity: dict[str, str], expected: dict[str, object]) -> None:
    actor: Any = ocsf_event(event("iam:GetUser", identity))["actor"]
    user = {key: value for key, value in actor["user"].items() if key not in ("account", "credential_uid")}
    assert user == expected
    assert "session" not in actor


@pytest.mark.parametrize(
    ("severity", "expected"),
    [
        (None, 1),
        (Severity.INFO, 1),
        (Severity.LOW, 2),
        (Severity.MEDIUM, 3),
        (Severity.HIGH, 4),
        (Severity.CRITICAL, 5),
    ],
)
def test_the_worst_mark_is_the_severity(severity: Severity | None, expected: int) -> None:
    marks = (
        (Mark(id="a", severity=severity, reason=""), Mark(id="b", severity=Severity.INFO, reason=""))
        if severity is not None
        else ()
    )
    assert ocsf_event(CALL, marks)["severity_id"] == expected


def test_what_is_not_known_is_not_invented() -> None:
    record = ocsf_event(Event(parameters={"A": 1}))
    assert "time" not in record
    assert record["src_endpoint"] == {"name": "Unknown"}
    assert record["api"] == {"operation": "Unknown"}
    assert record["unmapped"] == {"RequestParameters": {"A": 1}}
    assert (record["activity_id"], record["status_id"], record["severity_id"]) == (0, 1, 1)
    assert ocsf_event(event(address="console"))["src_endpoint"] == {"name": "console"}
    assert ocsf_event(event(address="2001:db8::1"))["src_endpoint"] == {"ip": "2001:db8::1"}
    assert full_event(Event()) == {"Who": "unknown/?", "UserIdentity": {"Kind": "unknown"}}


def test_a_request_that_is_no_object_gets_a_name() -> None:
    api: Any = ocsf_event(event(parameters="a=1"))["api"]
    assert api["request"]["data"] == {"value": "a=1"}
    resources: Any = ocsf_event(Event(resources=(Resource(trn="trn:x"),)))["resources"]
    assert resources == [{"uid": "trn:x"}]


@pytest.mark.parametrize("ocsf", [False, True])
def test_lines_stay_lines_whatever_strangers_write(ocsf: bool) -> None:
    nasty = 'a\nb\r\n"\u2028\u2029\x85\x1b[31m\x9b\u202e\ud800 中文 😀'
    calls = [
        event(parameters=json.dumps({"Note": nasty, nasty: "far"}).replace('"far"', "1e999"), id="1"),
        event(id="2"),
    ]
    lines = list(exported(calls, ocsf=ocsf))
    assert len("".join(lines).splitlines()) == 2
    assert all(line.endswith("\n") and line[:-1].isprintable() for line in lines)
    assert "中文 😀" in lines[0]
    assert lines[0].encode("utf-8")
    read = json.loads(lines[0])
    assert read == (ocsf_event(calls[0]) if ocsf else full_event(calls[0]))
    parameters = read["api"]["request"]["data"] if ocsf else read["RequestParameters"]
    assert parameters == {"Note": nasty, nasty: "inf"}


def test_marks_go_with_their_events_in_the_order_given() -> None:
    calls = [event("iam:DeleteUser", id="2"), event("iam:GetUser", id="1")]
    marks = judge(calls).marks
    lines = [json.loads(line) for line in exported(calls, marks)]
    assert [(line["EventID"], "RiskMarks" in line) for line in lines] == [("2", bool(marks[0])), ("1", False)]
    assert marks[0]
    with pytest.raises(ValueError, match="zip"):
        list(exported(calls, marks[:1]))


INTEGERS = {"activity_id", "category_uid", "class_uid", "type_uid", "time", "severity_id", "status_id", "type_id"}
OBJECTS = {
    *("actor", "user", "session", "account", "api", "service", "request", "response", "data", "src_endpoint"),
    *("http_request", "cloud", "metadata", "product", "unmapped", "group"),
}
LISTS = {"resources", "profiles"}
REQUIRED = {
    *("activity_id", "category_uid", "class_uid", "type_uid", "severity_id", "metadata", "actor", "api"),
    *("src_endpoint", "cloud"),
}


def check(record: Mapping[str, object]) -> None:
    """That attributes have the types that the dictionary of OCSF gives them."""
    for key, value in record.items():
        if key in INTEGERS:
            assert type(value) is int, key
        elif key in OBJECTS:
            assert isinstance(value, dict), key
            assert value, key
            if key not in ("data", "unmapped"):
                check(value)
        elif key in LISTS:
            assert isinstance(value, list), key
            for inner in value:
                if isinstance(inner, dict):
                    check(inner)
        else:
            assert isinstance(value, str), key
            assert value, key


@settings(max_examples=300, deadline=None)
@given(ITEMS, st.sampled_from([(), MARKED]))
def test_every_event_is_valid_in_both_forms(call: Event, marks: Any) -> None:
    record: Any = ocsf_event(call, marks)
    check(record)
    assert record.keys() >= REQUIRED
    assert record["type_uid"] == record["class_uid"] * 100 + record["activity_id"]
    assert {"name", "uid", "account"} & record["actor"]["user"].keys()
    assert {"ip", "name"} & record["src_endpoint"].keys()
    assert record["api"]["operation"]
    assert "uid" in record["api"].get("request", {"uid": ""})
    records = [record, full_event(call, marks)]
    assert [json.loads(line) for line in json_lines(records)] == records


@given(st.text(min_size=8, max_size=12, alphabet="qwxyz"))
def test_no_secret_leaves_in_either_form(secret: str) -> None:
    call = event(
        parameters=json.dumps({"Password": secret, "Inner": json.dumps({"Token": secret})}),
        response={"SecretAccessKey": secret},
        detail={"ErrorMessage": f"password={secret}", "UserAgent": f"x (token={secret})"},
        RelatedResources=[{"ResourceID": f"object?Signature={secret}", "IntegratedTrn": f"trn:x?Signature={secret}"}],
    )
    for ocsf in (False, True):
        assert secret not in "".join(exported([call], ocsf=ocsf))
