"""`oauth2-mock-server` from npm: an identity provider that is not ours."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

INSTALL_WITHIN = 120.0  # seconds
STOP_WITHIN = 5.0


@contextmanager
def oauth2_mock_server(directory: Path) -> Iterator[str]:
    """Its issuer address while it runs, installed into a directory of the test's own."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("node and npm are not installed")
    install = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(directory), "oauth2-mock-server@8"]
    if subprocess.run(install, capture_output=True, timeout=INSTALL_WITHIN, check=False).returncode:
        pytest.skip("oauth2-mock-server cannot be installed from npm here")
    program = [node, str(directory / "node_modules/.bin/oauth2-mock-server"), "-a", "127.0.0.1", "-p", "0"]
    process = subprocess.Popen(program, stdout=subprocess.PIPE, text=True)
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
