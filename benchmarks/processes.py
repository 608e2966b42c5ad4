"""Processes under measurement: started, bounded in time, measured and ended by their ID."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from time import monotonic, sleep

ROOT = Path(__file__).resolve().parent.parent

SERVERS = ("mcp-server-cloud-trail", "mcp-server-organization")

PATIENCE = 300.0
"""Seconds after which a process is ended whatever it does, so that no benchmark hangs."""

OURS = ("VOLCENGINE_", "MCP_SERVER_", "VOLC_")
"""Prefixes of variables that would change what is measured."""


def command(server: str) -> list[str]:
    """How a server is started: by the script beside the interpreter that runs this."""
    return [str(Path(sys.executable).with_name(server))]


def bare() -> list[str]:
    """How the reference is started."""
    return [sys.executable, "-m", "benchmarks.bare"]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without the servers' variables, and with the extra ones."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return {**kept, **(extra or {})}


@contextmanager
def running(arguments: list[str], extra: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """A process with pipes for stdin and stdout; it ends with the block, or when patience does.

    Its stderr goes to a file: a server writes a line a call there, as it does in real use.
    """
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            encoding="utf-8",
            cwd=ROOT,
            env=environment(extra),
        ) as process,
    ):
        watchdog = Timer(PATIENCE, process.kill)
        watchdog.start()
        try:
            yield process
        except Exception as error:
            errors.seek(0)
            if said := errors.read().decode("utf-8", "replace")[-2000:]:
                error.add_note(f"{arguments[0]} wrote to stderr:\n{said}")
            raise
        finally:
            watchdog.cancel()
            _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()


@dataclass(frozen=True)
class Upstream:
    """A sandbox in another process.

    Attributes:
        variables: what a server needs in its environment to use it.
        process: for asking how many connections there were.
    """

    variables: Mapping[str, str]
    process: subprocess.Popen[str]

    def connections(self) -> int:
        """TCP connections accepted so far; with TLS each is a handshake."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@contextmanager
def upstream(tls: Path | None = None, *, events: int = 0) -> Iterator[Upstream]:
    """A sandbox that serves as long as the block runs.

    Args:
        tls: a directory with `cert.pem` and `key.pem`, to serve TLS.
        events: further events, made by `benchmarks.upstream.KEY`.
    """
    arguments = [sys.executable, "-m", "benchmarks.upstream", *(["--tls", str(tls)] if tls else [])]
    arguments += ["--events", str(events)]
    with running(arguments) as process:
        assert process.stdout is not None
        variables = {}
        while line := process.stdout.readline().strip():
            name, _, value = line.partition("=")
            variables[name] = value
        yield Upstream(variables, process)


@contextmanager
def certificate() -> Iterator[Path]:
    """A directory with a fresh certificate for 127.0.0.1 and its key."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        _make_certificate(directory)
        yield directory


def _make_certificate(directory: Path) -> None:
    from datetime import UTC, datetime, timedelta
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "benchmark")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (directory / "cert.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    (directory / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_for(port: int, process: subprocess.Popen[str], seconds: float = 30.0) -> None:
    """Wait until somebody listens on the port.

    Raises:
        RuntimeError: the process ended, or nobody listens in time.
    """
    deadline = monotonic() + seconds
    while monotonic() < deadline and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        sleep(0.02)
    raise RuntimeError(f"nothing listens on port {port}")


def resident(pid: int) -> float | None:
    """Megabytes of memory that a running process holds; None where the system does not tell."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS:")), None)


def cpu(pid: int) -> float | None:
    """Seconds of processor time that the threads of a running process have used; None where the system does not say.

    A thread that has ended is not counted, so ask only while the same threads work.
    """
    try:
        tasks = [*Path(f"/proc/{pid}/task").iterdir()]
        return sum(int((task / "schedstat").read_text(encoding="ascii").split()[0]) for task in tasks) / 1e9
    except (OSError, ValueError):
        return None


def allow_files(wanted: int) -> int:
    """Raise this process's limit of open files, which its children inherit. Returns what is allowed."""
    try:
        import resource
    except ImportError:
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if most > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return max(soft, most)
