"""Two windows compared: what is new, gone, more or less, the most surprising first, nothing silently left out."""

from __future__ import annotations

import math
from datetime import UTC

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.audit.samples import ALICE, NOW, OPS, ROOT, event
from volcengine_audit import Event, Mark, Severity
from volcengine_audit.compare import CHANCE, KEYS, Side, comparison_of, surprise_of
from volcengine_audit.models import Comparison
from volcengine_audit.times import iso

HOUR = 3600


def calls(action: str, count: int, *, start: int = NOW, failures: int = 0, tag: str = "") -> list[Event]:
    return [
        event(action, ALICE, at=start + at, id=f"{tag}{action}{at}", error="AccessDenied" if at < failures else "")
        for at in range(count)
    ]


BEFORE = Side([*calls("ecs:Steady", 50), *calls("ecs:Gone", 20), *calls("ecs:More", 10), *calls("ecs:Less", 60)], HOUR)
AFTER = Side(
    [
        *calls("ecs:Steady", 52, start=NOW + HOUR, failures=30, tag="n"),
        *calls("ecs:New", 160, start=NOW + HOUR, tag="n"),
        *calls("ecs:More", 40, start=NOW + HOUR, tag="n"),
        *calls("ecs:Less", 20, start=NOW + HOUR, tag="n"),
        *calls("ecs:Once", 1, start=NOW + HOUR, tag="n"),
    ],
    HOUR,
)


def test_changes_are_named_and_the_most_surprising_comes_first() -> None:
    compared = comparison_of(BEFORE, AFTER, "action")
    assert [(one.value, one.kind, one.before, one.after) for one in compared.changes] == [
        ("ecs:New", "new", 0, 160),
        ("ecs:Steady", "same", 50, 52),
        ("ecs:Gone", "gone", 20, 0),
        ("ecs:Less", "less", 60, 20),
        ("ecs:More", "more", 10, 40),
        ("ecs:Once", "new", 0, 1),
    ]
    assert (compared.events_before, compared.events_after) == (140, 273)
    assert (compared.hours_before, compared.hours_after) == (1, 1)


def test_a_change_tells_rates_failures_first_sight_and_evidence() -> None:
    rows = {one.value: one for one in comparison_of(BEFORE, AFTER, "action").changes}
    steady, new, gone = rows["ecs:Steady"], rows["ecs:New"], rows["ecs:Gone"]
    assert (steady.rate_before, steady.rate_after, steady.failures_before, steady.failures_after) == (50, 52, 0, 30)
    assert steady.why == "50 an hour before, 52 after, which chance explains; failures 0 → 30"
    assert steady.surprise > CHANCE
    assert (new.first_after, new.why) == (iso(NOW + HOUR, UTC), "not seen before, now 160 an hour")
    assert new.evidence == ["necs:New0", "necs:New159"]
    assert (gone.first_after, gone.why) == (None, "20 an hour before, not seen any more")
    assert gone.evidence == ["ecs:Gone0", "ecs:Gone19"]
    assert rows["ecs:More"].why == "10 an hour before, 40 after: 4 times as often"
    assert rows["ecs:Less"].why == "60 an hour before, 20 after: 3 times as rare"


def test_windows_of_different_length_are_compared_by_rate() -> None:
    day = Side(calls("ecs:Steady", 240), 24 * HOUR)
    same, more = (Side(calls("ecs:Steady", count, tag="n"), HOUR) for count in (10, 60))
    [row] = comparison_of(day, same, "action").changes
    assert (row.kind, row.rate_before, row.rate_after, row.surprise) == ("same", 10, 10, 0)
    [row] = comparison_of(day, more, "action").changes
    assert (row.kind, row.rate_after) == ("more", 60)
    assert row.surprise > 50


def test_the_riskiest_event_and_the_first_failure_are_evidence() -> None:
    fine, failed = calls("ecs:DeleteInstances", 1), calls("ecs:DeleteInstances", 6, start=NOW + 9, failures=2, tag="x")
    events = [*fine, *failed][::-1]
    marks = [(Mark(id="r", severity=Severity.HIGH, reason="why"),) if one.id.endswith("3") else () for one in events]
    [row] = comparison_of(Side([], HOUR), Side(events, HOUR, marks), "action").changes
    assert row.evidence == ["xecs:DeleteInstances3", "xecs:DeleteInstances0", "ecs:DeleteInstances0"]


@pytest.mark.parametrize(
    ("by", "values"),
    [
        ("actor", {"user/alice@2100000001", "role/OrganizationAccessControlRole@2100000002", "root@2100000001"}),
        ("action", {"iam:GetUser", "ecs:DeleteInstance"}),
        ("source", {"iam", "ecs"}),
        ("address", {"203.0.113.9", "(none)"}),
        ("access_key", {ALICE["AccessKeyID"], OPS["AccessKeyID"], "(none)"}),
        ("error", {"(success)", "AccessDenied"}),
        ("resource", {"i-1", "i-2", "(none)"}),
        ("region", {"cn-beijing"}),
        ("user_agent", {"volcengine-cli/1.0"}),
        ("session", {"(none)", "ops-session"}),
        ("account", {"2100000001", "2100000002"}),
        ("detection", {"rule-a", "rule-b", "(none)"}),
    ],
)
def test_windows_are_compared_by_each_key(by: str, values: set[str]) -> None:
    events = [
        event("iam:GetUser", ALICE, id="1", error="AccessDenied"),
        event("iam:GetUser", ROOT, id="2", address=""),
        event("ecs:DeleteInstance", OPS, id="3", RelatedResources=[{"ResourceID": "i-1"}, {"ResourceID": "i-2"}]),
    ]
    low = Severity.LOW
    marks = [(Mark(id="rule-a", severity=low, reason=""), Mark(id="rule-b", severity=low, reason="")), (), ()]
    compared = comparison_of(Side([], HOUR), Side(events, HOUR, marks), by)
    assert {one.value for one in compared.changes} == values
    assert by in KEYS


def test_what_is_left_out_is_counted() -> None:
    compared = comparison_of(BEFORE, AFTER, "action", top=2)
    assert [one.value for one in compared.changes] == ["ecs:New", "ecs:Steady"]
    assert (compared.other_values, compared.other_changed) == (4, 4)
    assert (compared.other_before, compared.other_after) == (90, 61)
    whole = comparison_of(BEFORE, AFTER, "action")
    assert (whole.other_values, whole.other_before, whole.other_after) == (0, 0, 0)


def test_an_event_that_two_pages_bring_counts_once() -> None:
    twice = calls("ecs:Steady", 3) * 2
    assert comparison_of(Side(twice, HOUR), Side([], HOUR), "action").events_before == 3
    unnamed = [event(id="", detail={"EventID": ""})] * 2
    assert comparison_of(Side(unnamed, HOUR), Side([], HOUR), "action").events_before == 2


@pytest.mark.parametrize(
    ("before", "by", "top", "sentence"),
    [
        (Side([], HOUR), "hour", 20, "cannot be compared by 'hour'; allowed are actor"),
        (Side([], HOUR), "actor", 0, "at least 1, not 0"),
        (Side([], 0), "actor", 20, "longer than 0 seconds"),
        (Side([], math.nan), "actor", 20, "longer than 0 seconds"),
        (Side([], math.inf), "actor", 20, "longer than 0 seconds"),
        (Side(calls("a:b", 1), 1, []), "actor", 20, "zip"),
    ],
)
def test_what_cannot_be_compared_is_refused(before: Side, by: str, top: int, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        comparison_of(before, AFTER, by, top=top)


def test_surprise_is_the_g_test() -> None:
    assert surprise_of(0, 0, 1, 1) == 0
    assert surprise_of(5, 5, 10, 10) == 0
    assert surprise_of(0, 1, 1, 1) == pytest.approx(2 * math.log(2))
    assert surprise_of(10, 20, 1, 1) == pytest.approx(2 * (10 * math.log(10 / 15) + 20 * math.log(20 / 15)))
    assert surprise_of(0, 3, 9, 1) == pytest.approx(6 * math.log(10))


COUNTS = st.integers(0, 500)


@given(COUNTS, COUNTS, st.floats(1, 1e6), st.floats(1, 1e6))
def test_surprise_is_never_negative_and_grows_with_the_difference(
    before: int, after: int, first: float, second: float
) -> None:
    value = surprise_of(before, after, first, second)
    assert value >= 0
    assert value == pytest.approx(surprise_of(after, before, second, first))
    if after / second >= before / first:
        assert surprise_of(before, after + 1, first, second) >= value


EVENTS = st.lists(
    st.builds(
        event,
        st.sampled_from(["a:X", "a:Y", "b:Z"]),
        st.sampled_from([ALICE, ROOT, OPS]),
        id=st.sampled_from("abcdefgh"),
        error=st.sampled_from(["", "E"]),
    ),
    max_size=8,
)


@settings(max_examples=150, deadline=None)
@given(EVENTS, EVENTS, st.sampled_from(sorted(KEYS)), st.integers(1, 3))
def test_every_event_is_shown_or_counted(before: list[Event], after: list[Event], by: str, top: int) -> None:
    compared = comparison_of(Side(before, 60), Side(after, 60), by, top=top)
    assert Comparison.model_validate_json(compared.model_dump_json(by_alias=True)) == compared
    assert sum(one.before for one in compared.changes) + compared.other_before == compared.events_before
    assert sum(one.after for one in compared.changes) + compared.other_after == compared.events_after
    assert [one.surprise for one in compared.changes] == sorted(
        (one.surprise for one in compared.changes), reverse=True
    )
    for one in compared.changes:
        assert (one.before == 0) is (one.kind == "new")
        assert (one.after == 0) is (one.kind == "gone")
        assert one.failures_before <= one.before
        assert one.failures_after <= one.after
        assert (one.first_after is None) is (one.after == 0)
