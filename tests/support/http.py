"""A server of ours as a process of its own, as people run it, and ways to talk to it over HTTP."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from threading import Condition, Thread
from typing import Any

import httpx2
from mcp.client import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp_server_organization.server import service
from support.providers import free_socket, serving
from volcengine_mcp.http.app import build_app
from volcengine_mcp.mcp.server import Server
from volcengine_mcp.observe import Metrics
from volcengine_mcp.settings.model import Settings
from volcengine_mcp.signin.header import SIGNED_BY_VISITOR
from volcengine_sandbox import Identity

PATIENCE = 20.0
"""Seconds after which something that should have happened never will; waiting ends as soon as it does."""

ORGANIZATION = "mcp-server-organization"
CLOUD_TRAIL = "mcp-server-cloud-trail"

LISTING = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}

ACCEPT = {"Accept": "application/json, text/event-stream"}

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy")


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        return port


def bearer(identity: Identity) -> dict[str, str]:
    """The header that stands for somebody, made independently of the server's own code."""
    fields = {
        "AccessKeyId": identity.access_key,
        "SecretAccessKey": identity.secret_key,
        "SessionToken": identity.session_token or "",
    }
    return {"Authorization": f"Bearer {base64.b64encode(json.dumps(fields).encode()).decode()}"}


class Running:
    """A server's process: its address, and what it has written to stderr."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], url: str) -> None:
        self.url = url
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        self._lines: list[str] = []
        self._written = Condition()
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._written:
                self._lines.append(line.decode())
                self._written.notify_all()
        with self._written:
            self._lines.append("\0")
            self._written.notify_all()

    @property
    def log(self) -> str:
        """All that was written so far."""
        return "".join(self._lines)

    def wait_for(self, text: str, times: int = 1) -> None:
        """Wait until a text was written this often."""
        with self._written:
            seen = self._written.wait_for(lambda: self.log.count(text) >= times or "\0" in self._lines, PATIENCE)
        assert seen, f"{text!r} was not written:\n{self.log}"
        assert self.log.count(text) >= times, f"the process ended without writing {text!r}:\n{self.log}"

    def calls(self) -> list[dict[str, Any]]:
        """The lines about tool calls."""
        return [json.loads(line[line.index("{") :]) for line in self._lines if " volcengine_mcp.calls: " in line]

    def send(self, number: signal.Signals) -> None:
        """Send the process a signal."""
        self.process.send_signal(number)

    def end(self) -> int:
        """Wait for the process to end. Returns its exit status."""
        status = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return status

    def stop(self) -> None:
        """End the process now."""
        if self.process.poll() is None:
            self.process.kill()
        self.end()


def environment_of(endpoint: str, **variables: object) -> dict[str, str]:
    """The variables of this process without any that concern the servers, and those given."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MCP_SERVER_", "VOLCENGINE_", "OTEL_")) and name not in PROXIES
    }
    return kept | {"VOLCENGINE_ENDPOINT": endpoint} | {name: str(value) for name, value in variables.items()}


def program(name: str) -> str:
    """The path of a command of this environment."""
    return str(Path(sys.executable).with_name(name))


@contextmanager
def running(endpoint: str, command: str = ORGANIZATION, **variables: object) -> Iterator[Running]:
    """A server that accepts header credentials at `/sse` and `/mcp`, unless the variables say something else."""
    port = free_port()
    defaults: dict[str, object] = {
        "MCP_SERVER_MODE": "sse",
        "MCP_SERVER_PORT": port,
        "VOLCENGINE_CREDENTIAL_TYPE": "token",
        "MCP_SERVER_UNAUTHENTICATED_RATE_LIMIT": 1_000_000,
        "MCP_SERVER_RATE_LIMIT": 1_000_000,
    }
    environment = environment_of(endpoint, **(defaults | variables))
    scheme = "https" if "MCP_SERVER_TLS_CERT" in variables else "http"
    server = Running([program(command)], environment, f"{scheme}://127.0.0.1:{port}")
    try:
        server.wait_for(" serves ")
        httpx2.get(f"{server.url}/healthz", verify=False, timeout=PATIENCE)
        yield server
    finally:
        server.stop()


@contextmanager
def in_thread(endpoint: str, **settings: Any) -> Iterator[str]:
    """The address of the same server in a thread of this process, which starts sooner and has no log of its own."""
    given = {"transport": "sse", "credential": "token", "rate_limit": 1_000_000, "service_code": "organization"}
    chosen = Settings(**given | {"endpoint": endpoint, "unauthenticated_rate_limit": 1_000_000} | settings)
    metrics = Metrics()
    server = Server(service(), chosen, SIGNED_BY_VISITOR, metrics=metrics)
    with serving(build_app(server, chosen, metrics, None), free_socket(), lifespan="on") as url:
        yield url


def refused(endpoint: str, *, config: str = "", command: str = ORGANIZATION, **variables: object) -> tuple[int, str]:
    """The exit status and stderr of a server that must not start."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(config)
        file.flush()
        options = ["--config", file.name] if config else []
        ended = subprocess.run(
            [program(command), *options],
            env=environment_of(endpoint, **({"MCP_SERVER_MODE": "sse"} | variables)),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    return ended.returncode, ended.stderr.decode()


def _http_client(
    headers: dict[str, str] | None = None, timeout: httpx2.Timeout | None = None, auth: httpx2.Auth | None = None
) -> httpx2.AsyncClient:
    """A client that does not read the public certificates, which takes long for 200 of them."""
    return httpx2.AsyncClient(headers=headers, timeout=timeout or PATIENCE, auth=auth, verify=False)


@asynccontextmanager
async def connected(
    url: str, transport: str, headers: Mapping[str, str] | None = None, *, mode: str = "auto"
) -> AsyncIterator[Client]:
    """A client of the Python SDK over `sse` or `mcp`."""
    if transport == "sse":
        over_sse = sse_client(
            f"{url}/sse", headers=dict(headers or {}), timeout=PATIENCE * 2, httpx_client_factory=_http_client
        )
        async with Client(over_sse, mode="legacy") as client:
            yield client
        return
    async with (
        _http_client(headers=dict(headers or {}), timeout=httpx2.Timeout(PATIENCE * 2)) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http), mode=mode) as client,
    ):
        yield client


def request(method: str, tool: str = "", arguments: Mapping[str, Any] | None = None, number: int = 1) -> dict[str, Any]:
    """A JSON-RPC request; for a tool, its call."""
    if method != "tools/call":
        return {"jsonrpc": "2.0", "id": number, "method": method}
    return {
        "jsonrpc": "2.0",
        "id": number,
        "method": method,
        "params": {"name": tool, "arguments": dict(arguments or {})},
    }


INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "raw", "version": "1"},
    },
}


def answer_of(response: httpx2.Response) -> dict[str, Any]:
    """The JSON-RPC message in an answer of `/mcp`, be it JSON or a stream."""
    text = response.text
    if response.headers["content-type"].startswith("text/event-stream"):
        text = next(line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: {"))
    message: dict[str, Any] = json.loads(text)
    return message


class Stream:
    """An open `/sse` stream, read by hand."""

    def __init__(self, response: httpx2.Response) -> None:
        self.response = response
        self._lines = response.iter_lines()
        self.endpoint = self.next()

    def next(self) -> str:
        """The data of the next event."""
        return next(line.removeprefix("data: ") for line in self._lines if line.startswith("data: "))

    def rest(self) -> list[str]:
        """The data of all further events until the server ends the stream, which it must do before its next ping."""
        lines = []
        for line in self._lines:
            assert not line.startswith(": ping"), "the stream goes on"
            lines.append(line)
        return [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]

    def message(self) -> dict[str, Any]:
        """The next JSON-RPC message."""
        message: dict[str, Any] = json.loads(self.next())
        return message


@contextmanager
def stream(http: httpx2.Client, headers: Mapping[str, str]) -> Iterator[Stream]:
    """Open `/sse`."""
    with http.stream("GET", "/sse", headers=headers) as response:
        assert response.status_code == 200, response.read()
        opened = Stream(response)  # a name, because the response closes with what reads it
        yield opened


def raw(url: str, sent: bytes) -> bytes:
    """Send bytes as they are, and return what is answered until the server closes or resets the connection."""
    host, _, port = url.partition("://")[2].partition(":")
    with socket.create_connection((host, int(port)), PATIENCE) as connection:
        answer = b""
        with suppress(ConnectionError):
            connection.sendall(sent)
            while part := connection.recv(65536):
                answer += part
    return answer


def status_of(answer: bytes) -> int:
    """The status in a raw answer."""
    return int(answer.split(b" ", 2)[1])
