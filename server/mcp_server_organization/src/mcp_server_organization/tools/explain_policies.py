"""ExplainPolicies: every policy that applies to an account or unit, and where it hangs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field
from volcengine_mcp.answers import Answered, Said
from volcengine_mcp.declare import Account, Answers, Effect, Tool
from volcengine_mcp.fields import Identifier
from volcengine_policy import IDENTITY_SENTENCE, Enablement, NodeKind, PolicyType, Severity

from ..actions import READS_PATH
from ..settings import OrganizationSettings

if TYPE_CHECKING:
    from volcengine_policy import Node, Policy

    from ..policies import PathRead


class PathPolicy(Said):
    """A policy that hangs on a unit or account of the path."""

    policy_id: str = Field(alias="PolicyID", description="ID of the policy.")
    policy_name: str = Field(description="Its name.")
    policy_type: PolicyType = Field(description="System or Custom.")
    document: Any = Field(None, description="Its document with the statements; left out when it could not be read.")
    problem: str | None = Field(None, description="Why the statements of the document cannot be relied on.")


class PathNode(Said):
    """A unit or account of the path, with its own policies."""

    id: str = Field(alias="ID", description="ID of the unit or account.")
    name: str = Field(description="Its name.")
    kind: NodeKind = Field(description="What it is.")
    policies: list[PathPolicy] = Field(description="Policies that hang here, not those that it inherits.")
    policies_known: bool = Field(description="Whether the list of its policies was read to its end.")


class ExplainedPolicies(Answered):
    """The policies that apply to a target."""

    target: str = Field(description="The unit or account.")
    enablement: Enablement = Field(description="Whether control policies are switched on.")
    path: list[PathNode] = Field(
        description="Nodes from root to target, each with its own policies and their statements."
    )
    note: str = Field(description="What the policies mean together.")


class ExplainPolicies(
    Tool,
    Answers[ExplainedPolicies],
    effect=Effect.READ,
    toolset="policies",
    uses=READS_PATH,
    zh="解释生效的管控策略",
    en="Explain policies",
):
    """Show every service control policy that applies to an account or unit, traced to the node where it hangs, from
    the root unit down."""

    target_id: Identifier = Field(alias="TargetID", description="ID of the account or unit.")

    async def read(self, account: Account) -> PathRead:
        """The path with its policies."""
        from ..policies import read_path

        return await read_path(account, self.target_id)

    def answer(self, read: PathRead, settings: OrganizationSettings) -> ExplainedPolicies:
        """The path as it is, and what it means under the assumptions that are set."""
        from ..organization import coverage

        nodes, assumptions = read.nodes, settings.assumptions
        names = ["A-LEVEL", "A-DEFAULT", *([] if read.enablement is Enablement.ENABLED else ["A-OFF"])]
        if read.is_administrator:
            names.append("A-MGMT")
        return ExplainedPolicies(
            target=f"{nodes[-1].kind.value} {nodes[-1].name} ({nodes[-1].id})",
            enablement=read.enablement,
            path=[_node(node) for node in nodes],
            note=" ".join([*(f"{name}: {assumptions.describe(name)}" for name in names), IDENTITY_SENTENCE]),
            coverage=coverage(read.organization.read, read.missing),
        )


def _node(node: Node) -> PathNode:
    return PathNode(
        id=node.id,
        name=node.name,
        kind=node.kind,
        policies=[_policy(policy) for policy in node.policies],
        policies_known=node.attachments_known,
    )


def _policy(policy: Policy) -> PathPolicy:
    from volcengine_policy import plain

    document = policy.document
    problem = None
    if document is not None and not document.readable:
        problem = next(each.message for each in document.problems if each.severity is Severity.ERROR)
    return PathPolicy(
        policy_id=policy.id,
        policy_name=policy.name,
        policy_type=policy.type,
        document=plain(document.raw) if document is not None else None,
        problem=problem,
    )
