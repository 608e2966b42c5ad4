"""What is remembered of requests: by owner, and no more than fits."""

from __future__ import annotations

from volcengine_mcp.memory import MOST_OWNERS, MOST_REQUESTS, Memory


def test_requests_are_known_to_their_owner_only_and_the_oldest_are_forgotten() -> None:
    memory = Memory()
    for number in range(MOST_REQUESTS + 1):
        memory.requests("me").add(f"r{number}")
    assert "r0" not in memory.requests("me")
    assert "r1" in memory.requests("me")
    assert f"r{MOST_REQUESTS}" in memory.requests("me")
    assert "r1" not in memory.requests("somebody else")
    assert None not in memory.requests("me")


def test_whoever_asked_least_recently_is_forgotten_first() -> None:
    memory = Memory()
    for number in range(MOST_OWNERS):
        memory.requests(f"owner{number}").add("r")
    assert "r" in memory.requests("owner0")
    memory.requests("one more")
    assert "r" in memory.requests("owner0")
    assert "r" not in memory.requests("owner1")
