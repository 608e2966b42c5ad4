"""A Redis of a test's own, on a free port, ended with the test."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry
from support.providers import free_socket

STOP_WITHIN = 5.0  # seconds


class RedisServer:
    """A redis-server process that can be stopped and started again."""

    def __init__(self, directory: Path) -> None:
        with free_socket() as bound:
            self.port: int = bound.getsockname()[1]
        self.directory = directory
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.client = Redis.from_url(self.url, retry=Retry(ConstantBackoff(0.02), 250))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it answers."""
        program = shutil.which("redis-server")
        if program is None:
            pytest.skip("redis-server is not installed (apt-get install redis-server)")
        options = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.directory), "--save", ""]
        self._process = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
        assert self.client.ping()

    def stop(self) -> None:
        """End the process; what it kept is gone."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(STOP_WITHIN)
            self._process = None

    def everything(self) -> str:
        """All names and values."""
        kept = {name: self.client.get(name) for name in self.client.keys("*")}
        return repr(kept)


@contextmanager
def redis_server(directory: Path) -> Iterator[RedisServer]:
    """A running Redis."""
    server = RedisServer(directory)
    server.start()
    try:
        yield server
    finally:
        server.client.close()
        server.stop()
