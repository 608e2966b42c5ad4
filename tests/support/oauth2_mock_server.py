"""`oauth2-mock-server` from npm: an identity provider that is not ours."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from .npm import installed, node_of

STOP_WITHIN = 5.0


@contextmanager
def oauth2_mock_server() -> Iterator[str]:
    """Its issuer address while it runs."""
    folder = installed()
    server = str(folder / "node_modules/.bin/oauth2-mock-server")
    process = subprocess.Popen(
        [node_of(folder), server, "-a", "127.0.0.1", "-p", "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.search(r"issuer is (http://\S+)", line):
                yield found.group(1)
                break
        else:
            pytest.fail("oauth2-mock-server did not start")
    finally:
        process.terminate()
        process.wait(STOP_WITHIN)
