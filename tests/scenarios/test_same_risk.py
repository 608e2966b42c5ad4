"""An event is as risky in one answer as in the next, whatever was asked, and summaries stay small."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from scenarios.asking import asking
from volcengine_sandbox import Sandbox

pytestmark = pytest.mark.anyio

HOUR, DAY = 3600, 86400


@pytest.fixture(scope="module")
def month() -> Iterator[Sandbox]:
    with Sandbox(pack="incidents") as box:
        yield box


async def test_an_event_has_the_same_marks_whatever_asks(month: Sandbox) -> None:
    """Over a window of an hour and one of two days, for two deciding events of each attack."""
    times = {event.event_id: event.time for event in month.state.events}
    attacks = [incident for incident in month.incidents if incident.kind == "attack"][:5]
    compared = 0
    async with asking("cloud-trail", month) as asker:
        for event_id in [event_id for attack in attacks for event_id in attack.key_event_ids[:2]]:
            moment = times[event_id]
            marks = (await asker.ask("GetEvent", EventID=event_id))["RiskMarks"][event_id]
            where = [{"Field": "EventID", "Values": [event_id]}]
            for reach in (HOUR, DAY):
                window = {"StartTime": moment - reach, "EndTime": moment + min(reach, HOUR)}
                summary = await asker.ask("SummarizeEvents", **window, GroupBy=["detection"], Where=where)
                told = {group["detection"]: group["Severity"] for group in summary["Groups"] if "Severity" in group}
                assert told == {mark["Id"]: mark["Severity"] for mark in marks}
                rows = (await asker.ask("FindSuspiciousActivity", **window, Where=where, Least="low"))["Detections"]
                known = {mark["Id"]: mark["Reason"] for mark in marks}
                for row in rows:
                    assert row["EventIDs"] == [event_id]
                    assert row["Detection"] not in known or row["Reason"] == known[row["Detection"]]
                compared += 1
    assert compared == 2 * sum(len(attack.key_event_ids[:2]) for attack in attacks)


@pytest.mark.parametrize("by", ["action", "actor", "detection"])
async def test_a_summary_takes_a_twentieth_of_its_events(month: Sandbox, by: str) -> None:
    async with asking("cloud-trail", month, MCP_SERVER_ANSWER_BUDGET="5000000") as asker:
        raw = await asker.ask("LookupEvents", EndTime="1h ago", MaxResults=500, Detail="full")
        summary = await asker.ask("SummarizeEvents", StartTime="2 days ago", EndTime="1h ago", GroupBy=[by])
    assert summary["Events"] >= 500
    size = len(str(raw["Trails"])) / 500 * summary["Events"]
    share = len(str(summary)) / size
    assert len(raw["Trails"]) == 500
    assert share <= 0.05
