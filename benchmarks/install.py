"""What a server for stdio installs: the server and all that it needs as locked, without extras, in an empty folder."""

from __future__ import annotations

import compileall
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from .processes import ROOT
from .report import Row, verdict

SIZE_GOAL = 60.0
"""Megabytes, with the bytecode that the first start writes."""

OF_SERVER = ("--package", "mcp-server-cloud-trail")

PATIENCE = 300.0
"""Seconds; packages that uv does not have yet are fetched."""


def size(*, quick: bool) -> list[Row]:
    """Megabytes and distributions; the largest are in the note."""
    del quick  # It is quick where uv has the packages.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            locked = _uv("export", "--frozen", "--no-hashes", "--no-editable", "--no-default-groups", *OF_SERVER)
            _uv("pip", "install", "--python", sys.executable, "--target", name, "--requirements", "-", given=locked)
        except (OSError, subprocess.SubprocessError) as error:
            reason = (getattr(error, "stderr", "") or str(error)).strip().splitlines()[0]
            return [Row("install", f"could not be installed: {reason}", -1, "MB")]
        plain = _megabytes(folder)
        compileall.compile_dir(folder, quiet=2, workers=0)
        value = _megabytes(folder)
        count = len([*folder.glob("*.dist-info")])
        parts = {part.name: _megabytes(part) for part in folder.iterdir() if part.is_dir()}
    largest = sorted(parts, key=lambda part: parts[part], reverse=True)[:6]
    note = f"{plain:.1f} MB without bytecode; {count} distributions; "
    note += ", ".join(f"{part} {parts[part]:.1f}" for part in largest)
    goal = verdict(f"≤ {SIZE_GOAL:.0f} MB", reached=value <= SIZE_GOAL)
    return [Row("install", "a server for stdio, without extras, with bytecode", value, "MB", goal=goal, note=note)]


def _uv(*words: str, given: str | None = None) -> str:
    """What uv prints; `given` is what it reads on stdin."""
    done = subprocess.run(
        ["uv", "--quiet", *words], input=given, cwd=ROOT, check=True, capture_output=True, text=True, timeout=PATIENCE
    )
    return done.stdout


def _megabytes(folder: Path) -> float:
    """The size of all files in a folder."""
    return sum(os.path.getsize(file) for file in folder.rglob("*") if file.is_file()) / 1e6
