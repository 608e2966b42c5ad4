"""What an evaluation is asked: one action, on what, by whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from volcengine_policy.kinds import Principal
from volcengine_policy.matching import split_action
from volcengine_policy.trn import parse_trn

if TYPE_CHECKING:
    from volcengine_policy.conditions import ContextValue


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
