"""What others wrote, installed beside the repository, and a server for it to talk to."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.http import Running, running
from support.npm import installed, node_of
from volcengine_sandbox import Sandbox

HERE = Path(__file__).parent
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
    """The packages of package-lock.json, and the script that uses one of them."""
    folder = installed()
    shutil.copy(HERE / "client.mjs", folder)
    return Node(folder, node_of(folder))


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
