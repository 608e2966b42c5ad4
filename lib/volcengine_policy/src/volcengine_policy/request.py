"""What an evaluation is asked: one action, who asks, and whether control policies are switched on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from volcengine_policy.matching import parse_trn, split_action

if TYPE_CHECKING:
    from volcengine_policy.conditions import ContextValue


class Enablement(StrEnum):
    """Whether the feature is on (Volcengine docs 6723/1176973); UNKNOWN when it could not be read."""

    ENABLED = "Enabled"
    DISABLED = "Disabled"
    PENDING_ENABLE = "PendingEnable"
    PENDING_DISABLE = "PendingDisable"
    UNKNOWN = "Unknown"


class Principal(StrEnum):
    """Who asks. UNKNOWN may be any of the others, so that a Deny may depend on A-ROOT and A-SLR."""

    UNKNOWN = "unknown"
    USER = "user"
    ROLE = "role"
    ROOT = "root"
    SERVICE_LINKED = "service_linked"


@dataclass(frozen=True, slots=True)
class Request:
    """One action by one principal on one resource.

    Attributes:
        resource: its TRN, or None when it is not known.
        context: condition keys with their values. A key with None is one that the request does not carry; a key that
            is left out is one whose value is not known.

    Raises:
        ValueError: the action is not `service:Name`, or the resource is not a TRN.
    """

    action: str
    resource: str | None = None
    principal: Principal = Principal.UNKNOWN
    context: Mapping[str, ContextValue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        split = split_action(self.action)
        if split is None or not all(split) or "*" in self.action or "?" in self.action:
            raise ValueError(f'"{self.action}" is not one action such as ecs:RunInstances')
        if self.resource is not None and parse_trn(self.resource) is None:
            raise ValueError(
                f'"{self.resource}" is not a TRN such as trn:ecs:cn-beijing:2100000001:instance/i-1; '
                "leave the resource out when it is not known"
            )
