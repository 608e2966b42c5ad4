"""Many events: what their analysis does to other people's pings, and how long it takes to read them."""

from __future__ import annotations

import asyncio
import statistics
from time import perf_counter
from typing import Any

from .http_client import call
from .processes import command, upstream
from .remote import Measured, answer_after, open_sessions, our_server, pings_beside
from .report import Row, verdict
from .stdio_client import session
from .upstream import DAYS, KEY

SERVER = "mcp-server-cloud-trail"

PING_GOAL = 40.0
"""Milliseconds, at worst."""

PAGES_GOAL = 2.5
"""Seconds."""

PAGE_TAKES = 0.05
"""Seconds."""

START = f"{DAYS + 1} days ago"


def ping(*, quick: bool) -> list[Row]:
    """How long pings take while another session has thousands of events traced or counted."""
    events = 200 if quick else 3000
    wanted: dict[str, dict[str, Any]] = {
        "TraceIdentity": {"Kind": "access_key", "Value": KEY, "StartTime": START, "MaxEvents": events},
        "SummarizeEvents": {"GroupBy": ["actor", "action"], "StartTime": START, "MaxEvents": events},
    }
    rows = []
    with upstream(events=events) as sandbox, our_server("streamable-http", sandbox.variables) as ours:
        for tool, arguments in wanted.items():
            alone = asyncio.run(_pings_alone(ours))
            beside: list[float] = []
            for _ in range(1 if quick else 3):
                beside += asyncio.run(pings_beside("streamable-http", ours, tool, arguments))
            if not beside:  # It was over before the first ping.
                beside = alone
            worst, middle = max(beside), statistics.median(alone)
            note = f"at worst {worst:.1f} ms of {len(beside)} pings; the reference is a ping with nothing beside it"
            goal = verdict(f"≤ {PING_GOAL:.0f} ms at worst", reached=worst <= PING_GOAL)
            value = statistics.median(beside)
            what = f"ping beside {tool} of {events} events"
            rows.append(Row("analysis", what, value, "ms", middle, value / middle, goal, note))
    return rows


async def _pings_alone(server: Measured) -> list[float]:
    """Milliseconds of each ping while nothing else happens."""
    taken = []
    async with open_sessions("streamable-http", server.port, 1) as (only,):
        await call(only, server.tool, server.arguments)
        for _ in range(20):
            begun = perf_counter()
            await only.request("ping")
            taken.append((perf_counter() - begun) * 1000)
    return taken


def pages(*, quick: bool) -> list[Row]:
    """How long SummarizeEvents takes when each page of 50 events takes a while."""
    events = 200 if quick else 5000
    taken = []
    with upstream(events=events) as sandbox, session([*command(SERVER)], sandbox.variables) as ours:
        ours.call("LookupEvents", {"MaxResults": 1})
        answer_after(sandbox.variables["VOLCENGINE_ENDPOINT"], "LookupEvents", PAGE_TAKES)
        for _ in range(1 if quick else 3):
            begun = perf_counter()
            ours.call("SummarizeEvents", {"StartTime": START, "MaxEvents": events})
            taken.append(perf_counter() - begun)
    value = statistics.median(taken)
    ideal = events / 50 * PAGE_TAKES
    goal = "" if quick else verdict(f"≤ {PAGES_GOAL} s", reached=value <= PAGES_GOAL)
    what = f"SummarizeEvents of {events} events at {PAGE_TAKES * 1000:.0f} ms a page"
    note = "the reference is one page after the other and nothing else"
    return [Row("pages", what, value, "s", ideal, value / ideal, goal, note)]
