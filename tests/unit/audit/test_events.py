"""Events as they come: who, what, where from, on what, how it ended — in every spelling, and when they are broken."""

from __future__ import annotations

import json
from datetime import timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.audit.samples import ACCOUNT, ALICE, NOW, OPS, ROOT, event, item, wire
from volcengine_audit import Kind, distinct, event_of, event_summary, full_record, iso
from volcengine_audit.identity import identity_of
from volcengine_policy.verbs import is_read

JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from([*item(), "eventDetail", "UserIdentity", "Unknown"])


@pytest.mark.parametrize(
    ("identity", "kind", "label"),
    [
        (ROOT, Kind.ROOT, f"root@{ACCOUNT}"),
        ({"Type": "Account", "PrincipalID": "21"}, Kind.ROOT, "root@21"),
        ({"Trn": "trn:iam::21:root"}, Kind.ROOT, "root@21"),
        (ALICE, Kind.USER, f"user/alice@{ACCOUNT}"),
        ({"Type": "User", "AccountId": 21, "UserName": "bob"}, Kind.USER, "user/bob@21"),
        ({"type": "SubUser", "trn": "trn:iam::21:user/team/bob"}, Kind.USER, "user/team/bob@21"),
        ({"Type": "IAMUser", "PrincipalId": 30001}, Kind.USER, "user/30001"),
        (OPS, Kind.ROLE, "role/OrganizationAccessControlRole@2100000002"),
        ({"Type": "Role", "PrincipalID": "4:s"}, Kind.ROLE, "role/4"),
        ({"Type": "Robot", "TRN": "trn:sts::21:assumed-role/Ops/s"}, Kind.ROLE, "role/Ops@21"),
        ({"TRN": "trn:iam::21:role/Ops"}, Kind.ROLE, "role/Ops@21"),
        ({"Type": "Service", "PrincipalID": "vke"}, Kind.SERVICE, "service/vke"),
        ({"Type": "Robot"}, Kind.UNKNOWN, "unknown/?"),
        ({"TRN": "trn:tos:::bucket"}, Kind.UNKNOWN, "unknown/?"),
        ({"TRN": "trn:iam:user/bob"}, Kind.UNKNOWN, "unknown/?"),
        ({}, Kind.UNKNOWN, "unknown/?"),
        (None, Kind.UNKNOWN, "unknown/?"),
        ("root", Kind.UNKNOWN, "unknown/?"),
    ],
)
def test_callers_are_one_whatever_the_spelling(identity: object, kind: Kind, label: str) -> None:
    found = identity_of(identity)
    assert (found.kind, found.label) == (kind, label)


@pytest.mark.parametrize("session", [OPS, {"Type": "Role", "PrincipalID": "40001:ops-session"}])
def test_a_role_has_a_session(session: dict[str, str]) -> None:
    assert identity_of(session).session == "ops-session"


def test_without_a_detail_a_name_with_a_long_term_key_is_a_user() -> None:
    assert identity_of(None, "alice", "AKLTx").kind is Kind.USER
    assert identity_of(None, "alice", "AKTPx").kind is Kind.UNKNOWN
    assert identity_of(None, "", "AKLTx").kind is Kind.UNKNOWN
    assert identity_of({"Type": "Root"}, "alice", "AKLTx").kind is Kind.ROOT


def test_an_event_tells_who_what_where_on_what_and_how() -> None:
    resource = {
        "ResourceType": "user",
        "ResourceID": "bob",
        "ServiceCode": "iam",
        "IntegratedTrn": "trn:iam::21:user/b",
    }
    created = event(
        "iam:CreateAccessKey",
        parameters='{"UserName":"bob"}',
        RelatedResources=[resource, None, resource],
        detail={"ReadOnly": False},
    )
    assert (created.actor, created.action, created.address) == (
        f"user/alice@{ACCOUNT}",
        "iam:CreateAccessKey",
        "203.0.113.9",
    )
    assert [one.label for one in created.resources] == ["iam user/bob"]
    assert (created.time, created.read_only, created.failed) == (NOW, False, False)
    assert (created.parameters, created.response) == ({"UserName": "bob"}, None)
    assert (created.version, created.type, created.user_agent) == ("2018-01-01", "ApiCall", "volcengine-cli/1.0")


@pytest.mark.parametrize("detail", [None, "", "  ", "not JSON", "{", "[1]", "null", "5", '"{"', "[" * 100_000])
def test_a_detail_that_cannot_be_read_leaves_the_top(detail: object) -> None:
    broken = event_of(item("iam:GetUser") | {"EventDetail": detail})
    assert (broken.action, broken.time, broken.identity.name) == ("iam:GetUser", NOW, "alice")
    assert broken.read_only is True


def test_a_detail_may_be_an_object_or_text_within_text() -> None:
    whole = item("iam:GetUser")
    said = json.loads(str(whole["EventDetail"]))
    for detail in (said, json.dumps(json.dumps(said))):
        assert event_of(whole | {"EventDetail": detail}) == event_of(whole)


def test_what_the_top_lacks_is_read_from_the_detail() -> None:
    whole = item("iam:GetUser", OPS, error="AccessDenied")
    assert event_of({"EventDetail": whole["EventDetail"]}) == event_of(whole)


@pytest.mark.parametrize("parameters", [{"UserName": "bob"}, '{"UserName":"bob"}', '"{\\"UserName\\":\\"bob\\"}"'])
def test_parameters_come_as_object_or_text(parameters: object) -> None:
    assert event(parameters=parameters).parameters == {"UserName": "bob"}


@pytest.mark.parametrize(
    ("item_", "seconds"),
    [
        ({"EventTime": "2026-11-20T16:45:00+08:00"}, 1795164300),
        ({"EventTime": "2026-11-20T08:45:00Z"}, 1795164300),
        ({"EventTime": "yesterday"}, None),
        ({}, None),
    ],
)
def test_times_have_offsets_or_are_unknown(item_: dict[str, object], seconds: int | None) -> None:
    assert event_of(item_).time == seconds


@pytest.mark.parametrize("address", ["10.1.2.3", "fd00::1", "", None, "internal"])
def test_any_address_is_kept(address: str | None) -> None:
    assert event_of({"SourceIPAddress": address}).address == (address or "")


@pytest.mark.parametrize("error", [None, "", " "])
def test_no_error_code_is_success(error: str | None) -> None:
    whole = event_of({"ErrorCode": error, "EventName": "GetUser"})
    assert not whole.failed
    assert event_summary(whole).result == "OK"


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        *(
            (name, True)
            for name in ("ecs:DescribeInstances", "iam:GetUser", "iam:ListUsers", "x:QueryBill", "x:CheckName")
        ),
        *((name, True) for name in ("x:ReadLog", "x:DescTask", "x:SearchLogs", "rds:InnerDescribeX", "tos:HeadBucket")),
        *((name, True) for name in ("rms:BatchGetX", "rtc:FindRoom", "cloud_trail:LookupEvents", "x:Get")),
        *((name, False) for name in ("iam:CreateUser", "x:CheckoutCart", "x:ListenPort", "x:Readjust", "x:Getaway")),
        *((name, False) for name in ("ecs:HeadBucket", "iam:BatchGetX", "sts:AssumeRole", "x:DescendTree")),
    ],
)
def test_without_a_flag_the_verb_tells_reads(action: str, expected: bool) -> None:
    assert is_read(*reversed(action.split(":"))) is expected
    assert event(action).read_only is expected


@pytest.mark.parametrize(
    ("stated", "expected"), [(True, True), ("true", True), ("False", False), (0, False), (None, False)]
)
def test_a_stated_flag_wins_over_the_verb(stated: object, expected: bool) -> None:
    assert event("iam:CreateUser", detail={"ReadOnly": stated}).read_only is expected
    assert event_of({}).read_only is None


def test_a_summary_is_small_and_drops_what_is_empty() -> None:
    listed = event("ecs:DescribeInstances", OPS, address="")
    assert wire(event_summary(listed, timezone(timedelta(hours=8)))) == {
        "EventID": "e1",
        "EventTime": "2026-11-21T12:00:00+08:00",
        "Who": "role/OrganizationAccessControlRole@2100000002",
        "Session": "ops-session",
        "AccessKeyID": "AKTPexample0000000000000000000000000000000000001",
        "EventSource": "ecs",
        "EventName": "DescribeInstances",
        "ReadOnly": True,
        "Region": "cn-beijing",
        "UserAgent": "volcengine-cli/1.0",
        "Result": "OK",
    }
    assert wire(event_summary(event_of({}))) == {"Who": "unknown/?", "Result": "OK"}


def test_a_summary_shortens_long_lists_and_masks_messages() -> None:
    many = [{"ResourceType": "instance", "ResourceID": f"i-{number}"} for number in range(50)]
    message = "bad password=hunter2 " + "x" * 10_000
    short = wire(event_summary(event(RelatedResources=many, error="Denied", detail={"ErrorMessage": message})))
    assert isinstance(short["Resources"], list)
    assert short["Resources"][-1] == "and 45 more"
    assert len(json.dumps(short)) < 1500
    assert "hunter2" not in str(short)


def test_a_full_record_has_everything_with_the_detail_as_objects() -> None:
    whole = item(
        "iam:CreateUser", parameters='{"UserName":"bob","Password":"hunter2"}', response={"a": 1}, Extra=[1, None]
    )
    full = full_record(whole)
    detail = full["EventDetail"]
    assert isinstance(detail, dict)
    assert detail["RequestParameters"] == {"UserName": "bob", "Password": "***"}
    assert detail["ResponseElements"] == {"a": 1}
    assert detail.keys() == json.loads(str(whole["EventDetail"])).keys()
    assert {key: full[key] for key in whole if key != "EventDetail"} == {
        key: value for key, value in whole.items() if key != "EventDetail"
    }


def test_a_full_record_keeps_text_that_is_not_json() -> None:
    assert full_record({"EventDetail": "cut off {"}) == {"EventDetail": {"Raw": "cut off {"}}
    assert full_record({"EventDetail": ""}) == {"EventDetail": {}}
    assert full_record({"EventDetail": None}) == {"EventDetail": {}}
    assert full_record({}) == {}
    detail = full_record(item(parameters="a=1&b=2"))["EventDetail"]
    assert isinstance(detail, dict)
    assert detail["RequestParameters"] == "a=1&b=2"


def test_a_very_long_response_is_read_in_full() -> None:
    response = json.dumps({"Rows": ["x" * 100] * 5000, "Last": "end"})
    detail = full_record(item(response=response))["EventDetail"]
    assert isinstance(detail, dict)
    assert detail["ResponseElements"]["Last"] == "end"


def test_an_event_that_comes_twice_counts_once_but_nameless_ones_all_count() -> None:
    assert len(distinct([event(id="a"), event(id="b"), event(id="a"), event(id=""), event(id="")])) == 4


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(FIELDS, JSONS))
def test_no_item_breaks_the_reader(broken: dict[str, object]) -> None:
    event_summary(event_of(broken))
    json.dumps(full_record(broken))


@settings(deadline=None, max_examples=50)
@given(JSONS)
def test_no_detail_breaks_the_reader(detail: object) -> None:
    for said in (detail, json.dumps(detail)):
        assert event_of(item() | {"EventDetail": said}).id == "e1"
        assert full_record({"EventID": "e1", "EventDetail": said})["EventID"] == "e1"


def test_times_are_written_in_utc_with_z() -> None:
    assert iso(NOW) == "2026-11-21T04:00:00Z"
