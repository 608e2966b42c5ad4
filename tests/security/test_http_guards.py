"""Who asks from where: Host, Origin, cross-origin pages, and what browsers are told. Every route, every time."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from support.http import ACCEPT, LISTING, PATIENCE, Running, bearer, in_thread, raw, status_of
from volcengine_sandbox import Sandbox

ROUTES = ("/sse", "/messages/", "/mcp", "/healthz", "/readyz", "/metrics", "/no-such-page", "/")
APP = "https://app.example.com"


@pytest.fixture(scope="module")
def opened(sandbox: Sandbox) -> Iterator[httpx2.Client]:
    """A server that has a public address and a friendly web application."""
    with (
        in_thread(
            sandbox.endpoint,
            allowed_origins=(APP,),
            allowed_hosts=("internal.example.com",),
            base_url="https://mcp.example.com",
        ) as url,
        httpx2.Client(base_url=url, timeout=PATIENCE) as client,
    ):
        yield client


def refused(http: httpx2.Client, route: str, headers: dict[str, str]) -> httpx2.Response:
    """The answer to a GET that must be a refusal; a stream without an end is not waited for."""
    with http.stream("GET", route, headers=headers) as answer:
        assert answer.status_code >= 400
        answer.read()
    return answer


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8888", "evil@x", ""]
)
def test_foreign_host_is_refused_on_every_route(http: httpx2.Client, sandbox: Sandbox, route: str, host: str) -> None:
    answer = refused(http, route, {"Host": host, **bearer(sandbox.administrator)})
    assert answer.status_code == 400
    assert host not in answer.text or not host


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8888", "[::1]:8888", "[::1]"])
def test_names_of_this_machine_are_answered(http: httpx2.Client, host: str) -> None:
    assert http.get("/healthz", headers={"Host": host}).status_code == 200


def test_two_hosts_and_no_host_are_refused(server: Running) -> None:
    for hosts in (b"", b"Host: localhost\r\nHost: evil.example\r\n"):
        answer = raw(server.url, b"GET /healthz HTTP/1.1\r\n" + hosts + b"Connection: close\r\n\r\n")
        assert status_of(answer) == 400


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "null", "", "http://localhost.evil.example", "http://127.0.0.1@evil.example", "file://"],
)
def test_foreign_origin_is_refused_on_every_route(
    http: httpx2.Client, sandbox: Sandbox, route: str, origin: str
) -> None:
    answer = refused(http, route, {"Origin": origin, **bearer(sandbox.administrator)})
    assert answer.status_code == 403
    assert answer.json()["Code"] == "ForeignOrigin"


def test_second_origin_does_not_hide_behind_a_good_one(http: httpx2.Client, sandbox: Sandbox) -> None:
    good_and_bad = [("Origin", "http://localhost"), ("Origin", "https://evil.example"), *ACCEPT.items()]
    answer = http.post("/mcp", json=LISTING, headers=[*good_and_bad, *bearer(sandbox.administrator).items()])
    assert answer.status_code == 403


def test_pages_of_this_machine_and_programs_are_let_in(http: httpx2.Client, sandbox: Sandbox) -> None:
    for origin in ({}, {"Origin": "http://localhost:6274"}, {"Origin": "http://[::1]:3000"}):
        answer = http.post("/mcp", json=LISTING, headers={**ACCEPT, **origin, **bearer(sandbox.administrator)})
        assert answer.status_code == 200
        assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("route", ["/mcp", "/sse", "/messages/", "/metrics"])
def test_preflight_finds_the_door_closed(http: httpx2.Client, route: str) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    for origin in ("https://evil.example", "http://localhost:6274"):
        answer = http.options(route, headers={"Origin": origin, **asked})
        assert answer.status_code >= 400
        assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_cross_origin_calls_are_for_listed_pages_only(opened: httpx2.Client) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    listed = opened.options("/mcp", headers={"Origin": APP, **asked})
    assert listed.status_code == 200
    assert listed.headers["access-control-allow-origin"] == APP
    assert "access-control-allow-credentials" not in listed.headers
    assert "Origin" in listed.headers["vary"]
    stranger = opened.options("/mcp", headers={"Origin": "https://app.example.com.evil.example", **asked})
    assert stranger.status_code == 403
    assert "access-control-allow-origin" not in stranger.headers


def test_refusal_can_be_read_by_a_listed_page(opened: httpx2.Client) -> None:
    answer = opened.post("/mcp", json=LISTING, headers={"Origin": APP, **ACCEPT})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (401, APP)


def test_public_and_listed_names_are_answered(opened: httpx2.Client) -> None:
    for host in ("mcp.example.com", "MCP.example.com:443", "internal.example.com", "localhost"):
        assert opened.get("/healthz", headers={"Host": host}).status_code == 200
    assert opened.get("/healthz", headers={"Host": "example.com"}).status_code == 400


@pytest.mark.parametrize("route", ROUTES)
def test_browsers_are_told_not_to_guess_frame_cache_or_leak(http: httpx2.Client, route: str) -> None:
    for headers in ({}, {"Origin": "https://evil.example"}, {"Host": "evil.example"}):
        answer = http.get(route, headers=headers)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] in ("no-referrer", "same-origin")
        assert "no-store" in answer.headers["cache-control"]
        assert "server" not in answer.headers


def test_transport_security_is_announced_where_people_see_https(opened: httpx2.Client, http: httpx2.Client) -> None:
    assert "max-age" in opened.get("/healthz").headers["strict-transport-security"]
    assert "strict-transport-security" not in http.get("/healthz").headers


@pytest.mark.parametrize("path", ["//mcp", "/mcp/", "/MCP", "/%6dcp", "/mcp%2f", "/sse/", "/./mcp", "/healthz/../mcp"])
def test_no_spelling_of_a_path_gets_past_the_credential(server: Running, path: str) -> None:
    body = b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
    answer = raw(server.url, head.encode() + b"Accept: application/json, text/event-stream\r\n\r\n" + body)
    assert status_of(answer) in (307, 401, 404)
    assert b"ListAccounts" not in answer
