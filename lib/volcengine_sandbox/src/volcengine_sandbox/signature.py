"""The HMAC-SHA256 request signature of Volcengine, from its rules and not from the SDK.

Rules: docs 6766/127937, 6731/942192 and 6358/166389. It differs from AWS Signature 4 in three places: the
secret has no prefix, the scope ends in `request`, and dates travel in `X-Date`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qsl, quote

ALGORITHM = "HMAC-SHA256"
TERMINATOR = "request"
VALIDITY = 900
"""Seconds that a signature is good for unless `X-Expires` says otherwise (docs 6396/70458)."""

_UNRESERVED = "-_.~"
_IMPLIED_PORT = re.compile(r":(80|443)$")

Headers = Sequence[tuple[str, str]]


class MalformedAuthorizationError(ValueError):
    """The `Authorization` header is not of the form `HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`."""


class MalformedCredentialError(ValueError):
    """The credential is not `<access key>/<date>/<region>/<service>/request`."""


class MissingSignatureError(ValueError):
    """The `Authorization` header has no `Signature`."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a signature is good for: a day (`YYYYMMDD`), a region and a service."""

    date: str
    region: str
    service: str

    def __str__(self) -> str:
        return f"{self.date}/{self.region}/{self.service}/{TERMINATOR}"


@dataclass(frozen=True, slots=True)
class Authorization:
    """A parsed `Authorization` header."""

    access_key: str
    scope: Scope
    signed_headers: tuple[str, ...]
    signature: str


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """The chain of keys from the secret to the one that signs."""

    date: bytes
    region: bytes
    service: bytes
    signing: bytes


def parse_authorization(header: str) -> Authorization:
    """Read an `Authorization` header.

    Raises MalformedAuthorizationError, MissingSignatureError or MalformedCredentialError.
    """
    algorithm, _, rest = header.strip().partition(" ")
    if algorithm != ALGORITHM:
        raise MalformedAuthorizationError(header)
    fields = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    if "Credential" not in fields or not fields.get("SignedHeaders"):
        raise MalformedAuthorizationError(header)
    if not fields.get("Signature"):
        raise MissingSignatureError(header)
    parts = fields["Credential"].split("/")
    if len(parts) != 5 or parts[4] != TERMINATOR or not re.fullmatch(r"\d{8}", parts[1], re.ASCII):
        raise MalformedCredentialError(fields["Credential"])
    return Authorization(
        access_key=parts[0],
        scope=Scope(*parts[1:4]),
        signed_headers=tuple(name.strip().lower() for name in fields["SignedHeaders"].split(";")),
        signature=fields["Signature"],
    )


def canonical_query(query: str) -> str:
    """Decode a raw query string and encode it again the one way that is signed.

    The wire has `+` for a space and the canonical form `%20`. Pairs are sorted, not their joined text: `A`
    comes before `A.1` although `A.1=` sorts before `A=`.
    """
    pairs = parse_qsl(query, keep_blank_values=True)
    encoded = sorted((quote(name, safe=_UNRESERVED), quote(value, safe=_UNRESERVED)) for name, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)


def canonical_headers(headers: Headers, signed: Iterable[str]) -> str:
    """The block of signed headers, one a line, in ascending order of their lower-case names."""
    values: dict[str, str] = {}
    for name, value in headers:
        key = name.lower()
        values[key] = f"{values[key]},{value}" if key in values else value
    if "host" in values:
        values["host"] = _IMPLIED_PORT.sub("", values["host"])
    return "".join(f"{name}:{values.get(name, '').strip()}\n" for name in sorted(signed))


def canonical_request(
    method: str, path: str, query: str, headers: Headers, *, signed: Sequence[str], body: bytes
) -> str:
    """The text whose hash is signed. `query` is the raw query string as it came."""
    return "\n".join(
        (
            method.upper(),
            path or "/",
            canonical_query(query),
            canonical_headers(headers, signed),
            ";".join(sorted(signed)),
            hashlib.sha256(body).hexdigest(),
        )
    )


@lru_cache(maxsize=256)
def signing_keys(secret_key: str, scope: Scope) -> SigningKeys:
    """Derive the keys of a scope. Kept, because a client signs a whole day with the same ones."""
    date = _hmac(secret_key.encode(), scope.date)
    region = _hmac(date, scope.region)
    service = _hmac(region, scope.service)
    return SigningKeys(date, region, service, _hmac(service, TERMINATOR))


def sign(canonical: str, date: str, scope: Scope, secret_key: str) -> str:
    """The signature, in lower-case hex, of a canonical request.

    date: the `X-Date` header, `YYYYMMDDTHHMMSSZ`.
    """
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"{ALGORITHM}\n{date}\n{scope}\n{digest}"
    return _hmac(signing_keys(secret_key, scope).signing, text).hex()


def matches(expected: str, given: str) -> bool:
    """Compare two signatures in constant time; a signature that is not ASCII matches nothing."""
    return hmac.compare_digest(expected.encode(), given.encode())


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
