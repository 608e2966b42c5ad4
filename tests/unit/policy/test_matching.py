"""Patterns: wildcards against fnmatch, actions, TRNs and variables."""

from __future__ import annotations

import fnmatch
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from volcengine_policy.matching import (
    glob,
    match_action,
    match_trn,
    matches,
    tokens,
    variables,
)
from volcengine_policy.trn import parse_trn

# No brackets: they are classes in fnmatch and letters here.
PATTERN = st.text("ab/:*?", max_size=12)
TEXT = st.text("ab/:", max_size=12)


@given(PATTERN, TEXT)
def test_wildcards_are_those_of_fnmatch(pattern: str, text: str) -> None:
    assert glob(pattern, text) == fnmatch.fnmatchcase(text, pattern)
    assert matches(tokens(pattern), text) == fnmatch.fnmatchcase(text, pattern)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("ab*b", "ab", False),
        ("ab*?b", "abb", False),
        ("ab*?b", "abbb", True),
        ("*a*a*", "ba", False),
        ("*a*a*", "aba", True),
        ("*ab*ba*", "aba", False),
        ("a*longer", "a", False),
        ("*?*", "", False),
        ("**", "", True),
    ],
)
def test_no_character_counts_for_two_parts_of_a_pattern(pattern: str, text: str, *, expected: bool) -> None:
    assert glob(pattern, text) is expected


@given(st.text("aAbB*?", max_size=8), st.text("aAbB", max_size=8))
def test_ignoring_case_is_matching_in_lower_case(pattern: str, text: str) -> None:
    assert glob(pattern, text, ignore_case=True) == fnmatch.fnmatchcase(text.lower(), pattern.lower())


@pytest.mark.parametrize("char", ["[", "]", "!", ".", "\\", "+", "("])
def test_other_signs_are_letters(char: str) -> None:
    assert glob(f"a{char}*", f"a{char}b")
    assert not glob(f"a{char}", "ab")


def test_many_wildcards_take_no_exponential_time() -> None:
    begin = time.perf_counter()
    assert not glob("a*" * 500 + "b", "a" * 2000)
    assert time.perf_counter() - begin < 2


@pytest.mark.parametrize(
    ("pattern", "action", "expected"),
    [
        ("*", "ecs:RunInstances", True),
        ("*:*", "ecs:RunInstances", True),
        ("ecs:*", "ecs:RunInstances", True),
        ("ecs:Run*", "ecs:RunInstances", True),
        ("ecs:*Inst*s", "ecs:RunInstances", True),
        ("*:List*", "iam:ListUsers", True),
        ("*:*Describe*", "vpc:DescribeVpcs", True),
        ("rds_*:Delete*", "rds_mysql:DeleteDBInstance", True),
        ("ecs:RunInstance?", "ecs:RunInstances", True),
        ("ecs:RunInstances?", "ecs:RunInstances", False),
        ("ecs*:RunInstances", "ecs:RunInstances", True),
        ("e*s", "ecs:RunInstances", None),
        ("*s", "ecs:RunInstances", None),
        ("iam:*", "ecs:RunInstances", False),
        ("ecs:", "ecs:RunInstances", False),
        ("ecs:*:x", "ecs:Run:x", True),
        ("*cs:RunInstances:*", "ecs:RunInstances", False),
    ],
)
def test_actions_are_split_at_the_first_colon(pattern: str, action: str, expected: bool | None) -> None:
    assert match_action(pattern, action, ignore_case=False) is expected


@pytest.mark.parametrize(("ignore_case", "expected"), [(True, True), (False, False)])
def test_the_case_of_actions_can_be_ignored(ignore_case: bool, expected: bool) -> None:
    assert match_action("VPC:UnTagResources", "vpc:UntagResources", ignore_case=ignore_case) is expected


@pytest.mark.parametrize(
    ("pattern", "resource", "expected"),
    [
        ("trn:tos:::bucket/*", "trn:tos:::bucket/a/b", True),
        ("trn:tos:::bucket*", "trn:tos:::bucket/a/b", True),
        ("trn:iam::2000000001:user/Bob", "trn:iam::2000000001:user/Bob", True),
        ("trn:iam::2000000001:user/Bob", "trn:iam::2000000001:user/bob", False),
        ("trn:ecs:*:*:instance/*", "trn:ecs:cn-beijing:2000000001:instance/i-1", True),
        ("trn:ecs:*:instance/*:x", "trn:ecs:cn-beijing:2000000001:instance/i-1", False),
        ("trn:*:*:*:*", "trn:ecs:cn-beijing:2000000001:instance/i-1", True),
        ("trn:ecs:*::*", "trn:ecs:cn-beijing:2000000001:instance/i-1", False),
        ("trn:a::1:p:q*", "trn:a::1:p:q:r", True),
        ("trn:ecs:cn-??????g:*:*", "trn:ecs:cn-beijing:1:x", True),
    ],
)
def test_trns_match_field_by_field(pattern: str, resource: str, expected: bool) -> None:
    wanted, given_ = parse_trn(pattern), parse_trn(resource)
    assert wanted is not None
    assert given_ is not None
    assert match_trn(wanted, given_) is expected


@pytest.mark.parametrize("text", ["trn:iam:1:project/x", "TRN:iam::1:x", "trn*:iam::1:x", "*", "", "trn"])
def test_what_is_no_trn(text: str) -> None:
    assert parse_trn(text) is None


def test_a_variable_is_literal_whatever_its_value() -> None:
    assert variables("user/${volc:UserName}-${a}") == ("volc:UserName", "a")
    widened = tokens("user/${volc:UserName}", {"volc:username": "*"})
    assert not matches(widened, "user/alice")
    assert matches(widened, "user/*")
