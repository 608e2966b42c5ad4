"""Serves an MCP client, over stdio or over HTTP: what a server does when no other command is given."""

from __future__ import annotations

import argparse
import gc
import logging
import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from volcengine_mcp.declare import Service
from volcengine_mcp.settings.load import Loaded
from volcengine_mcp.settings.model import Settings

if TYPE_CHECKING:
    from volcengine_mcp.mcp.server import Server

logger = logging.getLogger(__name__)


def run(service: Service, options: argparse.Namespace, loaded: Loaded, environment: Mapping[str, str]) -> int:
    """Serve until the client leaves or a signal comes; ends the process."""
    from volcengine_mcp.mcp.server import missing_credentials
    from volcengine_mcp.observe import start_tracing

    settings = loaded.settings
    flush_traces = start_tracing(service.command)
    if error := missing_credentials(settings, environment):
        print(f"{service.command}: {error.message} {error.hint} Until then every call fails.", file=sys.stderr)
    if settings.transport != "stdio":
        from volcengine_mcp.http.app import serve

        _collect_garbage()
        serve(service, settings, environment, flush_traces)
        return 0
    if sys.stdin.isatty():
        print(
            f"{service.command} {service.version} waits for an MCP client on stdin; Ctrl-C ends it. "
            f"To try it by hand: {service.command} call {service.example} --sandbox",
            file=sys.stderr,
        )
    server = local_server(service, settings, environment)
    _collect_garbage()
    _serve_stdio(server, flush_traces)
    return 0


def local_server(service: Service, settings: Settings, environment: Mapping[str, str]) -> Server:
    """The server for one person on this machine, who uses its keys."""
    from volcengine_mcp.mcp.server import Server
    from volcengine_mcp.signin.access import signed_by_server

    credential = "env" if settings.credential == "token" else settings.credential
    return Server(service, settings, signed_by_server(credential, environment))


def _collect_garbage() -> None:
    """Collect garbage from now on, but never look again at what start-up made."""
    gc.freeze()
    # An analysis makes many objects that live until its answer is out. Python's own thresholds would look through all
    # of them again and again meanwhile, and everybody would wait.
    gc.set_threshold(20_000, 20, 20)
    gc.enable()


def _serve_stdio(server: Server, before_exit: Callable[[], None]) -> None:
    """Serve until stdin closes.

    Ends the process and never returns: a worker thread may still wait for the network, and Python would wait
    for it.
    """
    import anyio

    try:
        anyio.run(server.run_stdio_async)
    except* ConnectionError:
        logger.info("The client is gone.")
    before_exit()
    logging.shutdown()
    os._exit(0)
