"""The gateway refuses what is not signed by whom it says, in the documented order and words."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
import urllib3
from sandbox.clients import Caller, raw, send
from volcengine_sandbox import Identity, Sandbox


def refused(answer: tuple[int, dict[str, Any]]) -> tuple[int, str, int | None]:
    status, envelope = answer
    assert "Result" not in envelope
    error = envelope["ResponseMetadata"]["Error"]
    return status, error["Code"], error.get("CodeN")


def test_a_signed_request_is_answered_with_an_envelope(shared: Sandbox) -> None:
    url, headers, body = raw(shared, shared.administrator)
    answer = urllib3.request("POST", url, headers=headers, body=body, retries=False)
    metadata = answer.json()["ResponseMetadata"]
    assert answer.status == 200
    assert re.fullmatch(r"\d{14}[0-9A-F]{20}", metadata["RequestId"])
    assert answer.headers["X-Tt-Logid"] == metadata["RequestId"]
    assert metadata | {"RequestId": ""} == {
        "RequestId": "",
        "Action": "DescribeOrganization",
        "Version": "2022-01-01",
        "Service": "organization",
        "Region": "cn-beijing",
    }


MISMATCH = (401, "SignatureDoesNotMatch", 100010)


def test_tampering_is_noticed(shared: Sandbox) -> None:
    url, headers, body = raw(shared, shared.administrator)
    assert refused(send(url + "&Extra=1", headers, body)) == MISMATCH
    assert refused(send(url, headers, b'{"a":1}')) == MISMATCH
    assert refused(send(url, headers | {"content-type": "text/plain"}, body)) == MISMATCH
    assert refused(send(url.replace("DescribeOrg", "DeleteOrg"), headers, body)) == MISMATCH
    assert refused(send(url, headers, body, method="PUT")) == MISMATCH
    assert refused(send(url, headers | {"authorization": headers["authorization"][:-1] + "é"}, body)) == MISMATCH
    # Only the listed headers are signed, so another one changes nothing.
    assert send(url, headers | {"accept": "text/html"}, body)[0] == 200


@pytest.mark.parametrize("age", [901 + 5, -901 - 5])
def test_a_stale_or_early_date_is_refused(shared: Sandbox, age: float) -> None:
    assert refused(send(*raw(shared, shared.administrator, age=age))) == (400, "InvalidTimestamp", 100006)


def test_validity_can_be_changed_by_x_expires(shared: Sandbox) -> None:
    longer = raw(shared, shared.administrator, age=1200, extra={"x-expires": "3600"})
    shorter = raw(shared, shared.administrator, age=60, extra={"x-expires": "30"})
    assert send(*longer)[0] == 200
    assert refused(send(*shorter))[1] == "InvalidTimestamp"


def test_a_date_within_validity_is_accepted(shared: Sandbox) -> None:
    assert send(*raw(shared, shared.administrator, age=880))[0] == 200
    assert send(*raw(shared, shared.administrator, age=-880))[0] == 200


def test_keys_and_tokens(shared: Sandbox) -> None:
    unknown = replace(shared.administrator, access_key="AKLTnobody")
    wrong = replace(shared.administrator, secret_key="guess")
    assert refused(send(*raw(shared, unknown))) == (401, "InvalidAccessKey", 100009)
    assert refused(send(*raw(shared, shared.disabled))) == (401, "InvalidAccessKey", 100009)
    assert refused(send(*raw(shared, wrong))) == MISMATCH
    bad = (401, "InvalidSecretToken", 100026)
    assert refused(send(*raw(shared, shared.expired))) == bad
    assert refused(send(*raw(shared, replace(shared.temporary, session_token="other")))) == bad
    assert refused(send(*raw(shared, replace(shared.temporary, session_token=None)))) == bad
    assert refused(send(*raw(shared, replace(shared.administrator, session_token="surplus")))) == bad
    assert send(*raw(shared, shared.temporary))[0] == 200


def test_what_is_missing_or_malformed_is_named(shared: Sandbox) -> None:
    url, headers, body = raw(shared, shared.administrator)
    authorization = headers["authorization"]
    base = shared.endpoint

    def spoilt(old: str, new: str) -> tuple[int, str, int | None]:
        assert old in authorization
        return refused(send(url, headers | {"authorization": authorization.replace(old, new)}, body))

    without = {name: value for name, value in headers.items() if name != "authorization"}
    undated = {name: value for name, value in headers.items() if name != "x-date"}
    assert refused(send(base + "/?Version=2022-01-01", headers, body)) == (400, "MissingParameter", 100002)
    assert refused(send(base + "/?Action=X", headers, body)) == (400, "MissingParameter", 100002)
    assert refused(send(url, without, body)) == (401, "MissingAuthenticationToken", 100003)
    assert refused(send(url, undated, body)) == (400, "MissingRequestInfo", 100004)
    assert spoilt("HMAC-SHA256", "AWS4-HMAC-SHA256") == (400, "InvalidAuthorization", 100024)
    assert spoilt("Credential=", "Cred=") == (400, "InvalidAuthorization", 100024)
    assert spoilt("/request", "/aws4_request") == (400, "InvalidCredential", 100025)
    assert spoilt(shared.administrator.access_key, "") == (400, "MissingRequestInfo", 100004)
    assert spoilt("Signature=", "Sig=") == (401, "MissingSignature", 100005)


def test_unknown_services_actions_and_versions(shared: Sandbox) -> None:
    someone = shared.administrator
    assert refused(send(*raw(shared, someone, "ListUsers", service="iam"))) == (404, "ServiceNotFound", 100007)
    assert refused(send(*raw(shared, someone, "ListUnicorns"))) == (404, "InvalidActionOrVersion", 100008)
    status, envelope = send(*raw(shared, someone, "ListUnicorns"))
    message = envelope["ResponseMetadata"]["Error"]["Message"]
    assert (status, message) == (404, "Could not find operation ListUnicorns for version 2022-01-01.")


def test_bodies_that_are_not_what_they_say(shared: Sandbox) -> None:
    for body in (b"{", b"[1]", b"nonsense", b"\xff\xfe", b'{"a":' * 5000):
        assert refused(send(*raw(shared, shared.administrator, body=body)))[:2] == (400, "InvalidParam")
    # A lone surrogate is legal JSON and cannot be sent back in UTF-8.
    search = json.dumps({"Search": "\ud800"}).encode()
    assert send(*raw(shared, shared.administrator, "ListAccounts", body=search))[0] == 200
    strange = json.dumps({"LookupConditions": [{"LookupConditionKey": "EventName", "LookupConditionValue": "\ud800"}]})
    assert (
        send(*raw(shared, shared.administrator, "LookupEvents", service="cloud_trail", body=strange.encode()))[0] == 200
    )


def test_a_reader_changes_nothing(box: Sandbox) -> None:
    reader = Caller(box, box.reader)
    assert reader("ListAccounts")["Total"] == 14
    assert reader("LookupEvents", service="cloud_trail")["Trails"]
    trail = {"TrailName": "mine", "IncludeAllEventSources": True, "TosBucketName": "example-bucket"}
    status, error = reader.error("CreateTrail", trail, service="cloud_trail", method="GET")
    assert (status, error["Code"], error["CodeN"]) == (403, "AccessDenied", 100013)
    assert error["Message"] == "User is not authorized to perform: cloud_trail:CreateTrail on resource: "
    status, error = reader.error("CreateAccount", {"AccountName": "new-one", "ShowName": "x"})
    assert (status, error["Code"]) == (400, "PermissionError")
    assert error["Message"].startswith("No permission to perform action[CreateAccount] on resource ")


@pytest.mark.parametrize(
    ("who", "action", "expected"),
    [
        ("member", "ListAccounts", (400, "PermissionError")),
        ("member", "CreateServiceControlPolicy", (400, "PermissionError")),
        ("outsider", "ListAccounts", (400, "PermissionError")),
        ("outsider", "DescribeOrganization", (404, "RecordNotExists")),
    ],
)
def test_organization_is_for_its_administrator(
    shared: Sandbox, who: str, action: str, expected: tuple[int, str]
) -> None:
    identity: Identity = getattr(shared, who)
    assert Caller(shared, identity).refusal(action) == expected


def test_calls_are_audited_with_caller_and_refusal_and_without_passwords(box: Sandbox) -> None:
    admin = Caller(box, box.administrator)
    account = next(iter(box.state.organizations.values())).owner
    admin("EnableConsoleLogin", {"AccountId": account, "Password": "Not-A-Real-1"})
    admin.refusal("DescribeAccount", {"AccountId": "2199999999"})
    key = [{"LookupConditionKey": "AccessKeyID", "LookupConditionValue": box.administrator.access_key}]
    newest = admin("LookupEvents", {"LookupConditions": key}, service="cloud_trail")["Trails"]
    missing, enabled = newest[:2]
    assert (missing["EventName"], missing["ErrorCode"]) == ("DescribeAccount", "RecordNotExists")
    assert (enabled["EventName"], enabled["ErrorCode"]) == ("EnableConsoleLogin", "")
    assert (enabled["UserName"], enabled["SourceIPAddress"]) == ("ops-admin", "127.0.0.1")
    detail = json.loads(enabled["EventDetail"])
    assert json.loads(detail["RequestParameters"]) == {"AccountId": account, "Password": "***"}
    assert detail["UserAgent"].startswith("volcstack-python-sdk/")
    assert "Not-A-Real-1" not in json.dumps(newest)


def test_secrets_are_not_in_reprs(shared: Sandbox) -> None:
    identity = shared.temporary
    assert identity.secret_key not in repr(identity)
    assert identity.session_token is not None
    assert identity.session_token not in repr(identity)
