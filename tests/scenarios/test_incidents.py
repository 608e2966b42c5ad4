"""Ten incidents with harmless twins in 20,000 events: found by following what the answers suggest, and not by more.

The ground truth comes from the sandbox; nothing here knows what an incident is made of.
"""

from __future__ import annotations

from typing import Any

import pytest
from scenarios.asking import Asker, asking
from volcengine_sandbox import Sandbox
from volcengine_sandbox.seed.incidents import Incident

pytestmark = pytest.mark.anyio

MOST_CALLS = 4
"""The first question, and what its answers suggest."""

MOST_FALSE_ALARMS = 8
"""Harmless twins with a row of severity high or critical."""


@pytest.fixture(scope="module")
def box() -> Any:
    with Sandbox(pack="incidents") as sandbox:
        yield sandbox


def evidence(answer: Any) -> set[str]:
    """Every EventID that an answer shows."""
    match answer:
        case dict():
            found = {answer["EventID"]} if isinstance(answer.get("EventID"), str) else set()
            found |= {one for one in answer.get("EventIDs") or () if isinstance(one, str)}
            return found.union(*(evidence(inner) for inner in answer.values()))
        case list():
            return set().union(*(evidence(inner) for inner in answer))
        case _:
            return set()


async def found_by_following(asker: Asker, incident: Incident) -> tuple[int, set[str]]:
    """The calls that it takes until a decisive event is shown, and all events shown by then."""
    window = {"StartTime": incident.first - 3600, "EndTime": incident.last + 3600}
    answer = await asker.ask("FindSuspiciousActivity", **window)
    shown = evidence(answer)
    calls = 1
    steps = list(answer["Next"])
    while not shown & set(incident.key_event_ids) and steps and calls < MOST_CALLS:
        answer = await asker.follow(steps.pop(0))
        calls += 1
        shown |= evidence(answer)
    return calls, shown


async def test_every_attack_is_found_by_following_next(box: Sandbox) -> None:
    lost = []
    async with asking("cloud-trail", box) as asker:
        for incident in box.incidents:
            if incident.kind != "attack":
                continue
            calls, shown = await found_by_following(asker, incident)
            if calls > MOST_CALLS or not shown & set(incident.key_event_ids):
                lost.append(incident.name)
    assert not lost


async def test_every_attack_stands_out_in_a_question_about_the_month(box: Sandbox) -> None:
    async with asking("cloud-trail", box) as asker:
        answer = await asker.ask("FindSuspiciousActivity", StartTime="30 days ago", Top=200, Least="high")
        assert answer["Coverage"]["Complete"] is True, answer["Coverage"].get("Missing")
        assert answer["Coverage"]["EventsRead"] > 20_000
    by_who: dict[str, set[str]] = {}
    for row in answer["Detections"]:
        by_who.setdefault(row["Who"], set()).update(row["EventIDs"])
    shown = set().union(*by_who.values())
    attacks = [incident for incident in box.incidents if incident.kind == "attack"]
    missed = [incident.name for incident in attacks if not shown & set(incident.event_ids)]
    assert not missed
    alarms = [one.name for one in box.incidents if one.kind == "harmless" and shown & set(one.event_ids)]
    assert len(alarms) <= MOST_FALSE_ALARMS, alarms


async def test_the_attacks_come_before_the_harmless(box: Sandbox) -> None:
    """Of the callers at the top, most are attackers."""
    attackers = {who for incident in box.incidents if incident.kind == "attack" for who in incident.actors}
    async with asking("cloud-trail", box) as asker:
        answer = await asker.ask("FindSuspiciousActivity", StartTime="30 days ago", Top=200)
    callers = list(dict.fromkeys(row["Who"] for row in answer["Detections"]))
    assert sum(who in attackers for who in callers[:8]) >= 6
