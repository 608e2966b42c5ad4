"""Connections to Volcengine over TLS: a handshake for each credential, not for each call, and trust is read once."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import patch

import httpx2
import pytest
from support.certificates import self_signed
from support.http import ACCEPT, PATIENCE, answer_of, bearer, in_thread, request
from volcengine_mcp.api.sending import tls_context
from volcengine_sandbox import Identity, Sandbox

CALL = request("tools/call", "ListAccounts")


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[tuple[Sandbox, str]]:
    """A Volcengine behind TLS, and the root to trust."""
    files = self_signed(tmp_path)
    with Sandbox(tls=files) as box:
        yield box, files[0]


def call(client: httpx2.Client, who: Identity) -> None:
    """A call that must succeed."""
    answer = answer_of(client.post("/mcp", json=CALL, headers={**ACCEPT, **bearer(who)}))
    assert not answer["result"]["isError"], answer


def test_a_credential_shakes_hands_once(secure: tuple[Sandbox, str]) -> None:
    box, root = secure
    tls_context.cache_clear()
    read: list[object] = []
    load = ssl.SSLContext.load_verify_locations

    def counted(context: ssl.SSLContext, *args: object, **given: object) -> None:
        if root in (*args, *given.values()):
            read.append(context)
        load(context, *args, **given)  # type: ignore[arg-type]

    people = [box.administrator, box.reader, box.temporary]
    with (
        patch.object(ssl.SSLContext, "load_verify_locations", counted),
        in_thread(box.endpoint, ca_bundle=root) as url,
        httpx2.Client(base_url=url, timeout=PATIENCE) as client,
    ):
        settings_checked = len(read)
        for _ in range(10):
            for who in people:
                call(client, who)
    assert len(box.requests) == 30
    assert box.handshakes == len(people)
    assert len(read) - settings_checked == 1


def test_connections_are_reused_under_load(secure: tuple[Sandbox, str]) -> None:
    """At most as many handshakes as calls were ever under way at once."""
    box, root = secure
    at_once = 8
    with (
        in_thread(box.endpoint, ca_bundle=root) as url,
        httpx2.Client(base_url=url, timeout=PATIENCE) as client,
        ThreadPoolExecutor(at_once) as pool,
    ):
        list(pool.map(lambda _: call(client, box.administrator), range(100)))
    assert len(box.requests) == 100
    assert box.handshakes <= at_once


def test_server_that_cannot_prove_itself_gets_no_key(secure: tuple[Sandbox, str]) -> None:
    box, _ = secure
    with in_thread(box.endpoint) as url, httpx2.Client(base_url=url, timeout=PATIENCE) as client:
        answer = answer_of(client.post("/mcp", json=CALL, headers={**ACCEPT, **bearer(box.administrator)}))
    assert answer["result"]["structuredContent"]["Code"] == "TLSFailure"
    assert box.requests == []
