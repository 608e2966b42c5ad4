"""Conditions: every operator, absent and untold keys, several values, variables."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from unit.policy.examples import deny, document
from volcengine_policy import Assumptions, parse
from volcengine_policy.conditions import Context, ContextValue, holds
from volcengine_policy.operators import CONFIRMED, OPERATOR_NAMES, operator
from volcengine_policy.truth import Judgement

AWS = Assumptions.from_mapping({"A-MISSING": "aws"})
KEY = "volc:UserName"


def judge(
    operator: str,
    wanted: object,
    given: ContextValue,
    *,
    key: str = KEY,
    assumptions: Assumptions | None = None,
    context: Mapping[str, ContextValue] | None = None,
) -> Judgement:
    source = document(deny("ecs:*", Condition={operator: {key: wanted}}))
    (condition,) = parse(source).statements[0].conditions
    return holds(condition, Context({key: given, **(context or {})}), assumptions or Assumptions())


@pytest.mark.parametrize(
    ("operator", "wanted", "given", "expected"),
    [
        ("StringEquals", "alice", "alice", "true"),
        ("StringEquals", "alice", "Alice", "false"),
        ("StringEquals", ["bob", "alice"], "alice", "true"),
        ("StringEquals", "trn:iam::1:role/*", "trn:iam::1:role/ops", "true"),
        ("StringEquals", [], "alice", "false"),
        ("StringNotEquals", ["bob", "alice"], "alice", "false"),
        ("StringNotEquals", ["bob", "carol"], "alice", "true"),
        ("StringNotEquals", "a*", "alice", "false"),
        ("StringNotEqualsIfExists", "bob", "alice", "true"),
        ("StringEqualsIgnoreCase", "ALICE", "alice", "true"),
        ("StringEqualsIgnoreCase", "A*", "alice", "false"),
        ("StringNotEqualsIgnoreCase", "ALICE", "alice", "false"),
        ("StringLike", "al?ce", "alice", "true"),
        ("StringLike", "a*", "bob", "false"),
        ("StringNotLike", "a*", "bob", "true"),
        ("IpAddress", "10.0.0.0/8", "10.1.2.3", "true"),
        ("IpAddress", "8.8.8.8", "8.8.8.8", "true"),
        ("IpAddress", ["8.8.8.8", "192.168.0.1/16"], "192.168.9.9", "true"),
        ("IpAddress", "10.0.0.0/8", "11.0.0.1", "false"),
        ("IpAddress", "10.0.0.0/8", "2001:db8::1", "false"),
        ("IpAddress", "2001:db8::/32", "2001:db8::1", "true"),
        ("IpAddress", "10.0.0.0/8", "::ffff:10.0.0.1", "true"),
        ("IpAddress", "::/0", "::ffff:10.0.0.1", "true"),
        ("IpAddress", "office", "10.0.0.1", "unknown"),
        ("IpAddress", "10.0.0.0/8", "somewhere", "unknown"),
        ("NotIpAddress", "10.0.0.0/8", "11.0.0.1", "true"),
        ("NotIpAddress", ["10.0.0.0/8", "11.0.0.0/8"], "11.0.0.1", "false"),
        ("DateLessThan", "2026-01-01T00:00:00Z", "2025-12-31T23:59:59Z", "true"),
        ("DateLessThan", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "false"),
        ("DateLessThanEquals", "2026-01-01T08:00:00+08:00", "2026-01-01T00:00:00Z", "true"),
        ("DateGreaterThan", "2026-01-01T08:00:00+08:00", "2026-01-01T00:00:01Z", "true"),
        ("DateGreaterThanEquals", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "true"),
        ("DateEquals", "2026-01-01T08:00:00+08:00", "2026-01-01T00:00:00Z", "true"),
        ("DateNotEquals", "2026-01-01T08:00:00+08:00", "2026-01-01T00:00:00Z", "false"),
        ("DateLessThan", "2026-01-01T00:00:00", "2025-12-31T23:59:59Z", "unknown"),
        ("DateLessThan", "soon", "2025-12-31T23:59:59Z", "unknown"),
        ("NumericEquals", "10", "10.0", "true"),
        ("NumericNotEquals", "10", "11", "true"),
        ("NumericLessThan", "10", "9.99", "true"),
        ("NumericLessThanEquals", 10, "10", "true"),
        ("NumericGreaterThan", "10", "10", "false"),
        ("NumericGreaterThanEquals", "-1", "-1", "true"),
        ("NumericEquals", "ten", "10", "unknown"),
        ("NumericEquals", "1e999999999", "10", "unknown"),
        ("Bool", "true", "True", "true"),
        ("Bool", True, "false", "false"),
        ("Bool", "yes", "true", "unknown"),
        ("Null", "true", None, "true"),
        ("Null", "true", "alice", "false"),
        ("Null", "false", "alice", "true"),
        ("Null", "maybe", "alice", "unknown"),
        ("StringEquals", [None, "alice"], "alice", "true"),
        ("StringEquals", [None], "alice", "unknown"),
        ("stringequals", "alice", "alice", "unknown"),
        ("NullIfExists", "true", None, "unknown"),
        ("StringMatches", "alice", "alice", "unknown"),
    ],
)
def test_operators(operator: str, wanted: object, given: ContextValue, expected: str) -> None:
    assert judge(operator, wanted, given).truth.value == expected


@pytest.mark.parametrize(
    ("name", "default", "aws"),
    [
        ("StringEquals", "unknown", "false"),
        ("StringNotEquals", "unknown", "true"),
        ("NotIpAddress", "unknown", "true"),
        ("StringEqualsIfExists", "true", "true"),
        ("StringNotEqualsIfExists", "true", "true"),
        ("ForAnyValue:StringNotEquals", "unknown", "false"),
        ("ForAllValues:StringEquals", "unknown", "true"),
        ("ForAnyValue:StringEqualsIfExists", "true", "true"),
    ],
)
def test_a_key_that_the_request_does_not_carry(name: str, default: str, aws: str) -> None:
    assert judge(name, "alice", None).truth.value == default
    assert judge(name, "alice", None, assumptions=AWS).truth.value == aws
    assert judge(name, "alice", (), assumptions=AWS).truth.value == aws


def test_an_absent_key_names_the_assumption_and_the_key() -> None:
    names = {(cause.kind.value, cause.name) for cause in judge("StringEquals", "alice", None).causes}
    assert names == {("assumption", "A-MISSING"), ("condition key", KEY)}


@pytest.mark.parametrize("name", [*OPERATOR_NAMES, "StringEqualsIfExists", "ForAllValues:StringLike"])
def test_a_key_that_was_not_told_is_named(name: str) -> None:
    (condition,) = parse(document(deny("*", Condition={name: {"volc:x": "1"}}))).statements[0].conditions
    judgement = holds(condition, Context({}), AWS)
    assert judgement.is_unknown
    assert [cause.name for cause in judgement.causes] == ["volc:x"]


def test_keys_match_whatever_their_case() -> None:
    (condition,) = (
        parse(document(deny("*", Condition={"StringEquals": {"VOLC:username": "a"}}))).statements[0].conditions
    )
    assert holds(condition, Context({KEY: "a"}), AWS).is_true
    with pytest.raises(ValueError, match="twice"):
        Context({"volc:UserName": "a", "volc:username": "b"})


@pytest.mark.parametrize(
    ("name", "wanted", "given", "expected"),
    [
        ("ForAnyValue:StringEquals", ["a", "b"], ("x", "b"), "true"),
        ("ForAnyValue:StringEquals", ["a", "b"], ("x", "y"), "false"),
        ("ForAllValues:StringEquals", ["a", "b"], ("a", "b"), "true"),
        ("ForAllValues:StringEquals", ["a", "b"], ["a", "x"], "false"),
        ("ForAnyValue:StringNotEquals", ["a"], ("a", "b"), "true"),
        ("ForAllValues:StringNotEquals", ["a"], ("a", "b"), "false"),
        ("StringEquals", ["a", "b"], ("a", "b"), "true"),
        ("StringEquals", ["a"], ("a", "b"), "unknown"),
    ],
)
def test_keys_with_several_values(name: str, wanted: object, given: ContextValue, expected: str) -> None:
    assert judge(name, wanted, given).truth.value == expected


@pytest.mark.parametrize(("value", "expected"), [("wildcard", "true"), ("literal", "false"), ("depends", "unknown")])
def test_wildcards_in_string_equals_are_an_assumption(value: str, expected: str) -> None:
    chosen = Assumptions.from_mapping({"A-SE": value})
    assert judge("StringEquals", "a*", "alice", assumptions=chosen).truth.value == expected
    assert judge("StringEquals", "alice", "alice", assumptions=chosen).is_true
    assert judge("StringEquals", "b*", "alice", assumptions=chosen).is_false
    assert judge("StringLike", "a*", "alice", assumptions=chosen).is_true


def test_variables_in_values_and_keys() -> None:
    tag = {"volc:PrincipalTag/team": "blue"}
    assert judge("StringEquals", "${volc:principaltag/team}", "blue", context=tag).is_true
    assert judge("StringEquals", "${volc:PrincipalTag/team}-*", "blue-1", context=tag).is_true
    assert judge("StringEquals", "${volc:PrincipalTag/team}", "blue", context={"volc:PrincipalTag/team": "*"}).is_false
    assert judge("StringLike", "${volc:none}", "blue").is_unknown
    assert judge("StringLike", "${volc:none}", "blue", context={"volc:none": None}).is_unknown
    assert judge("StringLike", "${volc:none}", "blue", assumptions=AWS, context={"volc:none": None}).is_false
    assert judge("StringLike", "${volc:none}", "blue", context={"volc:none": ("a", "b")}).is_unknown
    (condition,) = (
        parse(document(deny("*", Condition={"StringEquals": {"volc:ResourceTag/${volc:UserName}": "1"}})))
        .statements[0]
        .conditions
    )
    assert holds(condition, Context({KEY: "al", "volc:ResourceTag/al": "1"}), AWS).is_true


def test_confirmed_operators_are_known() -> None:
    assert all((found := operator(name)) and found.confirmed for name in CONFIRMED)
    found = operator("StringNotEquals")
    assert found is not None
    assert not found.confirmed
