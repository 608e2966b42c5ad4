"""Faults on demand: each kind as urllib3 and the SDK meet it, by rule, by header and by the control endpoint."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import urllib3
from sandbox.clients import Caller, raw, sdk
from urllib3.exceptions import HTTPError, IncompleteRead, ProtocolError, ReadTimeoutError
from volcengine_sandbox import Fault, Sandbox
from volcenginesdkcore.universal import UniversalApi, UniversalInfo

CREATE = ("CreateAccount", {"AccountName": "made-by-fault", "ShowName": "x"})


def made(box: Sandbox) -> bool:
    return any(account.name == "made-by-fault" for account in box.state.accounts.values())


def post(box: Sandbox, fault: str, timeout: float = 5.0, action: str = "DescribeOrganization") -> Any:
    """A raw signed call whose header asks for a fault; the header itself is not signed."""
    url, headers, body = raw(box, box.administrator, action, unsigned={"x-sandbox-fault": fault})
    return urllib3.request("POST", url, headers=headers, body=body, retries=False, timeout=timeout)


def envelope(answer: Any) -> Any:
    return json.loads(answer.data)


def test_latency_delays_an_ordinary_answer(shared: Sandbox) -> None:
    started = time.monotonic()
    answer = post(shared, "kind=latency; delay=0.2")
    assert time.monotonic() - started >= 0.2
    assert (answer.status, bool(envelope(answer)["Result"])) == (200, True)


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("kind=throttle", 429, "AccountFlowLimitExceeded"),
        ("kind=status; status=500", 500, "InternalError"),
        ("kind=status; status=502", 502, "InternalServiceError"),
        ("kind=status; status=503", 503, "ServiceUnavailableTemp"),
        ("kind=status; status=504", 504, "InternalServiceTimeout"),
        ("kind=error; status=400; code=ConcurrentException; message=busy", 400, "ConcurrentException"),
        ("kind=error_in_200; code=Odd; message=odd", 200, "Odd"),
    ],
)
def test_errors_are_answered_and_nothing_is_done(box: Sandbox, fault: str, status: int, code: str) -> None:
    url, headers, body = raw(
        box, box.administrator, CREATE[0], body=json.dumps(CREATE[1]).encode(), unsigned={"x-sandbox-fault": fault}
    )
    answer = urllib3.request("POST", url, headers=headers, body=body, retries=False)
    assert (answer.status, envelope(answer)["ResponseMetadata"]["Error"]["Code"]) == (status, code)
    assert "Result" not in envelope(answer)
    assert not made(box)


def test_odd_answers(shared: Sandbox) -> None:
    html = post(shared, "kind=not_json")
    assert (html.status, html.headers["content-type"], html.data[:6]) == (200, "text/html", b"<html>")
    empty = post(shared, "kind=empty")
    assert (empty.status, empty.data) == (200, b"")
    assert "Result" not in envelope(post(shared, "kind=missing_result"))
    assert isinstance(envelope(post(shared, "kind=list_result"))["Result"], list)
    assert list(envelope(post(shared, "kind=no_metadata"))) == ["Result"]


def test_a_truncated_answer(shared: Sandbox) -> None:
    with pytest.raises((IncompleteRead, ProtocolError)):
        post(shared, "kind=truncated")


@pytest.mark.parametrize(("kind", "done"), [("reset_before", False), ("reset_after", True)])
def test_resets_before_and_after_the_work(box: Sandbox, kind: str, done: bool) -> None:
    box.inject(Fault(kind=kind, action="CreateAccount", times=1))
    admin = Caller(box, box.administrator)
    with pytest.raises(ProtocolError):
        admin(*CREATE)
    assert made(box) is done
    assert box.requests[-1].status == 0
    assert admin("ListAccounts")["Total"] == 14 + done


def test_hang_holds_until_the_client_leaves_or_the_delay_is_over(shared: Sandbox) -> None:
    with pytest.raises(ReadTimeoutError):
        post(shared, "kind=hang", timeout=0.3)
    started = time.monotonic()
    with pytest.raises(ProtocolError):
        post(shared, "kind=hang; delay=0.2")
    assert 0.2 <= time.monotonic() - started < 2


def test_stopping_does_not_wait_for_what_hangs() -> None:
    with Sandbox() as box:
        with pytest.raises(ReadTimeoutError):
            post(box, "kind=latency; delay=60", timeout=0.2)
        started = time.monotonic()
    assert time.monotonic() - started < 2


def test_a_rule_is_bounded_and_particular(box: Sandbox) -> None:
    box.inject(Fault(kind="throttle", action="ListAccounts", times=2))
    box.inject(Fault(kind="status", status=503, access_key=box.reader.access_key))
    admin, reader = Caller(box, box.administrator), Caller(box, box.reader)
    assert admin("DescribeOrganization")
    assert admin.refusal("ListAccounts") == (429, "AccountFlowLimitExceeded")
    assert admin.refusal("ListAccounts") == (429, "AccountFlowLimitExceeded")
    assert admin("ListAccounts")
    assert reader.refusal("ListAccounts") == (503, "ServiceUnavailableTemp")
    assert reader.refusal("DescribeOrganization") == (503, "ServiceUnavailableTemp")
    box.clear_faults()
    assert reader("DescribeOrganization")


def test_the_sdk_retries_and_the_requests_show_it(box: Sandbox) -> None:
    box.inject(Fault(kind="throttle", action="DescribeOrganization", times=2))
    client = sdk(box, box.administrator)
    client.configuration.num_max_retries = 3
    client.configuration.min_retry_delay_ms = 5
    client = type(client)(client.configuration)
    info = UniversalInfo("POST", "organization", "2022-01-01", "DescribeOrganization", "application/json")
    assert UniversalApi(client).do_call(info, {})
    assert [(r.action, r.attempt, r.status, r.code) for r in box.requests] == [
        ("DescribeOrganization", 1, 429, "AccountFlowLimitExceeded"),
        ("DescribeOrganization", 2, 429, "AccountFlowLimitExceeded"),
        ("DescribeOrganization", 3, 200, ""),
    ]
    assert box.requests[0].access_key == box.administrator.access_key
    assert (box.requests[0].service, box.requests[0].version, box.requests[0].method) == (
        "organization",
        "2022-01-01",
        "POST",
    )


def test_a_signed_header_works_too(shared: Sandbox) -> None:
    caller = Caller(shared, shared.administrator, fault="kind=throttle")
    assert caller.refusal("DescribeOrganization") == (429, "AccountFlowLimitExceeded")


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"kind": "earthquake"}, "There is no fault kind 'earthquake'"),
        ({"kind": "throttle", "times": 0}, "times must be 1 or more"),
        ({"kind": "latency", "delay": -1}, "delay must be 0 to"),
        ({"kind": "status", "status": 418}, "status must be one of 500, 502, 503, 504"),
    ],
)
def test_faults_that_make_no_sense_are_refused(parts: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Fault(**parts)


def test_a_header_that_makes_no_sense_is_answered_in_words(shared: Sandbox) -> None:
    answer = post(shared, "kind=earthquake")
    assert (answer.status, answer.data.decode()[:40]) == (400, "The fault cannot be read: There is no fa")


class Control:
    """The control endpoint of a sandbox."""

    def __init__(self, box: Sandbox) -> None:
        self.box = box

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        answer = urllib3.request(
            method,
            f"{self.box.endpoint}/_sandbox/{path}",
            json=body,
            headers={name.replace("_", "-"): value for name, value in headers.items()},
            retries=False,
        )
        return answer.status, answer.json() if answer.data else None


def test_the_control_endpoint(box: Sandbox) -> None:
    control = Control(box)
    assert control("GET", "health")[1]["status"] == "ok"
    status, added = control("POST", "faults", {"kind": "throttle", "action": "ListAccounts"})
    assert status == 201
    assert Caller(box, box.administrator).refusal("ListAccounts")[0] == 429
    (rule,) = control("GET", "faults")[1]["faults"]
    assert (rule["id"], rule["kind"], rule["action"]) == (added["id"], "throttle", "ListAccounts")
    assert control("GET", "requests")[1]["requests"][-1]["code"] == "AccountFlowLimitExceeded"
    assert control("DELETE", f"faults/{added['id']}")[0] == 204
    assert control("DELETE", f"faults/{added['id']}")[0] == 404
    control("POST", "faults", {"kind": "empty"})
    assert control("DELETE", "faults")[0] == 204
    assert Caller(box, box.administrator)("ListAccounts")
    assert control("POST", "faults", {"kind": "x"})[0] == 400
    assert control("POST", "faults", {"kind": "empty", "colour": "red"})[0] == 400
    assert control("POST", "reset", {"seed": 2}) == (200, {"seed": 2})
    assert box.requests == []
    assert control("POST", "reset", {"seed": "two"})[0] == 400
    control("POST", "reset", {"seed": 1})


def test_identities_are_listed_without_secrets(shared: Sandbox) -> None:
    text = json.dumps(Control(shared)("GET", "identities")[1])
    assert shared.reader.access_key in text
    for identity in shared.state.keys:
        assert identity.secret_key not in text
        assert not identity.session_token or identity.session_token not in text


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Host": ""}, {"Origin": "http://127.0.0.1"}])
def test_web_pages_cannot_use_the_controls(shared: Sandbox, headers: dict[str, str]) -> None:
    for method, path in (("GET", "requests"), ("POST", "reset"), ("DELETE", "faults"), ("GET", "health")):
        try:
            status = Control(shared)(method, path, **headers)[0]
        except HTTPError:
            continue
        assert status in {400, 403}
