"""What several folders of tests share: one running sandbox, seeded anew for each test that asks for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from volcengine_sandbox import Sandbox


def pytest_addoption(parser: pytest.Parser) -> None:
    """The one option of these tests."""
    parser.addoption("--write-golden", action="store_true", help="write the files of tests/golden anew")


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
