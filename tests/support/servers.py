"""The real servers: as processes over stdio, as commands, and in this process; hermetic, whatever runs the tests."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager, redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path
from queue import Empty, Queue
from signal import SIGINT, SIGTERM, getsignal, signal
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any, Self, TextIO
from unittest.mock import patch

import mcp_server_cloud_trail.server
import mcp_server_organization.server
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from volcengine_mcp.command.main import main
from volcengine_mcp.declare import Service
from volcengine_mcp.mcp.server import Server
from volcengine_mcp.settings.load import load
from volcengine_mcp.signin.access import signed_by_server
from volcengine_sandbox import Identity, Sandbox

PATIENCE = 30.0
"""Seconds after which a wait has failed; far more than any of them takes."""

SERVICES: Mapping[str, Service] = {
    service.key: service
    for service in (mcp_server_cloud_trail.server.service(), mcp_server_organization.server.service())
}


def program(key: str) -> str:
    """The installed command of a server."""
    found = shutil.which(f"mcp-server-{key}", path=str(Path(sys.executable).parent))
    assert found, f"mcp-server-{key} is not installed beside {sys.executable}"
    return found


def environment(box: Sandbox | None = None, identity: Identity | None = None, /, **extra: str) -> dict[str, str]:
    """Variables for a server that uses a sandbox with an identity's keys; nothing of the person's own leaks in."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "SYSTEMROOT", "TEMP", "TMPDIR")}
    values = {**kept, "HOME": os.devnull, "USERPROFILE": os.devnull}
    if box:
        values["VOLCENGINE_ENDPOINT"] = box.endpoint
    if identity:
        values |= {"VOLCENGINE_ACCESS_KEY": identity.access_key, "VOLCENGINE_SECRET_KEY": identity.secret_key}
        if identity.session_token:
            values["VOLCENGINE_ACCESS_SESSION_TOKEN"] = identity.session_token
    return values | extra


def over_stdio(
    key: str, variables: Mapping[str, str], *words: str, mode: str = "auto", errlog: TextIO = sys.stderr
) -> Client:
    """A client of a server that it starts as a process of its own."""
    parameters = StdioServerParameters(command=program(key), args=list(words), env=dict(variables))
    transport: AbstractAsyncContextManager[Any] = stdio_client(parameters, errlog=errlog)
    return Client(transport, mode=mode, read_timeout_seconds=PATIENCE)


def in_process(key: str, variables: Mapping[str, str]) -> Server:
    """The server that `mcp-server-<key>` serves with these variables, in this process."""
    service = SERVICES[key]
    loaded = load(
        service.config,
        variables,
        service_code=service.code,
        toolsets=service.toolsets,
        model=service.settings,
    )
    return Server(service, loaded.settings, signed_by_server(loaded.settings.credential, variables))


def command(
    key: str, *words: str, variables: Mapping[str, str] | None = None, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    """What a command of a server says, through pipes."""
    return subprocess.run(
        [program(key), *words],
        env=dict(variables if variables is not None else environment()),
        input=stdin or "",
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )


def typed(key: str, *words: str, variables: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """What a command of a server says, run in this process, which is quicker."""
    out, err = (TextIOWrapper(BytesIO(), encoding="utf-8") for _ in range(2))
    signals = {number: getsignal(number) for number in (SIGINT, SIGTERM)}
    environ = dict(variables if variables is not None else environment())
    try:
        with patch.dict(os.environ, environ, clear=True), redirect_stdout(out), redirect_stderr(err):
            main(SERVICES[key], words)
    except SystemExit as ended:
        status = ended.code
    finally:
        for number, handler in signals.items():
            signal(number, handler)
    assert isinstance(status, int)
    for stream in (out, err):
        stream.seek(0)
    return subprocess.CompletedProcess(words, status, out.read(), err.read())


class Process:
    """A server over stdio, line by line: whatever is written to it, and all that it writes."""

    def __init__(self, key: str, variables: Mapping[str, str], *words: str) -> None:
        self._process = subprocess.Popen(
            [program(key), *words],
            env=dict(variables),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.lines: list[bytes] = []
        """What came on stdout."""
        self._unread: Queue[bytes] = Queue()
        self._errors: list[bytes] = []
        self._deaf = Event()
        self._readers = [Thread(target=self._read_stdout, daemon=True), Thread(target=self._read_stderr, daemon=True)]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(PATIENCE)

    def send(self, message: Mapping[str, Any] | bytes) -> None:
        """Write one line."""
        line = message if isinstance(message, bytes) else json.dumps(message).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(line + b"\n")
        self._process.stdin.flush()

    def ask(self, number: int, method: str, params: Mapping[str, Any] | None = None) -> None:
        """Send a request."""
        self.send({"jsonrpc": "2.0", "id": number, "method": method} | ({"params": params} if params else {}))

    def answer(self, number: int) -> dict[str, Any]:
        """The answer to a request; other messages are passed over."""
        deadline = monotonic() + PATIENCE
        while monotonic() < deadline:
            try:
                message = json.loads(self._unread.get(timeout=0.2))
            except Empty:
                assert self._process.poll() is None, f"the server has ended: {self.stderr}"
                continue
            if message.get("id") == number:
                assert isinstance(message, dict)
                return message
        raise AssertionError(f"no answer to {number} came: {self.stderr}")

    def initialize(self, version: str = "2025-11-25") -> dict[str, Any]:
        """Shake hands; answers with the server's side."""
        client = {"name": "test", "version": "1"}
        self.ask(0, "initialize", {"protocolVersion": version, "capabilities": {}, "clientInfo": client})
        answer = self.answer(0)
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return dict(answer["result"])

    def call(self, number: int, tool: str, arguments: Mapping[str, Any] | None = None) -> None:
        """Send a tool call."""
        self.ask(number, "tools/call", {"name": tool, "arguments": arguments or {}})

    def close_stdin(self) -> None:
        """Hang up, as a client does that ends."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def vanish(self) -> None:
        """Be gone, as a client is that was killed: nobody reads any more, nobody writes."""
        assert self._process.stdout is not None
        self._deaf.set()
        self.ask(-1, "ping")
        self._readers[0].join(PATIENCE)
        self._process.stdout.close()

    def signal(self, number: int) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def ended(self) -> int:
        """The exit status, once it has ended and all it said was read."""
        status = self._process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        return status

    @property
    def stderr(self) -> str:
        """What it has said there so far."""
        return b"".join(self._errors).decode()

    def _read_stdout(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line)
            self._unread.put(line)
            if self._deaf.is_set():
                break

    def _read_stderr(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._errors.append(line)


def eventually(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    deadline = monotonic() + PATIENCE
    while not holds():
        assert monotonic() < deadline, "it has not come true"
        sleep(0.01)


@contextmanager
def terminal(words: list[str], variables: Mapping[str, str], columns: int = 120) -> Iterator[Terminal]:
    """A command on a terminal of its own, which it takes for a person's."""
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    # A session leader whose terminal this is: Ctrl-C typed there reaches it as a signal.
    login = "import os, sys, fcntl, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    login += "os.execv(sys.argv[1], sys.argv[1:])"
    words = [sys.executable, "-c", login, *words]
    process = subprocess.Popen(words, env=dict(variables), stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        process.kill()
        process.wait(PATIENCE)
        os.close(ours)


class Terminal:
    """What a command shows on a terminal."""

    def __init__(self, process: subprocess.Popen[bytes], file: int) -> None:
        self._process = process
        self._file = file
        self._shown = b""

    def press(self, keys: bytes) -> None:
        """Type something, such as Ctrl-C."""
        os.write(self._file, keys)

    def wait_for(self, text: str) -> None:
        """Wait until something is shown."""
        while text.encode() not in self._shown:
            assert self._more(), f"it ended without {text!r}: {self._shown!r}"

    def shown(self) -> tuple[int, str]:
        """The exit status and everything shown."""
        while self._more():
            pass
        return self._process.wait(PATIENCE), self._shown.decode().replace("\r\n", "\n")

    def _more(self) -> bool:
        """Read what comes next; false at the end."""
        try:
            chunk = os.read(self._file, 65536)
        except OSError:  # Linux says so when the other side is closed.
            return False
        self._shown += chunk
        return bool(chunk)
