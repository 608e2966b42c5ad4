"""The lint: every code at its path, and silence where nothing is wrong."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from unit.policy.examples import ALLOW_ALL, allow, deny, document
from volcengine_policy import Finding, can_be_valid, lint, parse

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def findings(source: object) -> tuple[Finding, ...]:
    return lint(parse(source), now=NOW)


def found(source: object) -> set[tuple[str, str, str]]:
    return {(f.severity.value, f.path, f.code) for f in findings(source)}


def condition(operator: str, key: str, values: object) -> dict[str, object]:
    return {"Condition": {operator: {key: values}}}


S = "Statement[0]"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        # the document
        ({"Statement": []}, ("error", "Statement", "empty-element")),
        ({"Version": "1", "Statement": [deny("ecs:*")]}, ("warning", "Version", "foreign-element")),
        ({"Id": "1", "Statement": [deny("ecs:*")]}, ("warning", "Id", "foreign-element")),
        ({"Note": "1", "Statement": [deny("ecs:*")]}, ("warning", "Note", "unknown-element")),
        ({"statement": []}, ("error", "statement", "element-case")),
        ({"Statement": deny("ecs:*")}, ("info", "Statement", "single-statement")),
        (document(deny("ecs:*", Sid="x" * 5000)), ("warning", "", "oversized")),
        (
            document(deny("ecs:*"), deny("vpc:*"), deny("ecs:*")),
            ("warning", "Statement[2]", "duplicate-statement"),
        ),
        # the statement
        (document("x"), ("error", S, "not-an-object")),
        (document({"Action": ["ecs:*"], "Resource": ["*"]}), ("error", f"{S}.Effect", "missing-element")),
        (document({**ALLOW_ALL, "Effect": "deny"}), ("error", f"{S}.Effect", "unknown-effect")),
        (document({**ALLOW_ALL, "Effect": ["Deny"]}), ("error", f"{S}.Effect", "unknown-effect")),
        (document({"Effect": "Deny", "Resource": ["*"]}), ("error", f"{S}.Action", "missing-element")),
        (
            document({"Effect": "Deny", "Action": ["ecs:*"]}),
            ("warning", f"{S}.Resource", "missing-resource"),
        ),
        (document(deny()), ("error", f"{S}.Action", "empty-element")),
        (document(deny("ecs:*", Resource=[])), ("error", f"{S}.Resource", "empty-element")),
        (document(deny("ecs:*", Principal={"IAM": "*"})), ("error", f"{S}.Principal", "principal")),
        (document(deny("ecs:*", NotPrincipal={})), ("error", f"{S}.NotPrincipal", "principal")),
        (document(deny("ecs:*", resource="*")), ("error", f"{S}.resource", "element-case")),
        (document(deny("ecs:*", Note="*")), ("warning", f"{S}.Note", "unknown-element")),
        # actions
        (document(deny("ecs:*", "RunInstances")), ("error", f"{S}.Action[1]", "action-form")),
        (document(deny("ecs:")), ("error", f"{S}.Action[0]", "action-form")),
        (document(deny("")), ("error", f"{S}.Action[0]", "action-form")),
        (document(deny("ecs: *")), ("error", f"{S}.Action[0]", "action-form")),
        (document({**ALLOW_ALL, "Action": [1]}), ("error", f"{S}.Action[0]", "not-a-string")),
        (document({**ALLOW_ALL, "Action": [["ecs:*"]]}), ("error", f"{S}.Action[0]", "not-a-string")),
        (document(deny("support:*")), ("warning", f"{S}.Action[0]", "unknown-service")),
        (document(deny("ecs:Fly")), ("warning", f"{S}.Action[0]", "unknown-action")),
        (document(deny("tls:*")), ("info", f"{S}.Action[0]", "action-case")),
        (document(deny("ecs:runInstances")), ("info", f"{S}.Action[0]", "action-case")),
        (document(deny("ecs:Fly*")), ("warning", f"{S}.Action[0]", "matches-nothing-known")),
        (document(deny("*:Fly*")), ("warning", f"{S}.Action[0]", "matches-nothing-known")),
        (document(deny("rds_*:Delete*")), ("warning", f"{S}.Action[0]", "partial-service")),
        (document(deny("ecs:*", "ecs:*")), ("info", f"{S}.Action[1]", "duplicate-value")),
        # NotAction and NotResource
        (
            document({"Effect": "Deny", "NotAction": ["ecs:*"], "Resource": ["*"]}),
            ("error", f"{S}.NotAction", "not-without-partner"),
        ),
        (
            document({"Effect": "Deny", "Action": ["vpc:*"], "NotResource": ["trn:vpc:*:*:vpc/x"]}),
            ("error", f"{S}.NotResource", "not-without-partner"),
        ),
        (
            document(deny("ecs:*", NotAction=["ecs:Run*"])),
            ("warning", f"{S}.NotAction", "not-unsupported"),
        ),
        (document(deny("*", NotAction=["iam:*"])), ("warning", f"{S}.NotAction", "not-unsupported")),
        (
            document(deny("kms:*", NotAction=["kms:Decrypt"])),
            ("warning", f"{S}.NotAction", "not-unconfirmed"),
        ),
        # resources
        (
            document(deny("iam:*", Resource=["*", "trn:iam:1:project/*"])),
            ("error", f"{S}.Resource[1]", "trn-form"),
        ),
        (document(deny("iam:*", Resource="bucket")), ("error", f"{S}.Resource", "trn-form")),
        (document(deny("iam:*", Resource="t*:iam::1:x")), ("error", f"{S}.Resource", "trn-form")),
        (document(deny("iam:*", Resource="trn:iam:::")), ("error", f"{S}.Resource", "trn-form")),
        (document(deny("iam:*", Resource=[True])), ("error", f"{S}.Resource[0]", "not-a-string")),
        (
            document(deny("iam:*", Resource="trn:iam:cn-beijing:2100000001:user/a")),
            ("warning", f"{S}.Resource", "trn-region"),
        ),
        (
            document(deny("iam:*", Resource="trn:iam::123:user/a")),
            ("warning", f"{S}.Resource", "trn-account"),
        ),
        (
            document(deny("iam:*", "sts:*", Resource="trn:ecs:*:*:instance/*")),
            ("warning", f"{S}.Resource", "trn-service"),
        ),
        (
            document(deny("iam:*", Resource="trn:iam::${volc:UserName}:user/x")),
            ("warning", f"{S}.Resource", "variable-place"),
        ),
        # conditions
        (
            document(deny("ecs:*", **condition("StringMatch", "volc:UserName", "a"))),
            ("error", f"{S}.Condition.StringMatch", "unknown-operator"),
        ),
        (
            document(deny("ecs:*", **condition("stringequals", "volc:UserName", "a"))),
            ("error", f"{S}.Condition.stringequals", "unknown-operator"),
        ),
        (
            document(deny("ecs:*", **condition("Bool", "volc:UserName", "true"))),
            ("info", f"{S}.Condition.Bool", "assumed-operator"),
        ),
        (
            document(deny("ecs:*", **condition("StringEquals", "aws:username", "a"))),
            ("warning", f"{S}.Condition.StringEquals.aws:username", "unknown-key-prefix"),
        ),
        (
            document(deny("ecs:*", **condition("StringEquals", "UserName", "a"))),
            ("warning", f"{S}.Condition.StringEquals.UserName", "unknown-key-prefix"),
        ),
        (
            document(deny("ecs:*", **condition("StringEquals", "iam:CurrentTime", "a"))),
            ("warning", f"{S}.Condition.StringEquals.iam:CurrentTime", "unknown-key-prefix"),
        ),
        (
            document(deny("tos:*", **condition("IpAddress", "tos:SourceIp", "1.1.1.1"))),
            ("warning", f"{S}.Condition.IpAddress.tos:SourceIp", "unknown-key"),
        ),
        (
            document(deny("tos:*", **condition("StringEquals", "volc:MFA", "1"))),
            ("warning", f"{S}.Condition.StringEquals.volc:MFA", "unknown-key"),
        ),
        (
            document(deny("tos:*", **condition("StringEquals", "volc:username", "1"))),
            ("info", f"{S}.Condition.StringEquals.volc:username", "key-case"),
        ),
        (
            document(deny("tos:*", **condition("StringEquals", "volc:SourceIp", "1.1.1.1"))),
            ("warning", f"{S}.Condition.StringEquals.volc:SourceIp", "key-type"),
        ),
        (
            document(deny("tos:*", **condition("IpAddress", "volc:SourceIp", ["10.0.0.0/8", "office"]))),
            ("warning", f"{S}.Condition.IpAddress.volc:SourceIp[1]", "condition-value"),
        ),
        (
            document(deny("tos:*", **condition("DateLessThan", "volc:CurrentTime", "2027-01-01"))),
            ("warning", f"{S}.Condition.DateLessThan.volc:CurrentTime", "condition-value"),
        ),
        (
            document(deny("tos:*", **condition("StringEquals", "volc:UserName", [5]))),
            ("info", f"{S}.Condition.StringEquals.volc:UserName[0]", "unquoted-value"),
        ),
        (
            document(deny("tos:*", **condition("StringEquals", "volc:UserName", [None]))),
            ("error", f"{S}.Condition.StringEquals.volc:UserName[0]", "not-a-string"),
        ),
        (
            document(deny("tos:*", **condition("StringEquals", "volc:UserName", []))),
            ("warning", f"{S}.Condition.StringEquals.volc:UserName", "empty-values"),
        ),
        (document(deny("tos:*", Condition={})), ("warning", f"{S}.Condition", "empty-condition")),
        (document(deny("tos:*", Condition=[])), ("error", f"{S}.Condition", "condition-form")),
        (
            document(deny("tos:*", Condition={"StringEquals": {}})),
            ("error", f"{S}.Condition.StringEquals", "condition-form"),
        ),
        (
            document(deny("tos:*", **condition("StringEquals", "volc:UserName", "a"))),
            ("info", f"{S}.Condition", "condition-support"),
        ),
        (
            document(allow("tos:*", **condition("DateLessThan", "volc:CurrentTime", "2026-11-20T23:59:59Z"))),
            ("warning", f"{S}.Condition.DateLessThan.volc:CurrentTime", "expired"),
        ),
        # what it does
        (document(deny("*")), ("warning", S, "denies-everything")),
        (document(deny("organization:*")), ("warning", S, "denies-organization")),
        (document(deny("*:Describe*")), ("warning", S, "denies-organization")),
        (document(deny("sts:Assume*")), ("warning", S, "denies-assume-role")),
        (
            document(
                deny(
                    "ecs:*",
                    **condition("StringEquals", "volc:PrincipalTrn", ["trn:iam::*:role/OrganizationAccessControlRole"]),
                )
            ),
            (
                "warning",
                f"{S}.Condition.StringEquals.volc:PrincipalTrn[0]",
                "denies-administrator-role",
            ),
        ),
        (
            document(deny("iam:DeleteRole", Resource=["trn:iam::*:role/Organization*"])),
            ("info", f"{S}.Resource[0]", "covers-administrator-role"),
        ),
        (
            document(deny("ecs:*", **condition("StringNotEquals", "volc:UserName", "a"))),
            ("warning", f"{S}.Condition.StringNotEquals.volc:UserName", "negated-without-ifexists"),
        ),
        (
            document(deny("ecs:*", **condition("StringNotEqualsIfExists", "volc:username", "a"))),
            ("warning", f"{S}.Condition.StringNotEqualsIfExists.volc:username", "ifexists-username"),
        ),
        (document(allow("ecs:*")), ("warning", "Statement", "allow-only")),
    ],
)
def test_every_rule_fires_at_its_place(source: object, expected: tuple[str, str, str]) -> None:
    assert expected in found(source)
    assert can_be_valid(findings(source)) is not any(f.severity == "error" for f in findings(source))
    assert can_be_valid(findings(source)) or "error" in {f.severity.value for f in findings(source)}


@pytest.mark.parametrize(
    "actions",
    [
        ["iam:CreateUser", "iam:DeleteUser", "iam:UpdateUser", "iam:CreateRole", "iam:DeleteRole"],
        ["organization:QuitOrganization"],
        ["ecs:ModifyInstanceSpec", "ecs:ModifyInstancesSpec"],
        ["ecs:RunInstances"],
        ["ecs:DeleteInstance", "ecs:DeleteInstances"],
        ["cloud_trail:StopLogging", "cloud_trail:DeleteTrail", "cloud_trail:UpdateTrail"],
        ["velinux:*"],
        ["vpc:*"],
    ],
)
def test_the_documented_purposes_are_clean(actions: list[str]) -> None:
    assert found(document(deny(*actions))) == set()


def test_the_documented_break_glass_policy_warns_that_roles_are_denied() -> None:
    source = document(deny("iam:*", **condition("StringNotEqualsIfExists", "volc:UserName", ["break-glass"])))
    assert {code for _, _, code in found(source)} == {"ifexists-username", "condition-support"}
    assert can_be_valid(findings(source))


def test_the_region_sample_shows_its_traps() -> None:
    source = document(
        deny(
            "*",
            NotAction=["iam:*", "sts:*", "organization:*", "support:*"],
            **condition("StringNotEquals", "volc:RequestedRegion", ["cn-beijing", "cn-shanghai"]),
        )
    )
    codes = {code for _, _, code in found(source)}
    assert {"not-unsupported", "negated-without-ifexists", "unknown-service", "assumed-operator"} <= codes
    assert not {"denies-everything", "denies-organization", "denies-assume-role"} & codes
    assert can_be_valid(findings(source))


@pytest.mark.parametrize(
    "source",
    [
        document(deny("tos:*", Resource=["trn:tos:::bucket/prefix/*"])),
        document(deny("ecs:*", Resource=["trn:ecs:cn-beijing:2100000001:instance/*"])),
        document(deny("iam:*", Resource=["trn:iam::*:user/${volc:UserName}"])),
        document(deny("*:Delete*", Resource=["trn:vpc:*:*:vpc/*"], NotAction=["organization:*"])),
    ],
)
def test_well_formed_resources_are_not_remarked(source: object) -> None:
    assert not {code for _, path, code in found(source) if "Resource" in path}


def test_not_elements_of_a_supporting_service_are_not_remarked() -> None:
    assert found(document(deny("vpc:*", NotAction=["vpc:DeleteFlowLog"]))) == set()


def test_a_time_to_come_is_not_expired() -> None:
    later = condition("DateLessThan", "volc:CurrentTime", ["2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z"])
    assert "expired" not in {code for _, _, code in found(document(deny("ecs:*", **later)))}


def test_all_problems_are_told_at_once() -> None:
    source = {"Version": "1", "Statement": [{"Effect": "deny", "Action": ["RunInstances", "ecs:Fly"]}]}
    assert [f.code for f in findings(source)] == [
        "foreign-element",
        "unknown-effect",
        "missing-resource",
        "action-form",
        "unknown-action",
    ]


def test_the_time_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        lint(parse("{}"), now=datetime(2026, 1, 1))
