"""Measured rows, and how they are printed."""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version

PACKAGES = ("mcp-server-cloud-trail", "mcp", "volcenginesdk-core", "pydantic", "uvicorn")


@dataclass(frozen=True)
class Row:
    """One thing measured.

    Attributes:
        section: which part of the benchmark.
        what: what was done.
        value: the median, in `unit`.
        reference: the same for what it is compared with, if anything.
        ratio: value divided by reference, where a quotient says something.
        note: whatever else was seen.
        goal: what is aimed at, and whether it was reached.
    """

    section: str
    what: str
    value: float
    unit: str
    reference: float | None = None
    ratio: float | None = None
    goal: str = ""
    note: str = ""


def compared(section: str, what: str, values: Sequence[float], references: Sequence[float], unit: str) -> Row:
    """A row of two medians and their quotient."""
    value, reference = statistics.median(values), statistics.median(references)
    return Row(section, what, value, unit, reference, value / reference)


def verdict(goal: str, *, reached: bool) -> str:
    """A goal with the word on whether it was reached."""
    return f"{goal}: {'reached' if reached else 'MISSED'}"


def header() -> dict[str, object]:
    """On what all this was measured."""
    load = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "load_before": load,
        "packages": {name: version(name) for name in PACKAGES},
    }


def as_json(facts: dict[str, object], rows: Iterable[Row]) -> str:
    """Everything as one JSON object."""
    return json.dumps({**facts, "rows": [asdict(row) for row in rows]}, indent=2, ensure_ascii=False)


def print_header(facts: dict[str, object]) -> None:
    """The facts as a sentence a line."""
    packages = facts["packages"]
    assert isinstance(packages, dict)
    print(f"Python {facts['python']} on {facts['platform']}, {facts['cores']} cores, load {facts['load_before']}")
    print(", ".join(f"{name} {number}" for name, number in packages.items()), flush=True)


def print_section(name: str, rows: Sequence[Row]) -> None:
    """The rows of a section as a Markdown table."""
    print(f"\n## {name}\n")
    lines = [("what", "median", "reference", "ratio", "goal", "note")]
    for row in rows:
        reference = "" if row.reference is None else f"{_number(row.reference)} {row.unit}"
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        lines.append((row.what, f"{_number(row.value)} {row.unit}", reference, ratio, row.goal, row.note))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for index, line in enumerate(lines):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |")
        if index == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
    sys.stdout.flush()


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.2f}"
