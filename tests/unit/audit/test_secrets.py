"""Secrets in events never reach a reader; what is no secret stays readable."""

from __future__ import annotations

import json
from itertools import product
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from volcengine_audit import mask, mask_text
from volcengine_audit.secrets import EXACT_NAMES, HARMLESS_NAMES, SECRET_NAMES, is_secret

PLANTED = "s3cr3t-Pl4nted"
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{PLANTED}\n-----END RSA PRIVATE KEY-----"
JWT = f"eyJhbGciOiJIUzI1NiJ9.{PLANTED}.c2ln"


@pytest.mark.parametrize(
    "name",
    [
        *("Password", "password", "PASSWORD", "NewPassword", "old_password", "Password1", "PasswordConfirm", "pwd"),
        *("AdminPasswd", "LoginProfile.Password", "Password.1", "PasswordHash", "Base64Password", "ConnectionPwd"),
        *("SecretAccessKey", "SecretKey", "secret_key", "ClientSecret", "AppSecret", "SecretString", "SecretValue"),
        *("SecretBinary", "AccessKeySecret", "SessionToken", "SecurityToken", "X-Security-Token", "IdToken", "Tokens"),
        *("OIDCToken", "SAMLAssertion", "Signature", "X-Signature", "X-Tos-Signature", "sk", "Sign", "ApiKey"),
        *("PrivateKey", "PrivateKeyPem", "private-key", "PreSharedKey", "psk", "KeyMaterial", "Plaintext"),
        *("Cookie", "Set-Cookie", "Authorization", "Proxy-Authorization", "Headers[Authorization]", "Bearer"),
        *("Kubeconfig", "KubeConfigContent", "UserData", "user_data", "UserDataBase64", "DockerConfigJson"),
        *("VerifyCode", "MFACode", "AuthKey", "密码", "登录密码", "SCIMToken", "DBPassword", "Credentials"),
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        *("PasswordResetRequired", "MaxPasswordAge", "PasswordPolicy", "PasswordLastUsed", "TokenCount", "NextToken"),
        *("ClientToken", "ContinuationToken", "SecretName", "SecretId", "SecretTrn", "SecretType", "AccessKeyId"),
        *("AccessKeyID", "AccessKey", "PublicKey", "SignatureMethod", "SignatureVersion", "SignedHeaders", "TokenType"),
        *("UserName", "KeyPairName", "Disk", "Task", "Mapping", "Design", "Compass", "CookiePolicy", "KeyID", "", "-"),
        *("Description", "Content", "Data", "Value", "DataDisk.1.Size", "EncryptionContext", "Tokenizer"),
    ],
)
def test_names_of_no_secrets(name: str) -> None:
    assert not is_secret(name)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"PasswordResetRequired": True, "TokenCount": 5}, {"PasswordResetRequired": True, "TokenCount": 5}),
        ({"Password": "x", "A": "y"}, {"Password": "***", "A": "y"}),
        ({"Password": 123456}, {"Password": "***"}),
        ({"Password": ""}, {"Password": ""}),
        ({"Password": None, "Token": False}, {"Password": None, "Token": False}),
        ({"Tokens": 5}, {"Tokens": 5}),
        ({"Token": ["x", {"y": "z"}]}, {"Token": ["***", {"y": "***"}]}),
        (
            {
                "Credentials": {
                    "AccessKeyId": "AKTPx",
                    "SecretAccessKey": "s",
                    "SessionToken": "t",
                    "ExpiredTime": "2026",
                }
            },
            {
                "Credentials": {
                    "AccessKeyId": "AKTPx",
                    "SecretAccessKey": "***",
                    "SessionToken": "***",
                    "ExpiredTime": "2026",
                }
            },
        ),
        (
            {"AccessKey": {"AccessKeyId": "AKLTx", "SecretAccessKey": "s"}},
            {"AccessKey": {"AccessKeyId": "AKLTx", "SecretAccessKey": "***"}},
        ),
        (
            {"Credential": "AKLTx/20261120/cn-beijing/iam/request"},
            {"Credential": "AKLTx/20261120/cn-beijing/iam/request"},
        ),
        ({"Credential": "hunter2"}, {"Credential": "***"}),
        ([{"Name": "DB_PASSWORD", "Value": "x"}], [{"Name": "DB_PASSWORD", "Value": "***"}]),
        ([{"Key": "team", "Value": "x"}], [{"Key": "team", "Value": "x"}]),
        ('{"UserName":"bob","Password":"x"}', '{"UserName":"bob","Password":"***"}'),
        ('{ "UserName" : "bob" }', '{ "UserName" : "bob" }'),
    ],
)
def test_values_are_masked_by_their_names(value: object, expected: object) -> None:
    assert mask(value) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://h/p?a=1&X-Signature=abc&x=2", "https://h/p?a=1&X-Signature=***&x=2"),
        ("url=https://h/?X-Tos-Signature=abc&k=v", "url=https://h/?X-Tos-Signature=***&k=v"),
        ("https://h/?X%2DTos%2DSignature=abc", "https://h/?X%2DTos%2DSignature=***"),
        ("to=https%3A%2F%2Fh%3FX-Signature%3Dabc%26b%3D1", "to=https%3A%2F%2Fh%3FX-Signature%3D***%26b%3D1"),
        ("https://h/?X-Credential=AKLTx%2Fiam&t=1", "https://h/?X-Credential=AKLTx%2Fiam&t=1"),
        ("Authorization: HMAC-SHA256 Credential=AKLTx, Signature=abc", "Authorization: ***"),
        ("HMAC-SHA256 Credential=AKLTx/iam, SignedHeaders=host, Signature=abc", None),
        ("Authorization: Basic dXNlcjpwYXNz\nHost: h", "Authorization: ***\nHost: h"),
        ("got Bearer abc.def123 here", "got Bearer *** here"),
        ("Cookie: a=b; c=d", "Cookie: ***"),
        ("mysql://root:hunter2@db/x", "mysql://root:***@db/x"),
        ("--password=hunter2 --user=x", "--password=*** --user=x"),
        ("password: hunter2\nuser: a", "password: ***\nuser: a"),
        ("password='a b c' next", "password='***' next"),
        ('password="a\\"b c" next', 'password="***" next'),
        ('{"Password":"hunter2", broken', '{"Password":"***", broken'),
        ('{\\"Password\\":\\"hunter2\\", broken', '{\\"Password\\":\\"***\\", broken'),
        ('cut {"A":"{\\"Token\\":\\"hun\\\\\\"ter2\\",\\"b\\":1', 'cut {"A":"{\\"Token\\":\\"***\\",\\"b\\":1'),
        (f"key {PEM} end", "key *** end"),
        (PEM[:40], "***"),
        (f"jwt {JWT} end", "jwt *** end"),
        (
            "PasswordResetRequired=true MaxPasswordAge=90 token=5",
            "PasswordResetRequired=true MaxPasswordAge=90 token=5",
        ),
        ("trn:kms:cn-beijing:21:secret:foo", "trn:kms:cn-beijing:21:secret:foo"),
        ("Basic authentication failed", "Basic authentication failed"),
        ("NextToken=abc", "NextToken=abc"),
        ("密码=hunter2", "密码=***"),
        (
            "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----",
            "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----",
        ),
        ("", ""),
    ],
)
def test_secrets_in_text_are_masked_by_their_form(text: str, expected: str | None) -> None:
    if expected is None:
        assert "abc" not in mask_text(text)
        assert "AKLTx" in mask_text(text)
    else:
        assert mask_text(text) == expected


NAMES = sorted({*SECRET_NAMES, *EXACT_NAMES, "SecretAccessKey", "X-Signature", "NEW_PASSWORD", "userData"})
SAFE = st.text(max_size=12)
TREES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | SAFE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SAFE, inner, max_size=3),
    max_leaves=8,
)
WRAPPERS = st.sampled_from(["list", "dict", "json", "beside"])


def wrapped(value: object, how: str, beside: object) -> object:
    match how:
        case "list":
            return [beside, value]
        case "dict":
            return {"Outer": value}
        case "json":
            return json.dumps(value, ensure_ascii=False)
        case _:
            return {"A": beside, "Payload": [value]}


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(NAMES), st.lists(WRAPPERS, max_size=7), TREES, st.sampled_from([0, 1, 2, 3]))
def test_a_planted_secret_never_survives(name: str, wrappers: list[str], beside: object, form: int) -> None:
    secret: object = (PLANTED, {"x": [PLANTED]}, json.dumps({"x": PLANTED}), [f'{PLANTED} " {PLANTED}'])[form]
    value: object = {name: secret}
    for how in wrappers:
        value = wrapped(value, how, beside)
    assert PLANTED not in json.dumps(mask(value), ensure_ascii=False)


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(NAMES), SAFE, SAFE)
def test_a_pair_in_a_text_never_survives(name: str, before: str, after: str) -> None:
    for pair in (f"{name}={PLANTED}", f'"{name}": "{PLANTED}"', f"{name}: '{PLANTED}'"):
        assert PLANTED not in mask_text(f"{before} {pair} {after}")
    assert PLANTED not in mask_text(f"https://h/?a=1&{name}={PLANTED}&b=2")


@pytest.mark.parametrize(("secret", "depth"), list(product([PEM, JWT, f"https://u:{PLANTED}@h/"], range(4))))
def test_a_secret_known_by_its_form_never_survives_in_nested_json(secret: str, depth: int) -> None:
    value: object = {"Note": secret}
    for _ in range(depth):
        value = {"Note": json.dumps(value)}
    assert PLANTED not in json.dumps(mask(value))


@settings(deadline=None, max_examples=50)
@given(TREES | st.dictionaries(st.sampled_from(NAMES) | SAFE, TREES))
def test_masking_twice_changes_nothing_more(value: object) -> None:
    once = mask(value)
    assert mask(once) == once


@settings(deadline=None, max_examples=50)
@given(st.text() | st.text(alphabet="\"'\\=:&%{}[]apswordToken= 3DeyJ."))
def test_masking_a_text_twice_changes_nothing_more(text: str) -> None:
    once = mask_text(text)
    assert mask_text(once) == once


@settings(deadline=None, max_examples=50)
@given(TREES)
def test_masking_leaves_the_original_alone_and_writes_json(value: object) -> None:
    before = json.dumps(value)
    json.dumps(mask(value))
    assert json.dumps(value) == before


def test_what_is_too_deep_to_look_into_is_masked_whole() -> None:
    value: object = {"Password": PLANTED}
    for _ in range(5000):
        value = [value]
    assert PLANTED not in json.dumps(mask(value))
    text: object = {"Password": PLANTED}
    for _ in range(11):
        text = json.dumps(text)
    assert PLANTED not in mask_text(str(text))


@pytest.mark.parametrize(
    "text",
    [
        "a=" * 50_000,
        "password=" * 20_000,
        '\\"' * 50_000,
        "%3D" * 30_000,
        "x" * 200_000,
        "://" * 50_000,
        'token:\\\\"' * 10_000,
    ],
)
def test_masking_takes_time_in_proportion_to_the_text(text: str) -> None:
    start = process_time()
    mask_text(text)
    assert process_time() - start < 5  # seconds; quadratic behaviour takes minutes


def test_harmless_names_are_spelt_as_they_are_compared() -> None:
    assert all(name == name.casefold() and name.isalnum() for name in HARMLESS_NAMES | SECRET_NAMES | EXACT_NAMES)


@pytest.mark.parametrize("scheme", ["Basic", "bearer"])
def test_a_scheme_and_its_secret_are_enough_to_be_masked(scheme: str) -> None:
    assert mask_text(f"sent {scheme} dXNlcjpwYXNzd29yZDEy to it") == f"sent {scheme} *** to it"
