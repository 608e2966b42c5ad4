"""What it costs to hold audit events against the detections, in time of the processor: nothing here waits."""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
from time import process_time

from .report import Row, verdict

EVENTS = 20_000
MARK_GOAL = 40.0
"""Microseconds an event."""
LOAD_GOAL = 150.0
"""Milliseconds."""
_LOADING = """
from time import process_time
from volcengine_audit.sigma import load_rules
begun = process_time()
load_rules()
print((process_time() - begun) * 1000)
"""


def marks(*, quick: bool) -> list[Row]:
    """Read the rules in fresh processes; mark the ordinary events of a sandbox, and correlate what matched."""
    from volcengine_audit import event_of
    from volcengine_audit.sigma import load_rules
    from volcengine_sandbox.seed.traffic import WORKERS, background

    accounts = {worker.account: f"21000000{index:02d}" for index, worker in enumerate(WORKERS)}
    rng = random.Random(7)  # noqa: S311 - made-up data
    ordinary = background(rng, accounts, 1_800_000_000, 500 if quick else EVENTS)
    events = [event_of(one.wire()) for one in ordinary]
    book = load_rules()
    checking, correlating, marked = [], [], 0
    for _ in range(2 if quick else 5):
        begun = process_time()
        checked = [book.check(event) for event in events]
        between = process_time()
        happened = [
            (event.time or 0, event, one.names) for event, one in zip(events, checked, strict=True) if one.names
        ]
        found = book.correlate(happened)
        correlating.append((process_time() - between) * 1000)
        checking.append((between - begun) / len(events) * 1e6)
        marked = sum(bool(one.marks) for one in checked)
    loading = [_load() for _ in range(2 if quick else 7)]
    check, load = statistics.median(checking), statistics.median(loading)
    return [
        Row(
            "marks",
            f"one event against {len(book.rules)} rules",
            check,
            "µs",
            goal=verdict(f"≤ {MARK_GOAL:.0f} µs", reached=check <= MARK_GOAL),
            note=f"{len(events)} ordinary events, {marked} marked",
        ),
        Row(
            "marks",
            "correlations over all events",
            statistics.median(correlating),
            "ms",
            note=f"{len(happened)} events matched a rule, {len(found)} correlations",
        ),
        Row(
            "marks",
            "reading the rules in a fresh process",
            load,
            "ms",
            goal=verdict(f"≤ {LOAD_GOAL:.0f} ms", reached=load <= LOAD_GOAL),
            note=f"fastest {min(loading):.0f} ms",
        ),
    ]


def _load() -> float:
    done = subprocess.run([sys.executable, "-c", _LOADING], check=True, capture_output=True, text=True)
    return float(done.stdout)
