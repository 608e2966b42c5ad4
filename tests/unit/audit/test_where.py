"""Conditions on events: what matches, what is refused, and what the API may be asked without losing an event."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from unit.audit.samples import ACCOUNT, ALICE, NOW, OPS, ROOT, event
from volcengine_audit import Event, Mark, Severity, event_of, is_by
from volcengine_audit.comparing import address_of, glob_pattern
from volcengine_audit.event_fields import NAMES, field_named, names_of
from volcengine_audit.where import LOOKUP_KEYS, Condition, Where, pushed, remaining, said

BEIJING = ZoneInfo("Asia/Shanghai")
SERVICE = {"Type": "Service", "UserName": "autoscaling", "AccountID": ACCOUNT}
RESOURCE = {
    "ResourceID": "i-1",
    "ResourceType": "instance",
    "ServiceCode": "ecs",
    "IntegratedTrn": "trn:ecs:cn-beijing:1:instance/i-1",
}
CALL = event(
    "ecs:DeleteInstances",
    ALICE,
    id="E-1",
    address="203.0.113.9",
    parameters=json.dumps(
        {
            "InstanceIds": ["i-1", "i-2"],
            "Rules": [{"CidrIp": "0.0.0.0/0", "Port": 22}, {"CidrIp": "10.0.0.0/8"}],
            "Tags.1.Key": "team",
            "DryRun": True,
            "Policy": '{"Statement": [{"Action": ["*"]}]}',
            "Password": "hunter2",
            "Note": None,
        }
    ),
    response={"Result": {"Deleted": "i-9"}},
    RelatedResources=[RESOURCE],
)
FAILED = event("iam:CreateUser", OPS, error="AccessDenied", detail={"ErrorMessage": "no, password=hunter2 is bad"})
MARKED = (
    Mark(id="delete-instances", severity=Severity.HIGH, reason="gone"),
    Mark(id="first-use", severity=Severity.LOW, reason="new"),
)


def where(field: str, *values: str, exclude: bool = False) -> Condition:
    return Condition(field=field, values=values, exclude=exclude)


def holds(field: str, *values: str, of: Event = CALL, marks: Any = MARKED) -> bool:
    return Where([where(field, *values)], BEIJING).matches(of, marks)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("EventID", "e-1"),
        ("RequestID", "r-E-1"),
        ("EventSource", "ECS"),
        ("EventName", "deleteinstances"),
        ("EventName", "Delete*"),
        ("EventName", "*instance?"),
        ("EventName", "De*In*ces"),
        ("Action", "ecs:deleteinstances"),
        ("Action", "*:Delete*"),
        ("EventType", "ApiCall"),
        ("ApiVersion", "2018-01-01"),
        ("ApiVersion", "2018-*"),
        ("ReadOnly", "false"),
        ("ReadOnly", "FALSE"),
        ("IdentityType", "IAMUser"),
        ("IdentityName", "alice"),
        ("AccessKeyID", ALICE["AccessKeyID"]),
        ("AccessKeyID", "AKLT*"),
        ("Region", "cn-*"),
        ("Session", "(none)"),
        ("Account", ACCOUNT),
        ("ResourceType", "instance"),
        ("ResourceID", "i-1"),
        ("ResourceID", "instance/i-1"),
        ("ResourceID", "ecs instance/i-1"),
        ("ResourceID", "trn:ecs:*:instance/i-1"),
        ("ResourceID", "i-2"),
        ("ResourceID", "i-9"),
        ("ErrorCode", "(none)"),
        ("ErrorCode", "(success)"),
        ("ErrorCode", ""),
        ("ErrorMessage", ""),
        ("UserAgent", "volcengine-cli/*"),
        ("Result", "OK"),
        ("Result", "(success)"),
        ("SourceIPAddress", "203.0.113.9"),
        ("SourceIPAddress", "203.0.113.0/24"),
        ("SourceIPAddress", "203.0.113.77/24"),
        ("SourceIPAddress", "::ffff:203.0.113.9"),
        ("SourceIPAddress", "::FFFF:CB00:7109"),
        ("SourceIPAddress", "::ffff:203.0.113.0/120"),
        ("SourceIPAddress", "203.0.*"),
        ("Severity", "high"),
        ("Severity", "low"),
        ("Detection", "first-use"),
        ("Detection", "delete-*"),
        ("TimeOfDay", "12:00-12:01"),
        ("TimeOfDay", "11:00 - 13:00"),
        ("TimeOfDay", "22:00-12:01"),
        ("TimeOfDay", "00:00-24:00"),
        ("TimeOfDay", "04:00-05:00 UTC"),
        ("Weekday", "sat"),
        ("Weekday", "Saturday"),
        ("Weekday", "sat-sun"),
        ("Weekday", "fri-mon"),
        ("RequestParameters.Rules.CidrIp", "0.0.0.0/0"),
        ("RequestParameters.rules.cidr_ip", "0.0.0.0/0"),
        ("RequestParameters.Rules.0.CidrIp", "10.*"),
        ("RequestParameters.CidrIp", "10.0.0.0/8"),
        ("RequestParameters.Rules", "22"),
        ("RequestParameters.InstanceIds", "i-2"),
        ("RequestParameters.Tags.Key", "team"),
        ("RequestParameters.DryRun", "true"),
        ("RequestParameters.Policy.Statement.Action", "?"),
        ("RequestParameters.Note", "(none)"),
        ("RequestParameters.Missing", "(none)"),
        ("RequestParameters", "i-2"),
        ("ResponseElements.Result.Deleted", "i-9"),
        ("ResponseElements.deleted", "I-9"),
    ],
)
def test_a_value_matches(field: str, value: str) -> None:
    assert holds(field, value)
    assert holds(field, "something-else" if field not in _STRICT else value, value)
    assert not Where([where(field, value, exclude=True)], BEIJING).matches(CALL, MARKED)


_STRICT = {"ReadOnly", "Severity", "TimeOfDay", "Weekday"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("EventName", "DeleteInstance"),
        ("EventName", "Instances"),
        ("EventName", "Delete"),
        ("EventName", "DeleteInstances?"),
        ("EventName", "(none)"),
        ("EventName", "[D]eleteInstances"),
        ("ReadOnly", "true"),
        ("IdentityName", "(none)"),
        ("Session", "*"),
        ("ResourceID", "i-"),
        ("ResourceID", "(none)"),
        ("ErrorCode", "*"),
        ("Result", "failed"),
        ("Result", "AccessDenied"),
        ("SourceIPAddress", "203.0.114.0/24"),
        ("SourceIPAddress", "::/0"),
        ("SourceIPAddress", "(none)"),
        ("SourceIPAddress", "203.0.113"),
        ("Severity", "critical"),
        ("Severity", "(none)"),
        ("Detection", "(none)"),
        ("Detection", "delete"),
        ("TimeOfDay", "12:01-12:00"),
        ("TimeOfDay", "11:00-12:00"),
        ("TimeOfDay", "12:00-13:00 UTC"),
        ("TimeOfDay", "(none)"),
        ("Weekday", "sun-fri"),
        ("Weekday", "(none)"),
        ("RequestParameters.Rules.Port", "2"),
        ("RequestParameters.CidrIp.Rules", "*"),
        ("RequestParameters.Rules.CidrIp", "(none)"),
        ("ResponseElements.CidrIp", "*"),
    ],
)
def test_a_value_does_not_match(field: str, value: str) -> None:
    assert not holds(field, value)
    assert Where([where(field, value, exclude=True)], BEIJING).matches(CALL, MARKED)


@pytest.mark.parametrize(
    ("identity", "labels"),
    [
        (
            ALICE,
            [f"user/alice@{ACCOUNT}", "user/alice", "alice", ALICE["AccessKeyID"], "30001", ALICE["TRN"], "USER/Alice"],
        ),
        (ROOT, ["root", f"root@{ACCOUNT}", ROOT["TRN"], f"*@{ACCOUNT}"]),
        (
            OPS,
            [
                "role/OrganizationAccessControlRole@2100000002",
                "role/OrganizationAccessControlRole",
                "role/OrganizationAccessControlRole/ops-session",
                "OrganizationAccessControlRole",
                "ops-session",
                "40001:ops-session",
                OPS["TRN"],
                "role/*",
            ],
        ),
        (SERVICE, ["service/autoscaling", f"service/autoscaling@{ACCOUNT}", "service/*"]),
        (ALICE | {"UserName": "a@corp.com"}, ["user/a@corp.com", f"user/a@corp.com@{ACCOUNT}", "a@corp.com"]),
        ({}, ["unknown/?"]),
    ],
)
def test_every_label_that_answers_print_names_its_caller(identity: dict[str, str], labels: list[str]) -> None:
    call = event("iam:GetUser", identity)
    for label in [call.actor, *labels]:
        assert holds("Who", label, of=call), label
    for other in ("user/bob", f"user/alice@{ACCOUNT}9", "role/alice", "user/", "rooty", "(none)", "user/a"):
        assert not holds("Who", other, of=call), other


def test_who_knows_all_that_a_trace_knows() -> None:
    for call in (CALL, FAILED, event("iam:GetUser", ROOT), event("iam:GetUser", SERVICE)):
        assert all(is_by(call.identity, name) for name in names_of(call.identity) if "/ops" not in name or ":" in name)


def test_an_id_in_the_request_is_no_listed_resource() -> None:
    call = event("ecs:StopInstance", parameters={"InstanceId": "i-7"})
    assert holds("ResourceID", "i-7", of=call)
    assert holds("ResourceID", "(none)", of=call)


def test_truth_values_are_written_as_json_writes_them() -> None:
    assert field_named("ReadOnly").shown(CALL, ()) == ("false",)
    assert field_named("RequestParameters.DryRun").shown(CALL, ()) == ("true",)


def test_ipv6_is_compared_by_value_in_any_spelling() -> None:
    call = event(address="2001:DB8::1")
    for value in ("2001:db8:0:0:0:0:0:1", "2001:0db8::0001", "2001:db8::/32", "2001:db8::*", "2000::/3"):
        assert holds("SourceIPAddress", value, of=call), value
    for value in ("2001:db8::2", "2001:db9::/32", "0.0.0.0/0"):
        assert not holds("SourceIPAddress", value, of=call), value
    assert holds("SourceIPAddress", "203.0.113.0/24", of=event(address="::ffff:203.0.113.9"))
    assert holds("SourceIPAddress", "console", of=event(address="Console"))
    assert not holds("SourceIPAddress", "0.0.0.0/0", of=event(address="console"))


def test_results_are_ok_failed_or_a_code() -> None:
    assert holds("Result", "failed", of=FAILED)
    assert holds("Result", "accessdenied", of=FAILED)
    assert holds("Result", "Access*", of=FAILED)
    assert not holds("Result", "OK", of=FAILED)
    assert not holds("Result", "(none)", of=FAILED)


def test_roles_are_no_identity_names_because_the_api_may_not_know_them() -> None:
    assert not holds("IdentityName", "OrganizationAccessControlRole", of=FAILED)
    assert holds("Who", "OrganizationAccessControlRole", of=FAILED)
    assert holds("Session", "ops-session", of=FAILED)


def test_secrets_cannot_be_found_by_guessing() -> None:
    for value in ("hunter2", "hunter*", "h*", "???????"):
        assert not holds("RequestParameters.Password", value)
        assert not holds("ResourceID", value)
        assert not holds("RequestParameters", "hunter*")
    assert not holds("ErrorMessage", "*hunter*", of=FAILED)
    assert holds("ErrorMessage", "*is bad", of=FAILED)
    assert holds("RequestParameters.Password", "*")
    assert field_named("RequestParameters.Password").shown(CALL, ()) == ("***",)


def test_severity_needs_marks_and_means_at_least() -> None:
    assert not holds("Severity", "info", marks=())
    assert holds("Severity", "(none)", marks=())
    assert holds("Severity", "critical", "medium")


def test_a_time_that_no_clock_shows_matches_nothing() -> None:
    for moment in (None, 10**13, 10**17, 10**30):
        call = Event(time=moment)
        assert not holds("TimeOfDay", "00:00-24:00", of=call)
        assert not holds("Weekday", "mon-sun", of=call)
        assert holds("TimeOfDay", "(none)", of=call)
        assert holds("Weekday", "(none)", of=call)


def test_the_end_of_a_span_is_outside_and_midnight_is_passed() -> None:
    night = where("TimeOfDay", "22:00-06:00")
    hours = [hour for hour in range(24) if Where([night], BEIJING).matches(event(at=NOW - 12 * 3600 + hour * 3600))]
    assert hours == [0, 1, 2, 3, 4, 5, 22, 23]


def test_all_conditions_must_hold_and_any_value_of_one() -> None:
    both = [where("EventSource", "ecs", "iam"), where("Region", "cn-beijing")]
    assert Where(both).matches(CALL)
    assert Where(both).matches(FAILED)
    assert not Where([*both, where("EventName", "CreateUser", exclude=True)]).matches(FAILED)
    assert Where([]).matches(Event())


@pytest.mark.parametrize(
    ("spelt", "field"),
    [
        ("eventname", "EventName"),
        ("event_name", "EventName"),
        ("EVENTID", "EventID"),
        ("SourceIpAddress", "SourceIPAddress"),
        ("actor", "Who"),
        ("access_key", "AccessKeyID"),
        ("user_agent", "UserAgent"),
        ("error", "Result"),
        ("requestparameters.UserName", "RequestParameters.UserName"),
    ],
)
def test_fields_are_read_in_any_spelling_and_told_in_one(spelt: str, field: str) -> None:
    assert where(spelt, "(none)").field == field
    assert Condition.model_validate({"Field": spelt, "Values": ["(none)"]}).field == field


@pytest.mark.parametrize(
    ("field", "values", "sentence"),
    [
        ("EventNames", ["x"], "did you mean EventName?"),
        ("Adress", ["x"], "did you mean SourceIPAddress?"),
        ("EventName.x", ["x"], "no field 'EventName.x'"),
        ("RequestParameters.", ["x"], "names nothing inside RequestParameters"),
        ("RequestParameters.1", ["x"], "names nothing inside RequestParameters"),
        ("qqqqqqqq" * 20, ["x"], "no field"),
        ("", ["x"], "at least 1 character"),
        ("EventName", [], "at least 1 item"),
        ("EventName", ["x" * 1025], "at most 1024"),
        ("EventName", [None], "valid string"),
        ("EventName", [["x"]], "valid string"),
        ("SourceIPAddress", ["10.0.0.0/33"], "'10.0.0.0/33' is no network"),
        ("SourceIPAddress", ["host/path"], "is no network"),
        ("Severity", ["grave"], "info, low, medium, high, critical"),
        ("Severity", ["high*"], "not 'high*'"),
        ("ReadOnly", ["yes"], "true or false, not 'yes'"),
        ("ReadOnly", ["t*"], "true or false, not 't*'"),
        ("TimeOfDay", ["22-6"], "is written 22:00-06:00"),
        ("TimeOfDay", ["25:00-26:00"], "is written"),
        ("TimeOfDay", ["24:00-01:00"], "is written"),
        ("TimeOfDay", ["08:60-09:00"], "is written"),
        ("TimeOfDay", ["08:00-08:00"], "is written"),
        ("TimeOfDay", ["08:00-09:00 Mars/Base"], "Mars/Base"),
        ("Weekday", ["someday"], "mon, tue, wed"),
        ("Weekday", ["mon-tue-wed"], "or a span such as sat-sun"),
        ("Weekday", ["t"], "Weekday is one of"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_can(field: str, values: list[Any], sentence: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Condition.model_validate({"Field": field, "Values": values})
    assert sentence in str(refused.value)


def test_conditions_are_strict_and_lenient_where_clients_are_careless() -> None:
    with pytest.raises(ValidationError):
        Condition.model_validate({"Field": "EventName", "Values": ["x"], "Not": True})
    with pytest.raises(ValidationError):
        Condition.model_validate("EventName")
    assert Condition.model_validate({"Field": "ReadOnly", "Values": True}).values == ("true",)
    assert Condition.model_validate({"Field": "Account", "Values": 2100000001}).values == ("2100000001",)
    assert Condition.model_validate({"Field": "EventName", "Values": " x "}).values == ("x",)
    one = where("Who", "user/alice", exclude=True)
    assert Condition.model_validate(one.model_dump(by_alias=True)) == one
    with pytest.raises(ValidationError):
        one.exclude = False  # type: ignore[misc]


def test_conditions_are_repeated_in_words() -> None:
    assert said(
        [
            where("EventName", "DeleteInstances"),
            where("EventName", "deleteinstances"),
            where("Result", "failed", exclude=True),
            where("Region", "cn-beijing", ""),
        ]
    ) == [
        "EventName is DeleteInstances (exact)",
        "EventName is deleteinstances",
        "Result is not failed",
        "Region is cn-beijing or (none)",
    ]


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("EventName", "DeleteInstances", [("EventName", "DeleteInstances")]),
        ("EventSource", "ecs", [("EventSource", "ecs")]),
        ("EventSource", "TLS", [("EventSource", "TLS")]),
        ("Action", "iam:CreateUser", [("EventSource", "iam"), ("EventName", "CreateUser")]),
        ("EventID", "0b6f0c52-8f5e-4d0e-9a53-0a1b2c3d4e01", [("EventID", "0b6f0c52-8f5e-4d0e-9a53-0a1b2c3d4e01")]),
        ("ApiVersion", "2018-01-01", [("ApiVersion", "2018-01-01")]),
        ("ReadOnly", "False", [("ReadOnly", "false")]),
        ("IdentityType", "Root", [("IdentityType", "Root")]),
        ("IdentityName", "alice", [("IdentityName", "alice")]),
        ("Who", f"user/alice@{ACCOUNT}", [("IdentityName", "alice")]),
        ("Who", "user/alice", [("IdentityName", "alice")]),
        ("Who", ALICE["AccessKeyID"], [("AccessKeyID", ALICE["AccessKeyID"])]),
        ("AccessKeyID", OPS["AccessKeyID"], [("AccessKeyID", OPS["AccessKeyID"])]),
        ("Region", "cn-beijing", [("Region", "cn-beijing")]),
        ("ErrorCode", "InvalidParameter.Name", [("ErrorCode", "InvalidParameter.Name")]),
        ("Result", "AccessDenied", [("ErrorCode", "AccessDenied")]),
    ],
)
def test_what_the_api_filters_exactly_is_asked_of_it(field: str, value: str, expected: list[tuple[str, str]]) -> None:
    assert pushed([where(field, value)]) == expected
    assert {key for key, _ in expected} <= set(LOOKUP_KEYS)
    assert pushed([where(field, value, exclude=True)]) == []
    assert pushed([where(field, value, value)]) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("EventName", "deleteinstances"),
        ("EventName", "DELETEINSTANCES"),
        ("EventName", "Delete*"),
        ("EventName", ""),
        ("EventSource", "ECS"),
        ("EventSource", "tls"),
        ("EventSource", "kafka"),
        ("EventSource", "(unknown)"),
        ("Action", "iam"),
        ("Action", "iam:"),
        ("Action", "IAM:CreateUser"),
        ("EventID", "0B6F0C52-8F5E-4D0E-9A53-0A1B2C3D4E01"),
        ("Region", "CN-Beijing"),
        ("Region", "(none)"),
        ("IdentityName", f"user/alice@{ACCOUNT}"),
        ("IdentityName", "30001"),
        ("Who", "alice"),
        ("Who", "user/30001"),
        ("Who", "user/a@corp.com"),
        ("Who", f"user/{ALICE['AccessKeyID']}"),
        ("Who", "root"),
        ("Who", "role/alice"),
        ("AccessKeyID", ALICE["AccessKeyID"].lower()),
        ("ResourceID", "i-1"),
        ("ResourceType", "instance"),
        ("ErrorCode", "(success)"),
        ("Result", "failed"),
        ("Result", "Failed"),
        ("Result", "OK"),
        ("Result", "Success"),
        ("SourceIPAddress", "2001:db8::1"),
        ("SourceIPAddress", "203.0.113.0/24"),
        ("UserAgent", "Mozilla"),
        ("Account", ACCOUNT),
        ("Session", "Ops"),
    ],
)
def test_what_could_lose_an_event_is_not_asked_of_the_api(field: str, value: str) -> None:
    assert pushed([where(field, value)]) == []
    assert remaining([where(field, value)]) == [where(field, value)]


def test_each_key_is_asked_once() -> None:
    two = [where("EventName", "CreateUser"), where("Action", "iam:DeleteUser"), where("ReadOnly", "true")]
    assert pushed(two) == [("EventName", "CreateUser"), ("EventSource", "iam"), ("ReadOnly", "true")]
    assert remaining(two) == two[:2]
    contrary = [where("ReadOnly", "true"), where("ReadOnly", "false")]
    assert remaining(contrary) == contrary[1:]


def test_matching_takes_no_exponential_time() -> None:
    started = time.process_time()
    assert glob_pattern("*a" * 400 + "b").fullmatch("a" * 20_000) is None
    assert glob_pattern("*?a" * 300 + "b").fullmatch("a" * 20_000) is None
    assert time.process_time() - started < 5


@settings(max_examples=200)
@given(st.text("ab*?", max_size=8), st.text("ab\n", max_size=8))
def test_globs_mean_what_they_mean_in_a_shell(glob: str, text: str) -> None:
    def slow(glob: str, text: str) -> bool:
        if not glob:
            return not text
        if glob[0] == "*":
            return any(slow(glob[1:], text[at:]) for at in range(len(text) + 1))
        return bool(text) and glob[0] in ("?", text[0]) and slow(glob[1:], text[1:])

    assert bool(glob_pattern(glob).fullmatch(text)) is slow(glob, text)


FREE = [name for name in NAMES if name not in (*_STRICT, "SourceIPAddress")]
WORDS = st.sampled_from(["", "alice", "Alice", "CreateUser", "createuser", "ecs", "TLS", "cn-beijing", "AKLTx", "i-1"])
JSONS: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | WORDS, inner, max_size=3),
    max_leaves=8,
)
IDENTITIES = st.fixed_dictionaries(
    {},
    optional={
        "Type": st.sampled_from(["Root", "IAMUser", "AssumedRole", "Service", "x"]),
        "UserName": WORDS,
        "AccountID": st.sampled_from([ACCOUNT, ""]),
        "AccessKeyID": st.sampled_from(["AKLTx", ""]),
        "PrincipalID": WORDS,
        "SessionName": WORDS,
    },
)
ITEMS = st.fixed_dictionaries(
    {},
    optional={
        "EventID": WORDS,
        "EventName": WORDS,
        "EventSource": WORDS,
        "EventTime": st.text(max_size=5) | st.just("2026-11-20T08:30:00Z"),
        "Region": WORDS,
        "ErrorCode": WORDS,
        "SourceIPAddress": st.text(max_size=5) | st.sampled_from(["10.0.0.1", "::1", "fe80::1%eth0"]),
        "UserIdentity": IDENTITIES | JSONS,
        "RequestParameters": JSONS,
        "ResponseElements": JSONS,
        "ReadOnly": st.booleans(),
        "ErrorMessage": st.text(max_size=20),
        "RelatedResources": JSONS,
    },
).map(lambda detail: event_of({"EventDetail": detail}))
VALUES = WORDS | st.text(max_size=6) | st.sampled_from(["*", "?", "user/alice", f"user/alice@{ACCOUNT}", "root", "A*"])
CONDITIONS = st.one_of(
    st.builds(
        where,
        st.sampled_from([*FREE, "RequestParameters", "RequestParameters.alice", "ResponseElements.a.b"]),
        VALUES,
        VALUES,
        exclude=st.booleans(),
    ),
    st.builds(where, st.sampled_from(FREE), VALUES),
    st.builds(where, st.just("SourceIPAddress"), st.sampled_from(["10.0.0.0/8", "::1", "*", "(none)", "fe80::/10"])),
    st.builds(where, st.just("TimeOfDay"), st.sampled_from(["22:00-06:00", "08:00-17:30 UTC"])),
    st.builds(where, st.just("Weekday"), st.sampled_from(["fri", "sat-mon"])),
    st.builds(where, st.just("Severity"), st.sampled_from([one.value for one in Severity])),
    st.builds(where, st.just("ReadOnly"), st.sampled_from(["true", "False", ""])),
)


@settings(max_examples=300, deadline=None)
@given(CONDITIONS, ITEMS, st.sampled_from([(), MARKED]))
def test_a_condition_always_decides_and_excluding_is_the_opposite(one: Condition, call: Event, marks: Any) -> None:
    opposite = one.model_copy(update={"exclude": not one.exclude})
    assert Where([one]).matches(call, marks) is not Where([opposite]).matches(call, marks)


@settings(max_examples=500, deadline=None)
@given(st.lists(CONDITIONS, max_size=3), ITEMS)
def test_what_is_asked_of_the_api_loses_no_event_that_is_spelt_so(wanted: Sequence[Condition], call: Event) -> None:
    """An API that compares exactly finds every event that matches here and whose texts are spelt as they were asked."""
    asked = pushed(wanted)
    recorded = {key: field_named(key).texts(call, ()) for key in LOOKUP_KEYS}
    found = all(value in recorded[key] for key, value in asked)
    spelt_otherwise = any(
        value not in recorded[key] and value.casefold() in [text.casefold() for text in recorded[key]]
        for key, value in asked
    )
    if Where(wanted).matches(call):
        assert found or spelt_otherwise
    if found:
        assert Where(remaining(wanted)).matches(call) is Where(wanted).matches(call)


@given(st.text(max_size=40))
def test_an_address_is_read_or_is_none(text: str) -> None:
    address = address_of(text)
    assert address is None or address_of(str(address)) == address
