"""Whose session, whose keys: nobody rides another's session, and no two people's calls are ever mixed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import anyio
import httpx2
import pytest
from mcp_types import CallToolRequest, CallToolRequestParams, CallToolResult
from support.http import (
    ACCEPT,
    INITIALIZE,
    LISTING,
    PATIENCE,
    Running,
    answer_of,
    bearer,
    connected,
    in_thread,
    request,
    running,
    stream,
)
from volcengine_sandbox import Identity, Sandbox

SESSIONS = 200


def impostors(sandbox: Sandbox) -> dict[str, dict[str, str]]:
    """Headers of people who are not the administrator, some of them very nearly."""
    real = sandbox.administrator
    key, secret, account = real.access_key, real.secret_key, real.account_id
    return {
        "nobody": {},
        "somebody else": bearer(sandbox.outsider),
        "the same key with another secret": bearer(Identity("x", key, f"{secret}x", account)),
        "the same key with a session token": bearer(Identity("x", key, secret, account, "STSx")),
        "parts that join to the same text": bearer(Identity("x", key + secret[:4], secret[4:], account)),
    }


@pytest.mark.smoke
def test_sse_session_serves_only_the_credential_that_opened_it(http: httpx2.Client, sandbox: Sandbox) -> None:
    headers = bearer(sandbox.administrator)
    before = len(sandbox.requests)
    with stream(http, headers) as opened:
        for who, foreign in impostors(sandbox).items():
            answer = http.post(opened.endpoint, json=request("tools/call", "ListAccounts", number=9), headers=foreign)
            assert answer.status_code == (404 if foreign else 401), who
            assert answer.text == "Could not find session" or not foreign, who
        unknown = f"/messages/?session_id={'0' * 32}"
        assert http.post(unknown, json=LISTING, headers=headers).text == "Could not find session"
        assert http.post(opened.endpoint, json=INITIALIZE, headers=headers).status_code == 202
        assert opened.message()["id"] == 0
    assert len(sandbox.requests) == before


def test_stateful_session_serves_only_the_credential_that_opened_it(sandbox: Sandbox) -> None:
    headers = {**ACCEPT, **bearer(sandbox.administrator)}
    with (
        in_thread(sandbox.endpoint, stateless=False) as url,
        httpx2.Client(base_url=url, timeout=PATIENCE) as client,
    ):
        opened = client.post("/mcp", json=INITIALIZE, headers=headers)
        session = {"Mcp-Session-Id": opened.headers["mcp-session-id"]}
        for who, foreign in impostors(sandbox).items():
            for method in ("POST", "GET", "DELETE"):
                answer = client.request(method, "/mcp", json=LISTING, headers={**ACCEPT, **foreign, **session})
                assert answer.status_code == (404 if foreign else 401), (who, method)
        assert client.post("/mcp", json=LISTING, headers=headers | session).status_code == 200


@pytest.mark.smoke
def test_stateless_server_gives_no_session_to_ride(http: httpx2.Client, sandbox: Sandbox) -> None:
    headers = {**ACCEPT, **bearer(sandbox.administrator)}
    opened = http.post("/mcp", json=INITIALIZE, headers=headers)
    assert "mcp-session-id" not in opened.headers
    ridden = {"Mcp-Session-Id": "0" * 32, **ACCEPT, **bearer(sandbox.outsider)}
    answer = http.post("/mcp", json=request("tools/call", "DescribeOrganization"), headers=ridden)
    assert sandbox.requests[-1].access_key == sandbox.outsider.access_key
    assert answer_of(answer)["result"]["isError"]


@pytest.fixture(scope="module")
def two_companies() -> Iterator[tuple[Running, Sandbox, dict[str, str]]]:
    """A server, its Volcengine, and the account whose organization each access key sees: two organizations."""
    with Sandbox() as box, running(box.endpoint) as process:
        founding = request("tools/call", "CreateOrganization")
        founded = httpx2.post(f"{process.url}/mcp", json=founding, headers={**ACCEPT, **bearer(box.outsider)})
        assert not answer_of(founded)["result"]["isError"], founded.text
        group = box.administrator.account_id
        members = [box.identity_of(account) for account in list(box.state.accounts)[1:6]]
        people = [box.administrator, box.reader, box.temporary, box.member, *members]
        owners = {who.access_key: group for who in people if who.account_id != box.outsider.account_id}
        yield process, box, owners | {box.outsider.access_key: box.outsider.account_id}


def somebody(box: Sandbox, keys: Sequence[str], number: int) -> Identity:
    """Every second visitor is of the second company, the others take turns."""
    key = keys[-1] if number % 2 else keys[number // 2 % (len(keys) - 1)]
    found = box.state.keys.get(key)
    assert found
    return found


@pytest.mark.anyio
async def test_interleaved_sessions_see_only_their_own_account(
    two_companies: tuple[Running, Sandbox, dict[str, str]],
) -> None:
    server, box, owners = two_companies
    before = len(box.requests)
    expected: Counter[str] = Counter()
    wrong: list[str] = []
    opened = 0
    everybody_in = anyio.Event()
    call = request("tools/call", "DescribeOrganization")
    same = CallToolRequest(params=CallToolRequestParams(name="DescribeOrganization", arguments={}))

    async def visit(number: int) -> None:
        nonlocal opened
        who = somebody(box, list(owners), number)

        async def see(answer: dict[str, Any]) -> None:
            expected[who.access_key] += 1
            if answer["Organization"]["Owner"] != owners[who.access_key]:
                wrong.append(f"{who.name}: {answer}")

        async def together() -> None:
            nonlocal opened
            opened += 1
            if opened == SESSIONS:
                everybody_in.set()
            await everybody_in.wait()

        if number // 2 % 2:
            await together()
            for _ in range(2):
                sent = await shared.post("/mcp", json=call, headers={**ACCEPT, **bearer(who)})
                await see(answer_of(sent)["result"]["structuredContent"])
            return
        async with connected(server.url, "sse", bearer(who)) as client:
            await together()
            for _ in range(2):
                await see((await client.session.send_request(same, CallToolResult)).structured_content or {})

    with anyio.fail_after(PATIENCE * 3):
        async with (
            httpx2.AsyncClient(base_url=server.url, timeout=PATIENCE) as shared,
            anyio.create_task_group() as visits,
        ):
            for number in range(SESSIONS):
                visits.start_soon(visit, number)
    assert not wrong, wrong[:3]
    assert Counter(record.access_key for record in box.requests[before:]) == expected
    assert {record.status for record in box.requests[before:]} == {200}


@pytest.mark.anyio
async def test_one_connection_with_many_peoples_requests_is_not_one_person(
    two_companies: tuple[Running, Sandbox, dict[str, str]],
) -> None:
    """A proxy sends everybody's requests through the same connections."""
    server, box, owners = two_companies
    answers: dict[int, dict[str, Any]] = {}
    few = httpx2.Limits(max_connections=2)
    async with httpx2.AsyncClient(base_url=server.url, timeout=PATIENCE, limits=few) as proxy:

        async def one(number: int) -> None:
            headers = {**ACCEPT, **bearer(somebody(box, list(owners), number))}
            call = request("tools/call", "DescribeOrganization", number=number)
            answers[number] = answer_of(await proxy.post("/mcp", json=call, headers=headers))

        async with anyio.create_task_group() as all_at_once:
            for number in range(60):
                all_at_once.start_soon(one, number)
    assert len(answers) == 60
    for number, answer in answers.items():
        assert answer["id"] == number
        organization = answer["result"]["structuredContent"]["Organization"]
        assert organization["Owner"] == owners[somebody(box, list(owners), number).access_key]


def test_equal_keys_share_one_connection_and_others_do_not() -> None:
    with (
        Sandbox() as box,
        in_thread(box.endpoint) as url,
        httpx2.Client(base_url=url, timeout=PATIENCE) as client,
    ):
        for _ in range(5):
            for who in (box.administrator, box.reader):
                headers = {**ACCEPT, **bearer(who)}
                assert client.post("/mcp", json=request("tools/call", "ListAccounts"), headers=headers).is_success
        assert len(box.requests) == 10
        assert box.connections == 2


@pytest.fixture
def anyio_backend() -> str:
    """The event loop that the servers use."""
    return "asyncio"
