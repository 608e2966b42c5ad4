"""An HTTP proxy that keeps what it is asked for, and leads every host name to one address."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

import urllib3


class Proxy:
    """Where it listens, and what it was asked for.

    Attributes:
        asked: the addresses, and `host:port` for a tunnel.
        credentials: the `Proxy-Authorization` header of each request, or None.
        refuses: answer every request for a tunnel with 407.
        drops: hang up on every request for a tunnel.
    """

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.asked: list[str] = []
        self.credentials: list[str | None] = []
        self.refuses = False
        self.drops = False

    def with_credentials(self, user_and_password: str) -> str:
        """Its address with credentials in it, as in an environment variable."""
        return self.url.replace("://", f"://{user_and_password}@")


@contextmanager
def forwarding(to: str) -> Iterator[Proxy]:
    """A proxy that takes every host name for the server at `to`."""
    proxy: Proxy
    pools = urllib3.PoolManager()

    class Handler(BaseHTTPRequestHandler):
        def _forward(self) -> None:
            proxy.asked.append(self.path)
            proxy.credentials.append(self.headers.get("Proxy-Authorization"))
            length = int(self.headers.get("Content-Length", 0))
            query = self.path.partition("?")[2]
            answer = pools.request(
                self.command,
                f"{to}/?{query}",
                headers=dict(self.headers),
                body=self.rfile.read(length) or None,
                retries=False,
            )
            self.send_response(answer.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer.data)))
            self.end_headers()
            self.wfile.write(answer.data)

        do_GET = do_POST = _forward  # noqa: N815 - the names that http.server looks for

        def do_CONNECT(self) -> None:
            proxy.asked.append(self.path)
            proxy.credentials.append(self.headers.get("Proxy-Authorization"))
            self.close_connection = True
            if proxy.drops:
                return
            if proxy.refuses:
                self.send_response(407)
                self.end_headers()
                return
            target = urlsplit(to)
            with socket.create_connection((target.hostname or "", target.port or 443)) as tunnel:
                self.send_response(200)
                self.end_headers()
                back = Thread(target=_pump, args=(tunnel, self.connection), daemon=True)
                back.start()
                _pump(self.connection, tunnel)
                back.join()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing; the tests look at `asked`."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        proxy = Proxy(server.server_address[1])
        Thread(target=server.serve_forever, daemon=True).start()
        yield proxy
        server.shutdown()


def _pump(source: socket.socket, target: socket.socket) -> None:
    """Hand on what comes, until one side ends."""
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
