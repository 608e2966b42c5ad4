"""What went wrong on the way to the OpenAPI, in the words of this toolkit: the one place that knows aiohttp's errors.

The question behind every case is whether the service can have seen the request. What aiohttp raises while it makes a
connection says that it cannot; anything later says that it may.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import time
from typing import TYPE_CHECKING

import aiohttp

from volcengine_mcp.declare import Effect
from volcengine_mcp.errors import NoAnswerError, NotSentError, OutcomeUnknownError, ServiceError, VolcengineError
from volcengine_mcp.untrusted import visible

if TYPE_CHECKING:
    from volcengine_mcp.declare import Action

PERMANENT = frozenset({"TLSFailure", "UnreadableAnswer", "AnswerTooLarge"})
"""Codes of failures that the same request would meet again."""

TRANSIENT_STATUSES = frozenset({429, 500, 502, 503, 504})

_HINTS = {
    "SignatureDoesNotMatch": "Check that VOLCENGINE_SECRET_KEY belongs to the access key and was copied whole.",
    "InvalidAccessKey": "The access key does not exist, is disabled, or belongs to another site: "
    "check VOLCENGINE_ACCESS_KEY and the `endpoint` setting.",
    "InvalidSecretToken": "The session token is wrong or has expired: obtain temporary credentials again.",
    "InvalidTimestamp": "The clock of this machine is more than 15 minutes off: synchronise it, then try again.",
    "SiteDoesNotMatch": "The key belongs to the other site (Volcengine or BytePlus): set `endpoint` to its address.",
    "InvalidActionOrVersion": "This endpoint does not offer the action: check the `endpoint` and `region` settings.",
    "ServiceNotFound": "This endpoint does not offer the service: check the `endpoint` and `region` settings.",
    "ConcurrentException": "Another change to the organization is in progress: wait a few seconds, then try again.",
    "AccountInactive": "The account is not active: check its status in the console.",
    "EnterpriseRealNameVerification": "Only an enterprise-verified account may do this: verify it in the console.",
    "PolicyTypeNotEnabledException": "Service control policies are switched off: "
    "GetServiceControlPolicyEnablement tells the status.",
    "InvalidTrailConfiguration": "Give a TOS bucket (TosBucketName) or a TLS project (TlsProjectName) to deliver to.",
    "InvalidTimeRange": "Give a StartTime before EndTime, both in Unix seconds.",
}

_DENIED = frozenset({"AccessDenied", "LackPolicy", "LackProjectPolicy", "PermissionError"})
_NOT_FOUND = ("NotExist", "NotExists", "NotFound", "NotFoundException")
_EXISTS = ("AlreadyExists", "DuplicatePolicyException", "DuplicatePolicyAttachmentException")


def _hint(code: str, status: int | None, action: type[Action], headers: Mapping[str, str]) -> str:
    """What a person or a model should do about an error that the service answered."""
    if code == "InvalidTimestamp" and (skew := _clock_skew(headers)) is not None:
        return f"The clock of this machine is {skew}: synchronise it, then try again."
    if code in _HINTS:
        return _HINTS[code]
    if code in _DENIED:
        return _denied(code, action)
    if code.endswith(_NOT_FOUND) or status == 404:
        return "Nothing has this name or ID in the account in use: list first, then use an ID from the answer."
    if code.endswith(_EXISTS) or status == 409:
        return "It exists already: read the existing one, or choose another name."
    if status == 429:
        return "Too many requests in a short time: wait, then ask for less at once."
    if status is not None and status >= 500:
        return "The service failed: try again later, and give the RequestId to Volcengine support if it persists."
    if code.startswith("Invalid") or "Parameter" in code or code == "BadRequest":
        return f"Check the argument that the message names against the input schema of {action.wire_name()}."
    return f"Look {code} up in the API documentation of {action.service}:{action.wire_name()}."


def _denied(code: str, action: type[Action]) -> str:
    if code == "PermissionError":
        return (
            f"Use a key of the organization's administrator account whose IAM policies allow {action.permission()}; "
            "a member account sees little and changes nothing."
        )
    return (
        f"Allow {action.permission()} to this identity in an IAM policy, "
        "and check that no service control policy denies it."
    )


def _clock_skew(headers: Mapping[str, str]) -> str | None:
    """How far the local clock is from the service's `Date` header, in words."""
    try:
        seconds = time() - parsedate_to_datetime(headers["Date"]).timestamp()
    except (KeyError, ValueError):
        return None
    if abs(seconds) < 60:
        return None
    return f"about {abs(round(seconds / 60))} minutes {'ahead' if seconds > 0 else 'behind'}"


@dataclass(frozen=True)
class _Envelope:
    """What an error answer of the OpenAPI says of itself."""

    code: str
    message: str
    request_id: str | None


def _envelope(body: object) -> _Envelope | None:
    """The error envelope in a response body; None when the body is not one."""
    try:
        metadata = json.loads(body)["ResponseMetadata"] if isinstance(body, str | bytes) else None
        error = metadata["Error"] if isinstance(metadata, dict) else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(metadata, dict) or not isinstance(error, dict):
        return None
    code = visible(str(error.get("Code") or "UnknownError"))
    message = str(error.get("Message") or "").strip() or "The service gave no message."
    request_id = metadata.get("RequestId")
    return _Envelope(code, message, visible(str(request_id)) if request_id else None)


def translate(error: Exception, action: type[Action], *, seconds: float) -> VolcengineError:
    """The toolkit's error for one that was raised while a request was sent.

    Args:
        seconds: how long was waited, for the sentence about a timeout.
    """
    match error:
        case VolcengineError():
            return error
        case aiohttp.ClientSSLError():
            return NotSentError(
                "TLSFailure",
                "The TLS connection to the endpoint could not be verified.",
                hint="For an endpoint with a private certificate set `ca_bundle`; otherwise check `endpoint`.",
            )
        case aiohttp.ClientProxyConnectionError() | aiohttp.ClientHttpProxyError():
            return NotSentError(
                "ProxyFailure",
                "The proxy refused or could not be reached.",
                hint="Check HTTPS_PROXY and NO_PROXY in the environment.",
            )
        case aiohttp.ClientConnectorDNSError():
            return NotSentError(
                "UnknownHost",
                "The endpoint's host name could not be resolved.",
                hint="Check the `endpoint` setting and this machine's network.",
            )
        case aiohttp.ConnectionTimeoutError() | aiohttp.ClientConnectorError(os_error=TimeoutError()):
            return NotSentError(
                "ConnectTimeout",
                "The endpoint did not accept a connection in time.",
                hint="Check the `endpoint` setting and this machine's network.",
            )
        case aiohttp.ClientConnectorError():
            return NotSentError(
                "ConnectionRefused",
                "The endpoint refused the connection.",
                hint="Check the `endpoint` setting and that something listens there.",
            )
        case TimeoutError():
            return _no_answer("Timeout", f"No answer came within {round(seconds, 1):g} seconds.", action)
        case aiohttp.ClientResponseError():
            return unreadable(action)
        case aiohttp.ClientError() | OSError():
            return _no_answer("ConnectionLost", "The connection was lost before the answer was complete.", action)
        case _:
            raise error


def is_transient(error: BaseException) -> bool:
    """Whether the same request may succeed a moment later."""
    match error:
        case ServiceError():
            return error.http_status in TRANSIENT_STATUSES
        case NoAnswerError() | NotSentError():
            return error.code not in PERMANENT
        case _:
            return False


def answered(status: int, body: object, headers: Mapping[str, str], action: type[Action]) -> VolcengineError:
    """The error for an answer with an error status, or with an error inside a success."""
    said = _envelope(body)
    if said is None:
        if status < 300:
            return unreadable(action)
        said = _Envelope(f"HTTP{status}", f"The endpoint answered HTTP {status} without saying why.", None)
    request_id = said.request_id or headers.get("X-Tt-Logid")
    if action.effect is not Effect.READ and status >= 500:
        return _unknown(said.code, said.message, action, http_status=status, request_id=request_id)
    hint = _hint(said.code, status, action, headers)
    return ServiceError(said.code, said.message, hint=hint, http_status=status, request_id=request_id)


def unreadable(action: type[Action]) -> NoAnswerError:
    """The error for an answer with a success status that is no OpenAPI envelope."""
    return _no_answer("UnreadableAnswer", "The answer was not an OpenAPI envelope in JSON.", action)


def too_large(action: type[Action], most: int) -> NoAnswerError:
    """The error for an answer of more bytes than are read."""
    return _no_answer("AnswerTooLarge", f"The answer was longer than {most >> 20} MiB.", action)


def _no_answer(code: str, message: str, action: type[Action]) -> NoAnswerError:
    if action.effect is not Effect.READ:
        return _unknown(code, message, action)
    hint = (
        "Check that `endpoint` is a Volcengine OpenAPI; a proxy may have answered."
        if code in PERMANENT
        else ("Try again; if it persists, check the network and the `endpoint` setting.")
    )
    return NoAnswerError(code, message, hint=hint)


def _unknown(
    code: str,
    message: str,
    action: type[Action],
    *,
    http_status: int | None = None,
    request_id: str | None = None,
) -> OutcomeUnknownError:
    """The error for a write that may have been done: it must not be repeated blindly."""
    message = f"{message.rstrip('.。')}. {action.wire_name()} was sent once and may or may not have been carried out."
    check = f"Call {action.verify} to see whether it was" if action.verify else "Look in the console whether it was"
    hint = f"{check} before trying again: a repeated call could do it twice."
    return OutcomeUnknownError(code, message, hint=hint, http_status=http_status, request_id=request_id)
