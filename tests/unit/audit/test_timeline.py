"""The timeline of a caller: runs, first sightings with their caveat, recoveries, and links to assumed roles."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.audit.samples import ALICE, NOW, OPS, ROOT, event, wire
from volcengine_audit import Event, event_of, is_by, iso, judge, role_links, timeline_of

BEIJING = ZoneInfo("Asia/Shanghai")


def calls(action: str, count: int, *, start: int = NOW, step: int = 10, **more: Any) -> list[Event]:
    return [
        event(action, at=start + step * index, id=f"{action}{start + step * index}", **more) for index in range(count)
    ]


def test_a_run_is_one_row_whatever_its_calls() -> None:
    [run] = timeline_of(calls("ecs:DescribeInstances", 41, start=NOW + 120, step=12), zone=BEIJING).runs
    assert wire(run) == {
        "Action": "ecs:DescribeInstances",
        "Count": 41,
        "First": "2026-11-21T12:02:00+08:00",
        "Last": "2026-11-21T12:10:00+08:00",
        "ReadOnly": True,
        "Addresses": ["203.0.113.9"],
        "EventIDs": [f"ecs:DescribeInstances{NOW + 120}", f"ecs:DescribeInstances{NOW + 600}"],
    }


def test_a_run_shows_single_calls_and_errors() -> None:
    single = timeline_of([event("iam:GetUser", address="")]).runs[0]
    assert (single.count, single.first, single.last, single.addresses) == (1, iso(NOW), iso(NOW), None)
    overnight = calls("iam:GetUser", 3, start=NOW + 11 * 3600 + 3500, step=300, error="AccessDenied")
    run = timeline_of(overnight, zone=BEIJING).runs[0]
    assert (run.first, run.last) == ("2026-11-21T23:58:20+08:00", "2026-11-22T00:08:20+08:00")
    assert run.errors == {"AccessDenied": 3}
    assert (run.succeeded, run.failed) == (0, 3)


def test_a_long_gap_begins_a_new_run_and_other_calls_do_not() -> None:
    first, later = calls("x:GetA", 3), calls("x:GetA", 2, start=NOW + 621)
    between = calls("x:GetB", 2, start=NOW + 5)
    runs = timeline_of([*later, *between, *first]).runs
    assert [(run.action, run.count) for run in runs] == [("x:GetA", 3), ("x:GetB", 2), ("x:GetA", 2)]
    assert len(timeline_of([*first, *later], gap=601).runs) == 1


def test_runs_carry_errors_addresses_and_evidence_of_the_first_failure() -> None:
    events = [
        event("x:GetA", at=NOW, id="1"),
        event("x:GetA", at=NOW + 1, id="2", error="Throttled", address="198.51.100.1"),
        event("x:GetA", at=NOW + 2, id="3", error="Denied"),
        event("x:GetA", at=NOW + 3, id="4", error="Denied"),
        event("x:GetA", at=NOW + 4, id="5"),
    ]
    [run] = timeline_of(events).runs
    assert list((run.errors or {}).items()) == [("Denied", 2), ("Throttled", 1)]
    assert run.addresses == ["203.0.113.9", "198.51.100.1"]
    assert (run.count, run.succeeded, run.failed) == (5, 2, 3)
    assert run.event_ids == ["1", "2", "5"]


def test_marked_calls_do_not_vanish_in_a_run() -> None:
    opening: dict[str, object] = {"CidrIp": "0.0.0.0/0", "PortStart": 22, "PortEnd": 22}
    events = calls("vpc:AuthorizeSecurityGroupIngress", 5)
    events.append(event("vpc:AuthorizeSecurityGroupIngress", at=NOW + 25, id="open", parameters=opening))
    marks = judge(events).marks
    runs = timeline_of(events, marks).runs
    assert [run.count for run in runs] == [5, 1]
    assert marks[-1]
    assert marks[-1][0].id not in {mark.id for mark in runs[0].marks or ()}
    assert runs[1].marks == list(marks[-1])


def test_first_sightings_are_told_with_their_caveat() -> None:
    events = [
        event("x:GetA", id="1"),
        event("x:GetA", at=NOW + 1, id="2", address="198.51.100.1"),
        event("x:GetB", at=NOW + 2, id="3", Region="cn-shanghai", detail={"UserAgent": "curl"}),
        event("x:GetB", at=NOW + 3, id="4"),
    ]
    story = timeline_of(reversed(events))
    new = [(first.kind, first.value, first.event_id) for first in story.first_sightings or ()]
    assert new == [
        ("address", "198.51.100.1", "2"),
        ("action", "x:GetB", "3"),
        ("region", "cn-shanghai", "3"),
        ("user_agent", "curl", "3"),
    ]
    assert "before the window" in (story.caveat or "")
    assert "Caveat" not in wire(timeline_of(events, complete=True))


def test_failures_that_turn_into_success_are_told() -> None:
    events = [
        event("x:PutA", at=NOW, id="1", error="Denied"),
        event("x:PutB", at=NOW + 1, id="2"),
        event("x:PutA", at=NOW + 2, id="3", error="Wrong"),
        event("x:PutA", at=NOW + 3, id="4"),
        event("x:PutA", at=NOW + 4, id="5"),
        event("x:PutB", at=NOW + 5, id="6", error="Denied"),
    ]
    [recovery] = timeline_of(events).recoveries or []
    assert wire(recovery) == {
        "Action": "x:PutA",
        "Who": "user/alice@2100000001",
        "Failures": 2,
        "Successes": 2,
        "Errors": ["Denied", "Wrong"],
        "FailingSince": iso(NOW),
        "Succeeded": iso(NOW + 3),
        "EventIDs": ["1", "3", "4"],
    }


def test_undated_and_repeated_events_are_accounted_for() -> None:
    undated = event_of({"EventID": "u"})
    story = timeline_of([event(id="1"), event(id="1"), undated])
    assert (story.events, story.undated, [run.count for run in story.runs]) == (2, 1, [1])
    assert wire(timeline_of([])) == {"Events": 0, "Runs": [], "Caveat": timeline_of([]).caveat}


KEY = OPS["AccessKeyID"]


@pytest.mark.parametrize(
    "response",
    [{"Credentials": {"AccessKeyId": KEY}}, f'{{"Result":"{{\\"Credentials\\":{{\\"AccessKeyId\\":\\"{KEY}\\"}}}}"}}'],
)
def test_an_assumed_role_is_linked_to_what_was_done_with_its_key(response: object) -> None:
    parameters = {"RoleTrn": "trn:iam::2100000002:role/Ops", "RoleSessionName": "ops-session"}
    assumed = event("sts:AssumeRole", ALICE, id="s", parameters=parameters, response=response)
    used = [*calls("ecs:DescribeInstances", 3, identity=OPS), event("x:GetA", ROOT, id="other")]
    [link] = role_links([assumed, event(id="e")], used)
    assert (link.caller, link.role, link.session) == (assumed.actor, parameters["RoleTrn"], "ops-session")
    assert (link.access_key_id, link.uses, link.first_use, link.last_use) == (KEY, 3, iso(NOW), iso(NOW + 20))
    assert wire(link)["AccessKeyID"] == KEY
    [unknown] = role_links([assumed])
    assert (unknown.uses, unknown.first_use) == (None, None), "what was not read is not 0"


def test_a_role_is_named_by_whatever_field_says_something() -> None:
    parameters = {"role_trn": None, "role_name": "Ops"}
    [link] = role_links([event("sts:AssumeRole", parameters=parameters, response={"Id": KEY})])
    assert link.role == "Ops"


def test_without_a_key_in_the_response_there_is_no_link() -> None:
    assert (
        role_links([event("sts:AssumeRole"), event("sts:AssumeRole", response={"Id": KEY}, error="Denied")], []) == []
    )
    [unused] = role_links([event("sts:AssumeRole", response={"Id": KEY})], [])
    assert (unused.uses, unused.first_use) == (0, None)


@pytest.mark.parametrize(
    ("identity", "names", "others"),
    [
        (ALICE, ["alice", "user/alice", ALICE["AccessKeyID"], ALICE["TRN"], "30001"], ["", "bob", "root", "alic"]),
        (ROOT, ["root", ROOT["TRN"], "root@2100000001"], ["alice", ""]),
        (OPS, ["ops-session", "OrganizationAccessControlRole", KEY, "40001:ops-session"], ["root", ""]),
    ],
)
def test_a_caller_is_found_by_any_of_its_names(identity: dict[str, str], names: list[str], others: list[str]) -> None:
    found = event(identity=identity).identity
    assert all(is_by(found, name) for name in names)
    assert not any(is_by(found, name) for name in others)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(st.sampled_from(["x:GetA", "x:PutB"]), st.integers(0, 5000), st.sampled_from(["", "Denied"]))),
    st.randoms(use_true_random=False),
)
def test_every_event_is_in_one_run_whatever_the_order(listed: list[tuple[str, int, str]], random: Any) -> None:
    events = [
        event(action, at=NOW + offset, id=str(index), error=error)
        for index, (action, offset, error) in enumerate(listed)
    ]
    story = timeline_of(events)
    assert sum(run.count for run in story.runs) == story.events == len(events)
    assert all(run.first <= run.last for run in story.runs)
    random.shuffle(events)
    assert timeline_of(events) == story
