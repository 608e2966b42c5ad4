"""Two replicas behind Debian's nginx with the configuration of deploy/nginx, all on this machine."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template

import httpx2
import pytest
from support.certificates import self_signed
from support.http import ORGANIZATION, PATIENCE, Running, free_port, running
from support.servers import eventually
from volcengine_sandbox import Sandbox

TEMPLATE = Path(__file__).parents[2] / "deploy/nginx/default.conf.template"

AROUND = """\
daemon off;
user ${user};
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log warn;
events { worker_connections 2048; }
http {
    access_log off;
    client_body_temp_path ${folder}/body;
    proxy_temp_path ${folder}/proxy;
    fastcgi_temp_path ${folder}/fastcgi;
    uwsgi_temp_path ${folder}/uwsgi;
    scgi_temp_path ${folder}/scgi;
    include ${folder}/default.conf;
}
"""
"""What the image's own nginx.conf is in a container."""


@dataclass
class Nginx:
    """A running nginx."""

    url: str
    plain_url: str
    folder: Path
    certificate: str

    def client(self) -> httpx2.Client:
        """A client that trusts it; each request may take its own connection to a replica."""
        trusting = ssl.create_default_context(cafile=self.certificate)
        return httpx2.Client(base_url=self.url, verify=trusting, timeout=PATIENCE)

    @property
    def served(self) -> list[str]:
        """The replica, or the replicas tried, of each request so far."""
        lines = (self.folder / "access.log").read_text().splitlines()
        return [line.split(maxsplit=7)[7] for line in lines]


def installed(name: str) -> str:
    """The path of a Debian program."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        pytest.skip(f"{name} is not installed (apt-get install nginx-light redis-server)")
    return found


def render(folder: Path, listen: int, plain: int, certificate: tuple[str, str], replicas: list[int]) -> Path:
    """Write the configuration for these ports. Returns the file to start nginx with."""
    values = {
        "MCP_LISTEN": f"127.0.0.1:{listen} ssl",
        "MCP_PLAIN_LISTEN": f"127.0.0.1:{plain}",
        "MCP_NAME": "127.0.0.1",
        "MCP_CERTIFICATE": certificate[0],
        "MCP_CERTIFICATE_KEY": certificate[1],
        "MCP_REPLICAS": " ".join(f"server 127.0.0.1:{port} max_fails=1 fail_timeout=5s;" for port in replicas),
    }
    template = TEMPLATE.read_text().replace("access_log /dev/stdout mcp", f"access_log {folder}/access.log mcp")
    (folder / "default.conf").write_text(Template(template).safe_substitute(values))
    main = folder / "nginx.conf"
    main.write_text(Template(AROUND).substitute(folder=folder, user="root" if os.geteuid() == 0 else "nobody"))
    return main


@contextmanager
def nginx(folder: Path, listen: int, certificate: tuple[str, str], replicas: list[int]) -> Iterator[Nginx]:
    """Run nginx before replicas on these ports."""
    program, plain = installed("nginx"), free_port()
    main = render(folder, listen, plain, certificate, replicas)
    words = [program, "-p", str(folder), "-c", str(main)]
    checked = subprocess.run([*words, "-t"], capture_output=True, encoding="utf-8", check=False)
    assert checked.returncode == 0, checked.stderr
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: listens(listen) or process.poll() is not None)
        assert process.poll() is None, (folder / "error.log").read_text()
        yield Nginx(f"https://127.0.0.1:{listen}", f"http://127.0.0.1:{plain}", folder, certificate[0])
    finally:
        process.terminate()
        process.wait(PATIENCE)


def listens(port: int) -> bool:
    """Whether connections are taken there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def site(
    folder: Path, box: Sandbox, variables: Mapping[str, object] | None = None
) -> Iterator[tuple[Nginx, list[Running]]]:
    """Two replicas with these variables, and what is before them."""
    certificate, listen = self_signed(folder), free_port()
    with ExitStack() as stack:
        settings: dict[str, object] = {
            "MCP_SERVER_BASE_URL": f"https://127.0.0.1:{listen}",
            "MCP_SERVER_TRUSTED_PROXIES": "127.0.0.1",
            "MCP_SERVER_DRAIN_TIMEOUT": 30,
            **(variables or {}),
        }
        replicas = [stack.enter_context(running(box.endpoint, ORGANIZATION, **settings)) for _ in range(2)]
        ports = [int(replica.url.rpartition(":")[2]) for replica in replicas]
        yield stack.enter_context(nginx(folder, listen, certificate, ports)), replicas
