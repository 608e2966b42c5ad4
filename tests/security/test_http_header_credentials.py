"""The credential in a header: what is read, what is refused, and that a refusal says which part and not its value."""

from __future__ import annotations

import base64
import json

import httpx2
import pytest
from support.http import ACCEPT, LISTING, Running, answer_of, bearer, raw, request, status_of
from volcengine_mcp.api.credentials import Credential
from volcengine_mcp.errors import CredentialsError
from volcengine_mcp.signin.header import from_header
from volcengine_sandbox import Identity, Sandbox

PUBLISHED = "ICB7IkFjY2Vzc0tleUlkIjoiQUsiLCJTZWNyZXRBY2Nlc3NLZXkiOiJTSyIsIlNlc3Npb25Ub2tlbiI6IiJ9"
ODD = {"AccessKeyId": "AK>>>???", "SecretAccessKey": "SK~~~>>?", "SessionToken": "??>>"}
"""Its Base64 has every character in which the two alphabets differ, and padding."""


def encoded(value: object, *, urlsafe: bool = False) -> str:
    """Base64 of JSON, or of text."""
    text = value if isinstance(value, str) else json.dumps(value)
    return (base64.urlsafe_b64encode if urlsafe else base64.b64encode)(text.encode()).decode()


def test_published_example_is_read() -> None:
    assert from_header(f"Bearer {PUBLISHED}") == Credential("AK", "SK", "")


@pytest.mark.parametrize("urlsafe", [False, True])
@pytest.mark.parametrize("padding", [True, False])
@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  "])
@pytest.mark.parametrize("margin", ["", " ", "\n\t "])
def test_both_alphabets_with_and_without_padding(urlsafe: bool, padding: bool, scheme: str, margin: str) -> None:
    text = encoded(f"{margin}{json.dumps(ODD)}{margin}", urlsafe=urlsafe)
    assert ("-" in text or "_" in text) == urlsafe
    read = from_header(scheme + (text if padding else text.rstrip("=")))
    assert read == Credential("AK>>>???", "SK~~~>>?", "??>>")


def test_pasted_space_around_keys_is_cut() -> None:
    fields = {"AccessKeyId": " AK\n", "SecretAccessKey": "SK\r\n", "SessionToken": None}
    assert from_header(f"Bearer {encoded(fields)}") == Credential("AK", "SK", "")


AK, SK = "AKLTsecretaccesskey0001", "c2VjcmV0LXNlY3JldC1zZWNyZXQ="

REFUSED = {
    "no header": (None, "missing"),
    "empty": ("", "missing"),
    "no token": ("Bearer", "Nothing follows Bearer"),
    "only padding": ("Bearer ==", "Nothing follows Bearer"),
    "other scheme": (f"Basic {encoded({'AccessKeyId': AK, 'SecretAccessKey': SK})}", "must start with Bearer"),
    "scheme glued": (f"Bearer{PUBLISHED}", "must start with Bearer"),
    "not base64": (f"Bearer {AK}:{SK}", "Base64"),
    "inner space": (f"Bearer {PUBLISHED[:20]} {PUBLISHED[20:]}", "Base64"),
    "half a quantum": ("Bearer A", "Base64"),
    "not UTF-8": ("Bearer " + base64.b64encode(b'\xff{"AccessKeyId":"x"}').decode(), "UTF-8"),
    "UTF-16": ("Bearer " + base64.b64encode(json.dumps({"AccessKeyId": AK}).encode("utf-16")).decode(), "UTF-8"),
    "not JSON": (f"Bearer {encoded(f'{AK}:{SK}')}", "not JSON"),
    "single quotes": (f"Bearer {encoded(str({'AccessKeyId': AK, 'SecretAccessKey': SK}))}", "not JSON"),
    "trailing garbage": (f"Bearer {encoded(json.dumps({'AccessKeyId': AK, 'SecretAccessKey': SK}) + 'x')}", "JSON"),
    "deep": (f"Bearer {encoded('[' * 5000)}", "not JSON"),
    "list": (f"Bearer {encoded([AK, SK])}", "not a JSON object"),
    "text": (f"Bearer {encoded(json.dumps(AK))}", "not a JSON object"),
    "null": (f"Bearer {encoded('null')}", "not a JSON object"),
    "no access key": (f"Bearer {encoded({'SecretAccessKey': SK})}", "AccessKeyId is missing"),
    "no secret key": (f"Bearer {encoded({'AccessKeyId': AK})}", "SecretAccessKey is missing"),
    "empty access key": (f"Bearer {encoded({'AccessKeyId': '', 'SecretAccessKey': SK})}", "AccessKeyId is missing"),
    "blank secret key": (f"Bearer {encoded({'AccessKeyId': AK, 'SecretAccessKey': ' '})}", "SecretAccessKey"),
    "lower case names": (f"Bearer {encoded({'accesskeyid': AK, 'secretaccesskey': SK})}", "AccessKeyId is missing"),
    "number": (f"Bearer {encoded({'AccessKeyId': 1, 'SecretAccessKey': SK})}", "AccessKeyId is missing"),
    "list as secret": (f"Bearer {encoded({'AccessKeyId': AK, 'SecretAccessKey': [SK]})}", "SecretAccessKey is missing"),
    "token not text": (
        f"Bearer {encoded({'AccessKeyId': AK, 'SecretAccessKey': SK, 'SessionToken': {'a': 1}})}",
        "SessionToken is missing",
    ),
    "newline in key": (
        f"Bearer {encoded({'AccessKeyId': AK + chr(13) + chr(10) + 'X-Admin: 1', 'SecretAccessKey': SK})}",
        "AccessKeyId in the decoded token has characters",
    ),
    "newline in token": (
        f"Bearer {encoded({'AccessKeyId': AK, 'SecretAccessKey': SK, 'SessionToken': f'{AK}{chr(10)}b'})}",
        "SessionToken in the decoded token has characters",
    ),
    "NUL in secret": (
        f"Bearer {encoded({'AccessKeyId': AK, 'SecretAccessKey': SK + chr(0) + AK})}",
        "SecretAccessKey in the decoded token has characters",
    ),
    "not ASCII": (
        f"Bearer {encoded({'AccessKeyId': AK + '密钥', 'SecretAccessKey': SK})}",
        "AccessKeyId in the decoded",
    ),
    "huge": ("Bearer " + encoded({"AccessKeyId": AK, "SecretAccessKey": SK * 1000}), "too long"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusal_names_the_part_and_never_the_value(case: str) -> None:
    header, sentence = REFUSED[case]
    with pytest.raises(CredentialsError) as refusal:
        from_header(header)
    said = json.dumps(refusal.value.as_dict(), ensure_ascii=False)
    assert sentence in refusal.value.message
    assert "token` makes this header" in refusal.value.hint
    for secret in (AK, SK, AK[:12], SK[:12]):
        assert secret not in said


@pytest.mark.parametrize("route", ["/mcp", "/sse", "/messages/?session_id=" + "0" * 32])
def test_401_is_plain_json_without_a_challenge(http: httpx2.Client, route: str) -> None:
    for headers in ({}, {"Authorization": f"Bearer {encoded({'AccessKeyId': AK})}"}):
        answer = http.request("GET" if route == "/sse" else "POST", route, headers={**ACCEPT, **headers})
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/json"
        assert "www-authenticate" not in answer.headers
        assert set(answer.json()) == {"Code", "Message", "HTTPStatus", "Hint"}
        assert AK not in answer.text


@pytest.mark.parametrize(
    "path", ["/.well-known/oauth-protected-resource", "/.well-known/oauth-authorization-server", "/authorize", "/token"]
)
def test_no_page_sends_a_client_down_the_path_of_oauth(http: httpx2.Client, path: str) -> None:
    for suffix in ("", "/mcp", "/sse"):
        assert http.get(path + suffix).status_code == 404


def test_two_headers_are_ambiguous(http: httpx2.Client, sandbox: Sandbox) -> None:
    both = [*bearer(sandbox.administrator).items(), *bearer(sandbox.outsider).items(), *ACCEPT.items()]
    answer = http.post("/mcp", json=LISTING, headers=both)
    assert (answer.status_code, answer.json()["Message"]) == (401, "There is more than one Authorization header.")


@pytest.mark.parametrize("smuggled", [b"\r\n x", b"\nX-Forwarded-For: 1.2.3.4", b"\rHost: evil", b"\x00", b"\xff\xfe"])
def test_bytes_smuggled_into_the_header_get_nowhere(server: Running, sandbox: Sandbox, smuggled: bytes) -> None:
    token = bearer(sandbox.administrator)["Authorization"].encode()
    body = json.dumps(request("tools/call", "ListAccounts")).encode()
    before = len(sandbox.requests)
    answer = raw(
        server.url,
        b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: application/json, text/event-stream\r\n"
        b"Content-Type: application/json\r\nConnection: close\r\n"
        + f"Content-Length: {len(body)}\r\n".encode()
        + b"Authorization: "
        + token[:40]
        + smuggled
        + token[40:]
        + b"\r\n\r\n"
        + body,
    )
    assert status_of(answer) in (400, 401)
    assert token[40:] not in answer
    assert len(sandbox.requests) == before


def test_request_hidden_behind_two_lengths_is_not_served(server: Running, sandbox: Sandbox) -> None:
    hidden = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
    head = b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n"
    token = bearer(sandbox.administrator)["Authorization"].encode()
    sent = head + b"Connection: close\r\nAuthorization: " + token + b"\r\n\r\n0\r\n\r\n" + hidden
    assert b"mcp_tool_calls" not in raw(server.url, sent)


def called_as(http: httpx2.Client, identity: Identity) -> dict[str, object]:
    """The result of a call in somebody's name."""
    answer = http.post("/mcp", json=request("tools/call", "ListAccounts"), headers={**ACCEPT, **bearer(identity)})
    result: dict[str, object] = answer_of(answer)["result"]
    return result


def test_each_kind_of_key_is_used_as_it_was_sent(http: httpx2.Client, sandbox: Sandbox) -> None:
    for identity in (sandbox.administrator, sandbox.temporary):
        assert not called_as(http, identity).get("isError")
        assert sandbox.requests[-1].access_key == identity.access_key


@pytest.mark.parametrize("who", ["expired", "disabled"])
def test_keys_that_volcengine_refuses_are_errors_of_the_tool(http: httpx2.Client, sandbox: Sandbox, who: str) -> None:
    identity: Identity = getattr(sandbox, who)
    result = called_as(http, identity)
    assert result["isError"]
    assert identity.secret_key not in json.dumps(result)
    assert identity.access_key not in json.dumps(result)


def test_wrong_secret_with_a_known_access_key_gets_nothing(http: httpx2.Client, sandbox: Sandbox) -> None:
    somebody = sandbox.administrator
    forged = Identity("x", somebody.access_key, sandbox.outsider.secret_key, somebody.account_id)
    assert not called_as(http, somebody).get("isError")
    assert called_as(http, forged)["isError"]
    assert not called_as(http, somebody).get("isError")
