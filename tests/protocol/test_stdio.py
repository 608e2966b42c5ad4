"""stdin and stdout of a server, whatever they are: pipes, sockets, files; how much goes through; whose they stay."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest
from support.servers import PATIENCE, Process, environment, eventually, program
from volcengine_sandbox import Sandbox

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has the streams of mcp")

HELLO = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


def line(message: dict[str, Any]) -> bytes:
    """A message as it is written."""
    return json.dumps(message).encode() + b"\n"


@contextmanager
def server(box: Sandbox, stdin: int | IO[bytes], stdout: int | IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """A server with these files."""
    variables = environment(box, box.administrator)
    with subprocess.Popen([program("cloud-trail")], env=variables, stdin=stdin, stdout=stdout) as process:
        try:
            yield process
        finally:
            process.kill()


def test_sockets_serve_as_well_as_pipes(running: Sandbox) -> None:
    """Programs on Node give their children sockets."""
    ours, theirs = socket.socketpair()
    ours.settimeout(PATIENCE)
    with ours, server(running, theirs.fileno(), theirs.fileno()) as process:
        theirs.close()
        answers = ours.makefile("rb")
        ours.sendall(line(HELLO) + line({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}))
        assert [json.loads(answers.readline())["id"] for _ in range(2)] == [0, 1]
        ours.shutdown(socket.SHUT_WR)
        assert process.wait(PATIENCE) == 0


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_a_client_that_reads_late_can_ask_on_and_gets_every_answer(kind: str, running: Sandbox) -> None:
    """Megabytes of answers, of which none is read before everything is asked, which is more than a pipe holds."""
    wanted = 100
    padding = {"_meta": {"test/padding": "x" * 4000}}
    asked = [HELLO, *({"jsonrpc": "2.0", "id": n, "method": "tools/list", "params": padding} for n in range(1, wanted))]
    requests, ours_in = os.pipe()
    if kind == "pipe":
        ours_out, answers = os.pipe()
    else:
        ours_out, answers = (end.detach() for end in socket.socketpair())
    with (
        os.fdopen(ours_out, "rb") as reading,
        os.fdopen(ours_in, "wb", buffering=0) as writing,
        server(running, requests, answers) as process,
    ):
        os.close(requests)
        os.close(answers)
        asking = threading.Thread(target=lambda: [writing.write(line(message)) for message in asked], daemon=True)
        asking.start()
        asking.join(PATIENCE / 2)
        assert not asking.is_alive(), "the server reads nothing while its answers wait"
        got = [json.loads(reading.readline()) for _ in asked]
        assert sorted(answer["id"] for answer in got) == list(range(wanted))
        lists = [answer["result"] for answer in got if answer["id"]]
        assert all(listed == lists[0] for listed in lists)
        assert process.poll() is None


def test_the_pipes_of_others_stay_as_they_are(running: Sandbox) -> None:
    """The shell that starts a server shares its pipes, and would read and write them non-blocking afterwards."""
    requests, ours_in = os.pipe()
    ours_out, answers = os.pipe()
    with server(running, requests, answers) as process:
        os.write(ours_in, line(HELLO))
        with os.fdopen(ours_out, "rb") as lines:
            assert json.loads(lines.readline())["id"] == 0
            assert os.get_blocking(requests)
            assert os.get_blocking(answers)
            os.close(ours_in)
            assert process.wait(PATIENCE) == 0
    os.close(requests)
    os.close(answers)


def test_answers_can_be_written_to_a_file(running: Sandbox, tmp_path: Path) -> None:
    """By the streams of mcp, since nothing can be waited for."""
    file = tmp_path / "answers"
    with file.open("wb") as answers, server(running, subprocess.PIPE, answers) as process:
        assert process.stdin is not None
        process.stdin.write(line(HELLO))
        process.stdin.flush()
        eventually(lambda: file.read_bytes().endswith(b"\n"))
        process.stdin.close()
        assert process.wait(PATIENCE) == 0
    assert json.loads(file.read_bytes())["id"] == 0


def test_questions_can_be_read_from_a_file(running: Sandbox, tmp_path: Path) -> None:
    """Also by the streams of mcp."""
    file = tmp_path / "questions"
    file.write_bytes(line(HELLO))
    with file.open("rb") as questions, server(running, questions, subprocess.PIPE) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["id"] == 0
        assert process.wait(PATIENCE) == 0


@pytest.mark.parametrize("end", [b"\r\n", b" \n"], ids=["crlf", "space"])
def test_a_line_may_end_as_on_windows(end: bytes, running: Sandbox) -> None:
    with Process("cloud-trail", environment(running, running.administrator)) as process:
        process.send(line(HELLO)[:-1] + end[:-1])
        assert process.answer(0)["result"]


def test_a_message_may_come_in_pieces(running: Sandbox) -> None:
    """Characters of several bytes are cut wherever the pipe cuts them."""
    asked = json.dumps({"jsonrpc": "2.0", "id": "审计", "method": "ping"}, ensure_ascii=False).encode() + b"\n"
    with server(running, subprocess.PIPE, subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(line(HELLO))
        for byte in asked:
            process.stdin.write(bytes([byte]))
            process.stdin.flush()
        assert json.loads(process.stdout.readline())["id"] == 0
        assert json.loads(process.stdout.readline())["id"] == "审计"


STRAY = """
import os, subprocess, sys
import anyio
from volcengine_mcp.mcp.stdio import streams

async def main():
    async with streams() as (read, write):
        print("printed", flush=True)
        os.write(1, b"written\\n")
        subprocess.run(["echo", "by a child"])
        assert sys.stdin.buffer.read() == b""
        async with write:
            assert len([message async for message in read]) == 1
    print("afterwards", flush=True)

anyio.run(main)
"""


@pytest.mark.parametrize("stderr", ["kept", "closed"])
def test_nothing_else_reaches_the_client_while_it_is_served(stderr: str) -> None:
    """What is printed goes to stderr; stdin is empty for everybody else; both are given back at the end."""
    words = [sys.executable, "-c", STRAY]
    if stderr == "closed":
        words = ["sh", "-c", 'exec "$@" 2>&-', "sh", *words]
    done = subprocess.run(words, input=b"for the protocol\n", capture_output=True, timeout=PATIENCE, check=False)
    assert done.stdout == b"afterwards\n"
    assert (done.stderr == b"printed\nwritten\nby a child\n") == (stderr == "kept")
