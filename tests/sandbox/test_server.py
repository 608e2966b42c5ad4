"""The server: concurrency, connections, independence of sandboxes, TLS, and a light import."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import urllib3
from sandbox.clients import Caller, raw
from support.certificates import self_signed
from volcengine_sandbox import Fault, Sandbox


def test_many_threads_get_right_answers(box: Sandbox) -> None:
    def work(number: int) -> tuple[str, int]:
        caller = Caller(box, box.administrator)
        for step in range(10):
            caller("CreateOrganizationalUnit", {"Name": f"unit-{number}-{step}", "ParentId": "0"})
        owner = caller("DescribeOrganization")["Organization"]["Owner"]
        return owner, len(caller("ListOrganizationalUnits")["SubUnitList"])

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(work, range(8)))
    assert {owner for owner, _ in answers} == {box.administrator.account_id}
    assert len(Caller(box, box.administrator)("ListOrganizationalUnits")["SubUnitList"]) == 7 + 80
    assert len({record.time for record in box.requests}) > 1


def test_slow_answers_are_slow_together(box: Sandbox) -> None:
    box.inject(Fault(kind="latency", delay=0.3))
    prepared = [raw(box, box.administrator) for _ in range(60)]
    barrier = threading.Barrier(60)
    before = box.connections

    def work(number: int) -> int:
        url, headers, body = prepared[number]
        barrier.wait()
        return urllib3.request("POST", url, headers=headers, body=body, retries=False).status

    started = time.monotonic()
    with ThreadPoolExecutor(60) as pool:
        assert set(pool.map(work, range(60))) == {200}
    # One after another they would take 18 seconds.
    assert time.monotonic() - started < 3
    # urllib3.request shares a pool that keeps a few connections and opens what it lacks.
    assert box.connections > before


def test_connections_are_counted(box: Sandbox) -> None:
    before = box.connections
    one = Caller(box, box.administrator)
    for _ in range(5):
        one("DescribeOrganization")
    assert box.connections - before == 1
    Caller(box, box.administrator)("DescribeOrganization")
    assert box.connections - before == 2
    assert box.handshakes == 0


def test_answers_do_not_wait_for_acknowledgements(shared: Sandbox, admin: Caller) -> None:
    admin("DescribeOrganization")
    times = []
    for _ in range(20):
        started = time.monotonic()
        admin("DescribeOrganization")
        times.append(time.monotonic() - started)
    # With Nagle's algorithm on, each would take 40 ms.
    assert sorted(times)[10] < 0.02


def test_two_sandboxes_are_independent() -> None:
    with Sandbox(seed=1) as one, Sandbox(seed=2) as two:
        assert one.endpoint != two.endpoint
        Caller(one, one.administrator)("CreateAccount", {"AccountName": "only-here", "ShowName": "x"})
        one.inject(Fault(kind="throttle"))
        assert Caller(two, two.administrator)("ListAccounts")["Total"] == 14
        assert Caller(two, one.administrator).refusal("ListAccounts") == (401, "InvalidAccessKey")
        assert [record.code for record in two.requests] == ["", "InvalidAccessKey"]


def test_starting_and_stopping() -> None:
    box = Sandbox()
    with pytest.raises(RuntimeError, match="is not running"):
        box.endpoint  # noqa: B018 - reading it is the act
    box.start()
    port = box.port
    with pytest.raises(OSError, match="in use"):
        Sandbox(port=port).start()
    assert Caller(box, box.administrator)("ListAccounts")
    box.stop()
    box.stop()
    assert len(box.requests) == 1
    with Sandbox(port=port) as again:
        assert again.port == port


def test_reset_keeps_identities(box: Sandbox) -> None:
    before = box.administrator
    admin = Caller(box, before)
    admin("CreateAccount", {"AccountName": "forgotten", "ShowName": "x"})
    box.inject(Fault(kind="throttle"))
    box.reset()
    assert box.administrator == before
    assert admin("ListAccounts")["Total"] == 14


def test_the_clock_is_used_for_signatures_and_states() -> None:
    ahead = 0.0
    with Sandbox(clock=lambda: time.time() + ahead) as box:
        admin = Caller(box, box.administrator)
        admin("DisableServiceControlPolicy")
        ahead = 400.0
        assert admin("EnableServiceControlPolicy") == {"Status": "Enabled"}
        ahead = 1000.0
        assert admin.refusal("DescribeOrganization") == (400, "InvalidTimestamp")


def test_tls(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    with Sandbox(tls=(certificate, key)) as box:
        assert box.endpoint.startswith("https://127.0.0.1:")
        url, headers, body = raw(box, box.administrator)
        with urllib3.PoolManager(ca_certs=certificate) as pool:
            for _ in range(2):
                assert pool.request("POST", url, headers=headers, body=body, retries=False).status == 200
        assert (box.connections, box.handshakes) == (1, 1)


def test_importing_loads_no_server() -> None:
    code = "import sys, volcengine_sandbox; print(*(m for m in sys.modules if m in ('uvicorn','starlette','h11')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
