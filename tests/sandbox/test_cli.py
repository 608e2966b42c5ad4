"""The command `volcengine-sandbox`, as a person or a script runs it."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys

import pytest
from sandbox.clients import raw, send
from volcengine_sandbox import Sandbox
from volcengine_sandbox.cli import main

COMMAND = [sys.executable, "-m", "volcengine_sandbox"]


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )


def fail(*arguments: str) -> str:
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process instead of interrupting it")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_print_env_serves_until_told_to_stop(how: signal.Signals) -> None:
    process = start("--print-env", "--seed", "3")
    assert process.stdout is not None
    lines = [process.stdout.readline().rstrip("\n") for _ in range(3)]
    settings = dict(line.split("=", 1) for line in lines)
    assert list(settings) == ["VOLCENGINE_ENDPOINT", "VOLCENGINE_ACCESS_KEY", "VOLCENGINE_SECRET_KEY"]
    known = Sandbox(seed=3).administrator
    assert settings["VOLCENGINE_SECRET_KEY"] == known.secret_key
    status, _ = send(*raw(settings["VOLCENGINE_ENDPOINT"], known))
    assert status == 200
    process.send_signal(how)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "", "")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process instead of interrupting it")
def test_a_person_is_told_how_to_connect() -> None:
    process = start()
    assert process.stdout is not None
    seen = ""
    while "_sandbox/" not in seen:
        seen += process.stdout.readline()
    process.terminate()
    assert process.wait(10) == 0
    assert "VOLCENGINE_ENDPOINT=http://127.0.0.1:" in seen
    for purpose in ("change nothing", "has expired", "switched off", "session token"):
        assert purpose in seen
    process.communicate()


def test_a_port_in_use_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        error = fail("--port", str(port))
    assert error.startswith(f"volcengine-sandbox: cannot listen on 127.0.0.1:{port}: ")
    assert error.count("\n") == 1


def test_an_address_that_is_none_is_one_sentence() -> None:
    error = fail("--host", "no.such.host.invalid")
    assert error.startswith("volcengine-sandbox: cannot listen on no.such.host.invalid:0: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("argument", "code", "text"),
    [
        ("--help", 0, "about 5,000 audit events"),
        ("--version", 0, "volcengine-sandbox 1."),
        ("--port=70000", 2, "'70000' is not a port"),
        ("--seed=x", 2, "invalid int value"),
    ],
)
def test_arguments(capsys: pytest.CaptureFixture[str], argument: str, code: int, text: str) -> None:
    with pytest.raises(SystemExit) as left:
        main([argument])
    printed = capsys.readouterr()
    assert left.value.code == code
    assert text in (printed.err if code else printed.out)
