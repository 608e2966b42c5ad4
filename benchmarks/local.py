"""Over stdio: how long a server takes to start, what a call costs, how much memory it holds, what is installed."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter, process_time
from typing import Any

from .processes import SERVERS, bare, certificate, command, cpu, resident, upstream
from .report import Row, compared, verdict
from .stdio_client import StdioClient, session

COLD_START_GOAL = 1.05

CALL_GOAL = 0.9
"""Milliseconds over the direct call."""

WARM_UP = 10
"""Calls that do not count."""

BATCH = 20
"""Requests between two looks at the clock of CPU time, which is coarse."""
CALL_CPU_GOAL = 1.2
LOOKUP_CPU_GOAL = 8.0
"""Milliseconds of processor time that the server uses for a call."""


def cold_start(*, quick: bool) -> list[Row]:
    """Spawn, initialize, tools/list, end; the servers and the bare one take turns."""
    rounds = 2 if quick else 15
    starts = {"bare MCPServer": bare(), **{name: command(name) for name in SERVERS}}
    seconds: dict[str, list[float]] = {name: [] for name in starts}
    for turn in range(rounds + 1):
        for name, arguments in starts.items():
            taken = _start(arguments)
            if turn:  # The first round fills the page cache.
                seconds[name].append(taken * 1000)
    rows = []
    for name in SERVERS:
        row = compared("cold-start", f"{name}: spawn to tools/list", seconds[name], seconds["bare MCPServer"], "ms")
        assert row.ratio is not None
        goal = verdict(f"≤ {COLD_START_GOAL:.2f} × bare MCPServer", reached=row.ratio <= COLD_START_GOAL)
        rows.append(_with(row, goal=goal, note=f"fastest {min(seconds[name]):.0f} ms, {rounds} rounds"))
    return rows


def _start(arguments: list[str]) -> float:
    begun = perf_counter()
    with session(arguments) as client:
        client.request("tools/list")
        return perf_counter() - begun


def call(*, quick: bool) -> list[Row]:
    """One tool call over stdio, one call of the SDK made directly, one of an empty tool, by turns."""
    turns = 20 if quick else 400
    rows = []
    with upstream() as sandbox:
        rows += _calls("plain", sandbox.variables, turns)
        rows.append(asyncio.run(_request("plain", sandbox.variables, turns)))
    with certificate() as directory, upstream(directory) as sandbox:
        rows += _calls("TLS", sandbox.variables, turns)
        rows.append(asyncio.run(_request("TLS", sandbox.variables, turns)))
    return rows


def _calls(way: str, variables: Mapping[str, str], turns: int) -> list[Row]:
    rows = []
    for server, tool, service, version, method in (
        ("mcp-server-cloud-trail", "DescribeTrails", "cloud_trail", "2018-01-01", "GET"),
        ("mcp-server-organization", "DescribeOrganization", "organization", "2022-01-01", "POST"),
    ):
        direct = _direct(variables, tool, service, version, method)
        with session(command(server), variables) as ours, session(bare()) as empty:
            _repeat(ours, tool, WARM_UP)
            taken = _by_turns(
                turns,
                ours=lambda ours=ours, tool=tool: ours.call(tool),  # type: ignore[misc]
                direct=direct,
                empty=lambda empty=empty: empty.call("wait"),  # type: ignore[misc]
            )
            spent, least = _cpu(ours, tool, {}, turns), _cpu(empty, "wait", {}, turns)
        row = compared("call", f"{tool} over stdio, {way}", taken["ours"], taken["direct"], "ms")
        assert row.reference is not None
        over = row.value - row.reference
        goal = verdict(f"≤ direct SDK call + {CALL_GOAL:.1f} ms", reached=over <= CALL_GOAL)
        note = f"{over:+.2f} ms over direct; an empty tool of a bare MCPServer takes {_middle(taken['empty']):.2f} ms"
        rows.append(_with(row, goal=goal, note=note))
        rows += _cpu_row("call", f"{tool} over stdio, {way}: processor time", spent, least, CALL_CPU_GOAL)
    return rows


def lookup_cpu(*, quick: bool) -> list[Row]:
    """Processor time of the server for a LookupEvents without arguments."""
    turns = 5 if quick else 100
    with (
        upstream() as sandbox,
        session(command("mcp-server-cloud-trail"), sandbox.variables) as ours,
        session(bare()) as empty,
    ):
        spent, least = _cpu(ours, "LookupEvents", {}, turns), _cpu(empty, "wait", {}, turns)
    return _cpu_row("lookup-cpu", "LookupEvents without arguments: processor time", spent, least, LOOKUP_CPU_GOAL)


def _cpu(client: StdioClient, tool: str, arguments: Mapping[str, Any], turns: int) -> float | None:
    """Milliseconds of processor time that the server uses for a call; the first turns do not count."""
    _repeat(client, tool, 5, arguments)
    before = cpu(client.pid)
    _repeat(client, tool, turns, arguments)
    after = cpu(client.pid)
    return None if before is None or after is None else (after - before) * 1000 / turns


def _cpu_row(section: str, what: str, value: float | None, least: float | None, goal: float) -> list[Row]:
    """The row, where the system says how much processor time a process has used."""
    if value is None or least is None:
        return []
    reached = verdict(f"≤ {goal:.1f} ms", reached=value <= goal)
    return [Row(section, what, value, "ms", least, value / least, reached, "the reference is an empty tool")]


def _direct(variables: Mapping[str, str], action: str, service: str, version: str, method: str) -> Callable[[], object]:
    """The same call as anybody makes it who uses the SDK and keeps its client."""
    import volcenginesdkcore

    configuration = volcenginesdkcore.Configuration()
    configuration.scheme, _, configuration.host = variables["VOLCENGINE_ENDPOINT"].partition("://")
    configuration.ak = variables["VOLCENGINE_ACCESS_KEY"]
    configuration.sk = variables["VOLCENGINE_SECRET_KEY"]
    configuration.region = "cn-beijing"
    configuration.ssl_ca_cert = variables.get("VOLCENGINE_CA_BUNDLE")
    client = volcenginesdkcore.ApiClient(configuration)
    facts = volcenginesdkcore.UniversalInfo(
        method=method,
        service=service,
        version=version,
        action=action,
        content_type="text/plain" if method == "GET" else "application/json",
    )

    def once() -> object:
        return volcenginesdkcore.UniversalApi(client).do_call(facts, {})

    return once


async def _request(way: str, variables: Mapping[str, str], turns: int) -> Row:
    """The CPU time that one request costs this process: sent as the toolkit does, and by the SDK in a thread."""
    from mcp_server_cloud_trail.actions import DescribeTrails
    from volcengine_mcp.api.client import OpenAPI
    from volcengine_mcp.api.credentials import from_environment
    from volcengine_mcp.api.endpoint import Endpoint

    scheme, _, host = variables["VOLCENGINE_ENDPOINT"].partition("://")
    api = OpenAPI(Endpoint(host=host, scheme=scheme, ca_bundle=variables.get("VOLCENGINE_CA_BUNDLE")))
    credential = from_environment(variables)
    direct = _direct(variables, "DescribeTrails", "cloud_trail", DescribeTrails.version, DescribeTrails.method)
    ways: dict[str, Callable[[], Awaitable[object]]] = {
        "ours": lambda: api.send(DescribeTrails(), credential),
        "thread": lambda: asyncio.to_thread(direct),
    }
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for batch in range(turns // BATCH + 1):
        for name, once in ways.items():
            begun = process_time()
            for _ in range(BATCH):
                await once()
            if batch:
                spent[name].append((process_time() - begun) * 1000 / BATCH)
    await api.close()
    row = compared(
        "call", f"CPU of one request, {way}; reference: the SDK in a thread", spent["ours"], spent["thread"], "ms"
    )
    assert row.ratio is not None
    return _with(row, goal=verdict("less than the SDK in a thread", reached=row.ratio < 1))


def _by_turns(turns: int, **ways: Callable[[], object]) -> dict[str, list[float]]:
    """Milliseconds of each way, done by turns; the first turns warm up and do not count."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(turns + WARM_UP):
        for name, way in ways.items():
            begun = perf_counter()
            way()
            if turn >= WARM_UP:
                taken[name].append((perf_counter() - begun) * 1000)
    return taken


def memory(*, quick: bool) -> list[Row]:
    """Resident memory after tools/list, and after many calls."""
    calls = 50 if quick else 1000
    rows = []
    with upstream() as sandbox, session(bare()) as empty:
        empty.request("tools/list")
        reference = resident(empty.pid)
        for _ in range(calls):
            empty.call("wait")
        reference_later = resident(empty.pid)
        for server, tool in zip(SERVERS, ("DescribeTrails", "DescribeOrganization"), strict=True):
            with session(command(server), sandbox.variables) as ours:
                ours.request("tools/list")
                first = resident(ours.pid)
                for _ in range(calls // 10):
                    ours.call(tool)
                settled = resident(ours.pid)
                _repeat(ours, tool, calls - calls // 10)
                later = resident(ours.pid)
            if None in (first, settled, later, reference, reference_later):
                return [Row("memory", "this system does not say while a process runs", 0, "MB", note=_children())]
            assert first is not None
            assert settled is not None
            assert later is not None
            assert reference is not None
            assert reference_later is not None
            rows += [
                Row("memory", f"{server} after start", first, "MB", reference, first / reference),
                Row(
                    "memory",
                    f"{server} after {calls} calls",
                    later,
                    "MB",
                    reference_later,
                    later / reference_later,
                    note=f"{settled:.1f} MB after the first {calls // 10}",
                ),
            ]
    return rows


def _repeat(client: StdioClient, tool: str, times: int, arguments: Mapping[str, Any] | None = None) -> None:
    for _ in range(times):
        client.call(tool, arguments)


def _children() -> str:
    """The largest memory of any process that has ended, where the system says at least that."""
    try:
        import resource
    except ImportError:
        return ""
    return f"largest process so far: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss} (units of this system)"


def _middle(values: list[float]) -> float:
    return statistics.median(values)


def _with(row: Row, **changes: Any) -> Row:
    from dataclasses import replace

    return replace(row, **changes)
