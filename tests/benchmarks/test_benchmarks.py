"""The benchmark command runs. What it measures is never a test."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

SECTIONS = (
    "cold-start",
    "call",
    "lookup-cpu",
    "memory",
    "http",
    "ping",
    "analysis",
    "pages",
    "idle-sessions",
    "handshakes",
    "install",
)


def test_every_section_measures_something() -> None:
    """With `--quick`, which takes a few turns only."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", "--json", *SECTIONS],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=480,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert {row["section"] for row in report["rows"]} == set(SECTIONS)
    assert all(row["value"] > 0 for row in report["rows"] if row["section"] not in ("idle-sessions", "memory"))
    assert report["cores"] >= 1


def test_a_wrong_section_is_refused() -> None:
    """And the sections there are, are named."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "nothing"], cwd=ROOT, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 2
    assert "cold-start" in done.stderr
