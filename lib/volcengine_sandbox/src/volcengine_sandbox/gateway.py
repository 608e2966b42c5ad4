"""The API gateway: from an HTTP request to an answer, in the order of checks that the real one has.

Action and version present, authorization present and readable, date fresh, key known, token good, signature
right, service and action known, caller allowed, parameters valid; then the action itself.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from volcengine_sandbox import cloud_trail, envelope, errors, organization, parameters, registry, signature
from volcengine_sandbox.clock import parse_signed
from volcengine_sandbox.envelope import Heading
from volcengine_sandbox.events import Actor, Event
from volcengine_sandbox.identity import Identity
from volcengine_sandbox.registry import Call, Effect, Operation, Result
from volcengine_sandbox.state import State

SERVICES: Final = (cloud_trail, organization)
"""Named so that their actions are declared wherever a gateway is."""

LARGEST_BODY: Final = 4 * 1024 * 1024
"""Bytes of a request body."""
SECRETS: Final = re.compile(r"password|secret|token", re.IGNORECASE)
"""Parameters that an audit event shows as `***`; `NextToken` is none."""
MASK: Final = "***"

logger = logging.getLogger("volcengine_sandbox")


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request. Header names are in lower case."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    client: str

    def header(self, name: str) -> str:
        """A header's value, or nothing."""
        return next((value for key, value in self.headers if key == name), "")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the gateway says: the HTTP status, the parts of the body, and the body itself."""

    status: int
    heading: Heading
    body: bytes
    code: str = ""
    result: Result | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request says of itself before anything is verified."""

    action: str
    version: str
    service: str
    access_key: str


class Gateway:
    """Answers requests over one state."""

    def __init__(self, state: State) -> None:
        self.state = state

    def answer(self, request: Request) -> Answer:
        """Do what a request asks. Never raises: what goes wrong is an answer too."""
        query = dict(parse_qsl(request.query, keep_blank_values=True))
        heading = Heading(
            envelope.request_id(self.state.now, self.state.rng), query.get("Action", ""), query.get("Version", "")
        )
        try:
            identity = self._authenticate(request, heading)
            operation = self._operation(request, heading)
        except errors.ApiError as error:
            return refuse(heading, error)
        result: Result | None = None
        refused: errors.ApiError | None = None
        tree: parameters.Tree = {}
        try:
            registry.authorize(operation, identity, self.state)
            tree = self._read(request, query, operation)
            checked = parameters.check(operation.service, operation.fields, tree)
            result = operation.handler(
                Call(operation.name, operation.version, heading.region, identity, checked, self.state)
            )
        except errors.ApiError as error:
            refused = error
        except Exception:
            logger.exception("%s failed", operation.name)
            refused = errors.gateway("InternalError")
        self._record(request, heading, identity, operation, tree=tree, refused=refused)
        if refused is not None:
            return refuse(heading, refused)
        return Answer(200, heading, envelope.success(heading, result, absent=result is None), result=result)

    def _authenticate(self, request: Request, heading: Heading) -> Identity:
        for name, value in (("Action", heading.action), ("Version", heading.version)):
            if not value:
                raise errors.gateway("MissingParameter", name)
        given = request.header("authorization")
        if not given:
            raise errors.gateway("MissingAuthenticationToken")
        claimed = _parse(given)
        scope = claimed.scope
        heading.service, heading.region = scope.service, scope.region
        for what, value in (("access key", claimed.access_key), ("region", scope.region), ("service", scope.service)):
            if not value:
                raise errors.gateway("MissingRequestInfo", what)
        self._check_date(request, scope.date)
        identity = self.state.keys.get(claimed.access_key)
        # Assumption: a disabled key is refused like an unknown one.
        if identity is None or identity.disabled:
            raise errors.gateway("InvalidAccessKey", claimed.access_key)
        self._check_token(request, identity)
        if len(request.body) > LARGEST_BODY:
            raise errors.gateway("RequestEntityTooLarge", LARGEST_BODY)
        canonical = signature.canonical_request(
            request.method,
            request.path,
            request.query,
            request.headers,
            signed=claimed.signed_headers,
            body=request.body,
        )
        expected = signature.sign(canonical, request.header("x-date"), scope, identity.secret_key)
        if not signature.matches(expected, claimed.signature):
            raise errors.gateway("SignatureDoesNotMatch")
        return identity

    def _check_date(self, request: Request, day: str) -> None:
        date = request.header("x-date")
        if not date:
            raise errors.gateway("MissingRequestInfo", "timestamp")
        expires = request.header("x-expires")
        validity = int(expires) if expires.isascii() and expires.isdigit() else signature.VALIDITY
        signed = parse_signed(date)
        # Assumption: the same limit holds for dates in the future.
        if signed is None or abs(self.state.now - signed) > validity:
            raise errors.gateway("InvalidTimestamp")
        if not date.startswith(day):
            raise errors.gateway("InvalidCredential")

    def _check_token(self, request: Request, identity: Identity) -> None:
        token = request.header("x-security-token")
        if not signature.matches(identity.session_token or "", token):
            raise errors.gateway("InvalidSecretToken", "the token does not belong to the access key")
        if identity.expires is not None and self.state.now >= identity.expires:
            raise errors.gateway("InvalidSecretToken", "the token has expired")

    def _operation(self, request: Request, heading: Heading) -> Operation:
        if request.method not in {"GET", "POST"}:
            raise errors.gateway("MethodNotAllowed", request.method)
        return registry.find(heading.service, heading.version, heading.action)

    def _read(self, request: Request, query: Mapping[str, str], operation: Operation) -> parameters.Tree:
        try:
            return parameters.read(query, request.header("content-type"), request.body)
        except parameters.UnreadableBodyError:
            raise errors.invalid(operation.service, "body") from None

    def _record(
        self,
        request: Request,
        heading: Heading,
        identity: Identity,
        operation: Operation,
        *,
        tree: parameters.Tree,
        refused: errors.ApiError | None,
    ) -> None:
        """Leave the call in the audit log, as the real service does."""
        actor = Actor(
            identity.account_id,
            identity.kind,
            identity.principal_id,
            identity.trn,
            identity.user_name,
            identity.access_key,
        )
        self.state.events.add(
            Event(
                time=int(self.state.now),
                event_id=event_id(self.state.rng.getrandbits(128)),
                request_id=heading.request_id,
                actor=actor,
                source=operation.service,
                name=operation.name,
                version=operation.version,
                region=heading.region,
                read_only=operation.effect is Effect.READ,
                source_ip=request.client,
                user_agent=request.header("user-agent"),
                error_code=refused.code if refused else "",
                error_message=refused.message if refused else "",
                request_parameters=_parameters_text(tree),
            )
        )


def claim(request: Request) -> Claim:
    """Read what a request says of itself, believing nothing, for fault rules and the request list."""
    query = dict(parse_qsl(request.query))
    try:
        claimed = signature.parse_authorization(request.header("authorization"))
    except ValueError:
        return Claim(query.get("Action", ""), query.get("Version", ""), "", "")
    return Claim(query.get("Action", ""), query.get("Version", ""), claimed.scope.service, claimed.access_key)


def refuse(heading: Heading, error: errors.ApiError) -> Answer:
    """An error as an answer."""
    return Answer(error.status, heading, envelope.failure(heading, error), code=error.code)


def event_id(bits: int) -> str:
    """128 random bits as a UUID of version 4."""
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def masked(value: object) -> object:
    """Parameters with passwords and other secrets hidden, at any depth."""
    if isinstance(value, dict):
        return {
            name: MASK if SECRETS.search(name) and name != "NextToken" else masked(item) for name, item in value.items()
        }
    return [masked(item) for item in value] if isinstance(value, list) else value


def _parameters_text(tree: parameters.Tree) -> str:
    try:
        return json.dumps(masked(tree), ensure_ascii=False) if tree else ""
    except RecursionError:
        return ""


def _parse(header: str) -> signature.Authorization:
    try:
        return signature.parse_authorization(header)
    except signature.MissingSignatureError:
        raise errors.gateway("MissingSignature") from None
    except signature.MalformedCredentialError:
        raise errors.gateway("InvalidCredential") from None
    except signature.MalformedAuthorizationError:
        raise errors.gateway("InvalidAuthorization") from None
