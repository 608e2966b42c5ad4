"""A forwarding HTTP proxy that counts what it is asked for, and sends it all to one address."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import urllib3


class Proxy:
    """Where it listens, and the addresses it was asked for."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.asked: list[str] = []


@contextmanager
def forwarding(to: str) -> Iterator[Proxy]:
    """A proxy that takes every host name for the server at `to`."""
    proxy: Proxy
    pools = urllib3.PoolManager()

    class Handler(BaseHTTPRequestHandler):
        def _forward(self) -> None:
            proxy.asked.append(self.path)
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

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing; the tests look at `asked`."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        proxy = Proxy(server.server_address[1])
        Thread(target=server.serve_forever, daemon=True).start()
        yield proxy
        server.shutdown()
