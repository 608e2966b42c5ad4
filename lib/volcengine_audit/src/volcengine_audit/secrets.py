"""Secrets inside events are masked before anyone reads them.

Threat: request parameters and responses can hold passwords, secret keys, session tokens, signed links and user data,
and whatever a tool answers ends in a model's context and in logs. Whether the service masks them itself is not
documented. A secret is known by the name of its field; in free text also by its form. Access key IDs are no secrets
and are kept, as they identify the caller. Masking too much is preferred to masking too little.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

from volcengine_audit import lenient
from volcengine_audit.kept import kept

MASK: Final = "***"

SECRET_NAMES: Final = frozenset(
    {
        *("password", "passwd", "pwd", "passphrase", "passcode", "secret", "secretkey", "secretaccesskey"),
        *("token", "tokens", "signature", "privatekey", "signingkey", "sharedkey", "presharedkey", "apikey"),
        *("authkey", "sessionkey", "keymaterial", "plaintext", "cookie", "cookies", "authorization"),
        *("kubeconfig", "userdata", "dockerconfig", "dockerconfigjson", "authcode", "authorizationcode"),
        *("verificationcode", "verifycode", "securitycode", "mfacode", "smscode", "samlassertion", "samlresponse"),
        *("密码", "口令", "私钥", "令牌"),
    }
)
"""A field is secret when its name ends with one of these, case and punctuation aside."""

_ENDINGS: Final = tuple(sorted(SECRET_NAMES))

EXACT_NAMES: Final = frozenset(
    {"sk", "pin", "otp", "totp", "psk", "sign", "sig", "pass", "bearer", "assertion", "credential", "credentials"}
)
"""Names too short or too common to be looked for at the end of others."""

HARMLESS_NAMES: Final = frozenset(
    {
        *("nexttoken", "nextpagetoken", "pagetoken", "paginationtoken", "continuationtoken", "previoustoken"),
        *("nextcontinuationtoken", "clienttoken", "idempotencytoken", "maxtokens", "totaltokens"),
    }
)
"""Positions in a list, idempotency keys and counts, which open nothing."""

_QUALIFIERS: Final = re.compile(
    r"(?:value|string|binary|data|text|plain|base64|b64|hash|encrypted|content|pem|body|blob|confirm|confirmation"
    r"|again|repeat|[0-9])$"
)
_NUMBERS_KEPT: Final = ("token", "tokens", "signature", "userdata", "cookie", "cookies")
"""Under these names a number is a count or a limit; under `Password` it is a password."""
_NAME_FIELDS: Final = frozenset({"key", "name", "k", "field", "parametername", "parameterkey", "paramname", "header"})
_VALUE_FIELDS: Final = frozenset({"value", "values", "v", "parametervalue", "paramvalue", "defaultvalue"})
_ACCESS_KEY_ID: Final = re.compile(r"AK(?:LT|TP)[A-Za-z0-9+=/_\-%.]*")
_CREDENTIALS: Final = frozenset({"credential", "credentials"})
"""Names under which an access key ID stands beside its secrets."""
_VALIDITY: Final = re.compile(r"(?:time|expiration|expires|expiry)$")
_DEEPEST_TEXT: Final = 8
"""JSON texts within JSON texts that are opened; quoting doubles with each, so real ones end at three."""

_SUSPECT = re.compile(r"[=:%]|eyJ|PRIVATE KEY|bearer|basic", re.IGNORECASE)
"""Every pattern below needs one of these, and most texts have none."""
_PEM = re.compile(
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?"
    r"(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.DOTALL,
)
_HEADER = re.compile(
    r"""(?i)(?P<head>\b(?:proxy-)?authorization\\*["']?\s*[:=]\s*\\*["']?|\b(?:set-)?cookie\\*["']?\s*:\s*\\*["']?)"""
    r"""(?P<value>[^\r\n"'\\]+)"""
)
_SCHEME = re.compile(r"(?i)\b(?P<head>bearer|basic)\s+(?=[^\s\"']*[0-9=._])[A-Za-z0-9._~+/=-]{8,}")
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?")
_USERINFO = re.compile(
    r"(?P<head>(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,30}://[^/\s:@\"']{0,256}:)[^/\s@\"']+(?=@)", re.IGNORECASE
)
_NAME = re.compile(r"""(?<![\w.%-])(?P<name>[\w.%-]{1,128}(?:\[[\w.-]*\])?)\\*["']?\s{0,8}(?:=|:(?=[\s\\"']))\s{0,8}""")
_VALUE = re.compile(
    r"""(?P<open>["'])(?P<body>(?:(?!(?P=open))[^\\]|\\.)*)"""
    r"""|(?P<quoted>\\+["'])(?P<inner>(?:(?!(?<!\\)(?P=quoted)).)*)"""
    r"""|(?P<bare>(?:[^\s&"'\\]|\\(?!["'nrt\\]))+)""",
    re.DOTALL,
)
_ENCODED_PAIR = re.compile(
    r"(?<![\w.-])(?P<name>[\w.-]{1,128})(?P<gap>%(?:25)?3[dD])(?P<value>(?:(?!%(?:25)?26)[^&\s\"'<>])+)"
)


@kept
def is_secret(name: str) -> bool:
    """Whether a field of this name holds a secret."""
    plain = lenient.spelling(name)
    if plain in HARMLESS_NAMES:
        return False
    while plain:
        if plain in EXACT_NAMES or plain.endswith(_ENDINGS):
            return plain not in HARMLESS_NAMES
        shorter = _QUALIFIERS.sub("", plain)
        if shorter == plain:
            return False
        plain = shorter
    return False


def mask(value: object) -> object:
    """A copy of a JSON value in which every secret reads `***`; masking twice changes nothing more."""
    return _masked(value, 0, 0)


def mask_text(text: str) -> str:
    """A text in which every secret reads `***`: JSON inside it, pairs such as `Signature=…`, keys, headers."""
    return _masked_text(text, 0)


def _masked(value: object, level: int, texts: int) -> object:
    if level > lenient.DEEPEST:
        return MASK  # what cannot be looked into cannot be shown
    if isinstance(value, str):
        return _masked_text(value, texts)
    if isinstance(value, Mapping):
        named_secret = any(
            lenient.spelling(str(key)) in _NAME_FIELDS and isinstance(inner, str) and is_secret(inner)
            for key, inner in value.items()
        )
        masked: dict[str, object] = {}
        for key, inner in value.items():
            name = str(key)
            if named_secret and lenient.spelling(name) in _VALUE_FIELDS:
                masked[name] = _hidden(inner, level + 1)
            elif is_secret(name):
                masked[name] = _under(name, inner, level + 1, texts)
            else:
                masked[name] = _masked(inner, level + 1, texts)
        return masked
    if isinstance(value, list | tuple):
        return [_masked(inner, level + 1, texts) for inner in value]
    return value


def _under(name: str, value: object, level: int, texts: int) -> object:
    """The value of a field that is secret by its name."""
    plain = lenient.spelling(name)
    if plain in _CREDENTIALS:
        return _credentials(value, level)
    if isinstance(value, int | float) and plain.endswith(_NUMBERS_KEPT):
        return value
    return _hidden(value, level)


def _credentials(value: object, level: int) -> object:
    """Credentials, of which only the access key ID and the validity may be seen."""
    if isinstance(opened := lenient.unwrapped(value), Mapping) and level <= lenient.DEEPEST:
        shown = {
            str(key): inner
            if isinstance(inner, str) and _VALIDITY.search(lenient.spelling(str(key)))
            else _credentials(inner, level + 1)
            for key, inner in opened.items()
        }
        return lenient.dumps(shown) if isinstance(value, str) else shown
    if isinstance(value, str) and _ACCESS_KEY_ID.fullmatch(value):
        return value
    return _hidden(value, level)


def _hidden(value: object, level: int) -> object:
    """A value of which only the structure may be seen."""
    if level > lenient.DEEPEST:
        return MASK
    if isinstance(value, Mapping):
        return {str(key): _hidden(inner, level + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_hidden(inner, level + 1) for inner in value]
    return value if value is None or isinstance(value, bool) or value == "" else MASK


def _masked_text(text: str, texts: int) -> str:
    if text.lstrip()[:1] in lenient.OPENERS and texts < _DEEPEST_TEXT:
        try:
            value = lenient.loads(text)
        except ValueError:
            pass
        else:
            masked = _masked(value, 0, texts + 1)
            return text if masked == value else lenient.dumps(masked)
    return _masked_prose(text)


def _masked_prose(text: str) -> str:
    if not _SUSPECT.search(text):
        return text
    if "PRIVATE KEY" in text:
        text = _PEM.sub(MASK, text)
    text = _USERINFO.sub(rf"\g<head>{MASK}", text)
    text = _HEADER.sub(rf"\g<head>{MASK}", text)
    text = _SCHEME.sub(rf"\g<head> {MASK}", text)
    text = _JWT.sub(MASK, text)
    text = _masked_pairs(text)
    return _ENCODED_PAIR.sub(_masked_encoded, text) if "%" in text else text


def _masked_pairs(text: str) -> str:
    """Pairs such as `password=…` and `"Token": "…"`; what follows a harmless name is searched for pairs itself."""
    done, kept = 0, []
    found = _NAME.search(text)
    while found:
        start = end = found.end()
        if is_secret(unquote(found["name"])) and (value := _VALUE.match(text, start)):
            group = "body" if value["open"] else "inner" if value["quoted"] else "bare"
            if not _is_shown(found["name"], value[group]):
                end_of_mask = value.start(group) + len(value[group].rstrip(",;"))
                kept += [text[done : value.start(group)], MASK]
                done = end_of_mask
            end = value.end()
        found = _NAME.search(text, end)
    return "".join(kept) + text[done:]


def _masked_encoded(match: re.Match[str]) -> str:
    name, value = match["name"], match["value"]
    if not is_secret(name) or _is_shown(name, value):
        return match.group()
    return f"{name}{match['gap']}{MASK}"


def _is_shown(name: str, value: str) -> bool:
    """Whether a value may be seen although its name is that of a secret: no text, a count, an access key ID."""
    plain = lenient.spelling(unquote(name))
    if plain in _CREDENTIALS and _ACCESS_KEY_ID.fullmatch(unquote(value).rstrip(",;")):
        return True
    counted = value.isdecimal() and plain.endswith(_NUMBERS_KEPT)
    return counted or value.casefold() in ("", "true", "false", "null", "none")
