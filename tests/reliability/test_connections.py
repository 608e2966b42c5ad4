"""Connections: kept and shared, verified, by way of proxies where the environment says, and let go in time."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from mcp.client import Client
from mcp_server_cloud_trail.actions import DescribeTrails
from support.certificates import self_signed
from support.proxy import Proxy, forwarding
from support.servers import PATIENCE, environment, in_process
from volcengine_mcp.api.client import MOST_ATTEMPTS, MOST_CLIENTS, OpenAPI
from volcengine_mcp.api.credentials import Credential
from volcengine_mcp.api.endpoint import Endpoint
from volcengine_mcp.errors import ServiceError
from volcengine_sandbox import Fault, Sandbox

pytestmark = pytest.mark.anyio


async def test_300_calls_share_one_connection(box: Sandbox) -> None:
    before = box.connections
    async with Client(in_process("cloud-trail", environment(box, box.administrator))) as client:
        for _ in range(300):
            assert not (await client.call_tool("DescribeTrails", {})).is_error
    assert len(box.requests) == 300
    assert box.connections - before == 1


async def test_50_calls_at_once_are_all_answered(box: Sandbox) -> None:
    box.inject(Fault("latency", delay=0.1))
    organization = next(iter(box.state.organizations.values()))
    accounts = (list(organization.members) * 4)[:50]
    before = box.connections
    wrong: list[str] = []

    async with Client(in_process("organization", environment(box, box.administrator))) as client:

        async def ask(account: str) -> None:
            result = await client.call_tool("DescribeAccount", {"AccountId": account})
            if account not in str(result.structured_content):
                wrong.append(account)

        with anyio.fail_after(PATIENCE):
            async with anyio.create_task_group() as group:
                for account in accounts:
                    group.start_soon(ask, account)
    assert not wrong
    assert len(box.requests) == 50
    assert box.connections - before > 10, "one after another needs one connection only"


async def test_calls_beyond_the_limit_wait_for_their_turn(box: Sandbox) -> None:
    box.inject(Fault("latency", delay=0.02))
    before = box.connections
    variables = environment(box, box.administrator, MCP_SERVER_MAX_CONCURRENT_CALLS="2")
    async with Client(in_process("cloud-trail", variables)) as client, anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(client.call_tool, "DescribeTrails", {})
    assert [request.status for request in box.requests] == [200] * 20
    assert box.connections - before <= 2


async def test_a_private_root_is_trusted_only_when_it_is_named(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    with Sandbox(tls=(certificate, key)) as box:
        assert box.endpoint.startswith("https://")
        variables = environment(box, box.administrator, MCP_SERVER_CALL_TIMEOUT="5")
        async with Client(in_process("cloud-trail", variables)) as client:
            refused = await client.call_tool("CreateTrail", {"TrailName": "t", "TosBucketName": "b"})
        assert refused.is_error
        assert refused.structured_content is not None
        assert refused.structured_content["Code"] == "TLSFailure"
        assert "ca_bundle" in refused.structured_content["Hint"]
        assert not box.requests
        async with Client(in_process("cloud-trail", variables | {"VOLCENGINE_CA_BUNDLE": certificate})) as client:
            for _ in range(20):
                assert not (await client.call_tool("DescribeTrails", {})).is_error
        assert box.handshakes == 1


@pytest.fixture
def without_proxies(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return monkeypatch


async def test_loopback_is_never_proxied(box: Sandbox, without_proxies: pytest.MonkeyPatch) -> None:
    with forwarding(box.endpoint) as proxy:
        without_proxies.setenv("HTTP_PROXY", proxy.url)
        async with Client(in_process("cloud-trail", environment(box, box.administrator))) as client:
            assert not (await client.call_tool("DescribeTrails", {})).is_error
        assert not proxy.asked
    assert len(box.requests) == 1


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy"])
async def test_a_proxy_is_used_where_the_environment_names_one(
    variable: str, box: Sandbox, without_proxies: pytest.MonkeyPatch
) -> None:
    variables = environment(box, box.administrator, VOLCENGINE_ENDPOINT="http://openapi.invalid")
    with forwarding(box.endpoint) as proxy:
        without_proxies.setenv(variable, proxy.url)
        async with Client(in_process("cloud-trail", variables)) as client:
            result = await client.call_tool("DescribeTrails", {})
        assert not result.is_error, result.content
        (asked,) = proxy.asked
        assert asked.startswith("http://openapi.invalid/?Action=DescribeTrails")


async def test_a_proxy_gets_the_credentials_in_its_address(box: Sandbox, without_proxies: pytest.MonkeyPatch) -> None:
    variables = environment(box, box.administrator, VOLCENGINE_ENDPOINT="http://openapi.invalid")
    with forwarding(box.endpoint) as proxy:
        without_proxies.setenv("HTTP_PROXY", proxy.with_credentials("me:p%40ss"))
        async with Client(in_process("cloud-trail", variables)) as client:
            assert not (await client.call_tool("DescribeTrails", {})).is_error
        assert proxy.credentials == ["Basic " + b64encode(b"me:p@ss").decode()]


@pytest.fixture
def tunnel(tmp_path: Path) -> Iterator[tuple[Sandbox, Proxy, dict[str, str]]]:
    """A Volcengine behind TLS, a proxy that leads there, and the variables of a server that needs the proxy."""
    certificate, key = self_signed(tmp_path, "openapi.invalid")
    with Sandbox(tls=(certificate, key)) as box, forwarding(box.endpoint) as proxy:
        variables = environment(box, box.administrator, VOLCENGINE_ENDPOINT="https://openapi.invalid")
        yield box, proxy, variables | {"VOLCENGINE_CA_BUNDLE": certificate}


async def test_tls_goes_through_a_tunnel_that_is_kept(
    tunnel: tuple[Sandbox, Proxy, dict[str, str]], without_proxies: pytest.MonkeyPatch
) -> None:
    box, proxy, variables = tunnel
    without_proxies.setenv("HTTPS_PROXY", proxy.with_credentials("me:p%40ss"))
    async with Client(in_process("cloud-trail", variables)) as client:
        for _ in range(3):
            assert not (await client.call_tool("DescribeTrails", {})).is_error
    assert proxy.asked == ["openapi.invalid:443"]
    assert proxy.credentials == ["Basic " + b64encode(b"me:p@ss").decode()]
    assert box.handshakes == 1


async def test_a_tunnel_to_a_server_that_cannot_prove_itself_carries_nothing(
    tunnel: tuple[Sandbox, Proxy, dict[str, str]], without_proxies: pytest.MonkeyPatch
) -> None:
    box, proxy, variables = tunnel
    del variables["VOLCENGINE_CA_BUNDLE"]
    without_proxies.setenv("HTTPS_PROXY", proxy.url)
    async with Client(in_process("cloud-trail", variables)) as client:
        refused = await client.call_tool("DescribeTrails", {})
    assert refused.structured_content is not None
    assert refused.structured_content["Code"] == "TLSFailure"
    assert len(proxy.asked) == 1, "a certificate does not get better by asking again"
    assert not box.requests


@pytest.mark.parametrize("how", ["refuses", "drops", "is away", "speaks something else"])
async def test_a_write_that_a_proxy_did_not_let_through_is_not_in_doubt(
    how: str, tunnel: tuple[Sandbox, Proxy, dict[str, str]], without_proxies: pytest.MonkeyPatch
) -> None:
    box, proxy, variables = tunnel
    addresses = {"is away": "http://proxy.invalid:3128", "speaks something else": "socks5://127.0.0.1:1080"}
    without_proxies.setenv("HTTPS_PROXY", addresses.get(how, proxy.url))
    proxy.refuses, proxy.drops = how == "refuses", how == "drops"
    async with Client(in_process("cloud-trail", variables)) as client:
        refused = await client.call_tool("CreateTrail", {"TrailName": "t", "TosBucketName": "b"})
    assert refused.structured_content is not None
    assert refused.structured_content["Code"] == "ProxyFailure"
    assert "may or may not" not in refused.structured_content["Message"]
    assert not box.requests
    assert ("not an HTTP proxy" in refused.structured_content["Message"]) == (how == "speaks something else")
    if how in ("refuses", "drops"):
        assert len(proxy.asked) == MOST_ATTEMPTS, "what was not sent may be sent again"


async def test_no_proxy_is_honoured(box: Sandbox, without_proxies: pytest.MonkeyPatch) -> None:
    variables = environment(
        box, box.administrator, VOLCENGINE_ENDPOINT="http://openapi.invalid", MCP_SERVER_CALL_TIMEOUT="0.5"
    )
    with forwarding(box.endpoint) as proxy:
        without_proxies.setenv("HTTP_PROXY", proxy.url)
        without_proxies.setenv("NO_PROXY", "example.com,.invalid")
        async with Client(in_process("cloud-trail", variables)) as client:
            result = await client.call_tool("DescribeTrails", {})
        assert result.is_error  # nothing answers to that name
        assert not proxy.asked


async def test_the_clients_of_credentials_long_unused_are_let_go(box: Sandbox) -> None:
    """The connection of the first credential is closed when too many others came; a recent one's is kept."""
    openapi = OpenAPI(Endpoint(host=box.endpoint.partition("//")[2], scheme="http"))

    async def ask(credential: Credential) -> int:
        before = box.connections
        with pytest.raises(ServiceError, match="accesskey"):
            await openapi.send(DescribeTrails(), credential)
        return box.connections - before

    credentials = [Credential(f"AKLT{number:040}", "secret") for number in range(MOST_CLIENTS + 1)]
    for credential in credentials:
        assert await ask(credential) == 1
    assert await ask(credentials[-1]) == 0
    assert await ask(credentials[0]) == 1
    await openapi.close()
