"""Inquiries about an organization, as a model reads them: its tree, its accounts, and its policies before and after.

How they are answered is in `sight` and `foresight`, which are imported when a first one is asked: the policy engine
takes a while to load, and clients should not wait for it at start.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field
from volcengine_mcp.api.client import Answer
from volcengine_mcp.declare import Answers, Effect, Part, Record
from volcengine_mcp.fields import Identifier, Text
from volcengine_mcp.inquiry import Caller, Inquiry

from . import actions
from .records import CreateServiceControlPolicyResult

Context = Annotated[
    dict[str, str | list[str]],
    Field(description='Condition keys of the request, such as {"volc:SourceIp": "203.0.113.7"}.'),
]


class Covered(Record):
    """An answer that says what it covers."""

    coverage: dict[str, Any] | None = Field(None, description="What was read, and what is missing and why.")
    notice: str | None = Field(None, description="How to read texts in the answer.")


class GetOrganizationTreeResult(Covered):
    """The organization as a tree."""

    organization: dict[str, Any] | None = Field(None, description="ID, name and administrator.")
    drawing: str | None = Field(None, description="The tree as text, a line for each unit and account.")
    tree: dict[str, Any] | None = Field(
        None, description="The tree as nested objects: ID, Name, Policies, Accounts, Units."
    )


class FindAccountsResult(Covered):
    """Accounts that match."""

    accounts: list[dict[str, Any] | None] | None = Field(None, description="The accounts, each with its UnitPath.")
    total: int | None = Field(None, description="How many match.")


class GetOrganizationTree(
    Inquiry,
    Answers[GetOrganizationTreeResult],
    effect=Effect.READ,
    toolset="organization",
    zh="查看企业组织结构树",
    en="Get organization tree",
):
    """Show the whole organization, or the part below one unit, at once: units, their accounts and the service control
    policies attached to each, as text and as a tree. Start here."""

    unit_id: Identifier | None = Field(None, description="Only the part below this unit.")
    include_policies: bool = Field(True, description="Whether to show attached policies.")

    async def answer(self, caller: Caller) -> Answer:
        """The tree with what it covers."""
        from .sight import draw_tree

        return await draw_tree(self, caller)


class FindAccounts(
    Inquiry,
    Answers[FindAccountsResult],
    effect=Effect.READ,
    toolset="accounts",
    zh="查找成员账号",
    en="Find accounts",
):
    """Find member accounts by name, ID, unit or tag; each comes with the full path of its units. Conditions must all
    match; without any, all accounts come."""

    text: Text | None = Field(None, description="Part of a show name, account name or ID; case does not matter.")
    unit: Text | None = Field(None, description="Part of the unit path, such as Production.")
    tag_key: Text | None = Field(None, description="Key of a tag that the account has.")
    tag_value: Text | None = Field(None, description="Value of that tag.")
    limit: Annotated[int, Field(ge=1, le=500)] = Field(50, description="Accounts returned at most.")

    async def answer(self, caller: Caller) -> Answer:
        """The accounts with what was searched."""
        from .sight import find_accounts

        return await find_accounts(self, caller)


class ExplainPoliciesResult(Covered):
    """The policies that apply to a target."""

    target: str | None = Field(None, description="The unit or account.")
    enablement: str | None = Field(None, description="Whether control policies are switched on.")
    path: list[dict[str, Any] | None] | None = Field(
        None, description="Nodes from root to target, each with its own policies and their statements."
    )
    note: str | None = Field(None, description="What the policies mean together.")


class SimulatePoliciesResult(Covered):
    """What the policies say to one request."""

    asked: dict[str, Any] | None = Field(None, description="The request that was judged.")
    verdict: dict[str, Any] | None = Field(
        None, description="Outcome, Decider (policy, statement, node), Reasons, DependsOn, RestsOn."
    )
    before: dict[str, Any] | None = Field(None, description="The verdict without the imagined change.")


class PreviewServiceControlPolicyResult(Covered):
    """What is wrong with a document, and what it would change."""

    valid: bool | None = Field(None, description="Whether no finding is an error.")
    findings: list[dict[str, Any] | None] | None = Field(
        None, description="Severity, Path, Code, Message and Advice of each problem."
    )
    accounts: list[dict[str, Any] | None] | None = Field(
        None, description="Accounts it would touch, each with the actions whose verdict changes, or SameAs another."
    )
    probed: int | None = Field(None, description="How many known actions were asked about, as for an IAM user.")


class CreateCheckedResult(CreateServiceControlPolicyResult):
    """The new policy, and what the check of its document said."""

    findings: list[dict[str, Any] | None] | None = Field(None, description="Warnings about the document.")


class ExplainPolicies(
    Inquiry,
    Answers[ExplainPoliciesResult],
    effect=Effect.READ,
    toolset="policies",
    zh="解释生效的管控策略",
    en="Explain policies",
):
    """Show every service control policy that applies to an account or unit, traced to the node where it hangs, from
    the root unit down."""

    target_id: Identifier = Field(alias="TargetID", description="ID of the account or unit.")

    async def answer(self, caller: Caller) -> Answer:
        """The path with its policies."""
        from .foresight import explain

        return await explain(self, caller)


class ImaginedChange(Part):
    """A change to the policies that is only imagined."""

    kind: Literal["add", "change", "detach"] = Field(
        description="add a policy to a node, change a policy's document everywhere, or detach one from a node."
    )
    policy_id: Identifier | None = Field(
        None, alias="PolicyID", description="The policy; left out, add takes Statement as a new one."
    )
    target_id: Identifier | None = Field(
        None, alias="TargetID", description="Node for add and detach; default the account."
    )
    statement: actions.Document | None = Field(None, description="Policy document for change, or for a new policy.")


class SimulatePolicies(
    Inquiry,
    Answers[SimulatePoliciesResult],
    effect=Effect.READ,
    toolset="policies",
    zh="模拟管控策略判定",
    en="Simulate policies",
):
    """Would the service control policies let this account do this action? Answers by the policies in force, or with
    one imagined change: the verdict, the statement that decides and where it hangs, or what it depends on. Policies
    that allow do not grant: IAM decides after them."""

    account_id: Identifier = Field(description="ID of the account, or of a unit for an account right below it.")
    action: Text = Field(description="One action, such as ecs:RunInstances.")
    resource: Text | None = Field(None, description="TRN of the resource; unknown if left out.")
    principal: Literal["user", "role", "root", "service_linked", "unknown"] = Field(
        "user", description="Kind of identity that asks."
    )
    context: Context | None = None
    change: ImaginedChange | None = Field(None, description="A change to imagine.")

    async def answer(self, caller: Caller) -> Answer:
        """The verdict, with and without the change."""
        from .foresight import simulate

        return await simulate(self, caller)


class PreviewServiceControlPolicy(
    Inquiry,
    Answers[PreviewServiceControlPolicyResult],
    effect=Effect.READ,
    toolset="policies",
    zh="预览管控策略",
    en="Preview service control policy",
):
    """Check a policy document before it is created or changed: every problem with its place, warnings of lock-out,
    and, with TargetID or PolicyID, which accounts it would touch and which actions would be decided otherwise than
    now. Changes nothing."""

    statement: actions.Document = Field(description="The policy document.")
    target_id: Identifier | None = Field(
        None, alias="TargetID", description="Unit or account to imagine it attached to, as a new policy."
    )
    policy_id: Identifier | None = Field(
        None, alias="PolicyID", description="Policy whose document it would replace, wherever it is attached."
    )

    async def answer(self, caller: Caller) -> Answer:
        """The findings, and the difference to what is in force."""
        from .foresight import preview

        return await preview(self, caller)


class CreateServiceControlPolicy(
    Inquiry,
    Answers[CreateCheckedResult],
    effect=Effect.WRITE,
    toolset="policies",
    zh="创建管控策略",
    en="Create service control policy",
):
    """Create a custom service control policy (SCP). Its document is checked first, and refused if it cannot be valid.

    Returns its ID and warnings; nothing is restricted yet, as it is attached to no unit or account. This server
    cannot attach, change or delete it. Preview it first with PreviewServiceControlPolicy.
    """

    policy_name: Text = Field(description="Name of the policy, unique in the organization.")
    statement: actions.Document = Field(description=f"Policy document, such as {actions.DOCUMENT_EXAMPLE}.")
    description: str | None = Field(None, description="Description of the policy.")

    async def answer(self, caller: Caller) -> Answer:
        """The new policy, or the refusal of its document."""
        from .foresight import create_checked

        return await create_checked(self, caller)
