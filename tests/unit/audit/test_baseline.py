"""What is unusual about an event: judged by its past alone, and new for hours."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from unit.audit.samples import NOW
from volcengine_audit.baseline import (
    BEYOND,
    BULK,
    DAY,
    FRESH,
    HOUR,
    KNOWN,
    LOOK_BACK,
    MINUTE,
    ORDINARY,
    TOGETHER,
    Baseline,
    Habit,
    Unusual,
    amount_of,
    habit_of,
    network,
)
from volcengine_audit.events import Event
from volcengine_audit.identity import Identity, Kind

ALICE = Identity(kind=Kind.USER, account="2100000001", name="alice", access_key="AKLTalicealicealice")
HOME = "198.51.100.7"
AWAY = "203.0.113.9"
START = NOW - LOOK_BACK - DAY


def at(moment: int | None, **fields: Any) -> Event:
    """An event of Alice, who looks at machines from home unless something else is said."""
    usual: dict[str, Any] = {
        "identity": ALICE,
        "address": HOME,
        "region": "cn-beijing",
        "source": "ecs",
        "name": "DescribeInstances",
    }
    values: dict[str, Any] = {"read_only": True, "user_agent": "ve/1.0"} | usual | fields
    return Event(time=moment, **values)


def habits(*events: Event) -> list[Habit]:
    return [habit for one in events if (habit := habit_of(one)) is not None]


def daily(**fields: Any) -> list[Event]:
    """Something that Alice does every day at the same hour, until yesterday."""
    return [at(NOW - days * DAY, **fields) for days in range(1, 15)]


def judged(one: Event, *past: Event, since: int = START) -> Unusual:
    """What is unusual about an event after some past."""
    return Baseline(habits(*past, one), since=since).unusual(one)


def test_what_is_done_every_day_is_routine_and_nothing_else() -> None:
    change = {"source": "ecs", "name": "DeleteInstance", "read_only": False}
    assert judged(at(NOW, **change), *daily(**change)) == replace(ORDINARY, routine=True, ordinary=True)


def test_an_address_is_new_for_hours_and_then_known() -> None:
    past = daily()
    first = at(NOW, address=AWAY)
    soon = at(NOW + FRESH, address=AWAY)
    later = at(NOW + FRESH + 1, address=AWAY)
    assert judged(first, *past).new_address
    assert judged(soon, *past, first).new_address
    assert not judged(later, *past, first).new_address


def test_a_question_about_more_or_less_changes_nothing() -> None:
    """The same event is judged alike, whatever else was read."""
    events = [*daily(), *daily(name="DescribeDisks"), at(NOW, address=AWAY), at(NOW + HOUR, address=AWAY)]
    more = [*events, *(at(NOW + days * DAY, name="RunInstances", read_only=False) for days in range(1, 5))]
    shuffled = random.Random(1).sample(more, len(more))  # noqa: S311 - an order, not a secret
    few, many = Baseline(habits(*events), since=START), Baseline(habits(*shuffled), since=START)
    assert [few.unusual(one) for one in events] == [many.unusual(one) for one in events]


@pytest.mark.parametrize("known", [KNOWN - 1, KNOWN])
def test_nothing_is_new_to_a_past_that_is_hardly_known(known: int) -> None:
    one = at(NOW, address=AWAY)
    assert judged(one, *daily(), since=NOW - known).new_address is (known >= KNOWN)


def test_a_first_use_counts_for_a_caller_who_was_seen_for_a_while() -> None:
    one = at(NOW, name="CreateAccessKey", source="iam")
    assert judged(one, *daily()).first_use
    assert not judged(one, at(NOW - KNOWN + 1)).first_use
    assert not judged(one, *daily(name="CreateAccessKey", source="iam")).first_use


def test_a_key_that_slept_wakes_and_a_temporary_one_does_not() -> None:
    other = replace(ALICE, name="bob", access_key="AKLTbobbobbobbob")
    past = [at(NOW - days * DAY, identity=other) for days in range(1, 15)]
    woken = judged(at(NOW), *past)
    assert (woken.woken_key, woken.waking) == (True, True)
    later = judged(at(NOW + FRESH - 1), *past, at(NOW))
    assert (later.woken_key, later.waking) == (True, False), "it stays woken, but only one call woke it"
    assert not judged(at(NOW, identity=replace(ALICE, access_key="AKTPtemporary")), *past).woken_key
    assert not judged(at(NOW), *past, *daily()).woken_key
    assert not judged(at(NOW)).woken_key, "the account was not seen either"


def test_a_region_is_new_to_the_account_not_to_the_caller() -> None:
    other = replace(ALICE, name="bob")
    one = at(NOW, region="cn-shanghai")
    assert judged(one, *daily(region="cn-beijing")).new_region
    assert not judged(one, *daily(region="cn-beijing"), *daily(region="cn-shanghai", identity=other)).new_region


def test_one_key_in_two_places_within_minutes() -> None:
    here, there = at(NOW), at(NOW - TOGETHER, address=AWAY)
    assert judged(here, *daily(), there).other_place == network(AWAY)
    assert not judged(here, *daily(), at(NOW - TOGETHER - 1, address=AWAY)).other_place
    assert not judged(here, *daily(), *daily(address=AWAY), there).other_place, "it is usually in both"


def test_amounts_far_beyond_the_usual() -> None:
    buy = {"source": "ecs", "name": "RunInstances", "read_only": False}
    past = daily(**buy, parameters={"Count": 2})
    many = at(NOW, **buy, parameters={"Count": 160})
    found = judged(many, *past)
    assert (found.amount, found.usual_amount, found.routine) == (160, 2, False)
    assert "160 at once, where 2 is the most before" in found.reasons
    assert not judged(at(NOW, **buy, parameters={"Count": BULK - 1}), *past).amount
    assert judged(at(NOW, **buy, parameters={"Count": 2 * BEYOND}), *past).amount == 2 * BEYOND
    assert not judged(at(NOW, **buy, parameters={"Count": 160}, error_code="QuotaExceeded"), *past).amount


def test_deletions_of_any_kind_add_up() -> None:
    calls = [
        at(NOW + number * MINUTE // 6, source="ebs", name=f"Delete{kind}", read_only=False)
        for number, kind in enumerate(["Volume", "Snapshot"] * 25)
    ]
    assert judged(calls[-1], *daily(), *calls[:-1]).amount == 50
    nightly = [
        at(one.time - days * DAY, source="ebs", name=one.name, read_only=False)
        for one in calls
        for days in range(1, 6)
        if one.time
    ]
    found = judged(calls[-1], *nightly, *calls[:-1])
    assert (found.amount, found.routine) == (0, True)


def test_amounts_are_read_in_several_spellings() -> None:
    assert amount_of(at(NOW, name="RunInstances", parameters={"Amount": "7"})) == 7
    assert amount_of(at(NOW, name="DeleteInstances", parameters={"InstanceIds": ["a", "b", "c"]})) == 3
    assert amount_of(at(NOW, name="DeleteInstances", parameters={"InstanceIds": []})) == 1
    assert amount_of(at(NOW, name="RunInstances", parameters={"Count": "9" * 40})) == 1


def test_an_event_without_a_time_is_ordinary() -> None:
    assert judged(at(None)) == ORDINARY


@pytest.mark.parametrize(
    ("address", "place"),
    [("198.51.100.7", "198.51.0.0/16"), ("2001:db8:1:2::3", "2001:db8:1::/48"), ("console", ""), ("", "")],
)
def test_a_place_is_a_network(address: str, place: str) -> None:
    assert network(address) == place
