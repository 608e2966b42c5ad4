"""One sandbox and one server for the attacks that leave no trace."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from support.http import PATIENCE, Running, running
from volcengine_sandbox import Sandbox


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """A Volcengine."""
    with Sandbox() as box:
        yield box


@pytest.fixture(scope="session")
def server(sandbox: Sandbox) -> Iterator[Running]:
    """A server for header credentials with both transports and default settings, but for the rate limits."""
    with running(sandbox.endpoint) as process:
        yield process


@pytest.fixture
def http(server: Running) -> Iterator[httpx2.Client]:
    """A client that sends what it is told and follows nothing."""
    with httpx2.Client(base_url=server.url, timeout=PATIENCE) as client:
        yield client
