"""The protocol's own conformance suite, in the versions for 2025-11-25 and 2026-07-28.

Scenarios that need the suite's fixture tools are listed in expected-*.yml; any other failure ends the suite with an
error. Some pass only for want of such a tool, so those that say something about this server are named here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from independent.conftest import HERE, Node
from support.http import CLOUD_TRAIL, ORGANIZATION, Running, running
from volcengine_sandbox import Sandbox

OLD = "@modelcontextprotocol/conformance/dist/index.js"
NEW = "conformance-next/dist/index.js"

HANDSHAKE = ("server-initialize", "ping", "tools-list", "resources-list", "prompts-list", "dns-rebinding-protection")
MODERN = (
    "server-stateless",
    "tools-list",
    "resources-list",
    "prompts-list",
    "sep-2164-resource-not-found",
    "dns-rebinding-protection",
    "caching",
    "http-header-validation",
)


@pytest.fixture(scope="module", params=[ORGANIZATION, CLOUD_TRAIL])
def local(request: pytest.FixtureRequest, box: Sandbox) -> Iterator[Running]:
    """A server that signs with its own keys, since the suite sends no header."""
    variables = {
        "VOLCENGINE_CREDENTIAL_TYPE": "env",
        "VOLCENGINE_ACCESS_KEY": box.administrator.access_key,
        "VOLCENGINE_SECRET_KEY": box.administrator.secret_key,
    }
    with running(box.endpoint, request.param, **variables) as server:
        yield server


def checks(node: Node, suite: str, url: str, folder: Path, version: str, *options: str) -> dict[str, list[str]]:
    """For each scenario the results of its checks; the suite must not fail but as it is expected to."""
    baseline = str(HERE / f"expected-{version}.yml")
    words = (node.package(suite), "server", "--url", f"{url}/mcp", "--expected-failures", baseline, *options, version)
    node.run(*words, "--output-dir", str(folder))
    found = {}
    for file in folder.glob("*/checks.json"):
        scenario = re.sub(r"-\d{4}-\d\d-\d\dT.*", "", file.parent.name.removeprefix("server-"))
        found[scenario] = [f"{check['status']} {check['id']}" for check in json.loads(file.read_text())]
    return found


def succeeded(found: list[str]) -> bool:
    """Whether something was checked at all; what failed has ended the suite already."""
    return any(check.startswith("SUCCESS ") for check in found)


def test_2025_11_25(node: Node, local: Running, tmp_path: Path) -> None:
    found = checks(node, OLD, local.url, tmp_path, "2025-11-25", "--spec-version")
    assert [scenario for scenario in HANDSHAKE if not succeeded(found[scenario])] == []


def test_2026_07_28(node: Node, local: Running, tmp_path: Path) -> None:
    found = checks(node, NEW, local.url, tmp_path, "2026-07-28", "--requirements")
    assert [scenario for scenario in MODERN if not succeeded(found[scenario])] == []
    schema_checks = [check for every in found.values() for check in every if check.endswith(" wire-schema-valid")]
    assert len(schema_checks) > 30
    assert set(schema_checks) == {"SUCCESS wire-schema-valid"}
