"""Risk marks: every row of the table marks its actions, conditions raise or replace, sequences are seen."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.audit.samples import ALICE, NOW, OPS, ROOT, event, wire
from volcengine_audit import Event, Severity, load_rules, mark_event, mark_events, worst
from volcengine_audit.rules import Rule, When

RULES = load_rules()
BY_NAME = {rule.id: rule for rule in RULES.rules}
PLAIN = [(rule.id, action) for rule in RULES.rules if rule.when == When() for action in rule.actions]


def marks(*args: Any, **kwargs: Any) -> dict[str, str]:
    return {mark.id: mark.severity.value for mark in mark_event(event(*args, **kwargs), RULES)}


def sequence(*events: Event) -> list[dict[str, str]]:
    return [{mark.id: mark.severity.value for mark in these} for these in mark_events(events, RULES)]


@pytest.mark.parametrize(("rule", "action"), PLAIN, ids=[f"{rule}-{action}" for rule, action in PLAIN])
def test_every_action_of_the_table_is_marked(rule: str, action: str) -> None:
    assert marks(action) == {rule: BY_NAME[rule].severity.value}


@pytest.mark.parametrize(
    ("action", "severity"),
    [
        ("iam:CreateAccessKey", "high"),
        ("iam:UpdateAccessKey", "medium"),
        ("iam:DeleteLoginProfile", "medium"),
        ("iam:CreateSAMLProvider", "critical"),
        ("iam:RemoveUserFromGroup", "low"),
        ("sts:AssumeRole", "info"),
        ("organization:DetachServiceControlPolicy", "critical"),
        ("organization:EnableConsoleLogin", "high"),
        ("organization:DisableConsoleLogin", "medium"),
        ("cloud_trail:StopLogging", "critical"),
        ("cloud_trail:CreateTrail", "low"),
        ("vpc:DeactiveFlowLog", "high"),
        ("TLS:DeleteTopic", "high"),
        ("tls:deletetopic", "high"),
        ("kms:ScheduleKeyDeletion", "critical"),
        ("kms:DisableKeyRotation", "medium"),
        ("ecs:RunInstances", "low"),
        ("ecs:StopInstances", "medium"),
        ("storage_ebs:CreateSnapshot", "medium"),
        ("tos:GetObject", "info"),
        ("vke:CreateKubeconfig", "high"),
        ("dns:DeleteZone", "high"),
    ],
)
def test_severities_are_those_of_the_reference(action: str, severity: str) -> None:
    assert list(marks(action).values()) == [severity]


@pytest.mark.parametrize(
    "action", ["ecs:DescribeInstances", "iam:GetUser", "iam:CreateAccessKeys", "ecs:CreateAccessKey"]
)
def test_other_actions_are_not_marked(action: str) -> None:
    assert marks(action) == {}


@pytest.mark.parametrize("policy", ["AdministratorAccess", "IAMFullAccess"])
@pytest.mark.parametrize("form", ['{{"PolicyName":"{}","UserName":"bob"}}', "{}"])
def test_administrator_policies_are_critical(policy: str, form: str) -> None:
    parameters: object = form.format(policy) if "PolicyName" in form else {"policyName": policy}
    assert marks("iam:AttachUserPolicy", parameters=parameters) == {"iam-admin-policy-attached": "critical"}
    assert marks("iam:AttachUserPolicy", parameters={"PolicyName": "ReadOnlyAccess"}) == {"iam-policy-attached": "high"}


@pytest.mark.parametrize(
    ("parameters", "open_to_world"),
    [
        ({"CidrIp": "0.0.0.0/0", "PortStart": 22, "PortEnd": 22}, True),
        ({"CidrIp": "0.0.0.0/0", "PortStart": "1", "PortEnd": "65535"}, True),
        ({"CidrIp": "::/0", "PortStart": 3389, "PortEnd": 3389}, True),
        ({"CidrIp": "0.0.0.0/0", "PortStart": -1, "PortEnd": -1, "Protocol": "all"}, True),
        ({"CidrIp": "0.0.0.0/0"}, True),
        ({"CidrIp": "0.0.0.0/0", "PortRange": "20-30"}, True),
        ({"CidrIp": "0.0.0.0/0", "PortRange": "443"}, False),
        ({"CidrIp": "0.0.0.0/0", "PortStart": 443, "PortEnd": 443}, False),
        ({"CidrIp": "0.0.0.0/0", "PortStart": 22, "PortEnd": 22, "Policy": "drop"}, False),
        ({"CidrIp": "10.0.0.0/8", "PortStart": 22, "PortEnd": 22}, False),
        ({"Rules": [{"CidrIp": "10.0.0.0/8"}, {"CidrIp": "0.0.0.0/0", "PortStart": 22, "PortEnd": 22}]}, True),
        ({"Rules": [{"CidrIp": "0.0.0.0/0", "PortStart": 80, "PortEnd": 80}, {"PortStart": 22, "PortEnd": 22}]}, False),
        ({"Rules.1.CidrIp": "0.0.0.0/0", "Rules.1.PortStart": 22, "Rules.1.PortEnd": 22}, True),
        (
            {"Rules.1.CidrIp": "0.0.0.0/0", "Rules.1.PortStart": 80, "Rules.1.PortEnd": 80, "Rules.2.PortStart": 22},
            False,
        ),
        ("not JSON", False),
    ],
)
def test_ports_open_to_the_world_are_critical(parameters: object, open_to_world: bool) -> None:
    expected = {"security-group-open-to-world": "critical"} if open_to_world else {"security-group-opened": "high"}
    assert marks("vpc:AuthorizeSecurityGroupIngress", parameters=parameters) == expected


@pytest.mark.parametrize(
    ("action", "parameters", "rule"),
    [
        ("tos:PutBucketACL", {"x-tos-acl": "public-read"}, "bucket-public-acl"),
        ("tos:PutBucketAcl", {"ACL": "public-read-write"}, "bucket-public-acl"),
        ("tos:PutBucketACL", {"ACL": "private"}, "bucket-access-changed"),
        (
            "tos:PutBucketPolicy",
            {"Policy": '{"Statement":[{"Effect":"Allow","Principal":["*"]}]}'},
            "bucket-public-policy",
        ),
        ("tos:PutBucketPolicy", {"Statement": {"Effect": "Allow", "Principal": {"IAM": "*"}}}, "bucket-public-policy"),
        ("tos:PutBucketPolicy", {"Statement": [{"Effect": "Deny", "Principal": "*"}]}, "bucket-access-changed"),
        (
            "tos:PutBucketPolicy",
            {"Statement": [{"Effect": "Deny", "Principal": "*"}, {"Effect": "Allow", "Principal": "21"}]},
            "bucket-access-changed",
        ),
    ],
)
def test_public_buckets_are_critical(action: str, parameters: object, rule: str) -> None:
    assert list(marks(action, parameters=parameters)) == [rule]


def test_the_root_user_is_marked_and_raises_what_it_does() -> None:
    assert marks("ecs:DescribeInstances", ROOT) == {"root-use": "medium"}
    assert marks("iam:CreateUser", ROOT) == {"iam-user-changed": "high", "root-use": "medium"}
    [mark, _] = mark_event(event("iam:CreateUser", ROOT), RULES)
    assert mark.reason == "user added, removed or renamed; raised: the caller is the root user"
    assert wire(mark) == {"Id": "iam-user-changed", "Severity": "high", "Reason": mark.reason}


def test_a_failed_attempt_says_so() -> None:
    [mark] = mark_event(event("cloud_trail:StopLogging", error="AccessDenied"), RULES)
    assert mark.reason == "audit switched off (attempted, failed with AccessDenied)"
    assert mark.severity is Severity.CRITICAL


LOGIN = {"detail": {"EventType": "ConsoleLogin"}, "response": ""}


@pytest.mark.parametrize(
    ("action", "fields", "expected"),
    [
        ("signin:ConsoleLogin", {}, {"login"}),
        ("iam:consolesignin", {}, {"login"}),
        ("portal:Enter", {"detail": {"EventType": "ConsoleSignin"}}, {"login"}),
        ("passport:Verify", {}, {"login"}),
        ("console:ListRegions", {}, set()),
        ("iam:GetLoginProfile", {}, set()),
        ("signin:ConsoleLogin", {"error": "AuthenticationFailed"}, {"login-failed"}),
        ("signin:ConsoleLogin", {"response": {"ConsoleLogin": "Failure"}}, {"login-failed"}),
        ("signin:ConsoleLogin", {"response": '{"Success":false}'}, {"login-failed"}),
        ("signin:ConsoleLogin", {"response": '{"Success":true}'}, {"login"}),
        ("signin:ConsoleLogin", {"identity": ROOT}, {"login-root"}),
        ("signin:ConsoleLogin", {"identity": ROOT, "error": "AuthenticationFailed"}, {"login-root"}),
    ],
)
def test_console_logins_are_recognised_and_the_assumption_is_said(
    action: str, fields: dict[str, Any], expected: set[str]
) -> None:
    found = mark_event(event(action, **fields), RULES)
    assert {mark.id for mark in found} == expected
    assert all("the login matcher is an assumption" in mark.reason for mark in found)


def logins(*errors: str, step: int = 60, **more: Any) -> list[Event]:
    return [
        event("signin:ConsoleLogin", at=NOW + step * index, id=f"l{index}", error=error, **more)
        for index, error in enumerate(errors)
    ]


def test_a_login_after_three_failures_is_high() -> None:
    assert sequence(*logins("Bad", "Bad", "Bad", ""))[-1] == {"login-after-failures": "high"}
    assert sequence(*reversed(logins("Bad", "Bad", "Bad", "")))[0] == {"login-after-failures": "high"}
    assert sequence(*logins("Bad", "Bad", ""))[-1] == {"login": "info"}
    assert sequence(*logins("Bad", "Bad", "Bad", "", ""))[-1] == {"login": "info"}
    assert sequence(*logins("Bad", "Bad", "Bad", "", step=600))[-1] == {"login": "info"}


@pytest.mark.parametrize(
    ("seconds", "mark"), [(899, "login-after-failures"), (900, "login-after-failures"), (901, "login")]
)
def test_failures_count_until_the_last_second_of_their_window(seconds: int, mark: str) -> None:
    """`failures_seconds` is 900: a failure exactly that long ago still counts, one a second older does not."""
    oldest = event("signin:ConsoleLogin", at=NOW, id="f0", error="Bad")
    later = [event("signin:ConsoleLogin", at=NOW + 30, id=f"f{index}", error="Bad") for index in (1, 2)]
    success = event("signin:ConsoleLogin", at=NOW + seconds, id="s")
    assert list(sequence(oldest, *later, success)[-1]) == [mark]


@pytest.mark.parametrize(("step", "marked"), [(75, True), (76, False)])
def test_refusals_make_a_burst_until_the_last_second_of_their_window(step: int, marked: bool) -> None:
    """`denied_seconds` is 300: five refusals in exactly that time are a burst."""
    tries = [event(f"iam:Get{index}", at=NOW + step * index, id=f"{index}", error="AccessDenied") for index in range(5)]
    assert bool(sequence(*tries)[-1]) is marked


def test_failures_of_others_do_not_count() -> None:
    mine = logins("Bad", "Bad")
    other = event("signin:ConsoleLogin", OPS, at=NOW + 90, id="o", error="Bad")
    assert sequence(*mine, other, event("signin:ConsoleLogin", at=NOW + 200, id="s"))[-1] == {"login": "info"}


def test_a_success_after_failures_is_raised() -> None:
    tries = [event("iam:UpdateAccessKey", at=NOW + index, id=str(index), error="AccessDenied") for index in range(3)]
    assert sequence(*tries, event("iam:UpdateAccessKey", at=NOW + 9, id="s"))[-1] == {"iam-access-key-changed": "high"}


def test_a_burst_of_refusals_is_marked_once_where_it_completes() -> None:
    tries = [event(f"iam:Get{index}", at=NOW + index, id=f"{index}", error="AccessDenied.X") for index in range(12)]
    assert [bool(found) for found in sequence(*tries)] == [index in (4, 9) for index in range(12)]
    assert sequence(*tries)[4] == {"denied-burst": "medium"}
    slow = [event(f"iam:Get{index}", at=NOW + 100 * index, id=f"{index}", error="AccessDenied") for index in range(12)]
    assert not any(sequence(*slow))
    other = [event("iam:GetUser", at=NOW + index, id=f"{index}", error="UserNotExist") for index in range(12)]
    assert not any(sequence(*other))


def test_many_instances_at_once_are_high() -> None:
    created = [event("ecs:RunInstances", at=NOW + index, id=f"{index}") for index in range(10)]
    found = sequence(*created)
    assert found[8] == {"instances-created": "low"}
    assert found[9] == {"instances-created-burst": "high"}


def test_a_new_address_needs_a_past() -> None:
    first = event("sts:GetCallerIdentity", id="1")
    same = event("sts:GetCallerIdentity", at=NOW + 1, id="2")
    new = event("sts:GetCallerIdentity", at=NOW + 2, id="3", address="198.51.100.1")
    again = event("sts:GetCallerIdentity", at=NOW + 3, id="4", address="198.51.100.1")
    info, medium = {"sts-identity-asked": "info"}, {"sts-identity-asked-new-address": "medium"}
    assert sequence(first, same, new, again) == [info, info, medium, info]
    assert sequence(again, new, same, first) == [info, medium, info, info]


def test_a_first_use_raises_only_for_callers_known_for_a_week() -> None:
    def later(days: int) -> dict[str, str]:
        use = event("iam:CreateUser", at=NOW + days * 86400, id="u")
        return sequence(event(id="d"), use)[1]

    assert later(6) == {"iam-user-changed": "medium"}
    assert later(7) == {"iam-user-changed": "high"}


def test_events_without_a_time_have_no_circumstances() -> None:
    undated = event("sts:GetCallerIdentity", EventTime=None, detail={"EventTime": "?"}, address="198.51.100.1")
    assert sequence(event("sts:GetCallerIdentity", id="1"), undated)[1] == {"sts-identity-asked": "info"}


def test_no_mark_is_raised_above_critical_or_lost() -> None:
    [mark, *_] = mark_event(event("organization:DeleteOrganization", ROOT), RULES)
    assert (mark.id, mark.severity) == ("organization-deleted", Severity.CRITICAL)
    assert worst(()) is None
    assert worst(mark_event(event("iam:CreateUser", ALICE), RULES)) is Severity.MEDIUM


ACTIONS = st.sampled_from(
    ["iam:CreateUser", "sts:GetCallerIdentity", "signin:ConsoleLogin", "ecs:RunInstances", "x:GetY"]
)
EVENTS = st.lists(
    st.builds(
        lambda action, at, error, address: (action, at, error, address),
        ACTIONS,
        st.integers(NOW, NOW + 900),
        st.sampled_from(["", "AccessDenied"]),
        st.sampled_from(["", "203.0.113.9", "198.51.100.1"]),
    ),
    max_size=30,
)


@settings(deadline=None, max_examples=50)
@given(EVENTS, st.randoms(use_true_random=False))
def test_marks_do_not_depend_on_the_order_of_the_pages(listed: list[tuple[str, int, str, str]], random: Any) -> None:
    events = [
        event(action, at=at, id=str(index), error=error, address=address)
        for index, (action, at, error, address) in enumerate(listed)
    ]
    expected = dict(zip([one.id for one in events], mark_events(events, RULES), strict=True))
    random.shuffle(events)
    assert dict(zip([one.id for one in events], mark_events(events, RULES), strict=True)) == expected


def test_a_rule_without_conditions_matches_nothing_by_accident() -> None:
    assert all(isinstance(rule, Rule) and (rule.when != When() or rule.actions) for rule in RULES.rules)
