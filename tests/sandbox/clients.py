"""Clients of a sandbox for its tests: the real SDK, and raw HTTP requests that are signed by hand."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import urllib3
import volcenginesdkcore
from volcengine_sandbox import Identity, Sandbox, signature
from volcenginesdkcore.rest import ApiException
from volcenginesdkcore.universal import UniversalApi, UniversalInfo

VERSIONS = {"organization": "2022-01-01", "cloud_trail": "2021-09-01"}


def sdk(box: Sandbox, identity: Identity, fault: str | None = None) -> Any:
    """An SDK client without retries; `fault` goes into every request as its header."""
    conf = volcenginesdkcore.Configuration()
    conf.ak, conf.sk, conf.session_token = identity.access_key, identity.secret_key, identity.session_token
    conf.host, conf.region = box.endpoint, "cn-beijing"
    conf.num_max_retries = 0
    client = volcenginesdkcore.ApiClient(conf)
    if fault:
        client.set_default_header("X-Sandbox-Fault", fault)
    return client


class Caller:
    """Calls any action through the SDK's universal API."""

    def __init__(self, box: Sandbox, identity: Identity, fault: str | None = None) -> None:
        self.api = UniversalApi(sdk(box, identity, fault))

    def __call__(self, action: str, body: dict[str, Any] | None = None, **options: Any) -> Any:
        """Returns the `Result`. Raises ApiException."""
        service = options.get("service", "organization")
        version = options.get("version", VERSIONS[service])
        method = options.get("method", "POST")
        kind = options.get("content_type", "text/plain" if method == "GET" else "application/json")
        return self.api.do_call(UniversalInfo(method, service, version, action, kind), body or {})

    def refusal(self, action: str, body: dict[str, Any] | None = None, **options: Any) -> tuple[int, str]:
        """The HTTP status and error code of a call that must fail."""
        status, error = self.error(action, body, **options)
        return status, error["Code"]

    def error(self, action: str, body: dict[str, Any] | None = None, **options: Any) -> tuple[int, dict[str, Any]]:
        """The HTTP status and `Error` of a call that must fail."""
        try:
            answer = self(action, body, **options)
        except ApiException as refused:
            return refused.status, json.loads(refused.body)["ResponseMetadata"]["Error"]
        raise AssertionError(f"{action} {body} was answered with {answer}")


def raw(
    box: Sandbox | str,
    identity: Identity,
    action: str = "DescribeOrganization",
    *,
    service: str = "organization",
    age: float = 0,
    body: bytes = b"{}",
    extra: dict[str, str] | None = None,
    unsigned: dict[str, str] | None = None,
    region: str = "cn-beijing",
) -> tuple[str, dict[str, str], bytes]:
    """A correctly signed POST to a sandbox or endpoint, to be sent or spoilt: address, headers, body.

    `age` in seconds.
    """
    endpoint = box if isinstance(box, str) else box.endpoint
    query = f"Action={action}&Version={VERSIONS.get(service, '2020-01-01')}"
    host = endpoint.partition("//")[2]
    date = (datetime.now(UTC) - timedelta(seconds=age)).strftime("%Y%m%dT%H%M%SZ")
    headers = {
        "content-type": "application/json",
        "host": host,
        "x-content-sha256": hashlib.sha256(body).hexdigest(),
        "x-date": date,
    } | (extra or {})
    if identity.session_token:
        headers["x-security-token"] = identity.session_token
    signed = tuple(sorted(headers))
    scope = signature.Scope(date[:8], region, service)
    canonical = signature.canonical_request("POST", "/", query, list(headers.items()), signed=signed, body=body)
    sealed = signature.sign(canonical, date, scope, identity.secret_key)
    headers["authorization"] = (
        f"HMAC-SHA256 Credential={identity.access_key}/{scope}, SignedHeaders={';'.join(signed)}, Signature={sealed}"
    )
    return f"{endpoint}/?{query}", headers | (unsigned or {}), body


def send(url: str, headers: dict[str, str], body: bytes = b"", method: str = "POST") -> tuple[int, dict[str, Any]]:
    """Status and JSON of an answer."""
    answer = urllib3.request(method, url, headers=headers, body=body or None, retries=False, timeout=10)
    return answer.status, answer.json()
