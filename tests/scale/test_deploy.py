"""The files of deploy/: they parse, agree with each other and with the settings, and give no rights away.

No container engine is needed, and none is tested: the images and the cluster are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from support.http import ORGANIZATION, running
from volcengine_mcp.settings.load import leaves, variable
from volcengine_sandbox import Sandbox

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KNOWN = {variable(path, field) for path, field in leaves().items()} | {
    *("VOLCENGINE_ACCESS_KEY", "VOLCENGINE_SECRET_KEY", "VOLCENGINE_ACCESS_SESSION_TOKEN"),
}
OF_OURS = re.compile(r"\b(?:MCP_SERVER|VOLCENGINE)_[A-Z_]+\b")


def texts() -> Iterator[tuple[str, str]]:
    """Every file with its content."""
    for file in sorted(DEPLOY.rglob("*")):
        if file.is_file():
            yield str(file.relative_to(DEPLOY)), file.read_text(encoding="utf-8")


def manifests() -> list[dict[str, Any]]:
    """Every Kubernetes object."""
    files = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    return [document for file in files for document in yaml.safe_load_all(file.read_text())]


def of_kind(kind: str) -> list[dict[str, Any]]:
    """The objects of a kind."""
    return [manifest for manifest in manifests() if manifest["kind"] == kind]


def test_only_settings_that_exist_are_named() -> None:
    unknown = {(name, found) for name, text in texts() for found in OF_OURS.findall(text) if found not in KNOWN}
    assert unknown == set()


def test_no_secret_is_filled_in() -> None:
    for name, text in texts():
        for line in re.findall(r"^#?\s*\w*(?:SECRET|PASSWORD|ACCESS_KEY)\w*\s*[=:].*$", text, re.MULTILINE):
            value = re.split(r"[=:]\s*", line, maxsplit=1)[1].partition("  #")[0].strip(" \"'")
            assert not value or value.startswith("${"), f"{name}: {line}"


def test_compose_runs_two_replicas_that_can_do_little() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    services = compose["services"]
    assert set(services) == {"mcp-1", "mcp-2", "nginx", "redis"}
    assert services["mcp-1"] == services["mcp-2"]
    replica = services["mcp-1"]
    assert replica["read_only"]
    assert replica["cap_drop"] == ["ALL"]
    assert not replica["user"].startswith("0")
    assert "ports" not in replica
    assert "ports" not in services["redis"]
    assert compose["networks"]["inside"]["internal"]
    assert (
        replica["environment"]["MCP_SERVER_TRUSTED_PROXIES"]
        == (compose["networks"]["inside"]["ipam"]["config"][0]["subnet"])
    )
    assert float(replica["stop_grace_period"].rstrip("s")) > float(replica["environment"]["MCP_SERVER_DRAIN_TIMEOUT"])
    template = (DEPLOY / "nginx/default.conf.template").read_text()
    needed = set(re.findall(r"\$\{(\w+)\}", template))
    assert needed == {name for name in services["nginx"]["environment"] if name.startswith("MCP_")}


def test_kubernetes_objects_belong_together() -> None:
    (deployment,), (service,), (policy,) = of_kind("Deployment"), of_kind("Service"), of_kind("NetworkPolicy")
    pod = deployment["spec"]["template"]
    labels = pod["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == labels
    assert service["spec"]["selector"] == labels
    assert policy["spec"]["podSelector"]["matchLabels"] == labels
    (container,) = pod["spec"]["containers"]
    (port,) = container["ports"]
    assert service["spec"]["ports"][0]["targetPort"] == port["name"]
    assert policy["spec"]["ingress"][0]["ports"][0]["port"] == port["containerPort"]
    for ingress in of_kind("Ingress"):
        paths = ingress["spec"]["rules"][0]["http"]["paths"]
        assert {path["backend"]["service"]["name"] for path in paths} == {service["metadata"]["name"]}
        assert not {path["path"] for path in paths} & {"/", "/metrics", "/readyz"}
    assert container["envFrom"][0]["secretRef"]["name"] == of_kind("Secret")[0]["metadata"]["name"]


def test_pod_drains_is_probed_and_can_do_little() -> None:
    (deployment,) = of_kind("Deployment")
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    given = {entry["name"]: entry.get("value") for entry in container["env"]}
    pause = int(re.findall(r"sleep\((\d+)\)", container["lifecycle"]["preStop"]["exec"]["command"][-1])[0])
    assert pod["terminationGracePeriodSeconds"] > float(given["MCP_SERVER_DRAIN_TIMEOUT"]) + pause
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert {container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("liveness", "startup")} == {"/healthz"}
    assert pod["securityContext"]["runAsNonRoot"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert not pod["automountServiceAccountToken"]


@pytest.mark.parametrize("source", ["compose", "kubernetes"])
def test_server_starts_with_these_settings(source: str) -> None:
    """With the keys of everybody in headers, as the examples have it; only the address is this machine's."""
    if source == "compose":
        compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
        given = dict(compose["services"]["mcp-1"]["environment"])
        given |= {"MCP_SERVER_BASE_URL": "https://mcp.example.com", "MCP_SERVER_OAUTH_STORAGE": "redis://redis:6379/0"}
    else:
        (container,) = of_kind("Deployment")[0]["spec"]["template"]["spec"]["containers"]
        given = {entry["name"]: entry["value"] for entry in container["env"] if "value" in entry}
        given["MCP_SERVER_ALLOWED_HOSTS"] = "127.0.0.1"
    del given["MCP_SERVER_PORT"]
    with Sandbox() as box, running(box.endpoint, ORGANIZATION, **given) as server:
        probed = "localhost" if source == "compose" else "127.0.0.1"
        for path in ("/healthz", "/readyz"):
            assert httpx2.get(f"{server.url}{path}", headers={"Host": f"{probed}:8888"}).status_code == 200
        assert httpx2.post(f"{server.url}/mcp", headers={"Host": "mcp.example.com"}).status_code == 401
