"""Counting events: groups, evidence, and a remainder that is never silent."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.audit.samples import ACCOUNT, ALICE, NOW, OPS, ROOT, event, wire
from volcengine_audit import (
    KEYS,
    Event,
    Group,
    GroupKey,
    Mark,
    Other,
    Severity,
    event_of,
    iso,
    judge,
    summarize,
)
from volcengine_audit.models import Hidden

BEIJING = ZoneInfo("Asia/Shanghai")
EVENTS = [
    event("ecs:DescribeInstances", ALICE, at=NOW, id="a1"),
    event("ecs:DescribeInstances", ALICE, at=NOW + 60, id="a2", error="AccessDenied"),
    event("ecs:DescribeInstances", ALICE, at=NOW + 120, id="a3"),
    event("iam:CreateAccessKey", ROOT, at=NOW + 7200, id="r1", address="198.51.100.1"),
    event("iam:GetUser", OPS, at=NOW + 86400, id="o1"),
]


def values(group: Group) -> tuple[str, ...]:
    """What the events of a group have in common."""
    return tuple(value for key in KEYS if (value := getattr(group, key)) is not None)


def counts(*by: GroupKey, **more: Any) -> dict[tuple[str, ...], int]:
    return {values(group): group.count for group in summarize(EVENTS, by, zone=BEIJING, **more).groups}


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (
            "actor",
            {f"user/alice@{ACCOUNT}": 3, "role/OrganizationAccessControlRole@2100000002": 1, f"root@{ACCOUNT}": 1},
        ),
        ("action", {"ecs:DescribeInstances": 3, "iam:CreateAccessKey": 1, "iam:GetUser": 1}),
        ("source", {"ecs": 3, "iam": 2}),
        ("address", {"203.0.113.9": 4, "198.51.100.1": 1}),
        ("access_key", {ALICE["AccessKeyID"]: 3, "(none)": 1, OPS["AccessKeyID"]: 1}),
        ("error", {"(success)": 4, "AccessDenied": 1}),
        ("resource", {"(none)": 5}),
        ("region", {"cn-beijing": 5}),
        ("hour", {"2026-11-21 12:00": 3, "2026-11-21 14:00": 1, "2026-11-22 12:00": 1}),
        ("day", {"2026-11-21": 4, "2026-11-22": 1}),
    ],
)
def test_events_are_counted_by_each_key(key: GroupKey, expected: dict[str, int]) -> None:
    assert {value: count for (value,), count in counts(key).items()} == expected
    assert key in KEYS


def test_several_keys_make_one_group_each() -> None:
    assert counts("source", "error") == {("ecs", "(success)"): 2, ("iam", "(success)"): 2, ("ecs", "AccessDenied"): 1}
    assert len(counts("source", "error", "day")) == 4


def test_a_group_tells_failures_first_last_and_evidence() -> None:
    group = summarize(EVENTS, ["action"]).groups[0]
    assert (group.count, group.succeeded, group.failures) == (3, 2, 1)
    assert (group.first, group.last) == (iso(NOW), iso(NOW + 120))
    assert group.event_ids == ["a1", "a2", "a3"]


def test_the_riskiest_event_is_the_first_evidence() -> None:
    marks = judge(EVENTS).marks
    group = next(one for one in summarize(EVENTS, ["source"], marks=marks).groups if one.source == "iam")
    assert group.event_ids[0] == "r1"
    assert group.severity is Severity.CRITICAL


def test_the_remainder_is_counted() -> None:
    summary = summarize(EVENTS, ["action"], top=1)
    assert wire(summary)["Other"] == {
        "Groups": 2,
        "Events": 2,
        "Failures": 0,
        "Largest": [{"Values": ["iam:CreateAccessKey"], "Count": 1}, {"Values": ["iam:GetUser"], "Count": 1}],
    }
    assert "Other" not in wire(summarize(EVENTS, ["action"]))


def test_times_come_in_order_and_the_largest_are_kept() -> None:
    assert list(counts("hour")) == [("2026-11-21 12:00",), ("2026-11-21 14:00",), ("2026-11-22 12:00",)]
    assert list(counts("hour", top=1)) == [("2026-11-21 12:00",)]


def test_a_later_day_with_more_events_still_comes_later() -> None:
    days = [event(at=NOW + 86400 * (index > 0), id=str(index)) for index in range(3)]
    assert [group.count for group in summarize(days, ["day"]).groups] == [1, 2]


def test_of_groups_alike_in_size_the_one_with_failures_comes_first() -> None:
    events = [event("x:GetA", id="1"), event("x:GetB", id="2", error="Denied"), event("x:GetC", id="3")]
    assert [group.action for group in summarize(events, ["action"]).groups] == ["x:GetB", "x:GetA", "x:GetC"]


def test_an_event_is_in_the_group_of_each_resource_but_counts_once() -> None:
    both = [{"ResourceType": "user", "ResourceID": name} for name in ("a", "b")]
    summary = summarize([event(RelatedResources=both)], ["resource"])
    assert {group.resource: group.count for group in summary.groups} == {"user/a": 1, "user/b": 1}
    assert summary.events == 1
    other = summarize([event(RelatedResources=both)], ["resource"], top=1).other
    assert other == Other(groups=1, events=0, failures=0, largest=[Hidden(values=["user/b"], count=1)])


def test_an_event_read_twice_counts_once() -> None:
    assert summarize([*EVENTS, *EVENTS], ["action"]) == summarize(EVENTS, ["action"])


def test_a_record_is_readable() -> None:
    record = wire(summarize(EVENTS, ["actor", "day"], zone=BEIJING))
    assert record["GroupedBy"] == ["actor", "day"]
    assert record["Groups"][0] == {
        "actor": f"user/alice@{ACCOUNT}",
        "day": "2026-11-21",
        "Count": 3,
        "Succeeded": 2,
        "Failures": 1,
        "First": "2026-11-21T12:00:00+08:00",
        "Last": "2026-11-21T12:02:00+08:00",
        "EventIDs": ["a1", "a2", "a3"],
    }


def test_events_without_anything_are_counted_too() -> None:
    for key in KEYS:
        group = summarize([event_of({})], [key]).groups[0]
        assert (group.count, group.first, group.event_ids) == (1, None, [])
    assert summarize([], ["day"]).groups == []


@pytest.mark.parametrize(
    ("by", "top", "sentence"),
    [
        ([], 1, "one to 3 of actor, action"),
        (["actor", "action", "day", "hour"], 1, "not by 4"),
        (["user"], 1, "'user'; allowed are actor"),
        (["day", "day"], 1, "'day' is given twice"),
        (["day"], 0, "at least 1, not 0"),
    ],
)
def test_wrong_keys_are_refused(by: list[Any], top: int, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        summarize(EVENTS, by, top=top)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.sampled_from(EVENTS), max_size=20),
    st.lists(st.sampled_from(KEYS), min_size=1, max_size=3, unique=True),
    st.integers(1, 5),
    st.randoms(use_true_random=False),
)
def test_nothing_is_lost_whatever_the_order(events: list[Event], by: list[GroupKey], top: int, random: Any) -> None:
    summary = summarize(events, by, top=top)
    other = summary.other or Other(groups=0, events=0, failures=0, largest=[])
    assert sum(group.count for group in summary.groups) + other.events == summary.events
    assert sum(group.failures or 0 for group in summary.groups) + other.failures == summary.failures
    random.shuffle(events)
    assert summarize(events, by, top=top) == summary


HIGH, LOW = (Mark(id=name, severity=severity, reason="x") for name, severity in (("grave", "high"), ("small", "low")))


def test_the_gravest_groups_come_first_where_that_is_asked_for() -> None:
    marks = [(LOW,), (), (), (HIGH,), ()]
    by_rank = {
        rank: [group.action for group in summarize(EVENTS, ["action"], marks=marks, rank=rank).groups]
        for rank in ("count", "severity")
    }
    assert by_rank["count"] == ["ecs:DescribeInstances", "iam:CreateAccessKey", "iam:GetUser"]
    assert by_rank["severity"] == ["iam:CreateAccessKey", "ecs:DescribeInstances", "iam:GetUser"]
    assert summarize(EVENTS, ["day"], zone=BEIJING, marks=marks, rank="severity", top=1).groups[0].day == "2026-11-21"


def test_what_is_not_shown_names_its_gravest_and_its_largest_groups() -> None:
    other = summarize(EVENTS, ["action"], marks=[(), (), (), (), (HIGH,)], top=1).other
    assert other is not None
    assert other.severity is Severity.HIGH
    assert other.gravest == Hidden(values=["iam:GetUser"], count=1, severity=Severity.HIGH)
    many = [event(f"x:Get{number}", id=str(number)) for number in range(20)]
    hidden = summarize(many, ["action"], top=2).other
    assert hidden is not None
    assert (hidden.groups, len(hidden.largest), hidden.gravest) == (18, 5, None)


def test_a_detection_has_its_own_severity_and_an_event_is_in_the_group_of_each() -> None:
    groups = summarize(EVENTS[:2], ["detection"], marks=[(HIGH, LOW), (LOW,)]).groups
    assert [(group.detection, group.count, group.severity) for group in groups] == [
        ("small", 2, Severity.LOW),
        ("grave", 1, Severity.HIGH),
    ]
    assert counts("detection") == {("(none)",): 5}


def test_evidence_prefers_a_success_to_an_attempt_that_is_as_grave() -> None:
    events = [
        event(id=name, at=NOW + at, error=error)
        for at, (name, error) in enumerate([("first", "Denied"), ("tried", "Denied"), ("done", ""), ("last", "Denied")])
    ]
    group = summarize(events, ["action"], marks=[(), (HIGH,), (HIGH,), ()]).groups[0]
    assert group.event_ids == ["done", "first", "last"]
    assert summarize(events, ["action"]).groups[0].event_ids == ["done", "first", "last"]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("account", {ACCOUNT: 4, "2100000002": 1}),
        ("user_agent", {"volcengine-cli/1.0": 5}),
        ("session", {"(none)": 4, "ops-session": 1}),
    ],
)
def test_events_are_counted_by_account_program_and_session(key: GroupKey, expected: dict[str, int]) -> None:
    assert {value: count for (value,), count in counts(key).items()} == expected
