"""Declared actions: what the gateway needs to know of each, and the call that a handler gets.

An action is a function with the `action` decorator; importing its module makes it known. A handler changes
state without awaiting, so a call is atomic, which is why the sandbox never answers `ConcurrentException`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from volcengine_sandbox import errors
from volcengine_sandbox.identity import Identity
from volcengine_sandbox.parameters import Field, Parameters
from volcengine_sandbox.records import Organization
from volcengine_sandbox.state import State

Result = dict[str, object]
EMPTY: Final[Result] = {}
"""The answer `"Result": {}`. A handler returns None for an answer that has no `Result` at all."""


class Effect(Enum):
    """What a call does to the account."""

    READ = "read"
    WRITE = "write"
    DESTROY = "destroy"


class Caller(Enum):
    """Which account may call an action of Organization."""

    ANYONE = "anyone"
    MEMBER = "member"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class Call:
    """One call that is authenticated, authorized and has valid parameters."""

    action: str
    version: str
    region: str
    identity: Identity
    parameters: Parameters
    state: State

    @property
    def account_id(self) -> str:
        """The caller's account."""
        return self.identity.account_id

    @property
    def organization(self) -> Organization:
        """The organization of the caller. Raises RecordNotExists."""
        org = self.state.organization_of(self.account_id)
        if org is None:
            raise errors.organization("RecordNotExists", "organization")
        return org

    @property
    def now(self) -> float:
        """Epoch seconds."""
        return self.state.now

    def text(self, name: str, default: str = "") -> str:
        """A text parameter."""
        return self.parameters.text(name, default)

    def integer(self, name: str, default: int = 0) -> int:
        """An integer parameter."""
        return self.parameters.integer(name, default)

    def denied(self) -> errors.ApiError:
        """Organization's refusal of this call."""
        return errors.organization("PermissionError", self.action, f"trn:organization::{self.account_id}:*")


Handler = Callable[[Call], Result | None]


@dataclass(frozen=True, slots=True)
class Operation:
    """A declared action."""

    service: str
    version: str
    name: str
    effect: Effect
    fields: tuple[Field, ...]
    caller: Caller
    handler: Handler


OPERATIONS: Final[dict[tuple[str, str, str], Operation]] = {}
"""By service, version and name."""


def action(
    service: str,
    version: str,
    name: str,
    effect: Effect,
    *fields: Field,
    caller: Caller = Caller.ANYONE,
) -> Callable[[Handler], Handler]:
    """Declare a function as an action of a service."""

    def declare(handler: Handler) -> Handler:
        OPERATIONS[service, version, name] = Operation(service, version, name, effect, fields, caller, handler)
        return handler

    return declare


def find(service: str, version: str, name: str) -> Operation:
    """The declared action. Raises ServiceNotFound or InvalidActionOrVersion."""
    operation = OPERATIONS.get((service, version, name))
    if operation is None:
        if service not in errors.SERVICES:
            raise errors.gateway("ServiceNotFound", service)
        raise errors.gateway("InvalidActionOrVersion", name, version)
    return operation


def authorize(operation: Operation, identity: Identity, state: State) -> None:
    """Refuse a call that its caller may not make.

    Cloud Trail is refused by the gateway (403 AccessDenied), Organization by the service (400 PermissionError).
    """
    writes = operation.effect is not Effect.READ and identity.access == "read"
    if operation.service == "cloud_trail":
        if writes:
            raise errors.gateway("AccessDenied", f"cloud_trail:{operation.name}", "")
        return
    org = state.organization_of(identity.account_id)
    outside = operation.caller is not Caller.ANYONE and org is None
    below = operation.caller is Caller.ADMINISTRATOR and org is not None and org.owner != identity.account_id
    if writes or outside or below:
        resource = f"trn:organization::{identity.account_id}:*"
        raise errors.organization("PermissionError", operation.name, resource)
