"""Who is asking, and with whose keys: people who send their own Volcengine keys in a header.

Threat: one person's calls signed with another's keys, keys that stay in memory or reach a log, and a refusal that
sends a client down the path of OAuth where there is none. Each request therefore carries its own credential, the
identity of a session is a digest of it, and a refusal is plain JSON that names the part that is wrong.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import Any

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from pydantic import Field
from starlette.authentication import AuthCredentials
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from volcengine_mcp.api.credentials import Credential
from volcengine_mcp.errors import CredentialsError
from volcengine_mcp.signin.access import Access, Visitor

LONGEST_HEADER = 8192
"""Characters of a header value that are looked at; a credential has a few hundred."""


class HeaderToken(AccessToken):
    """The verified content of a header: what signs this request, never what was sent."""

    credential: Credential = Field(repr=False)


def from_header(value: str | None) -> Credential:
    """The credential in an `Authorization` header: `Bearer` and the Base64 of a JSON object.

    Both Base64 alphabets are read, with or without padding; white space around the JSON is ignored.

    Raises:
        CredentialsError: one sentence that says which part is wrong, without its value.
    """
    if not value:
        raise _refusal("The Authorization header is missing.")
    if len(value) > LONGEST_HEADER:
        raise _refusal("The Authorization header is too long.")
    scheme, _, encoded = value.partition(" ")
    if scheme.lower() != "bearer":
        raise _refusal("The Authorization header must start with Bearer.")
    encoded = encoded.strip().rstrip("=").replace("-", "+").replace("_", "/")
    if not encoded:
        raise _refusal("Nothing follows Bearer in the Authorization header.")
    try:
        text = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        raise _refusal("What follows Bearer is not Base64 of UTF-8 text.") from None
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        raise _refusal("The decoded token is not JSON.") from None
    if not isinstance(fields, dict):
        raise _refusal("The decoded token is not a JSON object.")
    return Credential(_field(fields, "AccessKeyId"), _field(fields, "SecretAccessKey"), _field(fields, "SessionToken"))


def _field(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if name == "SessionToken" and value in (None, ""):
        return ""
    if not isinstance(value, str) or not value.strip():
        raise _refusal(f"{name} is missing in the decoded token, or is not text.")
    value = value.strip()
    if not (value.isascii() and value.isprintable()):
        raise _refusal(f"{name} in the decoded token has characters that no key has.")
    return value


def _refusal(message: str) -> CredentialsError:
    hint = (
        'Send "Authorization: Bearer " and the Base64 of '
        '{"AccessKeyId":"…","SecretAccessKey":"…","SessionToken":""}; the command `token` makes this header.'
    )
    return CredentialsError("InvalidCredentialHeader", message, hint=hint, http_status=401)


def to_header(credential: Credential) -> str:
    """The header value that `from_header` reads."""
    fields = {
        "AccessKeyId": credential.access_key,
        "SecretAccessKey": credential.secret_key,
        "SessionToken": credential.session_token,
    }
    return f"Bearer {base64.b64encode(json.dumps(fields, separators=(',', ':')).encode()).decode()}"


class HeaderCredentials:
    """ASGI middleware that lets in only requests with a credential in their header."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the header, or refuse with 401 and no challenge."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).getlist("authorization")
        try:
            if len(given) > 1:
                raise _refusal("There is more than one Authorization header.")
            credential = from_header(given[0] if given else None)
        except CredentialsError as error:
            refusal = JSONResponse(error.as_dict(), status_code=401, headers={"Cache-Control": "no-store"})
            await refusal(scope, receive, send)
            return
        scope["user"] = AuthenticatedUser(_token(credential))
        scope["auth"] = AuthCredentials([])
        await self._app(scope, receive, send)


def _token(credential: Credential) -> HeaderToken:
    """The identity that a session is bound to: a digest of the whole credential, so that no two share one."""
    parts = (credential.access_key, credential.secret_key, credential.session_token)
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()
    return HeaderToken(token="", client_id=digest, scopes=[], credential=credential)


def credential_of_request() -> Credential:
    """The credential in the header of the request being served.

    Raises:
        CredentialsError: the request carries none; nothing else may sign for it.
    """
    token = get_access_token()
    if not isinstance(token, HeaderToken):
        raise _refusal("The Authorization header is missing.")
    return token.credential


def _visitor() -> Visitor:
    return Visitor(credential_of_request().fingerprint)


SIGNED_BY_VISITOR = Access(_visitor, credential_of_request)
"""Each person's calls are signed with the keys in that person's header."""
