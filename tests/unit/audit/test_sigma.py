"""The Sigma evaluator: what a rule says is what it matches, on any event, and mistakes are named with their place."""

from __future__ import annotations

import ipaddress
import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.audit.detections import event_from
from unit.audit.samples import ACCOUNT, ALICE, NOW, OPS, ROOT, event
from volcengine_audit import Event, Severity, event_of
from volcengine_audit.sigma import KNOWN, MEANINGS, SUPPLIED, Correlation, Logins, RuleBook, SigmaError, Surroundings
from volcengine_audit.sigma import load_rules as load
from volcengine_audit.sigma.text import glob, regex

SOURCE = {"product": "volcengine", "service": "cloudtrail"}
HEAD = "title: T\nlogsource: {product: volcengine, service: cloudtrail}\n"
PLAIN = HEAD + "detection: {s: {EventName: A}, condition: s}\n"


def rule(detection: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"title": "T", "name": "own", "logsource": SOURCE, "detection": detection} | more


def book(folder: Path, *rules: dict[str, Any]) -> RuleBook:
    for index, one in enumerate(rules):
        (folder / f"r{index}.yml").write_text(yaml.safe_dump(one, allow_unicode=True), "utf-8")
    return load([folder])


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Whether an event matches a detection."""
    made: dict[str, RuleBook] = {}

    def matches(detection: dict[str, Any], one: Event, **derived: object) -> bool:
        key = json.dumps(detection, default=str)
        if key not in made:
            made[key] = book(tmp_path_factory.mktemp("rules"), rule(detection))
        return "own" in made[key].check(one, derived).names

    return matches


def only(fields: object) -> dict[str, Any]:
    return {"selection": fields, "condition": "selection"}


CALL = event(
    "ecs:RunInstances",
    parameters={
        "InstanceName": "Web-1",
        "Count": 5,
        "Price": 1.0,
        "DryRun": False,
        "Tags": [{"Key": "team", "Value": "Blue"}, {"Key": "env", "Value": "prod"}],
        "Policy": '{"Statement":[{"Action":["tos:Get*"],"Principal":{"IAM":["*"]}}]}',
        "Rules.1.CidrIp": "10.0.0.0/8",
        "Empty": "",
        "Nothing": None,
    },
    response='{"InstanceIds":["i-1","i-2"]}',
    RelatedResources=[{"ResourceType": "instance", "ResourceID": "i-1", "ServiceCode": "ecs"}],
    detail={"ReadOnly": False, "EventType": "ApiCall"},
)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        # Values: case aside, numbers and texts alike
        ({"EventName": "RunInstances"}, True),
        ({"EventName": "runinstances"}, True),
        ({"EventName": "RunInstance"}, False),
        ({"EventName": ["DeleteInstances", "RunInstances"]}, True),
        ({"EventName|cased": "RunInstances"}, True),
        ({"EventName|cased": "runinstances"}, False),
        ({"EventName|cased": ["x", "RunInstances"]}, True),
        ({"EventName|cased|contains": "INST"}, False),
        ({"EventName|cased|contains": "Inst"}, True),
        ({"EventName|neq": "DeleteInstances"}, True),
        ({"EventName|neq": "RunInstances"}, False),
        ({"RequestParameters.Count": 5}, True),
        ({"RequestParameters.Count": "5"}, True),
        ({"RequestParameters.Count": 6}, False),
        ({"RequestParameters.Price": 1}, True),
        ({"RequestParameters.DryRun": False}, True),
        ({"RequestParameters.DryRun": "false"}, True),
        ({"RequestParameters.DryRun": True}, False),
        ({"ReadOnly": False}, True),
        ({"ReadOnly": True}, False),
        # Fields: any depth, any spelling, any element of a list, JSON text inside text, keys of a query string
        ({"RequestParameters.tags.value": "blue"}, True),
        ({"RequestParameters.Tags.Value": "prod"}, True),
        ({"RequestParameters.Tags.Value": "team"}, False),
        ({"RequestParameters.Tags.0.Value": "prod"}, True),
        ({"RequestParameters.Value.Tags": "prod"}, False),
        ({"RequestParameters.instance_name": "web-1"}, True),
        ({"RequestParameters.Principal": r"\*"}, True),
        ({"RequestParameters.Policy.Statement.Action": r"tos:Get\*"}, True),
        ({"RequestParameters.Policy|contains": '"Statement":['}, True),
        ({"RequestParameters.Rules.CidrIp|cidr": "10.0.0.0/8"}, False),
        ({"RequestParameters.Rules.CidrIp": "10.0.0.0/8"}, True),
        ({"RequestParameters.CidrIp": "10.0.0.0/8"}, True),
        ({"RequestParameters": "prod"}, True),
        ({"RequestParameters|contains": "eb-"}, True),
        ({"ResponseElements.InstanceIds": "i-2"}, True),
        ({"ResponseElements.InstanceIds": "i-3"}, False),
        ({"ResourceID": "i-1"}, True),
        ({"ResourceType": "volume"}, False),
        ({"UserIdentity.UserName": "alice", "UserIdentity.AccountID": ACCOUNT, "Region": "cn-beijing"}, True),
        ({"UserName": "alice"}, True),
        ({"AccessKeyID|startswith": "AKLT"}, True),
        ({"UserIdentity.Type": "IAMUser", "UserIdentity.TRN|endswith": ":user/alice"}, True),
        ({"UserIdentity.SessionName": "x"}, False),
        ({"EventType": "ApiCall", "EventSource": "ecs", "SourceIPAddress": "203.0.113.9"}, True),
        # Modifiers
        ({"EventName|contains": "ninst"}, True),
        ({"EventName|contains": ["zzz", "stan"]}, True),
        ({"EventName|contains|all": ["run", "stances"]}, True),
        ({"EventName|contains|all": ["run", "zzz"]}, False),
        ({"EventName|startswith": "run"}, True),
        ({"EventName|startswith": "instances"}, False),
        ({"EventName|endswith": "INSTANCES"}, True),
        ({"EventName|endswith": "run"}, False),
        ({"RequestParameters.Tags.Value|all": ["blue", "prod"]}, True),
        ({"RequestParameters.Tags.Value|all": ["blue", "test"]}, False),
        ({"EventName|re": "^Run[A-Z]"}, True),
        ({"EventName|re": "^run"}, False),
        ({"EventName|re|i": "^run"}, True),
        ({"EventName|re": "stan"}, True),
        ({"SourceIPAddress|cidr": "203.0.113.0/24"}, True),
        ({"SourceIPAddress|cidr": ["10.0.0.0/8", "2001:db8::/32"]}, False),
        ({"UserAgent|cidr": "0.0.0.0/0"}, False),
        ({"RequestParameters.Count|gt": 4}, True),
        ({"RequestParameters.Count|gt": 5}, False),
        ({"RequestParameters.Count|gte": 5}, True),
        ({"RequestParameters.Count|lt": 5}, False),
        ({"RequestParameters.Count|lt": 6}, True),
        ({"RequestParameters.Count|lte": 5}, True),
        ({"RequestParameters.InstanceName|gt": 0}, False),
        ({"RequestParameters.DryRun|gte": 0}, False),
        ({"RequestParameters.Count|exists": True}, True),
        ({"RequestParameters.Count|exists": False}, False),
        ({"RequestParameters.Cpu|exists": True}, False),
        ({"RequestParameters.Cpu|exists": False}, True),
        ({"RequestParameters.Empty|exists": True}, False),
        ({"RequestParameters.Nothing|exists": True}, False),
        # Wildcards
        ({"EventName": "Run*"}, True),
        ({"EventName": "*inst*"}, True),
        ({"EventName": "R?nInst?nces"}, True),
        ({"EventName": "R?n"}, False),
        ({"EventName": "?un*ce?"}, True),
        ({"EventName": r"Run\*"}, False),
        ({"EventName": "*"}, True),
        ({"ErrorCode": "*"}, False),
        # What is not there
        ({"ErrorCode": None}, True),
        ({"ErrorCode": ""}, True),
        ({"EventName": None}, False),
        ({"EventName": [None, "RunInstances"]}, True),
        ({"ErrorCode": [None, "AccessDenied"]}, True),
        ({"RequestParameters.Cpu": None}, True),
        # Derived
        ({"Derived.Succeeded": True, "Derived.Amount|gte": 5, "Derived.Caller": "user"}, True),
        ({"Derived.Actor": f"user/alice@{ACCOUNT}"}, True),
        ({"Derived.NewAddress": True}, False),
        ({"Derived.IsLogin": False}, True),
    ],
)
def test_a_selection(built: Any, fields: dict[str, Any], expected: bool) -> None:
    assert built(only(fields), CALL) is expected


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ([{"EventName": "X"}, {"EventSource": "ecs"}], True),
        ([{"EventName": "X"}, {"EventSource": "iam"}], False),
        (["web-1"], True),
        (["nowhere", "ALICE"], True),
        ("tos:get", True),
        (["cidrip"], True),
        (["i-?"], True),
        (["nowhere"], False),
    ],
)
def test_lists_and_keywords(built: Any, selection: object, expected: bool) -> None:
    assert built(only(selection), CALL) is expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("yes_a", True),
        ("no_a", False),
        ("not no_a", True),
        ("not not yes_a", True),
        ("yes_a and yes_b", True),
        ("yes_a and no_a", False),
        ("yes_a or no_a", True),
        ("no_a or no_b", False),
        ("no_a and no_b or yes_a", True),
        ("no_a and (no_b or yes_a)", False),
        ("yes_a or yes_b and no_a", True),
        ("(yes_a or yes_b) and no_a", False),
        ("not no_a and yes_a", True),
        ("not (no_a and yes_a)", True),
        ("not (yes_a or no_a)", False),
        ("1 of yes_*", True),
        ("1 of no_*", False),
        ("all of yes_*", True),
        ("all of *_a", False),
        ("any of *_a", True),
        ("1 of them", True),
        ("all of them", False),
        ("not 1 of no_* and all of yes_*", True),
        ("YES_A", None),
        ("yes_a AND NOT no_a", True),
        (["no_a", "yes_a"], True),
        (["no_a", "no_b"], False),
    ],
)
def test_conditions(built: Any, condition: Any, expected: bool | None) -> None:
    detection = {
        "yes_a": {"EventName": "RunInstances"},
        "yes_b": {"EventSource": "ecs"},
        "no_a": {"EventName": "Other"},
        "no_b": {"EventSource": "other"},
        "_hidden": {"EventName": "RunInstances"},
        "condition": condition,
    }
    if expected is None:
        with pytest.raises(SigmaError, match="there is no selection 'YES_A'"):
            built(detection, CALL)
    else:
        assert built(detection, CALL) is expected


@pytest.mark.parametrize(
    ("detection", "hit", "miss"),
    [
        ({"a": {"EventName": "A"}, "b": {"EventName": "B"}, "condition": "a or b"}, "B", "C"),
        ({"a": {"EventName": ["A", "B"]}, "b": {"EventName": ["B", "C"]}, "condition": "a and b"}, "B", "A"),
        ({"a": {"EventName": "A"}, "b": {"EventSource": "x"}, "condition": "a or b"}, "Z", None),
        ({"a": {"EventName": "A"}, "condition": "not a"}, "Z", "A"),
        ({"a": {"EventName|neq": "A"}, "condition": "a"}, "Z", "A"),
        ({"a": {"EventName": ["A", "Desc*"]}, "condition": "a"}, "Describe", "B"),
        ({"a": {"EventName|contains": "scr"}, "condition": "a"}, "Describe", "B"),
        ({"a": {"EventName": ["A", None]}, "condition": "a"}, "A", "B"),
        ({"a": {"EventName|cased": "A"}, "condition": "a"}, "A", "a"),
        ({"a": [{"EventName": "A"}, {"EventName": "B"}], "condition": "a"}, "B", "C"),
        ({"a": {"EventName|all": ["A", "A"]}, "condition": "a"}, "A", "B"),
    ],
)
def test_the_index_leaves_no_match_out(built: Any, detection: dict[str, Any], hit: str, miss: str | None) -> None:
    assert built(detection, event(f"x:{hit}"))
    assert miss is None or not built(detection, event(f"x:{miss}"))


# Derived fields


def test_every_derived_field_has_a_meaning() -> None:
    assert set(MEANINGS) | set(SUPPLIED) == KNOWN
    assert not set(MEANINGS) & set(SUPPLIED)


@pytest.mark.parametrize("name", sorted(SUPPLIED))
def test_what_is_handed_over_holds(built: Any, name: str) -> None:
    fields = only({f"Derived.{name}": True})
    assert built(fields, CALL, **{name: True})
    assert not built(fields, CALL, **{name: False})
    assert not built(fields, CALL)


def test_what_is_handed_over_outweighs_what_follows_from_the_event(built: Any) -> None:
    assert built(only({"Derived.Amount|gt": 99}), CALL, Amount=100)


@pytest.mark.parametrize(
    ("parameters", "opened"),
    [
        ({"CidrIp": "0.0.0.0/0", "PortStart": 22, "PortEnd": 22}, {"22/0.0.0.0/0"}),
        (
            {"CidrIp": "0.0.0.0/0", "PortStart": "20", "PortEnd": "22"},
            {"20-22/0.0.0.0/0", *(f"{n}/0.0.0.0/0" for n in (20, 21, 22))},
        ),
        ({"CidrIp": "::/0", "PortRange": "3389"}, {"3389/::/0"}),
        ({"CidrIp": "0.0.0.0/1", "PortStart": 22, "PortEnd": 22}, {"22/0.0.0.0/1"}),
        ({"CidrIp": "10.0.0.0/8", "PortStart": 22, "PortEnd": 22}, set()),
        ({"CidrIp": "0.0.0.0/0", "PortStart": 22, "PortEnd": 22, "Policy": "drop"}, set()),
        (
            {"Rules.1.CidrIp": "0.0.0.0/0", "Rules.1.PortStart": 80, "Rules.1.PortEnd": 80, "Rules.2.PortStart": 22},
            {"80/0.0.0.0/0"},
        ),
        (
            {"Rules": [{"CidrIp": "10.0.0.0/8"}, {"CidrIp": "0.0.0.0/0", "PortStart": 22, "PortEnd": 22}]},
            {"22/0.0.0.0/0"},
        ),
        ("not JSON", set()),
    ],
)
def test_ports_opened_to_the_world(built: Any, parameters: object, opened: set[str]) -> None:
    one = event("vpc:AuthorizeSecurityGroupIngress", parameters=parameters)
    assert built(only({"Derived.OpensPort|exists": True}), one) is bool(opened)
    for port in opened:
        assert built(only({"Derived.OpensPort": port}), one)
    assert not built(only({"Derived.OpensPort|startswith": "23/"}), one)


@pytest.mark.parametrize(
    "parameters",
    [
        {"CidrIp": "0.0.0.0/0"},
        {"CidrIp": "0.0.0.0/0", "PortStart": -1, "PortEnd": -1},
        {"CidrIp": "0.0.0.0/0", "PortRange": "1-65535"},
    ],
)
def test_a_wide_range_opens_the_telling_ports(built: Any, parameters: object) -> None:
    one = event("vpc:AuthorizeSecurityGroupIngress", parameters=parameters)
    for port in (22, 3389, 6379, 27017):
        assert built(only({"Derived.OpensPort": f"{port}/0.0.0.0/0"}), one)


@pytest.mark.parametrize(
    ("parameters", "outside"),
    [
        ({"AddAccounts": ["2109999999"]}, True),
        ({"AddAccounts": [ACCOUNT]}, False),
        ({"AddAccounts": [2109999999]}, True),
        ({"AddAccounts": ["2100000002"]}, False),
        ({"AddAccounts.1": "2109999999"}, True),
        ({"TrustPolicyDocument": '{"Statement":[{"Principal":{"IAM":["trn:iam::2109999999:root"]}}]}'}, True),
        ({"TrustPolicyDocument": '{"Statement":[{"Principal":{"IAM":["trn:iam::2100000002:user/x"]}}]}'}, False),
        ({"Principal": {"IAM": ["2109999999"]}}, True),
        ({"Time": "2109999999", "Description": "2109999999"}, False),
        ({"CenOwnerId": "2109999999"}, True),
        ({"AccountId": "21099999990"}, False),
        ("trn:iam::2109999999:root", True),
        ("", False),
    ],
)
def test_accounts_that_are_not_known(tmp_path: Path, parameters: object, outside: bool) -> None:
    rules = book(tmp_path, rule(only({"Derived.Outsider|exists": True}))).within(
        Surroundings(accounts=frozenset({"2100000002"}))
    )
    assert ("own" in rules.check(event("x:Y", parameters=parameters)).names) is outside


@pytest.mark.parametrize(
    ("identity", "parameters", "other"),
    [
        (ALICE, {"UserName": "bob"}, True),
        (ALICE, {"UserName": "Alice"}, False),
        (ALICE, {}, False),
        (OPS, {"UserName": "bob"}, True),
        (ROOT, {"UserName": "bob"}, True),
        (ROOT, {}, False),
        (ALICE, '{"userName":"bob"}', True),
    ],
)
def test_what_is_done_for_another_user(built: Any, identity: dict[str, str], parameters: object, other: bool) -> None:
    assert (
        built(only({"Derived.ForOther": True}), event("iam:CreateAccessKey", identity, parameters=parameters)) is other
    )


@pytest.mark.parametrize(
    ("parameters", "amount"),
    [
        ({"Count": 160}, 160),
        ({"Count": "160"}, 160),
        ({"MinCount": 1, "MaxCount": 3}, 3),
        ({"InstanceIds": ["a", "b", "c"]}, 3),
        ({"InstanceIds": "a,b"}, 2),
        ({"InstanceIds.1": "a", "InstanceIds.2": "b"}, 2),
        ({"SecretNames": ["a", "b"]}, 2),
        ({"InstanceId": "a"}, 1),
        ({"Port": 8080}, 1),
        ({"Count": -5}, 1),
        ("", 1),
    ],
)
def test_how_much_one_call_asks_for(built: Any, parameters: object, amount: int) -> None:
    assert built(only({"Derived.Amount": amount}), event("x:Y", parameters=parameters))


@pytest.mark.parametrize(
    ("statement", "everyone", "everything"),
    [
        ({"Effect": "Allow", "Principal": ["*"], "Action": "*", "Resource": "*"}, True, False),
        ({"Effect": "Allow", "Principal": {"IAM": "*"}}, True, False),
        ({"Effect": "Deny", "Principal": "*"}, False, False),
        ({"Effect": "Allow", "Principal": ["trn:iam::1:root"]}, False, False),
        ({"Effect": "Allow", "Action": ["*"], "Resource": ["*"]}, False, True),
        ({"Effect": "allow", "Action": "*:*"}, False, True),
        ({"Effect": "Allow", "Action": ["ecs:*"], "Resource": ["*"]}, False, False),
        ({"Effect": "Allow", "Action": ["*"], "Resource": ["trn:tos:::bucket"]}, False, False),
        ({"Effect": "Deny", "Action": ["*"], "Resource": ["*"]}, False, False),
    ],
)
@pytest.mark.parametrize("as_text", [True, False])
def test_policies_that_let_everyone_in_or_allow_everything(
    built: Any, statement: dict[str, Any], everyone: bool, everything: bool, as_text: bool
) -> None:
    document: object = {"Statement": [{"Effect": "Deny"}, statement]}
    one = event("x:Y", parameters={"PolicyDocument": json.dumps(document) if as_text else document})
    assert built(only({"Derived.AllowsEveryone": True}), one) is everyone
    assert built(only({"Derived.GrantsEverything": True}), one) is everything


@pytest.mark.parametrize(
    ("action", "fields", "login", "failed"),
    [
        ("signin:ConsoleLogin", {}, True, False),
        ("iam:consolesignin", {}, True, False),
        ("portal:Enter", {"detail": {"EventType": "ConsoleSignin"}}, True, False),
        ("passport:Verify", {}, True, False),
        ("console:ListRegions", {}, False, False),
        ("iam:GetLoginProfile", {}, False, False),
        ("signin:ConsoleLogin", {"error": "AuthenticationFailed"}, True, True),
        ("signin:ConsoleLogin", {"response": {"ConsoleLogin": "Failure"}}, True, True),
        ("signin:ConsoleLogin", {"response": '{"Success":false}'}, True, True),
        ("signin:ConsoleLogin", {"response": "Failed"}, True, True),
        ("ecs:RunInstances", {"error": "QuotaExceeded"}, False, True),
    ],
)
def test_logins(built: Any, action: str, fields: dict[str, Any], login: bool, failed: bool) -> None:
    one = event(action, **fields)
    assert built(only({"Derived.IsLogin": True}), one) is login
    assert built(only({"Derived.LoginFailed": True}), one) is (login and failed)
    assert built(only({"Derived.Succeeded": True}), one) is not failed


def test_how_a_login_looks_can_be_said(tmp_path: Path) -> None:
    rules = book(tmp_path, rule(only({"Derived.IsLogin": True}))).within(
        Surroundings(logins=Logins(frozenset({"enter"}), (), frozenset()))
    )
    assert "own" in rules.check(event("portal:Enter")).names
    assert "own" not in rules.check(event("signin:ConsoleLogin")).names


@pytest.mark.parametrize(
    ("address", "outside"), [("8.8.8.8", True), ("203.0.113.9", False), ("10.0.0.1", False), ("console", False)]
)
def test_addresses_outside_the_own_networks(tmp_path: Path, address: str, outside: bool) -> None:
    rules = book(tmp_path, rule(only({"Derived.OutsideNetworks": True})))
    own = rules.within(Surroundings(networks=(ipaddress.ip_network("203.0.113.0/24"),)))
    assert ("own" in own.check(event("x:Y", address=address)).names) is outside
    assert "own" not in rules.check(event("x:Y", address=address)).names


# Marks


def test_a_mark_says_what_raised_it_and_that_it_was_only_an_attempt() -> None:
    [mark, _] = load().marks(event("iam:CreateUser", ROOT))
    assert (mark.name, mark.level) == ("iam-user-changed", Severity.HIGH)
    assert mark.reason == "User added, removed or renamed; raised: the caller is the root user"
    assert mark.techniques == ("T1136.003", "T1098")
    [mark] = load().marks(event("cloud_trail:StopLogging", error="AccessDenied"))
    assert (mark.level, mark.reason) == (Severity.CRITICAL, "Audit switched off (attempted, failed with AccessDenied)")
    [mark] = load().marks(event("iam:CreateUser"), {"FirstUse": True, "AfterFailures": True})
    assert mark.level is Severity.CRITICAL
    assert mark.reason.count("raised:") == 1
    [mark, *_] = load().marks(event("sts:AssumeRole"), {"FirstUse": True})
    assert (mark.name, mark.level) == ("sts-role-assumed", Severity.INFO)  # does not escalate


def test_the_worst_mark_comes_first_and_what_it_replaces_is_gone() -> None:
    found = load().marks(event("iam:CreateAccessKey", ROOT))
    assert [mark.name for mark in found] == ["root-access-key-created", "root-use"]
    names = load().check(event("iam:CreateAccessKey", ROOT)).names
    assert {"root-access-key-created", "iam-access-key-created", "root-use"} <= names


def test_an_event_that_no_rule_knows_has_no_mark() -> None:
    found = load().check(event("ecs:DescribeZones"))
    assert (found.marks, found.names) == ((), frozenset())
    assert load().marks(event_of({})) == ()


def test_a_rule_that_only_serves_a_correlation_makes_no_mark(tmp_path: Path) -> None:
    serving = rule(only({"EventName": "A"}), name="serving")
    counting = {
        "title": "C",
        "name": "counting",
        "correlation": {"type": "event_count", "rules": "serving", "timespan": "5m", "condition": {"gte": 2}},
    }
    found = book(tmp_path, serving, counting).check(event("x:A"))
    assert (found.marks, found.names) == ((), frozenset({"serving"}))
    counting["correlation"] = counting["correlation"] | {"generate": True}  # type: ignore[operator]
    assert [mark.name for mark in book(tmp_path, serving, counting).marks(event("x:A"))] == ["serving"]


# Correlations


def correlated(folder: Path, spec: dict[str, Any], *events: tuple[int, str, dict[str, Any]]) -> list[Correlation]:
    """Rules a, b, c match actions of their names; events are (second, action, fields)."""
    rules = [rule(only({"EventName": name}), name=name) for name in ("a", "b", "c")]
    counting = {"title": "C", "name": "own", "level": "high", "correlation": {"timespan": "10s"} | spec}
    made = book(folder, *rules, counting)
    listed = [
        event_from({"action": f"x:{name}"} | more, at=NOW + at, id=f"{index}")
        for index, (at, name, more) in enumerate(events)
    ]
    happened = [(one.time or 0, one, made.check(one).names) for one in listed]
    return [one for one in made.correlate(happened) if one.name == "own"]


COUNT = {"type": "event_count", "rules": ["a", "b"], "group-by": ["SourceIPAddress"], "condition": {"gte": 3}}


def test_a_count_slides(tmp_path: Path) -> None:
    [one] = correlated(tmp_path, COUNT, (0, "a", {}), (6, "b", {}), (11, "a", {}), (16, "a", {}), (21, "b", {}))
    assert (one.first, one.last, one.count, one.amount, one.completed_by) == (NOW + 6, NOW + 21, 4, 3, "3")
    assert one.group == (("SourceIPAddress", "203.0.113.9"),)
    assert one.event_ids == ("1", "2", "3", "4")


def test_a_count_that_falls_and_rises_again_is_two(tmp_path: Path) -> None:
    found = correlated(tmp_path, COUNT, *((at, "a", {}) for at in (0, 1, 2, 100, 200, 201, 202)))
    assert [(one.first - NOW, one.last - NOW, one.count) for one in found] == [(0, 2, 3), (200, 202, 3)]


def test_events_need_not_come_in_order(tmp_path: Path) -> None:
    [one] = correlated(tmp_path, COUNT, (10, "a", {}), (0, "a", {}), (5, "b", {}))
    assert one.event_ids == ("1", "2", "0")


def test_more_than_is_one_more(tmp_path: Path) -> None:
    more = COUNT | {"condition": {"gt": 3}}
    assert not correlated(tmp_path, more, *((0, "a", {}) for _ in range(3)))
    assert correlated(tmp_path, more, *((0, "a", {}) for _ in range(4)))


def test_an_event_without_the_field_to_group_by_groups_with_nothing(tmp_path: Path) -> None:
    spec = COUNT | {"group-by": ["UserIdentity.SessionName"]}
    assert not correlated(tmp_path, spec, *((0, "a", {}) for _ in range(5)))
    assert correlated(tmp_path, spec, *((0, "a", {"identity": "OPS"}) for _ in range(3)))


def test_evidence_is_bounded_and_holds_the_first_and_the_last(tmp_path: Path) -> None:
    [one] = correlated(tmp_path, COUNT, *((at, "a", {}) for at in range(40)))
    assert one.count == 40
    assert len(one.event_ids) == 10
    assert (one.event_ids[0], one.event_ids[-1]) == ("0", "39")


def test_an_event_of_two_rules_counts_once(tmp_path: Path) -> None:
    both = [rule(only({"EventName": "a"}), name="a"), rule(only({"EventName": "a"}), name="b")]
    counting = {"title": "C", "name": "own", "correlation": COUNT | {"timespan": "10s", "condition": {"gte": 2}}}
    made = book(tmp_path, *both, counting)
    one = event("x:a")
    assert not made.correlate([(NOW, one, made.check(one).names)])


def values_of(*values: object) -> list[tuple[int, str, dict[str, Any]]]:
    return [(index, "a", {"parameters": {"V": value}}) for index, value in enumerate(values)]


def test_values_are_counted_once_and_forgotten_when_they_are_old(tmp_path: Path) -> None:
    spec = {"type": "value_count", "rules": "a", "condition": {"gte": 3, "field": "RequestParameters.V"}}
    assert not correlated(tmp_path, spec, *values_of("x", "y", "x", "y"))
    [one] = correlated(tmp_path, spec, *values_of("x", "y", "x", "z"))
    assert (one.amount, one.count, one.values) == (3, 4, ("x", "y", "z"))
    late = [(0, "a", {"parameters": {"V": "x"}}), *((11, "a", {"parameters": {"V": v}}) for v in "yz")]
    assert not correlated(tmp_path, spec, *late)
    assert not correlated(tmp_path, spec, *((0, "a", {}) for _ in range(4)))


def test_values_are_summed_up(tmp_path: Path) -> None:
    spec = {"type": "value_sum", "rules": "a", "condition": {"gte": 10, "field": "RequestParameters.V"}}
    [one] = correlated(tmp_path, spec, *values_of(4, "5", "x", 1))
    assert (one.amount, one.completed_by) == (10, "3")
    assert not correlated(tmp_path, spec, *values_of(4, 5))


def test_several_in_any_order(tmp_path: Path) -> None:
    spec = {"type": "temporal", "rules": ["a", "b", "c"], "group-by": ["SourceIPAddress"]}
    [one] = correlated(tmp_path, spec, (0, "c", {}), (5, "a", {}), (10, "b", {}))
    assert (one.event_ids, set(one.values), one.count) == (("0", "1", "2"), {"a", "b", "c"}, 3)
    assert not correlated(tmp_path, spec, (0, "c", {}), (5, "a", {}), (11, "b", {}))
    assert not correlated(tmp_path, spec, (0, "c", {}), (5, "a", {}), (6, "a", {}))
    assert not correlated(tmp_path, spec, (0, "c", {"address": "192.0.2.1"}), (5, "a", {}), (6, "b", {}))
    assert correlated(tmp_path, spec | {"condition": {"gte": 2}}, (0, "c", {}), (10, "b", {}))
    assert correlated(tmp_path, spec, (0, "c", {}), (8, "c", {}), (12, "a", {}), (15, "b", {}))


def test_several_in_order(tmp_path: Path) -> None:
    spec = {"type": "temporal_ordered", "rules": ["a", "b", "c"]}
    [one] = correlated(tmp_path, spec, (0, "a", {}), (5, "b", {}), (10, "c", {}))
    assert (one.event_ids, one.values) == (("0", "1", "2"), ("a", "b", "c"))
    assert not correlated(tmp_path, spec, (0, "a", {}), (5, "b", {}), (11, "c", {}))
    assert not correlated(tmp_path, spec, (0, "b", {}), (5, "a", {}), (10, "c", {}))
    [one] = correlated(tmp_path, spec, (0, "a", {}), (3, "b", {}), (9, "a", {}), (10, "b", {}), (15, "c", {}))
    assert one.event_ids == ("2", "3", "4")
    assert not correlated(tmp_path, {"type": "temporal_ordered", "rules": ["a", "b", "a"]}, (0, "a", {}), (1, "b", {}))
    assert correlated(
        tmp_path, {"type": "temporal_ordered", "rules": ["a", "a", "b"]}, *((n, x, {}) for n, x in enumerate("aab"))
    )
    assert not correlated(
        tmp_path, {"type": "temporal_ordered", "rules": ["a", "a", "b"]}, *((n, x, {}) for n, x in enumerate("ab"))
    )


def test_rules_may_call_a_field_by_different_names(tmp_path: Path) -> None:
    spec = {
        "type": "temporal_ordered",
        "rules": ["a", "b"],
        "group-by": ["who"],
        "aliases": {"who": {"a": "RequestParameters.UserName", "b": "UserIdentity.UserName"}},
    }
    made = {"parameters": {"UserName": "alice"}}
    [one] = correlated(tmp_path, spec, (0, "a", made), (1, "b", {}))
    assert one.group == (("who", "alice"),)
    assert not correlated(tmp_path, spec, (0, "a", {"parameters": {"UserName": "bob"}}), (1, "b", {}))


# Files


def test_a_users_rule_is_added_replaces_or_switches_off(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "billing-bucket.yaml").write_text(
        HEAD + "detection: {s: {EventSource: tos}, condition: s}\nlevel: critical\nreplaces: [object-touched]\n",
        "utf-8",
    )
    (tmp_path / "off.yml").write_text("name: root-use\nstatus: unsupported\n", "utf-8")
    (tmp_path / "own.yml").write_text(
        HEAD + "name: iam-user-changed\nlevel: low\ndetection: {s: {EventName: DeleteUser}, condition: s}\n", "utf-8"
    )
    (tmp_path / "notes.txt").write_text("no rule", "utf-8")
    rules = load([tmp_path])
    assert [(mark.name, mark.level) for mark in rules.marks(event("tos:GetObject"))] == [
        ("billing-bucket", Severity.CRITICAL)
    ]
    assert rules.marks(event("ecs:DescribeZones", ROOT)) == ()
    assert rules.marks(event("iam:CreateUser")) == ()
    assert [mark.level for mark in rules.marks(event("iam:DeleteUser"))] == [Severity.LOW]
    assert "root-use" in load().rules


def test_a_correlation_goes_with_the_rule_that_it_is_of(tmp_path: Path) -> None:
    (tmp_path / "off.yml").write_text("name: login-failed\nstatus: deprecated\n", "utf-8")
    assert not {"login-failed", "login-failures-many", "login-failures-by-address"} & set(load([tmp_path]).rules)


def test_several_rules_in_one_file(tmp_path: Path) -> None:
    one = PLAIN + ""
    (tmp_path / "two.yml").write_text(f"{one}name: one\n---\n{one}name: two\n---\n", "utf-8")
    assert load([tmp_path]).check(event("x:A")).names == {"one", "two"}
    (tmp_path / "two.yml").write_text(f"{one}---\n{one}", "utf-8")
    with pytest.raises(SigmaError, match=r"two\.yml: holds several rules, so that each needs a 'name'"):
        load([tmp_path])


def test_a_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "own.yml"
    path.write_text(PLAIN + "", "utf-8")
    first = load([tmp_path])
    assert load([tmp_path]) is first
    path.write_text(HEAD + "detection: {s: {EventName: Other}, condition: s}\n", "utf-8")
    assert load([tmp_path]).check(event("x:Other")).names == {"own"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title: [", r"own.yml: is not valid YAML"),
        ("title: T\ntitle: U\n", "'title' is given twice"),
        ("- a\n", "must hold a rule"),
        ("just text\n", "must hold a rule"),
        (b"\xff\xfe\xff", "is not"),
        ("title: T\n", "give 'detection' with 'logsource', or 'correlation'"),
        (
            "title: T\ndetection: {s: {EventName: A}, condition: s}\n",
            "'logsource' is missing; write {product: volcengine",
        ),
        (
            "title: T\nlogsource: {product: aws, service: cloudtrail}\ndetection: {}\n",
            "logsource: must be {product: volcengine",
        ),
        (PLAIN + "sevrity: high\n", "'sevrity' is not known; allowed are advice, author"),
        (PLAIN + "level: severe\n", "level: input should be 'informational', 'low'"),
        (PLAIN + "name: 'a b'\n", "name: "),
        (PLAIN + "id: x\n", "id: "),
        (PLAIN + "zh: {title: 题}\n", "zh: 'description' is missing"),
        (PLAIN + "replaces: [nobody]\n", "replaces: there is no rule 'nobody'"),
        (HEAD + "detection: {condition: s}\n", "there is no selection; write one"),
        (HEAD + "detection: {s: {EventName: A}}\n", "'condition' must be a text"),
        (
            HEAD + "detection: {s: {EventName: A}, condition: s and}\n",
            "condition: expected the name of a selection at the end in 's and'",
        ),
        (HEAD + "detection: {s: {EventName: A}, condition: (s}\n", "a '\\)' is missing"),
        (HEAD + "detection: {s: {EventName: A}, condition: s)}\n", "expected 'and', 'or' or the end, not '\\)'"),
        (HEAD + "detection: {s: {EventName: A}, condition: s s}\n", "expected 'and', 'or' or the end, not 's'"),
        (HEAD + "detection: {s: {EventName: A}, condition: t}\n", "there is no selection 't' \\(there are s\\)"),
        (HEAD + "detection: {s: {EventName: A}, condition: 1 of t*}\n", "no selection is like 't\\*'"),
        (HEAD + "detection: {s: {EventName: A}, condition: 1 of}\n", "expected 'them' or a name"),
        (HEAD + "detection: {s: {EventName: A}, condition: and}\n", "expected the name of a selection, not 'and'"),
        (HEAD + "detection: {s: {EventName: A}, condition: s | count() > 5}\n", "with 'correlation'"),
        (HEAD + "detection: {s: {EventName: A}, condition: s, timeframe: 5m}\n", "'timeframe' is of the old way"),
        (
            HEAD + f"detection: {{s: {{EventName: A}}, condition: '{'(' * 60}s{')' * 60}'}}\n",
            "more than 40 parentheses",
        ),
        (
            HEAD + "detection: {s: {EvntName: A}, condition: s}\n",
            "detection › s › EvntName: .* did you mean EventName\\?",
        ),
        (HEAD + "detection: {s: {Derived.NewAdress: true}, condition: s}\n", "did you mean Derived.NewAddress\\?"),
        (HEAD + "detection: {s: {zzz: A}, condition: s}\n", "'zzz' is not a field of an event; fields are EventID"),
        (
            HEAD + "detection: {s: {EventName|base64: A}, condition: s}\n",
            "the modifier 'base64' is not supported; these are: contains",
        ),
        (HEAD + "detection: {s: {EventName|i: A}, condition: s}\n", "the modifier 'i' is not supported"),
        (
            HEAD + "detection: {s: {EventName|contains|startswith: A}, condition: s}\n",
            "'contains' and 'startswith' cannot be combined",
        ),
        (HEAD + "detection: {s: {EventName|re|cased: A}, condition: s}\n", "'cased' says nothing together with 're'"),
        (HEAD + "detection: {s: {EventName|re: '('}, condition: s}\n", "is not a regular expression"),
        (HEAD + "detection: {s: {EventName|re: '(a+)+b'}, condition: s}\n", "repeats something that itself repeats"),
        (HEAD + "detection: {s: {SourceIPAddress|cidr: 1.2.3}, condition: s}\n", "'1.2.3' is not a network such as"),
        (HEAD + "detection: {s: {EventName|gt: many}, condition: s}\n", "'gt' compares numbers, and 'many' is none"),
        (HEAD + "detection: {s: {EventName|exists: maybe}, condition: s}\n", "'exists' takes true or false"),
        (HEAD + "detection: {s: {EventName|contains: null}, condition: s}\n", "'contains' needs a value, not null"),
        (HEAD + "detection: {s: {EventName|all: [null, a]}, condition: s}\n", "'all' cannot take null"),
        (HEAD + "detection: {s: {EventName: []}, condition: s}\n", "the list of values is empty"),
        (HEAD + "detection: {s: {EventName: {a: b}}, condition: s}\n", "a value must be a text, a number"),
        (HEAD + "detection: {s: {}, condition: s}\n", "detection › s: is empty"),
        (HEAD + "detection: {s: [], condition: s}\n", "must be fields with values"),
        (HEAD + "detection: {s: [''], condition: s}\n", "a keyword must not be empty"),
        (HEAD + "detection: {s: {'|all': [a]}, condition: s}\n", "a field is missing before '|'"),
        ("name: nobody\nstatus: unsupported\n", "switches 'nobody' off, which no rule is called"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str | bytes, said: str) -> None:
    path = tmp_path / "own.yml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SigmaError, match=said) as caught:
        load([tmp_path])
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (
            {"type": "event_count", "rules": "nobody", "condition": {"gte": 2}},
            r"correlation › rules\[0\]: there is no rule 'nobody'",
        ),
        ({"type": "event_count", "rules": "denied-burst", "condition": {"gte": 2}}, "is a correlation itself"),
        ({"type": "event_count", "rules": [], "condition": {"gte": 2}}, "name at least one rule"),
        ({"type": "event_count", "rules": "login"}, "condition: say from how many on"),
        (
            {"type": "event_count", "rules": "login", "condition": {"lt": 2}},
            "'lt' is not known; allowed are field, gt, gte",
        ),
        (
            {"type": "event_count", "rules": "login", "condition": {"gte": 2}, "timespan": "5 minutes"},
            "'5 minutes' is not a timespan",
        ),
        (
            {"type": "event_count", "rules": "login", "condition": {"gte": 2}, "timespan": "0m"},
            "'0m' is not a timespan",
        ),
        (
            {"type": "event_count", "rules": "login", "condition": {"gte": 2}, "group-by": "Who"},
            "correlation: 'Who' is not a field",
        ),
        ({"type": "value_count", "rules": "login", "condition": {"gte": 2}}, "'value_count' needs 'field'"),
        ({"type": "value_count", "rules": "login", "condition": {"gte": 2, "field": "Who"}}, "'Who' is not a field"),
        ({"type": "temporal", "rules": "login"}, "'temporal' needs two rules or more"),
        ({"type": "temporal", "rules": ["login", "trail-off"], "condition": {"gte": 3}}, "must ask for 1 to 2 rules"),
        ({"type": "temporal_ordered", "rules": ["login", "trail-off"], "condition": {"gte": 1}}, "leave it out"),
        ({"type": "value_avg", "rules": "login", "condition": {"gte": 3}}, "correlation › type: input should be"),
        (
            {
                "type": "temporal",
                "rules": ["login", "trail-off"],
                "group-by": "w",
                "aliases": {"w": {"login": "UserName"}},
            },
            "the alias 'w' does not say what 'trail-off' calls it",
        ),
    ],
)
def test_a_mistake_in_a_correlation_is_named(tmp_path: Path, spec: dict[str, Any], said: str) -> None:
    with pytest.raises(SigmaError, match=said):
        book(tmp_path, {"title": "T", "name": "own", "correlation": {"timespan": "5m"} | spec})


def test_a_folder_that_is_none_and_a_name_given_twice(tmp_path: Path) -> None:
    with pytest.raises(SigmaError, match="is not a folder; name the folder"):
        load([tmp_path / "none"])
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(SigmaError, match="is not a folder"):
        load([tmp_path / "file"])
    with pytest.raises(SigmaError, match=r"r1.yml: the name 'own' is also that of a rule in .*r0.yml"):
        book(tmp_path, rule(only({"EventName": "A"})), rule(only({"EventName": "B"})))


# Texts


@pytest.mark.parametrize(
    "pattern", ["a+b+", "(ab|cd)*", "(?:a?){9}", "(?=a)", r"(a)\1", "a*" * 3, "(a{1,40}){1,40}", "x*y*"]
)
def test_regular_expressions_that_could_run_long_are_refused(pattern: str) -> None:
    with pytest.raises(SigmaError):
        regex(pattern)


@pytest.mark.parametrize(
    "pattern", ["^a+b+$", "a+", "[ab]+c", "(abc)+", "^Put(Bucket|Object)", r"\d{1,3}\.\d{1,3}", "(?:x|y)z"]
)
def test_regular_expressions_that_are_harmless_are_not(pattern: str) -> None:
    regex(pattern)


def test_no_text_makes_matching_slow() -> None:
    texts = ["a" * 200_000, "ab" * 100_000]
    tests = [glob("*a*a*a*a*a*a*b?c*"), glob("a*?a*?a*?zz"), glob("*" * 50 + "z"), regex("a+$"), regex("^a+a+$")]
    began = time.process_time()
    for text in texts:
        for test in tests:
            test(text)
    assert time.process_time() - began < 2


@given(st.text("ab?*\\", max_size=8), st.text("ab?*\\", max_size=8))
def test_wildcards_do_what_a_slow_matcher_does(pattern: str, text: str) -> None:
    import re

    written, index = "", 0
    while index < len(pattern):
        char, following = pattern[index], pattern[index + 1 : index + 2]
        if char == "\\" and following and following in "*?\\":
            written, index = written + re.escape(following), index + 2
            continue
        written += {"*": ".*", "?": "."}.get(char, re.escape(char))
        index += 1
    assert glob(pattern)(text) is (re.fullmatch(written, text, re.DOTALL) is not None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Effect", "Principal", "UserName", "Count", "CidrIp", "PortRange", "A.1", ""]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)
ITEMS = st.fixed_dictionaries(
    {},
    optional={
        "EventName": st.sampled_from(
            ["CreateUser", "RunInstances", "ConsoleLogin", "AuthorizeSecurityGroupIngress", "UpdateRole"]
        )
        | JSON,
        "EventSource": st.sampled_from(["iam", "ecs", "vpc", "signin"]) | JSON,
        "EventTime": JSON,
        "SourceIPAddress": JSON,
        "ErrorCode": JSON,
        "EventDetail": st.fixed_dictionaries(
            {"RequestParameters": JSON, "ResponseElements": JSON, "UserIdentity": JSON}
        )
        | JSON,
        "RelatedResources": JSON,
    },
)
EVERY_FIELD = {
    f"f{index}": {f"{name}|exists": True} for index, name in enumerate(f"Derived.{name}" for name in sorted(KNOWN))
}


@settings(deadline=None)
@given(st.lists(ITEMS, max_size=6))
def test_no_event_makes_it_fail(tmp_path_factory: pytest.TempPathFactory, items: list[dict[str, Any]]) -> None:
    folder = tmp_path_factory.getbasetemp() / "every-field"
    if not folder.exists():
        folder.mkdir()
        book(folder, rule(EVERY_FIELD | {"w": ["nowhere"], "condition": "1 of f* or w"}))
    rules = load([folder]).within(
        Surroundings(networks=(ipaddress.ip_network("10.0.0.0/8"),), accounts=frozenset({"2100000001"}))
    )
    happened = []
    for one in map(event_of, items):
        found = rules.check(one)
        assert {mark.name for mark in found.marks} <= found.names
        happened.append((one.time or 0, one, found.names))
    rules.correlate(happened)
