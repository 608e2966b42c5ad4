"""The health of trails: what is found, how grave it is, and the verdict."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.audit.samples import NOW, wire
from volcengine_audit import Verdict, assess_trails

GOOD: dict[str, Any] = {
    "TrailName": "main",
    "TrailType": 1,
    "EventRW": "All",
    "IncludeAllEventSources": True,
    "EventSources": [],
    "TosBucketName": "audit",
    "LoggingStatus": "Enable",
    "LatestDeliveryTime": "20261121T0355Z",
    "LatestDeliveryError": "",
    "StartLoggingTime": "20261001T0000Z",
}


def found(*items: Any) -> dict[str, str]:
    return {one.id: one.severity.value for one in assess_trails(items, now=NOW).findings}


def test_a_good_trail_is_healthy() -> None:
    assessment = assess_trails([GOOD], now=NOW)
    assert (assessment.verdict, assessment.findings) == (Verdict.HEALTHY, [])
    assert wire(assessment) == {"Verdict": "healthy", "Trails": 1, "Findings": []}


@pytest.mark.parametrize("items", [[], [None], ["trail"]])
def test_no_trail_is_failing(items: list[object]) -> None:
    assessment = assess_trails(items, now=NOW)
    assert (assessment.verdict, [one.id for one in assessment.findings]) == (Verdict.FAILING, ["no-trail"])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"LoggingStatus": "Disable"}, {"logging-off": "critical"}),
        ({"LoggingStatus": "disabled"}, {"logging-off": "critical"}),
        ({"LoggingStatus": False}, {"logging-off": "critical"}),
        ({"LoggingStatus": 0}, {"logging-off": "critical"}),
        ({"LoggingStatus": "Enabled"}, {}),
        ({"LoggingStatus": True}, {}),
        ({"LoggingStatus": ""}, {"logging-unknown": "low"}),
        ({"LoggingStatus": "Dreaming"}, {"logging-unknown": "low"}),
        ({"LatestDeliveryError": "failed to put logs"}, {"delivery-failing": "high"}),
        ({"LatestDeliveryTime": "20261119T0355Z"}, {"delivery-stale": "medium"}),
        ({"LatestDeliveryTime": "2026-11-19T03:55:00Z"}, {"delivery-stale": "medium"}),
        ({"LatestDeliveryTime": "2026-11-21T11:55:00+08:00"}, {}),
        ({"LatestDeliveryTime": "", "LoggingStatus": "Disable"}, {"logging-off": "critical"}),
        ({"LatestDeliveryTime": ""}, {"never-delivered": "medium"}),
        ({"LatestDeliveryTime": None, "StartLoggingTime": None}, {"never-delivered": "medium"}),
        ({"LatestDeliveryTime": "", "StartLoggingTime": "20261121T0300Z"}, {}),
        ({"TosBucketName": ""}, {"no-target": "high"}),
        ({"TosBucketName": "", "TlsProjectName": "p"}, {}),
        ({"EventRW": "Read"}, {"changes-missing": "high"}),
        ({"EventRW": "Write"}, {"reads-missing": "low"}),
        ({"EventRW": None}, {"scope-unknown": "low"}),
        ({"EventSources": ["iam"], "IncludeAllEventSources": False}, {"sources-missing": "medium"}),
        ({"EventSources": ["iam"]}, {}),
        ({"EventSources": ["*"], "IncludeAllEventSources": None}, {}),
        ({"IncludeAllEventSources": None}, {"sources-unstated": "info"}),
        ({"IncludeAllEventSources": None, "IsEventSourceAll": 1}, {}),
        ({"TrailType": 0}, {"single-account": "info"}),
        ({"TrailType": "1"}, {}),
    ],
)
def test_what_is_wrong_is_found(changes: dict[str, object], expected: dict[str, str]) -> None:
    assert found(GOOD | changes) == expected


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({"LoggingStatus": "Disable"}, Verdict.FAILING),
        ({"EventRW": "Read"}, Verdict.FAILING),
        ({"LatestDeliveryTime": "20261119T0355Z"}, Verdict.ATTENTION),
        ({"EventRW": "Write"}, Verdict.ATTENTION),
        ({"TrailType": 0}, Verdict.HEALTHY),
    ],
)
def test_the_gravest_finding_is_the_verdict(changes: dict[str, object], verdict: Verdict) -> None:
    assert assess_trails([GOOD | changes], now=NOW).verdict is verdict


def test_a_broken_trail_weighs_less_beside_one_that_keeps_everything() -> None:
    off = GOOD | {"TrailName": "old", "LoggingStatus": "Disable", "LatestDeliveryError": "x"}
    assert found(GOOD, off) == {"logging-off": "low"}
    assert found(GOOD | {"LatestDeliveryError": "x"}, off) == {"logging-off": "critical", "delivery-failing": "high"}


def test_two_trails_may_complement_each_other() -> None:
    reads, writes = GOOD | {"TrailName": "r", "EventRW": "Read"}, GOOD | {"TrailName": "w", "EventRW": "Write"}
    assert found(reads, writes) == {"changes-missing": "low", "reads-missing": "low"}
    assert found(reads, writes | {"EventSources": ["iam"], "IncludeAllEventSources": 0})["changes-missing"] == "high"


def test_a_trail_of_writes_does_not_stand_in_for_one_of_all() -> None:
    writes, off = GOOD | {"TrailName": "w", "EventRW": "Write"}, GOOD | {"LoggingStatus": "Disable"}
    assert found(writes, off) == {"logging-off": "critical", "reads-missing": "low"}


def test_findings_name_the_trail_the_times_and_no_secrets() -> None:
    trail = GOOD | {
        "LatestDeliveryError": "put failed: X-Signature=abc " + "x" * 999,
        "LatestDeliveryTime": "20261101T0000Z",
    }
    failing, stale = assess_trails([trail], now=NOW).findings
    assert failing.trail_name == "main"
    assert "abc" not in failing.reason
    assert len(failing.reason) < 300
    assert stale.reason == "the latest delivery was 2026-11-01T00:00:00Z, 20 days ago"


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.none()
        | st.dictionaries(
            st.sampled_from(sorted(GOOD)),
            st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.lists(st.none() | st.text(max_size=3)),
        )
    )
)
def test_no_trail_breaks_the_assessment(items: list[Any]) -> None:
    record = wire(assess_trails(items, now=NOW))
    assert record["Verdict"] in list(Verdict)
