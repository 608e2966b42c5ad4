"""The sandbox's own HTTP controls below `/_sandbox`: faults, requests, identities, reset and health.

The threat is a web page in the user's browser that reaches a local port, also by a name that it rebinds to
127.0.0.1. So a request must come from the loopback interface, name a loopback host, and have no Origin.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from importlib.metadata import version
from itertools import islice
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from volcengine_sandbox import faults
from volcengine_sandbox.core import Core

Endpoint = Callable[[Request], Awaitable[Response]]
LONGEST_LIST = 1000
"""Requests that one answer lists, the newest."""


def routes(core: Core) -> list[Route]:
    """The controls of one sandbox."""

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok", "version": version("volcengine-sandbox"), "seed": core.seed})

    async def list_faults(request: Request) -> Response:
        return JSONResponse({"faults": core.faults.list(), "kinds": faults.KINDS})

    async def add_fault(request: Request) -> Response:
        value = await _object(request)
        try:
            fault = faults.build(value.items())
        except ValueError as error:
            return _refused(400, str(error))
        return JSONResponse({"id": core.faults.add(fault)}, 201)

    async def clear_faults(request: Request) -> Response:
        core.faults.clear()
        return Response(status_code=204)

    async def remove_fault(request: Request) -> Response:
        found = core.faults.remove(request.path_params["id"])
        return Response(status_code=204) if found else _refused(404, "There is no fault with this ID.")

    async def requests(request: Request) -> Response:
        total = len(core.requests)
        newest = islice(list(core.requests), max(0, total - LONGEST_LIST), None)
        return JSONResponse({"total": total, "requests": [asdict(record) for record in newest]})

    async def identities(request: Request) -> Response:
        known = [
            {
                "name": identity.name,
                "kind": identity.kind,
                "access_key": identity.access_key,
                "account_id": identity.account_id,
                "access": identity.access,
                "disabled": identity.disabled,
                "expires": identity.expires,
                "purpose": identity.purpose,
            }
            for identity in core.world.state.keys
        ]
        return JSONResponse({"identities": known})

    async def reset(request: Request) -> Response:
        seed = (await _object(request)).get("seed")
        if seed is not None and (not isinstance(seed, int) or isinstance(seed, bool)):
            return _refused(400, "seed must be an integer.")
        core.reset(seed)
        return JSONResponse({"seed": core.seed})

    return [
        Route("/health", _guard(health), methods=["GET"]),
        Route("/faults", _guard(list_faults), methods=["GET"]),
        Route("/faults", _guard(add_fault), methods=["POST"]),
        Route("/faults", _guard(clear_faults), methods=["DELETE"]),
        Route("/faults/{id}", _guard(remove_fault), methods=["DELETE"]),
        Route("/requests", _guard(requests), methods=["GET"]),
        Route("/identities", _guard(identities), methods=["GET"]),
        Route("/reset", _guard(reset), methods=["POST"]),
    ]


def _guard(endpoint: Endpoint) -> Endpoint:
    async def guarded(request: Request) -> Response:
        if "origin" in request.headers:
            return _refused(403, "The controls are not for web pages: leave out the Origin header.")
        # Not request.url: it falls back on the server's own address when the Host header is empty.
        named = _hostname(request.headers.get("host", ""))
        if not _is_loopback(named) or not _is_loopback(request.client.host if request.client else ""):
            return _refused(403, "The controls answer on the loopback interface only: call 127.0.0.1.")
        return await endpoint(request)

    return guarded


def _hostname(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _refused(status: int, message: str) -> Response:
    return JSONResponse({"error": message}, status)


async def _object(request: Request) -> dict[str, object]:
    """The JSON object of a body; an empty or unreadable body is an empty object."""
    try:
        value = await request.json()
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
