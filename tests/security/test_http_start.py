"""What a server refuses to be started as, each in one sentence that says what would be allowed, and how it listens."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import httpx2
import pytest
from support.certificates import self_signed
from support.http import (
    ACCEPT,
    LISTING,
    PATIENCE,
    answer_of,
    bearer,
    in_thread,
    raw,
    refused,
    request,
    running,
    status_of,
)
from support.servers import typed
from volcengine_sandbox import Sandbox

WIDE = {"MCP_SERVER_MODE": "sse", "MCP_SERVER_HOST": "0.0.0.0"}  # noqa: S104 - what the refusals are about
KEYS = {"VOLCENGINE_ACCESS_KEY": "AKLTexample", "VOLCENGINE_SECRET_KEY": "example"}

NOT_AS_IT_IS = {
    "wide and open": (KEYS | WIDE, ["host is 0.0.0.0 (from MCP_SERVER_HOST)", "allow_anonymous: true"]),
    "wide over /mcp": (KEYS | WIDE | {"MCP_SERVER_MODE": "http"}, ["host is 0.0.0.0", "allow_anonymous: true"]),
    "wide IPv6": (KEYS | WIDE | {"MCP_SERVER_HOST": "::"}, ["host is ::", "allow_anonymous: true"]),
    "one interface": (KEYS | WIDE | {"MCP_SERVER_HOST": "192.0.2.1"}, ["host is 192.0.2.1"]),
    "chain": (WIDE | {"VOLCENGINE_CREDENTIAL_TYPE": "chain"}, ["everybody on that network"]),
    "keys in the clear": (WIDE | {"VOLCENGINE_CREDENTIAL_TYPE": "token"}, ["unencrypted", "tls_by_proxy: true"]),
    "anonymous does not unlock the wire": (
        WIDE | {"VOLCENGINE_CREDENTIAL_TYPE": "token", "MCP_SERVER_ALLOW_ANONYMOUS": "true"},
        ["unencrypted", "tls_by_proxy: true"],
    ),
    "certificate without key": (KEYS | {"MCP_SERVER_MODE": "sse", "MCP_SERVER_TLS_CERT": __file__}, ["tls_key must"]),
    "no such certificate": (
        KEYS | {"MCP_SERVER_MODE": "sse", "MCP_SERVER_TLS_CERT": "/none.pem", "MCP_SERVER_TLS_KEY": "/none.pem"},
        ["tls_cert", "there is no such file"],
    ),
    "oauth for nobody": ({"MCP_SERVER_MODE": "sse", "MCP_SERVER_AUTH": "oauth"}, ["auth is oauth", "oauth.client_id"]),
    "token over stdio": ({"VOLCENGINE_CREDENTIAL_TYPE": "token"}, ["credential is token", "stdio", "env or chain"]),
}


@pytest.mark.parametrize("case", NOT_AS_IT_IS)
def test_start_is_refused_in_one_sentence(case: str) -> None:
    variables, parts = NOT_AS_IT_IS[case]
    # A port that is taken: a server that is not refused does not start either, and says something else.
    with socket.create_server(("", 0), family=socket.AF_INET6, dualstack_ipv6=True) as taken:
        ended = typed("organization", variables={**variables, "MCP_SERVER_PORT": str(taken.getsockname()[1])})
    assert ended.returncode == 2
    assert ended.stdout == ""
    said = [line for line in ended.stderr.splitlines() if line]
    assert len(said) == 1, ended.stderr
    for part in parts:
        assert part in said[0]


def test_port_in_use_is_one_sentence(sandbox: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, said = refused(sandbox.endpoint, VOLCENGINE_CREDENTIAL_TYPE="token", MCP_SERVER_PORT=port)
    assert status == 2
    assert said.strip().splitlines() == [
        f"mcp-server-organization: The address 127.0.0.1 port {port} cannot be listened on: Address already in use."
    ]


def test_certificate_that_is_none_is_one_sentence(sandbox: Sandbox, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    status, said = refused(
        sandbox.endpoint, MCP_SERVER_TLS_CERT=broken, MCP_SERVER_TLS_KEY=broken, VOLCENGINE_CREDENTIAL_TYPE="token"
    )
    assert status == 2
    assert "Traceback" not in said
    assert len(said.strip().splitlines()) == 1


def test_https_is_served_to_a_wide_network_and_nothing_else(sandbox: Sandbox, tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    with running(
        sandbox.endpoint,
        MCP_SERVER_HOST="0.0.0.0",  # noqa: S104 - the attack of this test
        MCP_SERVER_TLS_CERT=certificate,
        MCP_SERVER_TLS_KEY=key,
        MCP_SERVER_TRUSTED_PROXIES="127.0.0.1",
        MCP_SERVER_UNAUTHENTICATED_RATE_LIMIT=2,
    ) as server:
        trusting = ssl.create_default_context(cafile=certificate)
        with httpx2.Client(base_url=server.url, verify=trusting, timeout=PATIENCE) as client:
            headers = {**ACCEPT, **bearer(sandbox.administrator)}
            answer = client.post("/mcp", json=LISTING, headers=headers)
            assert answer.status_code == 200
            assert "max-age" in answer.headers["strict-transport-security"]
            # The proxy that is trusted speaks for different people, and each is counted for himself.
            for number in range(4):
                forwarded = {"X-Forwarded-For": f"203.0.113.{number}"}
                assert client.post("/mcp", json=LISTING, headers=forwarded).status_code == 401
            same = [client.post("/mcp", headers={"X-Forwarded-For": "203.0.113.9"}).status_code for _ in range(4)]
            assert same[-1] == 429
        plain = raw(server.url.replace("https", "http"), b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert not plain.startswith(b"HTTP/")


def test_forwarded_headers_of_strangers_are_not_believed(sandbox: Sandbox) -> None:
    """Nobody escapes the count of refusals by inventing addresses, not with a proxy's network listed elsewhere."""
    with (
        running(
            sandbox.endpoint, MCP_SERVER_TRUSTED_PROXIES="10.0.0.0/8", MCP_SERVER_UNAUTHENTICATED_RATE_LIMIT=3
        ) as server,
        httpx2.Client(base_url=server.url, timeout=PATIENCE) as client,
    ):
        statuses = [
            client.post("/mcp", headers={"X-Forwarded-For": f"203.0.113.{number}", "X-Real-IP": f"198.51.100.{number}"})
            for number in range(8)
        ]
        assert statuses[-1].status_code == 429
        host = raw(
            server.url,
            b"GET /healthz HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: localhost\r\nConnection: close\r\n\r\n",
        )
        assert status_of(host) == 400


def test_read_only_server_has_no_tool_that_changes_anything(sandbox: Sandbox) -> None:
    with (
        in_thread(sandbox.endpoint, read_only=True) as url,
        httpx2.Client(base_url=url, timeout=PATIENCE) as client,
    ):
        headers = {**ACCEPT, **bearer(sandbox.administrator)}
        tools = answer_of(client.post("/mcp", json=LISTING, headers=headers))["result"]["tools"]
        assert tools
        assert all(tool["annotations"]["readOnlyHint"] for tool in tools)
        before = len(sandbox.requests)
        forced = request("tools/call", "CreateOrganization")
        assert answer_of(client.post("/mcp", json=forced, headers=headers))["result"]["isError"]
        assert len(sandbox.requests) == before
