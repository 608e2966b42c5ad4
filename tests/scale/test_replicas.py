"""Two replicas behind nginx: who serves what, and what happens to calls when one of them goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from signal import SIGKILL, SIGTERM

import httpx2
import pytest
from scale.machines import Nginx, site
from support.http import ACCEPT, INITIALIZE, LISTING, Running, answer_of, bearer, request, stream
from support.servers import eventually
from volcengine_sandbox import Fault, Identity, Sandbox

CALL = request("tools/call", "ListAccounts", number=7)


@pytest.fixture
def box() -> Iterator[Sandbox]:
    """A Volcengine."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def replicated(tmp_path: Path, box: Sandbox) -> Iterator[tuple[Nginx, list[Running]]]:
    """Two replicas for header credentials."""
    with site(tmp_path, box) as running:
        yield running


def post(client: httpx2.Client, who: Identity, body: dict[str, object]) -> httpx2.Response:
    """Send a message to `/mcp`."""
    return client.post("/mcp", json=body, headers={**ACCEPT, **bearer(who)})


def wait_for_calls(replicas: list[Running], number: int) -> None:
    """Wait until so many calls are under way in each replica."""
    line = f"mcp_tool_calls_in_flight {float(number)}\n"
    eventually(lambda: all(line in httpx2.get(f"{replica.url}/metrics").text for replica in replicas))


def attempt(client: httpx2.Client, who: Identity, body: dict[str, object]) -> dict[str, object] | None:
    """The result of a call, or None when the client sees that it broke off: 502, or a stream without an end."""
    try:
        answer = post(client, who, body)
    except httpx2.RemoteProtocolError:
        return None
    assert answer.status_code in (200, 502)
    result: dict[str, object] | None = answer_of(answer)["result"] if answer.is_success else None
    return result


def test_any_replica_serves_http_and_one_serves_a_stream(replicated: tuple[Nginx, list[Running]], box: Sandbox) -> None:
    nginx, replicas = replicated
    with nginx.client() as client:
        for _ in range(10):
            assert answer_of(post(client, box.administrator, CALL))["result"]["structuredContent"]["AccountList"]
        eventually(lambda: len(nginx.served) >= 10)
        assert sorted(Counter(nginx.served).values()) == [5, 5]

        people = [box.administrator, box.reader, box.temporary, box.outsider, box.member]
        people += [box.identity_of(account) for account in list(box.state.accounts)[1:8]]
        for who in people:
            with stream(client, bearer(who)) as opened:
                for body, number in ((INITIALIZE, 0), (CALL, 7)):
                    assert client.post(opened.endpoint, json=body, headers=bearer(who)).status_code == 202
                    assert opened.message()["id"] == number
        calls = [sum(call["tool"] == "ListAccounts" for call in replica.calls()) for replica in replicas]
        assert sum(calls) == 10 + len(people)
        assert min(calls) > 5, "all streams went to one replica"


def test_door_to_the_outside_shows_what_it_should(replicated: tuple[Nginx, list[Running]], box: Sandbox) -> None:
    nginx, _ = replicated
    with nginx.client() as client:
        assert client.get("/healthz").status_code == 200
        assert client.get("/metrics").status_code == 404
        assert client.get("/readyz").status_code == 404
        assert client.post("/mcp", json=LISTING).status_code == 401
        assert client.get("/auth/oauth/callback?code=secret").status_code == 404
        refused = client.post("/mcp", json=LISTING, headers={**bearer(box.reader), "Origin": "https://evil.example"})
        assert refused.status_code == 403
        assert "max-age" in refused.headers["strict-transport-security"]
        too_large = client.post("/mcp", content=b" " * 2_000_000, headers=bearer(box.reader))
        assert too_large.status_code == 413
    plain = httpx2.post(f"{nginx.plain_url}/mcp", json=LISTING, headers=bearer(box.reader))
    assert plain.status_code == 403
    eventually(lambda: "/auth/oauth/callback 404" in (nginx.folder / "access.log").read_text())
    assert "code=secret" not in (nginx.folder / "access.log").read_text()


def test_replica_that_drains_costs_no_call(replicated: tuple[Nginx, list[Running]], box: Sandbox) -> None:
    """Under load, without a client's repeating anything: what the drained replica refuses, the other one serves."""
    nginx, replicas = replicated
    box.inject(Fault("latency", delay=1.0, times=8))
    with nginx.client() as client, ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(post, client, box.administrator, CALL) for _ in range(8)]
        wait_for_calls(replicas, 4)
        replicas[0].send(SIGTERM)
        calls += [pool.submit(post, client, box.administrator, CALL) for _ in range(48)]
        answers = [call.result() for call in calls]
        assert replicas[0].end() == 0
        answers += [post(client, box.administrator, CALL) for _ in range(4)]
    assert {answer.status_code for answer in answers} == {200}
    assert all(not answer_of(answer)["result"].get("isError") for answer in answers)
    assert len(box.requests) == len(answers)


def test_replica_that_dies_loses_only_what_the_client_may_repeat(
    replicated: tuple[Nginx, list[Running]], box: Sandbox
) -> None:
    """Reads that were under way break off, and succeed when repeated; nothing else is disturbed."""
    nginx, replicas = replicated
    box.inject(Fault("latency", delay=1.0, times=8))
    with nginx.client() as client, ThreadPoolExecutor(8) as pool:
        under_way = [pool.submit(attempt, client, box.administrator, CALL) for _ in range(8)]
        wait_for_calls(replicas, 4)
        replicas[1].send(SIGKILL)
        later = [pool.submit(attempt, client, box.administrator, CALL) for _ in range(24)]
        results = [call.result() for call in under_way]
        assert results.count(None) == 4
        # A later call may have reached the replica in its last moment, and may be repeated as well.
        results += [call.result() for call in later]
        replicas[1].process.wait()
        results += [attempt(client, box.administrator, CALL) for result in results if result is None]
    whole = [result for result in results if result is not None]
    assert len(whole) == 8 + 24
    assert all(not result.get("isError") for result in whole)


def test_write_under_way_in_a_replica_that_dies_is_not_done_twice(
    replicated: tuple[Nginx, list[Running]], box: Sandbox
) -> None:
    nginx, replicas = replicated
    roots = answer_of(post(nginx.client(), box.administrator, request("tools/call", "ListOrganizationalUnits")))
    root = roots["result"]["structuredContent"]["SubUnitList"][0]["ID"]
    box.inject(Fault("latency", action="CreateOrganizationalUnit", delay=1.0))
    with nginx.client() as client, ThreadPoolExecutor(8) as pool:
        units = [f"unit-{number}" for number in range(8)]
        arguments = [{"ParentId": root, "Name": name} for name in units]
        bodies = [request("tools/call", "CreateOrganizationalUnit", given) for given in arguments]
        under_way = [pool.submit(attempt, client, box.administrator, body) for body in bodies]
        wait_for_calls(replicas, 4)
        replicas[0].send(SIGKILL)
        results = [call.result() for call in under_way]
    assert results.count(None) == 4
    organization = box.state.organization_of(box.administrator.account_id)
    assert organization
    made = Counter(unit.name for unit in organization.units.values())
    assert all(made[name] <= 1 for name in units)


def test_people_of_a_dead_replica_find_the_other(replicated: tuple[Nginx, list[Running]], box: Sandbox) -> None:
    nginx, replicas = replicated
    headers = bearer(box.administrator)

    def sessions(replica: Running) -> bool:
        return "mcp_sse_sessions 1.0" in httpx2.get(f"{replica.url}/metrics").text

    with nginx.client() as client:
        with stream(client, headers) as opened:
            mine, other = replicas if sessions(replicas[0]) else reversed(replicas)
            mine.send(SIGKILL)
            mine.process.wait()
            assert client.post(opened.endpoint, json=INITIALIZE, headers=headers).status_code == 404
        with stream(client, headers) as again:
            assert client.post(again.endpoint, json=INITIALIZE, headers=headers).status_code == 202
            assert again.message()["id"] == 0
            assert sessions(other)
