"""The routes for those who run the server: `/healthz`, `/readyz` and `/metrics`."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from volcengine_mcp.mcp.server import Server
from volcengine_mcp.observe import Metrics

if TYPE_CHECKING:
    from volcengine_mcp.signin.oauth.gate import Gate

PATHS = frozenset({"/healthz", "/readyz", "/metrics"})

READINESS_LASTS = 10.0
"""Seconds for which the answer of `/readyz` is kept."""


def routes(server: Server, metrics: Metrics, gate: Gate | None) -> list[Route]:
    """The routes; `/readyz` asks whether the OpenAPI and the OAuth storage can be reached."""
    checked: tuple[float, str | None] = (float("-inf"), None)

    async def alive(_request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(_request: Request) -> Response:
        nonlocal checked
        if server.draining:
            return JSONResponse({"status": "draining"}, status_code=503)
        if monotonic() - checked[0] > READINESS_LASTS:
            problem = await server.openapi.unreachable()
            checked = (monotonic(), problem)
        if gate is not None and not await gate.ready():
            return JSONResponse({"status": "unready", "reason": "the OAuth storage does not answer"}, status_code=503)
        if checked[1]:
            return JSONResponse({"status": "unready", "reason": checked[1]}, status_code=503)
        return JSONResponse({"status": "ok"})

    async def counted(_request: Request) -> Response:
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return [Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", counted)]
