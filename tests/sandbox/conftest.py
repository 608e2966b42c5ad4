"""One running sandbox for the tests that read, the same one reseeded for those that write."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sandbox.clients import Caller
from volcengine_sandbox import Sandbox

PROXIES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy")


@pytest.fixture(scope="session", autouse=True)
def _no_proxy() -> Iterator[None]:
    """The SDK honours proxy variables and ignores NO_PROXY."""
    with pytest.MonkeyPatch.context() as patch:
        for name in PROXIES:
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session")
def shared() -> Iterator[Sandbox]:
    """A sandbox for tests that read, or whose writes are all refused."""
    with Sandbox(seed=1) as running:
        yield running


@pytest.fixture(scope="session")
def _rewritable() -> Iterator[Sandbox]:
    with Sandbox(seed=1) as running:
        yield running


@pytest.fixture
def box(_rewritable: Sandbox) -> Sandbox:
    """A freshly seeded sandbox, to write to."""
    _rewritable.reset()
    return _rewritable


@pytest.fixture
def admin(request: pytest.FixtureRequest) -> Caller:
    """The administrator of `box` where the test takes one, of `shared` otherwise."""
    sandbox: Sandbox = request.getfixturevalue("box" if "box" in request.fixturenames else "shared")
    return Caller(sandbox, sandbox.administrator)
