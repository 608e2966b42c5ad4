"""Sending, seen from the wire: nothing is sent twice by accident, nothing goes on that was given up, nothing stays."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import socket
import sys
import threading
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from secrets import token_hex
from time import monotonic
from typing import Any

import anyio
import pytest
from mcp_server_cloud_trail.actions import CreateTrail, DescribeTrails
from support.servers import PATIENCE
from support.wire import Exchange, listening, until
from volcengine_mcp.api.client import MOST_CLIENTS, OpenAPI
from volcengine_mcp.api.credentials import AnyCredential, Credential, ProviderChain
from volcengine_mcp.api.endpoint import Endpoint
from volcengine_mcp.declare import Action
from volcengine_mcp.errors import NoAnswerError, NotSentError, OutcomeUnknownError, ServiceError, VolcengineError

pytestmark = pytest.mark.anyio

READ = DescribeTrails()
WRITE = CreateTrail(trail_name="t", tos_bucket_name="b")
SOMEBODY = Credential("AKLTsomebody", "secret")


@asynccontextmanager
async def calling(host: str, *, lifetime: float | None = None, **facts: Any) -> AsyncIterator[OpenAPI]:
    """The OpenAPI at a host; closed at the end, and everything that was closed before was closed in order."""
    api = OpenAPI(
        Endpoint(**{"host": host, "scheme": "http"} | facts), **({} if lifetime is None else {"lifetime": lifetime})
    )
    complaints: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: complaints.append(context["message"]))
    try:
        with anyio.fail_after(PATIENCE):
            yield api
    finally:
        await api.close()
        gc.collect()
        loop.set_exception_handler(None)
    assert not [said for said in complaints if said.startswith("Unclosed")]


async def error_of(api: OpenAPI, action: Action, credential: AnyCredential = SOMEBODY) -> VolcengineError:
    with pytest.raises(VolcengineError) as caught:
        await api.send(action, credential)  # type: ignore[arg-type]
    return caught.value


async def never(_exchange: Exchange) -> None:
    await anyio.sleep_forever()


async def test_a_write_does_not_go_out_on_a_connection_that_the_server_may_be_closing() -> None:
    """A server that closes a kept connection as a request comes in on it: a read is repeated, a write unharmed."""
    async with (
        listening(lambda exchange: exchange.answer() if exchange.number == 1 else exchange.drop()) as wire,
        calling(wire.host) as api,
    ):
        await api.send(READ, SOMEBODY)
        await api.send(WRITE, SOMEBODY)
        assert [exchange.number for exchange in wire.requests] == [1, 1]
        await api.send(READ, SOMEBODY)
        assert [exchange.number for exchange in wire.requests] == [1, 1, 2, 1]


async def test_the_connection_of_a_write_is_not_kept() -> None:
    async with listening(Exchange.answer) as wire, calling(wire.host) as api:
        for _ in range(2):
            await api.send(WRITE, SOMEBODY)
        assert [exchange.number for exchange in wire.requests] == [1, 1]
        await until(lambda: wire.closed == 2)


async def test_a_write_by_get_is_not_sent_again_by_the_http_client() -> None:
    assert WRITE.method == "GET"
    async with listening(Exchange.drop) as wire, calling(wire.host) as api:
        assert isinstance(await error_of(api, WRITE), OutcomeUnknownError)
        assert len(wire.requests) == 1


async def test_a_lost_read_is_sent_four_times_at_most() -> None:
    async with listening(Exchange.drop) as wire, calling(wire.host) as api:
        assert (await error_of(api, READ)).code == "ConnectionLost"
        assert len(wire.requests) == 4


async def test_a_call_that_is_given_up_closes_its_connection() -> None:
    async with listening(never) as wire, calling(wire.host) as api:
        async with anyio.create_task_group() as group:
            group.start_soon(api.send, READ, SOMEBODY)
            await until(lambda: len(wire.requests) == 1)
            assert wire.closed == 0
            group.cancel_scope.cancel()
        await until(lambda: wire.closed == 1)


async def test_a_call_whose_time_is_over_closes_its_connection() -> None:
    async with listening(never) as wire, calling(wire.host, attempt_timeout=0.5) as api:
        error = await error_of(api, WRITE)
        assert error.code == "Timeout"
        assert error.message.startswith("No answer came within 0.5 seconds.")
        await until(lambda: wire.closed == wire.opened)


@pytest.mark.parametrize(("facts", "given"), [({}, 1.0), ({"deadline": 1.0}, None)], ids=["given", "by default"])
async def test_a_call_ends_at_its_deadline(facts: dict[str, Any], given: float | None) -> None:
    async with listening(never) as wire, calling(wire.host, **facts) as api:
        api.warm_up()
        with anyio.fail_after(15), pytest.raises(NoAnswerError, match="No answer came within"):
            await api.send(READ, SOMEBODY, deadline=None if given is None else monotonic() + given)
        assert len(wire.requests) == 1


async def test_a_request_whose_turn_does_not_come_is_not_sent() -> None:
    async with listening(never) as wire, calling(wire.host, workers=1) as api:
        async with anyio.create_task_group() as group:
            group.start_soon(api.send, READ, SOMEBODY)
            await until(lambda: len(wire.requests) == 1)
            with pytest.raises(NotSentError) as caught:
                await api.send(WRITE, Credential("AKLTother", "secret"), deadline=monotonic() + 0.1)
            assert caught.value.code == "TooBusy"
            assert "max_concurrent_calls" in caught.value.hint
            assert len(wire.requests) == 1
            group.cancel_scope.cancel()
        with pytest.raises(NoAnswerError):
            await api.send(READ, SOMEBODY, deadline=monotonic() + 0.1)
        assert len(wire.requests) == 2, "the turn of a call that was given up goes to another"


async def test_an_answer_beyond_all_measure_is_not_read() -> None:
    async def flood(exchange: Exchange) -> None:
        exchange.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
        while True:
            exchange.raw(b" " * 2**20)
            await exchange.writer.drain()

    async with listening(flood) as wire, calling(wire.host) as api:
        error = await error_of(api, READ)
        assert (error.code, error.message) == ("AnswerTooLarge", "The answer was longer than 64 MiB.")
        assert len(wire.requests) == 1, "the same question has the same answer"
        await until(lambda: wire.closed == 1)


@pytest.mark.parametrize("said", [b"SSH-2.0-OpenSSH_9.9\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"])
async def test_what_is_no_http_is_no_answer(said: bytes) -> None:
    async with listening(lambda exchange: exchange.raw(said)) as wire, calling(wire.host) as api:
        assert (await error_of(api, READ)).code == "UnreadableAnswer"
        assert isinstance(await error_of(api, WRITE), OutcomeUnknownError)
        assert len(wire.requests) == 2


async def test_an_answer_nested_without_end_is_no_answer() -> None:
    body = b"[" * 200_000
    said = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    async with listening(lambda exchange: exchange.raw(said)) as wire, calling(wire.host) as api:
        assert (await error_of(api, READ)).code == "UnreadableAnswer"


async def test_a_signed_request_does_not_follow_a_redirect() -> None:
    async with listening(Exchange.answer) as elsewhere:

        def lead_away(exchange: Exchange) -> None:
            exchange.answer(status="307 Temporary Redirect", headers=f"Location: http://{elsewhere.host}/\r\n")

        async with listening(lead_away) as wire, calling(wire.host) as api:
            error = await error_of(api, READ)
            assert isinstance(error, ServiceError)
            assert (error.code, error.http_status) == ("HTTP307", 307)
        assert not elsewhere.requests


async def test_cookies_are_not_kept() -> None:
    async with (
        listening(lambda exchange: exchange.answer(headers="Set-Cookie: a=b; Path=/\r\n")) as wire,
        calling(wire.host.replace("127.0.0.1", "localhost")) as api,  # An address without a name has no cookies.
    ):
        for _ in range(2):
            await api.send(READ, SOMEBODY)
        assert not any("cookie:" in exchange.head.lower() for exchange in wire.requests)


async def test_what_the_service_sent_arrives_as_it_was_sent() -> None:
    sent = {"Trails": [{"TrailName": "a\r\n\u202eb", "CreatorID": 2**60 + 1, "Later": 2**60 + 1, "TrailType": {}}]}
    async with listening(lambda exchange: exchange.answer(sent)) as wire, calling(wire.host) as api:
        reply = await api.send(READ, SOMEBODY)
    assert reply.request_id == "r-1"
    assert isinstance(reply.result, DescribeTrails.result)
    [trail] = reply.result.trails or []
    assert trail is not None
    assert (trail.trail_name, trail.creator_id, trail.trail_type) == ("a\r\n\u202eb", str(2**60 + 1), None)
    assert trail.model_extra == {"Later": 2**60 + 1}
    assert reply.result.model_extra == {"Unexpected": {"Trails.0.TrailType": {}}}


async def test_only_an_action_can_be_sent() -> None:
    async with calling("127.0.0.1:1") as api:
        with pytest.raises(TypeError, match="str is not an action"):
            await api.send("DescribeTrails", SOMEBODY)  # type: ignore[arg-type]


async def test_credentials_share_no_connection() -> None:
    async with listening(Exchange.answer) as wire, calling(wire.host) as api:
        for _ in range(3):
            for key in "ab":
                await api.send(READ, Credential(key, "secret"))
        assert wire.opened == 2


async def test_an_idle_client_is_let_go_by_the_clock_and_its_keys_with_it() -> None:
    idle, busy = Credential("AKLTidle", token_hex()), Credential("AKLTbusy", token_hex())
    secret, seen = idle.secret_key, weakref.ref(idle)
    async with listening(Exchange.answer) as wire, calling(wire.host, lifetime=0.4) as api:
        await api.send(READ, idle)
        del idle
        begun = monotonic()
        while wire.closed == 0:
            await api.send(READ, busy)
            await anyio.sleep(0.02)
        assert monotonic() - begun > 0.3, "not before its time"
        for _ in range(5):
            await api.send(READ, busy)
        assert (wire.opened, wire.closed) == (2, 1), "a client that is used is kept"
        gc.collect()
        assert seen() is None
        assert not [holder for holder in gc.get_referrers(secret) if isinstance(holder, dict)]
        await until(lambda: wire.closed == 2)
        await api.send(READ, busy)
        assert wire.opened == 3


async def test_a_client_whose_call_takes_long_is_not_let_go() -> None:
    async def slowly(exchange: Exchange) -> None:
        await anyio.sleep(0.3)
        exchange.answer()

    async with listening(slowly) as wire, calling(wire.host, lifetime=0.1) as api:
        await api.send(READ, SOMEBODY)
        await until(lambda: wire.closed == 1)
        assert len(wire.requests) == 1


async def test_a_client_that_has_to_go_finishes_its_call_first() -> None:
    last = asyncio.Event()

    def react(exchange: Exchange) -> Any:
        return waits(exchange) if "AKLTfirst" in exchange.head else exchange.answer()

    async def waits(exchange: Exchange) -> None:
        await last.wait()
        exchange.answer()

    async with listening(react) as wire, calling(wire.host) as api:
        async with anyio.create_task_group() as group:
            group.start_soon(api.send, READ, Credential("AKLTfirst", "secret"))
            await until(lambda: len(wire.requests) == 1)
            for number in range(MOST_CLIENTS):
                await api.send(READ, Credential(f"AKLT{number}", "secret"))
            assert wire.closed == 0
            last.set()
        await until(lambda: wire.closed == 1)


async def test_closing_closes_every_connection_and_a_later_call_begins_anew() -> None:
    async with listening(Exchange.answer) as wire, calling(wire.host) as api:
        for key in "ab":
            await api.send(READ, Credential(key, "secret"))
        await api.close()
        await until(lambda: wire.closed == 2)
        await api.send(READ, SOMEBODY)
        assert wire.opened == 3


@pytest.mark.parametrize(
    ("host", "facts", "code"),
    [
        ("openapi.invalid", {}, "UnknownHost"),
        ("127.0.0.1:{closed}", {}, "ConnectionRefused"),
        ("127.0.0.1:{silent}", {"scheme": "https", "attempt_timeout": 0.3}, "ConnectTimeout"),
        ("127.0.0.1:{silent}", {"scheme": "https", "ca_bundle": "/nowhere/roots.pem"}, "TLSFailure"),
    ],
)
async def test_a_write_that_found_no_connection_is_not_in_doubt(host: str, facts: dict[str, Any], code: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        host = host.format(silent=silent.getsockname()[1], closed=closed.getsockname()[1])
        async with calling(host, deadline=0.3, **facts) as api:
            error = await error_of(api, WRITE)
    assert isinstance(error, NotSentError)
    assert error.code == code
    assert error.hint


async def test_whether_something_answers_is_asked_without_a_key() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        async with calling(f"127.0.0.1:{closed.getsockname()[1]}") as api:
            assert await api.unreachable() == "the OpenAPI endpoint does not answer"
    async with listening(lambda exchange: exchange.answer(status="403 Forbidden")) as wire, calling(wire.host) as api:
        assert await api.unreachable() is None
        [asked] = wire.requests
        assert "authorization" not in asked.head.lower()
        await until(lambda: wire.closed == 1)


async def test_the_provider_chain_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOLCENGINE_ACCESS_KEY", "AKLTfromchain")
    monkeypatch.setenv("VOLCENGINE_SECRET_KEY", "thesecretfromchain")
    echo = "AKLTfromchain thesecretfromchain"

    def refuse(exchange: Exchange) -> None:
        body = json.dumps({"ResponseMetadata": {"Error": {"Code": "Odd", "Message": echo}}})
        exchange.raw(f"HTTP/1.1 400 Bad Request\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())

    async with listening(refuse) as wire, calling(wire.host) as api:
        error = await error_of(api, READ, ProviderChain())
        assert "Credential=AKLTfromchain/" in wire.requests[0].head
    assert "thesecretfromchain" not in error.message


async def test_a_provider_chain_that_finds_nothing_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOLCENGINE_ECS_METADATA_DISABLED", "true")
    monkeypatch.setenv("VOLCENGINE_CLI_CONFIG_FILE", os.devnull)
    for name in ("VOLCENGINE_ACCESS_KEY", "VOLCENGINE_SECRET_KEY", "VOLCENGINE_OIDC_ROLE_TRN"):
        monkeypatch.delenv(name, raising=False)
    async with calling("127.0.0.1:1") as api:
        error = await error_of(api, WRITE, ProviderChain())
    assert error.code == "CredentialsMissing"
    assert "VOLCENGINE_ACCESS_KEY" in error.hint


@pytest.mark.skipif(sys.platform == "win32", reason="needs a file that takes for ever to read")
async def test_a_provider_chain_that_hangs_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forever: Callable[[Path], AbstractAsyncContextManager[None]]
) -> None:
    monkeypatch.setenv("VOLCENGINE_OIDC_ROLE_TRN", "trn:iam::2100000000:role/somebody")
    monkeypatch.setenv("VOLCENGINE_OIDC_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("VOLCENGINE_ECS_METADATA_DISABLED", "true")
    monkeypatch.setenv("VOLCENGINE_CLI_CONFIG_FILE", os.devnull)
    for name in ("VOLCENGINE_ACCESS_KEY", "VOLCENGINE_SECRET_KEY"):
        monkeypatch.delenv(name, raising=False)
    async with (
        forever(tmp_path / "token"),
        listening(Exchange.answer) as wire,
        calling(wire.host, attempt_timeout=0.3, deadline=0.3) as api,
        anyio.create_task_group() as group,
    ):
        errors: list[VolcengineError] = []

        async def chained() -> None:
            errors.append(await error_of(api, WRITE, ProviderChain()))

        group.start_soon(chained)
        await api.send(READ, SOMEBODY)
        assert not errors, "the other call did not wait for the chain"
        await until(lambda: bool(errors))
        assert isinstance(errors[0], NotSentError)
        assert errors[0].code == "CredentialsTimeout"


@pytest.fixture
def forever() -> Callable[[Path], AbstractAsyncContextManager[None]]:
    """A file whose reader waits until the block is over."""

    @asynccontextmanager
    async def waiting(path: Path) -> AsyncIterator[None]:
        os.mkfifo(path)
        over = threading.Event()

        def end() -> None:
            over.wait()
            os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))

        writer = threading.Thread(target=end)
        writer.start()
        try:
            yield
        finally:
            over.set()
            writer.join()

    return waiting
