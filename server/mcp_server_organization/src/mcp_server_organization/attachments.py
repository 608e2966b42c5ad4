"""Actions that tell where policies hang; the inquiries need them, they are no tools of their own."""

from __future__ import annotations

from pydantic import Field
from volcengine_mcp.declare import Answers, Effect, Record
from volcengine_mcp.fields import Identifier

from .actions import PagedAction
from .records import Page


class AttachedPolicy(Record):
    """A policy attached to a target."""

    policy_id: str | None = Field(None, alias="PolicyID", description="ID of the policy.")
    policy_name: str | None = Field(None, description="Name of the policy.")
    policy_type: str | None = Field(None, description="System or Custom.")
    description: str | None = Field(None, description="Description of the policy.")
    attached_time: str | None = Field(None, description="When it was attached.")


class PolicyTarget(Record):
    """A target that a policy is attached to."""

    target_id: str | None = Field(None, alias="TargetID", description="ID of the unit or account.")
    target_name: str | None = Field(None, description="Name of the unit or account.")
    target_type: str | None = Field(None, description="OU or Account.")
    attached_time: str | None = Field(None, description="When it was attached.")


class ListPoliciesForTargetResult(Page):
    """One page of the policies attached to a target."""

    policies: list[AttachedPolicy | None] | None = Field(None, description="The policies.")


class ListTargetsForPolicyResult(Page):
    """One page of the targets that a policy is attached to."""

    targets: list[PolicyTarget | None] | None = Field(None, description="The targets.")


class ListPoliciesForTarget(
    PagedAction,
    Answers[ListPoliciesForTargetResult],
    effect=Effect.READ,
    toolset="policies",
    zh="获取目标的管控策略列表",
    en="List policies for target",
):
    """List the service control policies attached to a unit or account itself, not those that it inherits."""

    target_id: Identifier = Field(alias="TargetID", description="ID of the unit or account.")


class ListTargetsForPolicy(
    PagedAction,
    Answers[ListTargetsForPolicyResult],
    effect=Effect.READ,
    toolset="policies",
    zh="获取管控策略的目标列表",
    en="List targets for policy",
):
    """List the units and accounts that a service control policy is attached to."""

    policy_id: Identifier = Field(alias="PolicyID", description="ID of the policy.")


ACTIONS = (ListPoliciesForTarget, ListTargetsForPolicy)
