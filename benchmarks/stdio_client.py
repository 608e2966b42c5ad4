"""The least that speaks MCP over stdio, so that what is measured is the server."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from .processes import running

PROTOCOL = "2025-06-18"

HELLO = {
    "protocolVersion": PROTOCOL,
    "capabilities": {},
    "clientInfo": {"name": "benchmark", "version": "1"},
}


class StdioClient:
    """A session with a server in another process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.pid = process.pid
        self._process = process
        self._count = 0

    def request(self, method: str, parameters: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send a request and wait for its result.

        Raises:
            RuntimeError: the server ended, or answered an error.
        """
        self._count += 1
        self._send({"jsonrpc": "2.0", "id": self._count, "method": method, "params": parameters or {}})
        assert self._process.stdout is not None
        for line in self._process.stdout:
            answer = json.loads(line)
            if answer.get("id") == self._count:
                return result_of(answer)
        raise RuntimeError(f"the server ended during {method}")

    def call(self, tool: str, arguments: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Call a tool."""
        return self.request("tools/call", {"name": tool, "arguments": arguments or {}})

    def greet(self) -> None:
        """Open the session."""
        self.request("initialize", HELLO)
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()


def result_of(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The result in a JSON-RPC answer.

    Raises:
        RuntimeError: it holds an error, of the protocol or of a tool.
    """
    result = answer.get("result")
    if not isinstance(result, dict) or result.get("isError"):
        raise RuntimeError(f"the server answered {json.dumps(answer)[:500]}")
    return result


@contextmanager
def session(arguments: list[str], extra: Mapping[str, str] | None = None) -> Iterator[StdioClient]:
    """A server over stdio, greeted."""
    with running(arguments, extra) as process:
        client = StdioClient(process)
        client.greet()
        yield client
