"""What several folders of tests share: one running sandbox, seeded anew for each test that asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from volcengine_sandbox import Sandbox


def pytest_addoption(parser: pytest.Parser) -> None:
    """The one option of these tests."""
    parser.addoption("--write-golden", action="store_true", help="write the files of tests/golden anew")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With `-m smoke`, do not even import the files that have no such test: that would take longer than the tests."""
    if config.getoption("markexpr") != "smoke" or not collection_path.name.startswith("test_"):
        return None
    return "pytest.mark.smoke" not in collection_path.read_text(encoding="utf-8") or None


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """What the servers run on."""
    return "asyncio"


@pytest.fixture(scope="session")
def running() -> Iterator[Sandbox]:
    """A sandbox that no test changes but through `box`."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def box(running: Sandbox) -> Iterator[Sandbox]:
    """A freshly seeded sandbox."""
    if running.requests:
        running.reset()
    yield running
    running.reset()
