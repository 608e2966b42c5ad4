"""A story of several sessions: which keys led to which, what is told first, and that a success outranks an attempt."""

from __future__ import annotations

from typing import Any

import pytest
from unit.audit.samples import ALICE, NOW, OPS, event
from volcengine_audit import (
    Event,
    Judged,
    Mark,
    Severity,
    Unusual,
    gives,
    highlights_of,
    judge,
    keys_given,
    role_links,
    sessions_of,
    spread,
    stitched,
    timeline_of,
)
from volcengine_audit.baseline import ORDINARY
from volcengine_audit.sigma import Correlation

DENIED = "Secrets read (attempted, failed with AccessDenied)"
NEW = Unusual(new_address=True)
ROUTINE = Unusual(routine=True)


def key(number: int) -> str:
    return f"AKTPexample{number:036d}"


def by(number: int, **more: str) -> dict[str, str]:
    """The session of a role with a key of its own."""
    return {**OPS, "AccessKeyID": key(number), **more}


def assume(
    giver: dict[str, str], gives: int, *, at: int = NOW, error: str = "", role: str = "Ops", **more: Any
) -> Event:
    return event(
        "sts:AssumeRole",
        giver,
        at=at,
        id=f"assume{gives}",
        error=error,
        parameters={"RoleName": role},
        response={"Credentials": {"AccessKeyId": key(gives), "SecretAccessKey": "s"}},
    )


def mark(severity: str = "medium", name: str = "secrets-read", reason: str = "Secrets read") -> Mark:
    return Mark(id=name, severity=Severity(severity), reason=reason, techniques=["T1555"])


def told(
    *rows: tuple[Event, list[Mark]], unusual: list[Unusual] | None = None, sequences: list[Correlation] | None = None
) -> Judged:
    events, marks = [one for one, _ in rows], [tuple(these) for _, these in rows]
    return Judged(events, marks, unusual or [ORDINARY] * len(rows), sequences or [])


# Sessions


def test_only_what_a_successful_call_gave_is_a_key() -> None:
    events = [
        assume(ALICE, 1, at=NOW + 5),
        assume(ALICE, 2, error="AccessDenied"),
        event("iam:CreateAccessKey", id="made", response={"AccessKey": {"AccessKeyId": "AKLTmade0000000001"}}),
        event("iam:ListAccessKeys", id="seen", response={"AccessKeyId": "AKLTseen0000000001"}),
        event("sts:AssumeRole", id="own", response={"Caller": ALICE["AccessKeyID"]}),
    ]
    assert [one.key for one in keys_given(events)] == ["AKLTmade0000000001", key(1)]
    assert gives("AssumeRoleWithSAML")
    assert not gives("ListAccessKeys")


def test_a_story_goes_on_with_each_key_as_far_as_steps_allow() -> None:
    events = [
        event("x:GetA", by(3), id="c", at=NOW + 30),
        assume(ALICE, 1),
        assume(by(1), 2, at=NOW + 10),
        assume(by(2), 3, at=NOW + 20),
        event("x:GetA", by(9), id="other"),
    ]
    assert stitched(events, [1], steps=5) == ([0, 1, 2, 3], {key(1), key(2), key(3)})
    assert stitched(events, [1], steps=1) == ([1, 2], {key(1)})
    assert stitched([assume(by(1), 2), assume(by(2), 1)], [0], steps=5) == ([0, 1], {key(1), key(2)})


def test_sessions_tell_who_obtained_them_and_how_far_from_the_subject() -> None:
    events = [assume(ALICE, 1), assume(by(1), 2, at=NOW + 10), event("x:GetA", by(2), id="c", error="Denied")]
    found = sessions_of(events, [()] * 3, subjects=[ALICE["AccessKeyID"]])
    rows = {one.access_key_id: one for one in found.shown}
    assert [rows[one].depth for one in (ALICE["AccessKeyID"], key(1), key(2))] == [None, 1, 2]
    assert [rows[one].obtained_by for one in (ALICE["AccessKeyID"], key(1), key(2))] == [
        None,
        ALICE["AccessKeyID"],
        key(1),
    ]
    assert (rows[key(2)].event_id, rows[key(2)].obtained_with) == ("assume2", "sts:AssumeRole")
    assert (rows[key(2)].succeeded, rows[key(2)].failed) == (0, 1)
    assert {one.number for one in found.shown} == {1, 2, 3}


def test_who_gave_the_subject_its_key_may_be_told_by_other_events() -> None:
    found = sessions_of([event("x:GetA", by(1), id="a")], [()], subjects=[key(1)], givers=[assume(ALICE, 1)])
    assert (found.shown[0].obtained_by, found.shown[0].depth) == (ALICE["AccessKeyID"], None)


def test_the_oddest_session_comes_first_and_routine_counts_for_less() -> None:
    events = [event("x:GetA", by(number), id=str(number), at=NOW + number) for number in (1, 2, 3)]
    marks = [[mark("high")], [mark("medium")], [mark("medium")]]
    found = sessions_of(events, marks, [ROUTINE, ORDINARY, NEW])
    assert [one.access_key_id for one in found.shown] == [key(3), key(2), key(1)]
    assert [one.severity for one in found.shown] == ["medium", "medium", "high"]
    cut = sessions_of(events, marks, [ROUTINE, ORDINARY, NEW], most=1)
    assert (len(cut.shown), cut.left_out, len(cut.numbers)) == (1, 2, 3)


def test_of_many_keys_the_odd_one_is_followed_among_the_first() -> None:
    usual = [assume(ALICE, number, at=NOW + number) for number in range(20)]
    odd = assume(ALICE, 99, at=NOW + 5, role="Admin")
    given = keys_given([*usual, odd])
    first = [one.key for one in spread(given)[:2]]
    assert set(first) == {key(19), key(99)}
    assert len(spread(given)) == 21


def test_of_a_key_that_was_not_followed_no_use_is_told() -> None:
    events = [assume(ALICE, 1), assume(ALICE, 2), event("x:GetA", by(1), id="u")]
    links = {link.access_key_id: link.uses for link in role_links(events, events, unread=[key(2)])}
    assert links == {key(1): 1, key(2): None}


# Highlights


def test_a_success_outranks_an_attempt() -> None:
    failed = event("kms:GetSecretValue", id="1", error="AccessDenied")
    succeeded = event("kms:GetSecretValue", id="2", at=NOW + 60)
    again = event("kms:GetSecretValue", id="3", at=NOW + 90, error="AccessDenied")
    rows = (failed, [mark("high", reason=DENIED)]), (succeeded, [mark()]), (again, [mark(reason=DENIED)])
    [row], more = highlights_of(told(*rows))
    assert (row.reason, row.severity, row.event_id, row.result) == ("Secrets read", "high", "2", "OK")
    assert (row.count, row.succeeded, row.failed, row.event_ids) == (3, 1, 2, ["1", "3"])
    assert list(row.techniques or ()) == ["T1555"]
    assert more == 0


def test_what_only_failed_is_an_attempt() -> None:
    [row], _ = highlights_of(told((event(id="1", error="AccessDenied"), [mark(reason=DENIED)])))
    assert (row.reason, row.succeeded, row.failed, row.event_ids) == (DENIED, 0, 1, None)


def test_highlights_say_why_they_are_unusual_and_routine_comes_later() -> None:
    usual, odd = event("x:PutA", id="1"), event("x:PutB", id="2", at=NOW + 5)
    rows, _ = highlights_of(told((usual, [mark()]), (odd, [mark()]), unusual=[ROUTINE, NEW]))
    assert [(row.event_id, row.routine, row.unusual) for row in rows] == [
        ("2", None, ["the caller has not used this address before"]),
        ("1", True, None),
    ]


def test_a_cut_list_says_how_many_more_there_are_and_low_marks_are_no_highlights() -> None:
    events = [(event(f"x:Put{number}", id=str(number)), [mark()]) for number in range(4)]
    rows, more = highlights_of(told(*events, (event(id="low"), [mark("low")])), most=3)
    assert (len(rows), more) == (3, 1)


def test_what_several_events_mean_together_is_a_highlight() -> None:
    first, last = event("x:ListA", id="1"), event("x:GetA", id="2", at=NOW + 9)
    together = Correlation(
        "listed-then-read", Severity.HIGH, "Listed, then read", (), (), 2, 2, (), NOW, NOW + 9, "2", ("1", "2")
    )
    [row], _ = highlights_of(told((first, []), (last, []), sequences=[together]))
    assert (row.id, row.severity, row.count, row.event_id, row.event_ids) == ("listed-then-read", "high", 2, "1", ["2"])


def test_a_part_of_what_was_judged_keeps_the_sequences_it_belongs_to() -> None:
    together = Correlation("s", Severity.HIGH, "t", (), (), 2, 2, (), NOW, NOW, "2", ("1", "2"))
    whole = told((event(id="1"), []), (event(id="2"), []), (event(id="3"), []), sequences=[together])
    assert whole.only([0]).sequences == [together]
    assert whole.only([2]).sequences == []
    assert [one.id for one in whole.only([2, 0]).events] == ["3", "1"]


# Timelines


def test_a_run_tells_the_mark_of_a_success() -> None:
    events = [event("x:PutA", id="1", error="Denied"), event("x:PutA", id="2", at=NOW + 5)]
    [run] = timeline_of(events, [(mark("high", reason=DENIED),), (mark(),)]).runs
    assert [(one.reason, one.severity) for one in run.marks or ()] == [("Secrets read", "high")]


def test_runs_are_of_one_session_and_recoveries_of_one_caller() -> None:
    events = [event("x:PutA", id="1", error="Denied"), event("x:PutA", by(1), id="2", at=NOW + 5)]
    story = timeline_of(events, sessions=[1, 2])
    assert [(run.in_session, run.count) for run in story.runs] == [(1, 1), (2, 1)]
    assert story.recoveries is None


@pytest.mark.parametrize(("hours", "runs"), [(5, 5), (6, 1)])
def test_usual_runs_that_come_again_and_again_are_one(hours: int, runs: int) -> None:
    events = [event("x:GetA", id=f"{hour:02}", at=NOW + hour * 3600) for hour in range(hours)]
    shown = timeline_of(events, unusual=[ORDINARY] * hours).runs
    assert (len(shown), sum(run.count for run in shown)) == (runs, hours)
    if runs == 1:
        assert (shown[0].runs, shown[0].event_ids) == (6, ["00", "05"])


def test_what_is_unusual_or_marked_is_not_hidden_in_usual_runs() -> None:
    events = [event("x:GetA", id=f"{hour:02}", at=NOW + hour * 3600) for hour in range(10)]
    unusual = [NEW if hour == 4 else ORDINARY for hour in range(10)]
    marks = [(mark(),) if hour == 6 else () for hour in range(10)]
    shown = timeline_of(events, marks, unusual=unusual).runs
    assert [(run.count, run.event_ids) for run in shown] == [(8, ["00", "09"]), (1, ["04"]), (1, ["06"])]
    assert len(timeline_of(events).runs) == 10, "without a look-back nothing is known to be usual"


def test_first_sightings_say_what_the_look_back_does_not_have() -> None:
    events = [event("x:GetA", id="1"), event("x:GetB", id="2", at=NOW + 1, address="198.51.100.1")]
    seen = timeline_of(events, unusual=[ORDINARY, NEW]).first_sightings or []
    assert [(one.kind, one.value, one.new) for one in seen] == [("address", "198.51.100.1", True)]
    both = timeline_of(events, unusual=[ORDINARY, Unusual(first_use=True)]).first_sightings or []
    assert [(one.kind, one.new) for one in both] == [("address", None), ("action", True)]


def test_what_is_judged_can_be_told() -> None:
    judged = judge([assume(ALICE, 1), event("x:GetA", by(1), id="u", at=NOW + 10)])
    assert timeline_of(judged.events, judged.marks, unusual=judged.unusual).events == 2
