"""Over the network: how many sessions at once, what a slow call does to others, what idle sessions hold."""

from __future__ import annotations

import asyncio
import gc
import json
import statistics
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any
from urllib.request import Request, urlopen

from .http_client import TRANSPORTS, Session, call
from .processes import allow_files, bare, certificate, command, free_port, resident, running, upstream, wait_for
from .report import Row, verdict

SERVER = "mcp-server-cloud-trail"
TOOL = "DescribeTrails"
SLOW_TOOL = "LookupEvents"

CALLS = 10
"""Calls that each session makes, one after the other."""

KEPT = ("an idle SSE session", "kept for each session that left", "kept after a second wave")

GOALS = {("sse", 50): 1.15, ("streamable-http", 50): 1.0, ("sse", 200): 2.2, ("streamable-http", 200): 0.9}
"""Times what a bare server takes that sleeps as long, for each transport and number of sessions."""

PING_GOAL = 10.0
"""Milliseconds."""

UNLIMITED = {"MCP_SERVER_RATE_LIMIT": "10000000", "MCP_SERVER_MAX_SESSIONS": "5000"}
"""All clients here share one address, and so one allowance."""


@dataclass(frozen=True)
class Measured:
    """A server under measurement, and how its tool is called."""

    port: int
    pid: int
    tool: str
    arguments: Mapping[str, Any]


def http(*, quick: bool) -> list[Row]:
    """Many sessions at once, each calling one after the other, against a bare server whose tool sleeps as long."""
    allow_files(4096)
    if quick:
        return _throughput((1, 10), (0.02,), rounds=1)
    return _throughput((1, 10, 50, 200), (0.0, 0.1), rounds=5)


def ping(*, quick: bool) -> list[Row]:
    """How long a ping takes while another session's call is in flight."""
    return _ping_beside_slow_call(0.5 if quick else 5.0)


def idle_sessions(*, quick: bool) -> list[Row]:
    """What open sessions hold in memory, and what is left when they have gone."""
    allow_files(4096)
    return _idle_sessions(20 if quick else 1000)


def _throughput(sessions: tuple[int, ...], latencies: tuple[float, ...], *, rounds: int) -> list[Row]:
    rows = []
    for transport in TRANSPORTS:
        for latency in latencies:
            with (
                upstream() as sandbox,
                our_server(transport, sandbox.variables) as ours,
                _reference(transport, latency) as sleeping,
                _reference(transport, latency, sandbox.variables) as calling,
            ):
                answer_after(sandbox.variables["VOLCENGINE_ENDPOINT"], TOOL, latency)
                servers = {"ours": ours, "sleeping": sleeping, "calling": calling}
                for count in sessions:
                    rows += _compared(transport, latency, count, servers, rounds=rounds)
    return rows


def _compared(transport: str, latency: float, count: int, servers: Mapping[str, Measured], *, rounds: int) -> list[Row]:
    """Ours beside a bare server that sleeps as long, and beside one that makes the same upstream call."""
    taken: dict[str, list[float]] = {name: [] for name in servers}
    single: list[float] = []
    for turn in range(rounds + 1):
        for name, server in servers.items():
            seconds, latencies = asyncio.run(_load(transport, server, count))
            if turn == 0:  # The first round opens connections and starts worker threads.
                continue
            taken[name].append(seconds)
            if name == "ours":
                single += latencies
    value, least, calling = (statistics.median(taken[name]) for name in ("ours", "sleeping", "calling"))
    ideal = CALLS * latency
    note = f"{count * CALLS / value:.0f} calls/s; a call {statistics.median(single) * 1000:.1f} ms, "
    note += f"p95 {statistics.quantiles(single, n=20)[-1] * 1000:.1f} ms"
    if ideal:
        note += f"; {value / ideal:.2f} × ideal (bare {least / ideal:.2f})"
    goal = ""
    if ideal and (most := GOALS.get((transport, count))):
        goal = verdict(f"≤ {most} × bare", reached=value / least <= most)
    what = f"{transport}, upstream {latency * 1000:.0f} ms, {count} sessions × {CALLS} calls"
    return [
        Row("http", what, value, "s", least, value / least, goal, note),
        Row("http", f"{what}, against the same upstream call", value, "s", calling, value / calling),
    ]


async def _load(transport: str, server: Measured, count: int) -> tuple[float, list[float]]:
    """Seconds that all sessions together take, and seconds of each call."""
    async with open_sessions(transport, server.port, count) as opened:
        single: list[float] = []

        async def one(session: Session) -> None:
            for _ in range(CALLS):
                begun = perf_counter()
                await call(session, server.tool, server.arguments)
                single.append(perf_counter() - begun)

        gc.collect()
        begun = perf_counter()
        await asyncio.gather(*(one(session) for session in opened))
        return perf_counter() - begun, single


def _ping_beside_slow_call(delay: float) -> list[Row]:
    rows = []
    for transport in TRANSPORTS:
        with (
            upstream() as sandbox,
            our_server(transport, sandbox.variables) as ours,
            _reference(transport, delay) as reference,
        ):
            answer_after(sandbox.variables["VOLCENGINE_ENDPOINT"], SLOW_TOOL, delay)
            asyncio.run(_load(transport, ours, 1))
            pings = asyncio.run(pings_beside(transport, ours, SLOW_TOOL, {}))
            least = asyncio.run(pings_beside(transport, reference, reference.tool, reference.arguments))
        value = statistics.median(pings)
        slowest = max(pings)
        goal = verdict(f"≤ {PING_GOAL:.0f} ms", reached=statistics.quantiles(pings, n=20)[-1] <= PING_GOAL)
        note = f"{len(pings)} pings, slowest {slowest:.1f} ms (bare {max(least):.1f} ms)"
        what = f"{transport}, ping beside another session's {delay:g} s call"
        middle = statistics.median(least)
        rows.append(Row("ping", what, value, "ms", middle, value / middle, goal, note))
    return rows


async def pings_beside(transport: str, server: Measured, tool: str, arguments: Mapping[str, Any]) -> list[float]:
    """Milliseconds of each ping of one session that began while another's call was in flight."""
    async with open_sessions(transport, server.port, 2) as (busy, other):
        slow = asyncio.create_task(call(busy, tool, arguments))
        await asyncio.sleep(0.1)
        taken = []
        while not slow.done():
            begun = perf_counter()
            await other.request("ping")
            taken.append((perf_counter() - begun) * 1000)
            await asyncio.sleep(0.02)
        await slow
    return taken


def _idle_sessions(count: int) -> list[Row]:
    rows = []
    with upstream() as sandbox, our_server("sse", sandbox.variables) as ours, _reference("sse", 0) as reference:
        seen = {
            name: asyncio.run(_come_and_go(server, count))
            for name, server in (("ours", ours), ("reference", reference))
        }
    if not seen["ours"] or not seen["reference"]:
        return [Row("idle-sessions", "this system does not say how much memory sessions take", 0, "KB")]
    for index, what in enumerate(KEPT):
        value, least = seen["ours"][index], seen["reference"][index]
        rows.append(Row("idle-sessions", f"{what}, {count} sessions", value, "KB", least))
    return rows


async def _come_and_go(server: Measured, count: int) -> list[float]:
    """Kilobytes for each session: while all are open, after they left, after as many again came and left."""
    async with open_sessions("sse", server.port, 5) as few:
        await asyncio.gather(*(call(session, server.tool, server.arguments) for session in few))
    before = resident(server.pid)
    if before is None:
        return []
    values = []
    for wave in range(2):
        async with open_sessions("sse", server.port, count):
            await asyncio.sleep(0.5)
            if wave == 0:
                values.append(_difference(server, before, count))
        await asyncio.sleep(2)
        values.append(_difference(server, before, count))
    return values


def _difference(server: Measured, before: float, count: int) -> float:
    return ((resident(server.pid) or 0.0) - before) * 1024 / count


def handshakes(*, quick: bool) -> list[Row]:
    """TLS handshakes with the OpenAPI for 100 calls."""
    del quick  # It is quick.
    rows = []
    for transport in TRANSPORTS:
        with (
            certificate() as directory,
            upstream(directory) as sandbox,
            our_server(transport, sandbox.variables) as ours,
        ):
            for count in (1, 10):
                before = sandbox.connections()
                asyncio.run(_calls(transport, ours, sessions=count, each=100 // count))
                new = sandbox.connections() - before
                rows.append(
                    Row(
                        "handshakes", f"{transport}, TLS handshakes for 100 calls, {count} at a time", new, "handshakes"
                    )
                )
    return rows


async def _calls(transport: str, server: Measured, *, sessions: int, each: int) -> None:
    async with open_sessions(transport, server.port, sessions) as several:

        async def one(session: Session) -> None:
            for _ in range(each):
                await call(session, server.tool, server.arguments)

        await asyncio.gather(*(one(session) for session in several))


@asynccontextmanager
async def open_sessions(transport: str, port: int, count: int) -> AsyncIterator[list[Session]]:
    """Sessions that are open as long as the block runs, opened a few at a time."""
    gate = asyncio.Semaphore(20)
    kind = TRANSPORTS[transport]

    async def one() -> Session:
        async with gate:
            return await kind.open(port)

    opening: list[Coroutine[Any, Any, Session]] = [one() for _ in range(count)]
    sessions = await asyncio.gather(*opening)
    try:
        yield sessions
    finally:
        for session in sessions:
            await session.close()


@contextmanager
def our_server(transport: str, variables: Mapping[str, str]) -> Iterator[Measured]:
    port = free_port()
    arguments = [*command(SERVER), "--transport", transport, "--port", str(port)]
    with running(arguments, {**variables, **UNLIMITED}) as process:
        wait_for(port, process)
        yield Measured(port, process.pid, TOOL, {})


@contextmanager
def _reference(transport: str, latency: float, variables: Mapping[str, str] | None = None) -> Iterator[Measured]:
    """The bare server: it sleeps, or makes the upstream call where it has the variables for that."""
    port = free_port()
    with running([*bare(), "--transport", transport, "--port", str(port)], variables) as process:
        wait_for(port, process)
        if variables:
            yield Measured(port, process.pid, TOOL, {})
        else:
            yield Measured(port, process.pid, "wait", {"seconds": latency})


def answer_after(endpoint: str, action: str, seconds: float) -> None:
    """Tell the sandbox to wait before it answers an action."""
    if not seconds:
        return
    fault = json.dumps({"kind": "latency", "action": action, "delay": seconds}).encode()
    request = Request(f"{endpoint}/_sandbox/faults", fault, {"Content-Type": "application/json"})  # noqa: S310 - ours
    with urlopen(request, timeout=10) as answer:  # noqa: S310 - as above
        answer.read()
