"""The ASGI application: the OpenAPI at `/`, with faults, and the sandbox's own controls below `/_sandbox`."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
import sys
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from volcengine_sandbox import control, envelope, faults
from volcengine_sandbox.core import Core, RequestRecord
from volcengine_sandbox.faults import Fault
from volcengine_sandbox.gateway import LARGEST_BODY, Answer, Claim, Request, claim, refuse

JSON: Final = b"application/json; charset=utf-8"
HTML: Final = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
ATTEMPT: Final = re.compile(r"attempt=(\d{1,6})")
TRANSPORT: Final = "volcengine_sandbox.transport"
"""Where the server puts a connection's transport in the ASGI scope's state, for the faults that need it."""


class OpenApi:
    """Answers OpenAPI calls; an ASGI application of its own."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.stopping = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = await _read(scope, receive)
        claimed = claim(request)
        try:
            fault = self._fault(request, claimed)
        except ValueError as error:
            await _send(send, 400, str(error).encode(), content_type=b"text/plain; charset=utf-8")
            return
        if fault is None:
            answer = self.core.gateway.answer(request)
            self._note(request, claimed, answer.status, answer.code)
            await _send(send, answer.status, answer.body, answer.heading.request_id)
        else:
            await self._go_wrong(fault, request, claimed, scope=scope, receive=receive, send=send)

    def _fault(self, request: Request, claimed: Claim) -> Fault | None:
        header = request.header("x-sandbox-fault")
        return faults.parse(header) if header else self.core.faults.take(claimed)

    def _note(self, request: Request, claimed: Claim, status: int, code: str = "") -> None:
        attempt = ATTEMPT.match(request.header("x-sdk-request"))
        self.core.requests.append(
            RequestRecord(
                action=claimed.action,
                version=claimed.version,
                service=claimed.service,
                method=request.method,
                access_key=claimed.access_key,
                attempt=int(attempt[1]) if attempt else 1,
                time=self.core.clock(),
                status=status,
                code=code,
            )
        )

    async def _go_wrong(
        self, fault: Fault, request: Request, claimed: Claim, *, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if fault.kind == "hang":
            self._note(request, claimed, 0)
            await _until_gone(receive, fault.delay or None)
            await _reset(scope, receive)
            return
        if fault.delay:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), fault.delay)
        answer = self._work(fault, request, claimed)
        if fault.kind in {"reset_before", "reset_after"}:
            self._note(request, claimed, 0)
            await _reset(scope, receive)
            return
        self._note(request, claimed, answer.status, answer.code)
        if fault.kind == "truncated":
            await _truncate(scope, receive, answer.body)
        elif fault.kind == "not_json":
            await _send(send, 200, HTML, answer.heading.request_id, content_type=b"text/html")
        else:
            await _send(send, answer.status, answer.body, answer.heading.request_id)

    def _work(self, fault: Fault, request: Request, claimed: Claim) -> Answer:
        """The answer that a fault leads to; whether the action is done depends on the kind."""
        error = fault.error()
        if error is not None or fault.kind in {"reset_before", "not_json", "empty"}:
            state = self.core.world.state
            heading = envelope.Heading(
                envelope.request_id(state.now, state.rng), claimed.action, claimed.version, claimed.service
            )
            return refuse(heading, error) if error is not None else Answer(200, heading, b"")
        answer = self.core.gateway.answer(request)
        if answer.status != 200:
            return answer
        match fault.kind:
            case "missing_result":
                body = envelope.success(answer.heading, None, absent=True)
            case "list_result":
                body = envelope.success(answer.heading, [answer.result])
            case "no_metadata":
                body = envelope.encode({"Result": answer.result})
            case _:
                return answer
        return Answer(200, answer.heading, body)


def build(core: Core, api: OpenApi) -> Starlette:
    """The application of one sandbox."""
    return Starlette(
        routes=[Route("/", endpoint=api), Mount("/_sandbox", routes=control.routes(core))],
        exception_handlers={404: _nothing_here},
    )


def _nothing_here(request: HttpRequest, error: Exception) -> Response:
    return PlainTextResponse("The OpenAPI is at /, the sandbox's own controls are below /_sandbox/.\n", 404)


async def _read(scope: Scope, receive: Receive) -> Request:
    body = bytearray()
    more = True
    while more:
        message = await receive()
        more = message.get("more_body", False)
        # One byte over the limit is enough to refuse; the rest is read and dropped.
        body += message.get("body", b"")[: LARGEST_BODY + 1 - len(body)]
    return Request(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"].decode("ascii", "replace"),
        headers=tuple((name.decode("ascii"), _text(value)) for name, value in scope["headers"]),
        body=bytes(body),
        client=scope["client"][0] if scope["client"] else "",
    )


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


async def _send(send: Send, status: int, body: bytes, request_id: str = "", content_type: bytes = JSON) -> None:
    headers = [
        (b"content-type", content_type),
        (b"content-length", b"%d" % len(body)),
        (b"x-tt-logid", request_id.encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _until_gone(receive: Receive, seconds: float | None) -> None:
    """Wait for the client to leave, at most for some seconds."""

    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(gone(), seconds)


async def _reset(scope: Scope, receive: Receive) -> None:
    """End a connection with a TCP reset where the platform lets us, with a plain close elsewhere."""
    transport: asyncio.Transport = scope["state"][TRANSPORT]
    sock = transport.get_extra_info("socket")
    if sock is not None:
        linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()
    await _until_gone(receive, 1)


async def _truncate(scope: Scope, receive: Receive, body: bytes) -> None:
    """Promise a whole body, send half of it and close."""
    transport: asyncio.Transport = scope["state"][TRANSPORT]
    head = b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\ncontent-length: %d\r\n\r\n" % (JSON, len(body))
    transport.write(head + body[: len(body) // 2])
    transport.close()
    await _until_gone(receive, 1)
