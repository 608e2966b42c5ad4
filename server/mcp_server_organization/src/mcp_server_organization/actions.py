"""The actions of Organization (企业组织): the organization, its units, accounts, invitations and policies."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema
from volcengine_mcp.declare import Action, Answers, Effect
from volcengine_mcp.fields import Identifier, Text, unquoted

from mcp_server_organization.records import (
    Created,
    CreateServiceControlPolicyResult,
    DescribeAccountInvitationResult,
    DescribeAccountResult,
    DescribeOrganizationalUnitResult,
    DescribeOrganizationResult,
    DescribeQuitApplicationResult,
    GetAccountSecureContactInfoResult,
    GetServiceControlPolicyEnablementResult,
    GetServiceControlPolicyResult,
    ListAccountsResult,
    ListInvitationsResult,
    ListOrganizationalUnitsForParentResult,
    ListOrganizationalUnitsResult,
    ListPoliciesForTargetResult,
    ListServiceControlPoliciesResult,
    ListTargetsForPolicyResult,
)

DOCUMENT_EXAMPLE = '{"Statement": [{"Effect": "Deny", "Action": ["ecs:*"], "Resource": ["*"]}]}'


def _document(value: object) -> object:
    """The policy document as the JSON string that goes over the wire, given as that or as an object."""
    document = value
    if isinstance(value, str):
        try:
            document = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise ValueError(
                f"the policy document is not valid JSON ({error}); send an object such as {DOCUMENT_EXAMPLE}"
            ) from error
    if not isinstance(document, dict) or "Statement" not in document:
        raise ValueError(
            f"the policy document must be a JSON object with the key Statement, such as {DOCUMENT_EXAMPLE}"
        )
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


PageNumber = Annotated[int, Field(ge=1)]
PageSize = Annotated[int, Field(ge=1, le=100)]
Order = Annotated[Literal[1, 2], BeforeValidator(unquoted)]
Document = Annotated[
    str,
    BeforeValidator(_document),
    WithJsonSchema({"anyOf": [{"type": "object"}, {"type": "string"}]}),
]


class OrganizationAction(Action, service="organization", version="2022-01-01", method="POST"):
    """Common to the actions of Organization."""


class PagedAction(OrganizationAction):
    """An action that answers one page; the page is asked for by number, though the API calls it Offset."""

    limit: PageSize | None = Field(None, description="Items on a page; default 10.")
    offset: PageNumber | None = Field(None, description="Page number, from 1; not a count of items.")


class CreateOrganization(
    OrganizationAction,
    Answers[Created],
    effect=Effect.WRITE,
    toolset="organization",
    zh="创建企业组织",
    en="Create organization",
    verify="DescribeOrganization",
):
    """Create an organization with a root unit; the calling account becomes its administrator.

    Returns its ID. Needs an enterprise-verified account that is in no organization. This server cannot undo
    it.
    """


class CreateOrganizationalUnit(
    OrganizationAction,
    Answers[Created],
    effect=Effect.WRITE,
    toolset="units",
    zh="创建企业组织单元",
    en="Create organizational unit",
    verify="ListOrganizationalUnitsForParent",
):
    """Create a unit under a parent unit. Returns the new unit's ID. This server cannot undo it."""

    parent_id: Identifier = Field(description="ID of the parent unit; ListOrganizationalUnits tells it.")
    name: Text = Field(description="Name of the new unit.")
    description: str | None = Field(None, description="Description of the new unit.")


class CreateServiceControlPolicy(
    OrganizationAction,
    Answers[CreateServiceControlPolicyResult],
    effect=Effect.WRITE,
    toolset="policies",
    zh="创建管控策略",
    en="Create service control policy",
    verify="ListServiceControlPolicies",
):
    """Create a custom service control policy (SCP), which limits what accounts may do once it is attached.

    Returns its ID; nothing is restricted yet, as it is attached to no unit or account. This server cannot
    attach, change or delete it.
    """

    policy_name: Text = Field(description="Name of the policy, unique in the organization.")
    statement: Document = Field(description=f"Policy document, such as {DOCUMENT_EXAMPLE}.")
    description: str | None = Field(None, description="Description of the policy.")


class DescribeAccount(
    OrganizationAction,
    Answers[DescribeAccountResult],
    effect=Effect.READ,
    toolset="accounts",
    zh="查询成员账号信息",
    en="Get account",
):
    """Get one member account: its names, unit, how it joined, and what it is allowed."""

    account_id: Identifier = Field(description="ID of the account, not of its membership record.")


class DescribeAccountInvitation(
    OrganizationAction,
    Answers[DescribeAccountInvitationResult],
    effect=Effect.READ,
    toolset="invitations",
    zh="成员账号查询加入企业组织邀请信息",
    en="Get invitation",
):
    """Get one invitation to join an organization, as the invited account: who invites and its status."""

    invite_id: Identifier = Field(description="ID of the invitation.")


class DescribeOrganization(
    OrganizationAction,
    Answers[DescribeOrganizationResult],
    effect=Effect.READ,
    toolset="organization",
    zh="查询企业组织信息",
    en="Get organization",
):
    """Get the organization that the calling account is in, and its administrator.

    Fails with RecordNotExists if it is in none.
    """


class DescribeOrganizationalUnit(
    OrganizationAction,
    Answers[DescribeOrganizationalUnitResult],
    effect=Effect.READ,
    toolset="units",
    zh="查询组织单元信息",
    en="Get organizational unit",
):
    """Get one unit: its name, parent and depth in the tree."""

    org_unit_id: Identifier = Field(description="ID of the unit.")


class DescribeQuitApplication(
    OrganizationAction,
    Answers[DescribeQuitApplicationResult],
    effect=Effect.READ,
    toolset="accounts",
    zh="查询成员账号退出申请信息",
    en="Get quit application",
):
    """Get one member's application to leave the organization: its reason, status and decision."""

    application_id: Identifier = Field(description="ID of the application.")


class GetAccountSecureContactInfo(
    OrganizationAction,
    Answers[GetAccountSecureContactInfoResult],
    effect=Effect.READ,
    toolset="accounts",
    zh="查询成员账号安全信息",
    en="Get account contacts",
):
    """Get a member's security phone number and e-mail address, masked, and whether they are verified."""

    account_id: Identifier = Field(description="ID of the account.")


class GetServiceControlPolicy(
    OrganizationAction,
    Answers[GetServiceControlPolicyResult],
    effect=Effect.READ,
    toolset="policies",
    zh="查询管控策略详情",
    en="Get service control policy",
):
    """Get one service control policy with its document."""

    policy_id: Identifier = Field(alias="PolicyID", description="ID of the policy.")


class GetServiceControlPolicyEnablement(
    OrganizationAction,
    Answers[GetServiceControlPolicyEnablementResult],
    effect=Effect.READ,
    toolset="policies",
    zh="查询管控策略启用状态",
    en="Get policy enablement",
):
    """Tell whether service control policies are in force in the organization."""


class ListAccounts(
    PagedAction,
    Answers[ListAccountsResult],
    effect=Effect.READ,
    toolset="accounts",
    zh="获取企业组织内账号列表",
    en="List accounts",
):
    """List member accounts, all or those of one unit, one page a call with the Total on all pages."""

    org_unit_id: Identifier | None = Field(None, description="Only accounts of this unit.")
    search: Text | None = Field(None, description="Part of a show name or of an account ID.")
    verification_id: Identifier | None = Field(None, description="Only accounts of this verified entity.")
    include_tags: bool | None = Field(None, description="Whether to return tags.")
    order_by: Order | None = Field(None, description="1 newest first (default), 2 oldest first.")


class ListInvitations(
    PagedAction,
    Answers[ListInvitationsResult],
    effect=Effect.READ,
    toolset="invitations",
    zh="查询全部加入企业组织邀请",
    en="List invitations",
):
    """List invitations that the organization has sent, in any status, one page a call with their Total."""

    org_unit_id: Identifier | None = Field(None, description="Only invitations into this unit.")
    search: Text | None = Field(None, description="Text to search for.")
    order_by: Order | None = Field(None, description="1 newest first (default), 2 oldest first.")
    order_str: Literal["created_time", "updated_time"] | None = Field(
        None, description="Time that OrderBy sorts by; default created_time."
    )


class ListOrganizationalUnits(
    OrganizationAction,
    Answers[ListOrganizationalUnitsResult],
    effect=Effect.READ,
    toolset="units",
    zh="获取企业组织所有单元列表",
    en="List all organizational units",
):
    """List every unit of the organization as one flat list, the root included; ParentID makes the tree.

    Returns all at once, without paging.
    """


class ListOrganizationalUnitsForParent(
    PagedAction,
    Answers[ListOrganizationalUnitsForParentResult],
    effect=Effect.READ,
    toolset="units",
    zh="获取企业组织单元列表",
    en="List child units",
):
    """List the direct child units of one unit, one page a call with their Total."""

    parent_id: Identifier = Field(description="ID of the parent unit.")


class ListServiceControlPolicies(
    OrganizationAction,
    Answers[ListServiceControlPoliciesResult],
    effect=Effect.READ,
    toolset="policies",
    zh="获取管控策略列表",
    en="List service control policies",
):
    """List service control policies without their documents, one page a call with the TotalCount."""

    policy_type: Literal["System", "Custom"] | None = Field(
        None, description="Only preset (System) or own (Custom) policies."
    )
    query: Text | None = Field(None, description="Part of a name or description.")
    sort_by: Literal["CreateDate", "UpdateDate"] | None = Field(None, description="Date to sort by.")
    sort_order: Literal["Desc", "Asc"] | None = Field(None, description="Desc is newest first.")
    page_number: PageNumber | None = Field(None, description="Page number, from 1.")
    page_size: PageSize | None = Field(None, description="Items on a page.")


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


ACTIONS: tuple[type[Action], ...] = (
    CreateOrganization,
    CreateOrganizationalUnit,
    CreateServiceControlPolicy,
    DescribeAccount,
    DescribeAccountInvitation,
    DescribeOrganization,
    DescribeOrganizationalUnit,
    DescribeQuitApplication,
    GetAccountSecureContactInfo,
    GetServiceControlPolicy,
    GetServiceControlPolicyEnablement,
    ListAccounts,
    ListInvitations,
    ListOrganizationalUnits,
    ListOrganizationalUnitsForParent,
    ListServiceControlPolicies,
)

OF_TOOLS: tuple[type[Action], ...] = (ListPoliciesForTarget, ListTargetsForPolicy)
"""Actions that only other tools send; they are no tools of their own."""

READS_TREE = (DescribeOrganization, ListOrganizationalUnits, ListAccounts)
"""What reading the tree of the organization sends."""

READS_ATTACHMENTS = (ListServiceControlPolicies, ListTargetsForPolicy)
"""What reading where all policies hang sends."""

READS_PATH = (*READS_TREE, ListPoliciesForTarget, GetServiceControlPolicy, GetServiceControlPolicyEnablement)
"""What reading the policies on the path to a unit or account sends."""
