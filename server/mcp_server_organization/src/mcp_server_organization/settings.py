"""The settings that only this server has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from volcengine_mcp.settings.model import Settings, Variable

if TYPE_CHECKING:
    from volcengine_policy import Assumptions


def _pairs(value: object) -> object:
    """`A-ROOT=bound, A-DEFAULT=as read` as a mapping."""
    if not isinstance(value, str):
        return value
    pairs = (pair.partition("=") for pair in re.split(r"[,;]|\s+(?=\S+=)", value) if pair.strip())
    return {name.strip(): choice.strip() for name, _, choice in pairs}


def _known(value: dict[str, str]) -> dict[str, str]:
    from volcengine_policy import Assumptions

    Assumptions.from_mapping(value)
    return value


class OrganizationSettings(Settings):
    """All settings of the Organization server."""

    policy_assumptions: Annotated[
        dict[str, str],
        BeforeValidator(_pairs),
        AfterValidator(_known),
        Variable("MCP_SERVER_POLICY_ASSUMPTIONS"),
        Field(
            description="Choices for what Volcengine does not document about control policies, such as "
            "`A-ROOT=bound`; docs/policies.md lists them.",
            default_factory=dict,
        ),
    ]

    @property
    def assumptions(self) -> Assumptions:
        """The choice for every open point."""
        from volcengine_policy import Assumptions

        return Assumptions.from_mapping(self.policy_assumptions)
