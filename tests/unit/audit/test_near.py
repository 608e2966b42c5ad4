"""An empty answer names what is near, and says why conditions that match alone do not match together."""

from __future__ import annotations

import time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.audit.samples import ACCOUNT, ALICE, NOW, OPS, event
from unit.audit.test_where import CONDITIONS, ITEMS
from volcengine_audit import Event, Mark, Severity
from volcengine_audit.near import MOST_SHOWN, Nothing, contradictions, why_nothing
from volcengine_audit.where import Condition, Where, pushed

BOB = ALICE | {"UserName": "bob", "TRN": f"trn:iam::{ACCOUNT}:user/bob", "AccessKeyID": "AKLTbob"}
WINDOW = [
    *[event("ecs:DeleteInstances", ALICE, id=f"d{at}", address="203.0.113.9") for at in range(30)],
    *[event("storage_ebs:DeleteDisk", ALICE, id=f"k{at}", address="203.0.113.9") for at in range(2)],
    *[event("iam:CreateUser", BOB, id=f"c{at}", error="AccessDenied", address="2001:db8::1") for at in range(5)],
    event("iam:GetUser", OPS, id="g", RelatedResources=[{"ResourceID": "i-abcdef", "ResourceType": "instance"}]),
]


def where(field: str, *values: str, exclude: bool = False) -> Condition:
    return Condition(field=field, values=values, exclude=exclude)


def near(field: str, *values: str, exclude: bool = False) -> tuple[dict[str, int], str]:
    """The values seen and the hint for a condition that matches nothing."""
    nothing = why_nothing([where(field, *values, exclude=exclude)], WINDOW)
    assert [(one.field, one.given) for one in nothing.near] == [(field, list(values))]
    assert (nothing.searched, nothing.alone) == (38, [])
    return {one.value: one.count for one in nothing.near[0].seen}, nothing.near[0].hint


def test_a_misspelt_action_is_answered_with_what_was_seen() -> None:
    seen, hint = near("EventName", "DeleteInstance")
    assert list(seen.items()) == [("DeleteInstances", 30), ("DeleteDisk", 2)]
    assert hint == "EventName is exact; seen here: DeleteInstances × 30, DeleteDisk × 2."


@pytest.mark.parametrize(
    ("field", "value", "first", "sentence"),
    [
        ("EventName", "Deleteinstances", "DeleteInstances", "EventName is exact; seen here: DeleteInstances × 30"),
        ("EventName", "instance", "DeleteInstances", "compared as a whole; seen here: DeleteInstances × 30"),
        ("EventName", "InstancesDelete", "DeleteInstances", "seen here: DeleteInstances × 30, DeleteDisk × 2"),
        ("EventName", "DelteInstnaces", "DeleteInstances", "exact; seen here: DeleteInstances × 30."),
        ("EventName", "CreateUsr*", "CreateUser", "compared as a whole; seen here: CreateUser × 5"),
        ("Region", "cn-beijng", "cn-beijing", "Region is exact; seen here: cn-beijing × 38."),
        ("EventName", "Terminate", "DeleteInstances", "No EventName here is like that; the most frequent are Delete"),
        ("EventName", "iam:CreateUser", "CreateUser", "But as Action it matches 5 of these events."),
        ("EventName", "ecs", "DeleteInstances", "But as EventSource it matches 30 of these events."),
        ("Action", "ecs:DeleteInstance", "ecs:DeleteInstances", "ecs:DeleteInstances × 30"),
        ("Action", "DeleteInstances", "ecs:DeleteInstances", "But as EventName it matches 30 of these events."),
        ("IdentityName", "Alice", "alice", "IdentityName is exact; seen here: alice × 32."),
        ("IdentityName", f"user/alice@{ACCOUNT}", "alice", "But as Who it matches 32"),
        ("IdentityName", "OrganizationAccessControlRole", "alice", "But as Who it matches 1 of"),
        ("Who", "user/bob@9999999999", f"user/bob@{ACCOUNT}", f"seen here: user/bob@{ACCOUNT} × 5"),
        ("Who", "role/bob", f"user/bob@{ACCOUNT}", f"seen here: user/bob@{ACCOUNT} × 5"),
        ("AccessKeyID", "aklt", ALICE["AccessKeyID"], "compared as a whole; seen here: "),
        ("ErrorCode", "Denied", "AccessDenied", "exact; seen here: AccessDenied × 5"),
        ("Result", "AccessDenid", "AccessDenied", "seen here: AccessDenied × 5"),
        ("Region", "cn-shanghai", "cn-beijing", "No Region here is like that; the most frequent are cn-beijing × 38."),
        ("ResourceID", "i-abc", "i-abcdef", "seen here: i-abcdef × 1."),
        ("SourceIPAddress", "203.0.113.200", "203.0.113.9", "seen here: 203.0.113.9 × 33"),
        ("SourceIPAddress", "2001:db8:0:0:ffff:1234:abcd:9999", "2001:db8::1", "seen here: 2001:db8::1 × 5"),
        ("SourceIPAddress", "2001:DB8:0:0::2", "2001:db8::1", "seen here: 2001:db8::1 × 5"),
        ("SourceIPAddress", "10.0.0.0/8", "203.0.113.9", "No SourceIPAddress here is like that; the most frequent"),
        ("Severity", "high", "", "No event here has a Severity."),
        ("Weekday", "mon", "sat", "No Weekday here is like that; the most frequent are sat × 38"),
        ("TimeOfDay", "22:00-23:00", "04:00", "the most frequent are 04:00 × 38"),
        ("RequestParameters.UserName", "x", "", "No event here has a RequestParameters.UserName."),
        ("Region", "(none)", "cn-beijing", "Every event here has a Region; the most frequent are cn-beijing × 38."),
    ],
)
def test_what_is_near_comes_first(field: str, value: str, first: str, sentence: str) -> None:
    seen, hint = near(field, value)
    assert next(iter(seen), "") == first
    assert sentence in hint


def test_an_exclusion_that_leaves_nothing_is_said() -> None:
    seen, hint = near("Region", "cn-*", exclude=True)
    assert seen == {"cn-beijing": 38}
    assert hint == "Every event here has one of the excluded values of Region: cn-beijing × 38."


def test_an_exclusion_names_the_most_frequent_values_and_not_the_most_alike() -> None:
    assert next(iter(near("EventName", "CreateUser", "*", exclude=True)[0])) == "DeleteInstances"


def test_at_most_two_other_fields_are_proposed() -> None:
    hint = near("Session", "*l*")[1]
    assert hint.endswith("But as Action it matches 32 and as EventName it matches 32 of these events.")


def test_only_the_condition_that_excludes_everything_is_explained() -> None:
    nothing = why_nothing([where("EventSource", "ecs"), where("EventName", "CreateUsers")], WINDOW)
    assert [one.field for one in nothing.near] == ["EventName"]
    assert nothing.alone == []


def test_conditions_that_match_alone_but_not_together_are_counted() -> None:
    nothing = why_nothing([where("EventSource", "iam"), where("Result", "OK"), where("Who", "user/bob")], WINDOW)
    assert nothing.near == []
    assert [(one.condition, one.alone, one.without) for one in nothing.alone] == [
        ("EventSource is iam (exact)", 6, 0),
        ("Result is OK", 33, 5),
        ("Who is user/bob (exact)", 5, 1),
    ]
    four = [where("EventSource", "ecs"), where("Result", "failed")]
    assert [one.without for one in why_nothing(four, WINDOW).alone] == [5, 30]


def test_marks_count() -> None:
    marks = [(Mark(id="delete", severity=Severity.HIGH, reason="gone"),) for _ in WINDOW]
    nothing = why_nothing([where("Severity", "critical"), where("Detection", "deletes")], WINDOW, marks)
    assert [[(one.value, one.count) for one in near.seen] for near in nothing.near] == [
        [("high", 38)],
        [("delete", 38)],
    ]


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        (("EventName", "A"), ("EventName", "B"), "give one condition on EventName with both values"),
        (("EventName", "A", "C"), ("EventName", "B"), "EventName is A or C and EventName is B can never hold"),
        (("SourceIPAddress", "::1"), ("SourceIPAddress", "::2"), "can never hold together"),
        (("Region", "(none)"), ("Region", "cn-beijing"), "can never hold together"),
    ],
)
def test_two_values_of_one_field_can_never_match(one: tuple[str, ...], other: tuple[str, ...], said: str) -> None:
    found = contradictions([where(*one), where("Result", "OK"), where(*other)])
    assert len(found) == 1
    assert said in found[0]
    assert why_nothing([where(*one), where(*other)], []).contradictions == found


def test_including_what_is_excluded_can_never_match() -> None:
    both = [where("EventName", "a"), where("EventName", "A", "B", exclude=True)]
    assert contradictions(both) == [
        "EventName is a and EventName is not A or B can never hold together, as all conditions must: drop one of them."
    ]
    assert contradictions(both[::-1]) != []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (where("EventName", "A"), where("EventName", "a")),
        (where("EventName", "A*"), where("EventName", "B")),
        (where("EventName", "A"), where("EventName", "B", exclude=True)),
        (where("EventName", "A", exclude=True), where("EventName", "B", exclude=True)),
        (where("EventName", "A", "B"), where("EventName", "B", "C")),
        (where("Who", "alice"), where("Who", "ops")),
        (where("ResourceID", "i-1"), where("ResourceID", "i-2")),
        (where("RequestParameters.A", "1"), where("RequestParameters.A", "2")),
        (where("Result", "failed"), where("Result", "AccessDenied")),
        (where("Severity", "low"), where("Severity", "high")),
        (where("SourceIPAddress", "10.0.0.0/8"), where("SourceIPAddress", "10.0.0.1")),
        (where("SourceIPAddress", "::1"), where("SourceIPAddress", "0:0:0:0:0:0:0:1")),
        (where("Weekday", "sat-sun"), where("Weekday", "sun")),
        (where("EventName", "A", "B"), where("EventName", "A", exclude=True)),
    ],
)
def test_what_can_hold_together_is_no_contradiction(one: Condition, other: Condition) -> None:
    assert contradictions([one, other]) == []
    assert contradictions([other, one]) == []


def test_an_empty_window_has_nothing_near() -> None:
    assert why_nothing([where("EventName", "X")], []) == Nothing(searched=0, near=[], alone=[], contradictions=[])


def test_what_is_shown_is_bounded_and_quick() -> None:
    many = [event(f"ecs:DeleteThing{at}", ALICE, id=str(at)) for at in range(6000)]
    started = time.process_time()
    nothing = why_nothing([where("EventName", "DeleteThingx"), where("Who", "user/alicf")], many)
    assert time.process_time() - started < 10
    assert [len(one.seen) for one in nothing.near] == [MOST_SHOWN, 1]


@settings(max_examples=200, deadline=None)
@given(st.lists(CONDITIONS, max_size=3), st.lists(ITEMS, max_size=4))
def test_an_explanation_is_always_given_and_true(wanted: list[Condition], window: list[Event]) -> None:
    nothing = why_nothing(wanted, window)
    assert Nothing.model_validate_json(nothing.model_dump_json(by_alias=True)) == nothing
    for one in nothing.near:
        assert len(one.seen) <= MOST_SHOWN
        assert one.hint
    unasked = [one for one in wanted if not pushed([one])]
    for asked in unasked:
        if window and not any(Where([asked]).matches(call) for call in window):
            assert asked.field in [near.field for near in nothing.near]
    if nothing.contradictions:
        assert not any(Where(wanted).matches(call) for call in window)
    if len(nothing.alone) > 1:
        assert all(each.alone for each in nothing.alone)


def test_the_hour_is_told_in_the_zone_that_is_given() -> None:
    call = [event(at=NOW)]
    nothing = why_nothing([where("TimeOfDay", "04:00-05:00")], call, zone=ZoneInfo("Asia/Shanghai"))
    assert [one.value for one in nothing.near[0].seen] == ["12:00"]
