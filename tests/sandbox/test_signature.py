"""The signature is computed as the SDK's own signer does: four recorded vectors, without HTTP."""

from __future__ import annotations

import hashlib

import pytest
from volcengine_sandbox import signature

ACCESS_KEY = "AKLTEXAMPLEACCESSKEY0001"
SECRET_KEY = "EXAMPLESECRETKEY0123456789abcdefgh=="
DATE = "20250115T083045Z"
COMMON = {
    "X-Date": DATE,
    "X-Sdk-Invocation-Id": "11111111-2222-4333-8444-555555555555",
    "X-Sdk-Request": "attempt=1; max=4",
}
BODY_2 = (
    b'{"MaxResults": 10, "StartTime": 1735574400, "EndTime": 1735578000, "LookupConditions": '
    b'[{"LookupConditionKey": "EventName", "LookupConditionValue": "\\u521b\\u5efa"}]}'
)
BODY_4 = b"TrailName=trail+test&EventSources.1=iam"
HOST = "open.volcengineapi.com"

VECTORS = [
    pytest.param(
        "GET",
        "EventRW=All&EventSources.1=iam&EventSources.2=ecs&TosKeyPrefix=a+b%2F%E4%B8%AD&TrailName=trail-test"
        "&TrailType=0&Action=CreateTrail&Version=2018-01-01",
        {"Host": HOST, "Content-Type": "text/plain"},
        b"",
        "cloud_trail",
        "fe3d03e1baa690771fec29dfc644d7fbadcb82815802602595631bee1b85f39f",
        "962c96dbaf62937bd73b6ec17de25443c92eef7269b8c8cd52a7d03bdbd7be79",
        id="get-with-lists",
    ),
    pytest.param(
        "POST",
        "Action=LookupEvents&Version=2021-09-01",
        {"Host": HOST, "Content-Type": "application/json"},
        BODY_2,
        "cloud_trail",
        "18300b78393a9292cd7b25ede77437dbe52700731d1707303d37f5e41aeee9d2",
        "82e79d3b550563bbd2ec6602ff52b98f0086f5ff0d0c085363a27057778356b5",
        id="post-json",
    ),
    pytest.param(
        "POST",
        "Action=DescribeOrganization&Version=2022-01-01",
        {
            "Host": "127.0.0.1:8080",
            "Content-Type": "application/json",
            "X-Security-Token": "STSEXAMPLETOKEN",
        },
        b"{}",
        "organization",
        "da16251d3983958d2c12af001d3220dc8e42b05f25b1f0a00d58bb2a32931695",
        "f8b1311e4a1af8a8cc1ff15ff6f3e6c9554b7db8c5fa3bc829ad9c375a3f52e4",
        id="token-and-port",
    ),
    pytest.param(
        "POST",
        "Action=CreateTrail&Version=2018-01-01",
        {"Host": HOST, "Content-Type": "application/x-www-form-urlencoded"},
        BODY_4,
        "cloud_trail",
        "b9d762af9f94bce6e1e572aa64672dbab3590cfce8201308825a2abe4c26a385",
        "18decd1183efd15050ec517188b90750a4c5c0e5fee3db6504a4f2ea96d47cb0",
        id="form",
    ),
]


@pytest.mark.parametrize(("method", "query", "headers", "body", "service", "canonical_hash", "expected"), VECTORS)
def test_vector(
    *,
    method: str,
    query: str,
    headers: dict[str, str],
    body: bytes,
    service: str,
    canonical_hash: str,
    expected: str,
) -> None:
    everything = headers | COMMON | {"X-Content-Sha256": hashlib.sha256(body).hexdigest()}
    signed = sorted(name.lower() for name in everything)
    canonical = signature.canonical_request(method, "/", query, list(everything.items()), signed=signed, body=body)
    assert hashlib.sha256(canonical.encode()).hexdigest() == canonical_hash
    scope = signature.Scope(DATE[:8], "cn-beijing", service)
    assert signature.sign(canonical, DATE, scope, SECRET_KEY) == expected


def test_derived_keys() -> None:
    keys = signature.signing_keys(SECRET_KEY, signature.Scope(DATE[:8], "cn-beijing", "cloud_trail"))
    assert keys.date.hex() == "f16a25a3d0edbd660faafc906fda7a2814c565856cea90942f673f26bc1eacd9"
    assert keys.region.hex() == "7c6960798299f653b184fad762c544307c752291e215ff0f504dc5b65f4021fc"
    assert keys.service.hex() == "3db874037a18306c5a2bb5d22667345c6237808eb1d5a09c83950cf8e1854b68"
    assert keys.signing.hex() == "53a5fcaf49846ac1a0aba731e1668f6dbe70eca9eb58a70a843d8b87c3d60dcc"


def test_canonical_query_sorts_pairs_and_not_their_text() -> None:
    assert signature.canonical_query("A.1=x&A=y&B=&C=a+b~*") == "A=y&A.1=x&B=&C=a%20b~%2A"


@pytest.mark.parametrize(
    ("host", "canonical"),
    [("example.com:443", "example.com"), ("example.com:80", "example.com"), ("h:8080", "h:8080")],
)
def test_implied_ports_are_cut_off(host: str, canonical: str) -> None:
    assert signature.canonical_headers([("Host", host)], ["host"]) == f"host:{canonical}\n"
