"""What those who run a server see, and that neither keys nor people are in it. The server writes at debug level."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from datetime import datetime

import httpx2
import pytest
from support.http import (
    ACCEPT,
    INITIALIZE,
    LISTING,
    PATIENCE,
    Running,
    answer_of,
    bearer,
    in_thread,
    raw,
    request,
    running,
    stream,
)
from volcengine_sandbox import Fault, Identity, Sandbox

UNIT = {"ParentId": "1", "Name": "confidential-unit-name"}


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    """A Volcengine of this module's own."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def talkative(box: Sandbox) -> Iterator[Running]:
    """A server that says all it can, after everything that can happen has happened to it."""
    keys = {"VOLCENGINE_ACCESS_KEY": box.member.access_key, "VOLCENGINE_SECRET_KEY": box.member.secret_key}
    with (
        running(box.endpoint, MCP_SERVER_LOG_LEVEL="debug", MCP_SERVER_STATELESS="false", **keys) as server,
        httpx2.Client(base_url=server.url, timeout=PATIENCE) as client,
    ):
        for who in everybody(box):
            go_through_everything(server, client, box, who)
        yield server


def everybody(box: Sandbox) -> list[Identity]:
    """All whose keys are used, good and bad."""
    wrong = Identity("wrong", box.reader.access_key, "wrong-secret-of-a-known-key", box.reader.account_id)
    return [box.administrator, box.temporary, box.expired, box.disabled, box.outsider, wrong]


def go_through_everything(server: Running, client: httpx2.Client, box: Sandbox, who: Identity) -> None:
    """Both transports; calls that succeed, fail upstream, break off and are wrong; and requests that are refused."""
    headers = bearer(who)
    token = headers["Authorization"].removeprefix("Bearer ")
    opened = client.post("/mcp", json=INITIALIZE, headers={**ACCEPT, **headers})
    session = {"Mcp-Session-Id": opened.headers["mcp-session-id"], **ACCEPT, **headers}
    with stream(client, headers) as sse:
        client.post(sse.endpoint, json=INITIALIZE, headers=headers)
        sse.message()
        client.post(sse.endpoint, json=request("tools/call", "ListAccounts"), headers=headers)
        sse.message()
        client.post(sse.endpoint, content=b"{not JSON", headers=headers)
        client.post(sse.endpoint, json=LISTING, headers=bearer(box.reader))
    for kind in ("throttle", "error", "not_json", "reset_before", "reset_after", "truncated", "no_metadata"):
        box.inject(Fault(kind, status=403, message=f"refused for {who.access_key} {who.secret_key}", times=4))
        client.post("/mcp", json=request("tools/call", "CreateOrganizationalUnit", UNIT), headers=session)
        box.clear_faults()
    client.post("/mcp", json=request("tools/call", "NoSuchTool", {"x": 1}), headers=session)
    client.post("/mcp", json=request("tools/call", "ListAccounts", {"NoSuchField": 1}), headers=session)
    client.post("/mcp", json=LISTING, headers=session | {"Mcp-Session-Id": "0" * 32})
    client.post("/mcp", content=b"[1", headers=session)
    client.post("/mcp", json=LISTING, headers={**ACCEPT, "Authorization": f"Basic {token}"})
    client.post("/mcp", json=LISTING, headers={**ACCEPT, "Authorization": f"Bearer {token[:-3]}!"})
    client.get("/mcp", headers={"Origin": "https://evil.example", **headers})
    client.delete("/mcp", headers=session)
    raw(server.url, f"GET /sse HTTP/1.1\r\nAuthorization: Bearer {token}\r\nHost\r\n\r\n".encode())


def secrets(box: Sandbox) -> dict[str, str]:
    """Every value that nobody may see, in every form in which it was on its way."""
    found = {}
    for who in [*everybody(box), box.member, box.reader]:
        token = bearer(who)["Authorization"].removeprefix("Bearer ")
        found[f"secret key of {who.name}"] = who.secret_key
        found[f"secret key of {who.name} in Base64"] = base64.b64encode(who.secret_key.encode()).decode()[:-4]
        found[f"header of {who.name}"] = token
        found[f"part of the header of {who.name}"] = token[60:120]
        if who.session_token:
            found[f"session token of {who.name}"] = who.session_token
    return found


def test_no_secret_is_in_the_log(talkative: Running, box: Sandbox) -> None:
    talkative.wait_for(" volcengine_mcp.calls: ")
    log = talkative.log
    assert " DEBUG " in log
    assert "confidential-unit-name" not in "".join(line for line in log.splitlines() if "volcengine_mcp" in line)
    assert [name for name, value in secrets(box).items() if value in log] == []


def test_no_access_key_is_in_the_log(talkative: Running, box: Sandbox) -> None:
    leaks = [line[:300] for line in talkative.log.splitlines() for who in everybody(box) if who.access_key in line]
    assert leaks == []


def test_a_call_is_one_line_with_all_that_an_operator_needs(talkative: Running, box: Sandbox) -> None:
    calls = talkative.calls()
    for call in calls:
        assert set(call) == {
            "time",
            "identity",
            "tool",
            "effect",
            "outcome",
            "request_id",
            "duration_ms",
            "arguments_sha256",
        }
        assert datetime.fromisoformat(call["time"]).tzinfo
        assert re.fullmatch(r"[0-9a-f]{8}", call["identity"])
        assert re.fullmatch(r"[0-9a-f]{16}", call["arguments_sha256"])
        assert call["duration_ms"] >= 0
    kinds = {(call["tool"], call["effect"], call["outcome"]) for call in calls}
    assert {
        ("ListAccounts", "read", "ok"),
        ("ListAccounts", "read", "InvalidAccessKey"),
        ("ListAccounts", "read", "SignatureDoesNotMatch"),
        ("CreateOrganizationalUnit", "write", "AccountFlowLimitExceeded"),
        ("CreateOrganizationalUnit", "write", "ConnectionLost"),
        ("unknown", "none", "UnknownTool"),
    } <= kinds
    good = next(call for call in calls if call["outcome"] == "ok")
    assert len(good["request_id"]) >= 30
    # A key with another secret is somebody else's session, though it has the same name in the log.
    assert len({call["identity"] for call in calls}) == len({who.access_key for who in everybody(box)})


def test_metrics_count_calls_and_name_nobody(talkative: Running, box: Sandbox) -> None:
    text = httpx2.get(f"{talkative.url}/metrics").text
    assert re.search(r'^mcp_tool_calls_total\{outcome="ok",tool="ListAccounts"\} \d', text, re.MULTILINE)
    assert re.search(r'^mcp_tool_call_seconds_bucket\{le="0.1",tool="ListAccounts"\}', text, re.MULTILINE)
    assert re.search(r'^mcp_upstream_throttles_total\{tool="CreateOrganizationalUnit"\} \d', text, re.MULTILINE)
    assert re.search(r'^mcp_upstream_errors_total\{tool="ListAccounts"\} \d', text, re.MULTILINE)
    assert "mcp_tool_calls_in_flight 0.0" in text
    assert set(re.findall(r'(\w+)="', text)) == {"outcome", "tool", "le"}
    assert set(re.findall(r'outcome="(\w+)"', text)) <= {
        *("ok", "refused", "no_answer", "invalid", "unauthorized", "cancelled", "failed"),
    }
    private = [value for who in everybody(box) for value in (who.access_key, who.account_id, who.name)]
    assert not [value for value in (*private, *secrets(box).values(), "203.0.113") if value in text]


def test_strangers_cannot_grow_the_metrics(talkative: Running, box: Sandbox) -> None:
    def series() -> int:
        return len(httpx2.get(f"{talkative.url}/metrics").text.splitlines())

    with httpx2.Client(base_url=talkative.url, timeout=PATIENCE) as client:
        headers = {**ACCEPT, **bearer(box.administrator)}
        opened = client.post("/mcp", json=INITIALIZE, headers=headers)
        session = headers | {"Mcp-Session-Id": opened.headers["mcp-session-id"]}
        client.post("/mcp", json=request("tools/call", "invented"), headers=session)
        before = series()
        for number in range(50):
            client.post("/mcp", json=request("tools/call", f"invented-{number}"), headers=session)
        assert series() == before


def test_readiness_follows_the_endpoint_and_is_remembered() -> None:
    with Sandbox() as gone:
        endpoint = gone.endpoint
    with in_thread(endpoint) as url, httpx2.Client(base_url=url, timeout=PATIENCE) as client:
        unready = client.get("/readyz")
        assert (unready.status_code, unready.json()["status"]) == (503, "unready")
        assert endpoint not in unready.text
        assert client.get("/healthz").status_code == 200
        port = int(endpoint.rpartition(":")[2])
        with Sandbox(port=port):
            # Asked again at once, the answer is still the old one: probes do not become a load of their own.
            assert client.get("/readyz").status_code == 503
    with Sandbox() as alive, in_thread(alive.endpoint) as url, httpx2.Client(base_url=url, timeout=PATIENCE) as client:
        assert {client.get("/readyz").status_code for _ in range(20)} == {200}
        assert alive.connections == 1
        assert alive.requests == [] or {record.access_key for record in alive.requests} == {""}


def test_answers_of_the_tools_hold_no_secret(talkative: Running, box: Sandbox) -> None:
    """An error that quotes the keys, as a proxy's or the service's may, is masked on its way to the model."""
    with httpx2.Client(base_url=talkative.url, timeout=PATIENCE) as client:
        for who in (box.administrator, box.temporary):
            box.inject(Fault("error", status=403, message=f"{who.access_key} {who.secret_key} {who.session_token}"))
            headers = {**ACCEPT, **bearer(who)}
            opened = client.post("/mcp", json=INITIALIZE, headers=headers)
            session = headers | {"Mcp-Session-Id": opened.headers["mcp-session-id"]}
            result = answer_of(client.post("/mcp", json=request("tools/call", "ListAccounts"), headers=session))
            assert result["result"]["isError"]
            said = str(result)
            assert not [
                value for value in (who.access_key, who.secret_key, who.session_token) if value and value in said
            ]
            box.clear_faults()
