"""What the actions of Organization (企业组织) answer with.

IDs are strings of digits, also where the API sends a number, because JavaScript rounds long ones. The API spells them
`ID` in results and `Id` in most requests, and misspells `InvationInfo`; both are kept.
"""

from __future__ import annotations

from pydantic import Field
from volcengine_mcp.declare import Record


class Lasting(Record):
    """Bookkeeping that every stored object has."""

    id: str | None = Field(None, alias="ID", description="ID of this record.")
    created_time: str | None = Field(None, description="Creation time, RFC 3339.")
    updated_time: str | None = Field(None, description="Time of the last change, RFC 3339.")
    deleted_time: str | None = Field(None, description="Deletion time, usually empty.")
    delete_uk: str | None = Field(None, description="Deletion marker of the service.")


class Created(Record):
    """The ID of what was created."""

    id: str | None = Field(None, alias="ID", description="ID of the new object.")


class Page(Record):
    """Where a page stands in the whole list."""

    limit: int | None = Field(None, description="Items on a page.")
    offset: int | None = Field(None, description="Page number, from 1.")
    total: int | None = Field(None, description="Items on all pages.")


class Organization(Lasting):
    """The organization."""

    name: str | None = Field(None, description="Name of the organization.")
    description: str | None = Field(None, description="Its description.")
    owner: str | None = Field(None, description="Account ID of the administrator.")
    status: int | None = Field(None, description="Status number of the service.")
    type: int | None = Field(None, description="1 for an enterprise organization.")


class Owner(Record):
    """The administrator's account."""

    account_id: str | None = Field(None, alias="AccountID", description="Account ID.")
    account_name: str | None = Field(None, description="Name of the account.")
    main_name: str | None = Field(None, description="Verified name of its entity.")


class DescribeOrganizationResult(Record):
    """The organization and its administrator."""

    organization: Organization | None = Field(None, description="The organization.")
    owner: Owner | None = Field(None, description="Its administrator.")


class Unit(Lasting):
    """An organizational unit."""

    name: str | None = Field(None, description="Name of the unit.")
    description: str | None = Field(None, description="Its description.")
    parent_id: str | None = Field(None, alias="ParentID", description='Parent unit; "0" for the root.')
    depth: int | None = Field(None, description="Levels below the root unit.")
    org_id: str | None = Field(None, alias="OrgID", description="ID of the organization.")
    org_type: int | None = Field(None, description="1 for an enterprise organization.")
    owner: str | None = Field(None, description="Account ID of the administrator.")


class DescribeOrganizationalUnitResult(Record):
    """One unit."""

    organization_unit: Unit | None = Field(None, description="The unit.")


class ListOrganizationalUnitsResult(Record):
    """Every unit, the root included, as a flat list."""

    sub_unit_list: list[Unit | None] | None = Field(None, description="The units.")


class ListOrganizationalUnitsForParentResult(Page):
    """One page of child units."""

    sub_unit_list: list[Unit | None] | None = Field(None, description="The child units.")


class Account(Lasting):
    """A member account."""

    account_id: str | None = Field(None, alias="AccountID", description="ID of the account.")
    account_name: str | None = Field(None, description="Login name of the account.")
    show_name: str | None = Field(None, description="Name shown in the organization.")
    description: str | None = Field(None, description="Its description.")
    org_id: str | None = Field(None, alias="OrgID", description="ID of the organization.")
    org_type: int | None = Field(None, description="1 for an enterprise organization.")
    org_unit_id: str | None = Field(None, alias="OrgUnitID", description="Unit that it belongs to.")
    org_verification_id: str | None = Field(None, alias="OrgVerificationID", description="ID of its verified entity.")
    owner: str | None = Field(None, description="Account ID of the administrator.")
    join_type: int | None = Field(None, description="1 created, 2 invited.")
    allow_console: int | None = Field(None, description="Console login: 1 allowed, 2 not.")
    allow_exit: int | None = Field(None, description="Leaving: 1 allowed, 2 not.")
    iam_role: str | None = Field(None, description="Role that the administrator assumes.")


class AccountDetail(Account):
    """A member account, seen alone."""

    main_name: str | None = Field(None, description="Verified name of its entity.")


class Tag(Record):
    """A tag."""

    key: str | None = Field(None, description="Key of the tag.")
    value: str | None = Field(None, description="Value of the tag.")


class AccountItem(Account):
    """A member account in a list."""

    org_unit_name: str | None = Field(None, description="Name of its unit.")
    is_owner: int | None = Field(None, description="1 for the administrator, else 0.")
    tags: list[Tag | None] | None = Field(None, description="Its tags, with IncludeTags.")


class DescribeAccountResult(Record):
    """One member account."""

    account: AccountDetail | None = Field(None, description="The account.")


class ListAccountsResult(Page):
    """One page of member accounts."""

    account_list: list[AccountItem | None] | None = Field(None, description="The accounts.")


class GetAccountSecureContactInfoResult(Record):
    """A member's masked contacts."""

    email: str | None = Field(None, description="E-mail address, masked.")
    email_verified: int | None = Field(None, description="1 not verified, 2 verified.")
    new_email: str | None = Field(None, description="E-mail address of a pending change.")
    phone: str | None = Field(None, description="Phone number, masked.")
    phone_verified: int | None = Field(None, description="1 not verified, 2 verified.")
    new_phone: str | None = Field(None, description="Phone number of a pending change.")


class QuitApplication(Lasting):
    """A member's application to leave."""

    account_id: str | None = Field(None, alias="AccountID", description="Account that wants to leave.")
    org_id: str | None = Field(None, alias="OrgID", description="ID of the organization.")
    owner: str | None = Field(None, description="Account ID of the administrator.")
    status: int | None = Field(None, description="1 under review, 2 effective, 3 rejected.")
    apply_reason: str | None = Field(None, description="Reason of the member.")
    audit_reason: str | None = Field(None, description="Reason of the administrator.")
    audited_time: str | None = Field(None, description="Time of the decision.")


class DescribeQuitApplicationResult(Record):
    """One application to leave."""

    org_quit_application: QuitApplication | None = Field(None, description="The application.")


class Invitation(Lasting):
    """An invitation to join."""

    account_id: str | None = Field(None, alias="AccountID", description="Invited account.")
    account_name: str | None = Field(None, description="Login name of the invited account.")
    show_name: str | None = Field(None, description="Name it will show in the organization.")
    description: str | None = Field(None, description="Its description.")
    status: int | None = Field(
        None, description="1 pending, 2 accepted, 3 rejected, 4 cancelled; expired is undocumented."
    )
    reject_reason: str | None = Field(None, description="Why it was rejected.")
    allow_exit: int | None = Field(None, description="Leaving: 1 allowed, 2 not.")
    link_id: str | None = Field(None, alias="LinkID", description="ID in the invitation link.")
    org_id: str | None = Field(None, alias="OrgID", description="ID of the organization.")
    org_unit_id: str | None = Field(None, alias="OrgUnitID", description="Unit that it will join.")
    owner: str | None = Field(None, description="Account ID of the administrator.")


class InvitationDetail(Invitation):
    """An invitation, as the invited account sees it."""

    main_name: str | None = Field(None, description="Verified name of the inviting entity.")
    owner_name: str | None = Field(None, description="Name of the administrator.")


class InvitationItem(Invitation):
    """An invitation in a list."""

    ex_time: str | None = Field(None, description="Expiry, such as 2023-01-11 20:19:27, no time zone.")
    org_unit_name: str | None = Field(None, description="Name of that unit.")


class DescribeAccountInvitationResult(Record):
    """One invitation."""

    invation_info: InvitationDetail | None = Field(None, description="The invitation.")


class ListInvitationsResult(Page):
    """One page of invitations."""

    invitation_list: list[InvitationItem | None] | None = Field(None, description="The invitations.")


class PolicyFacts(Record):
    """What is known of a policy beside its ID and document."""

    policy_name: str | None = Field(None, description="Name of the policy.")
    policy_type: str | None = Field(None, description="System or Custom.")
    description: str | None = Field(None, description="Its description.")
    create_date: str | None = Field(None, description="Creation time.")
    update_date: str | None = Field(None, description="Time of the last change.")


class CreateServiceControlPolicyResult(PolicyFacts):
    """The new policy, without its document."""

    policy_id: str | None = Field(None, description="ID of the policy, here spelt PolicyId.")


class Policy(PolicyFacts):
    """A service control policy, without its document."""

    policy_id: str | None = Field(None, alias="PolicyID", description="ID of the policy.")


class GetServiceControlPolicyResult(Policy):
    """A service control policy with its document."""

    statement: str | None = Field(None, description="Policy document as a JSON string.")


class GetServiceControlPolicyEnablementResult(Record):
    """Whether service control policies are in force."""

    status: str | None = Field(None, description="Enabled, Disabled, PendingEnable or PendingDisable.")
    can_full_access_detach: bool | None = Field(
        None, description="Whether the preset full-access policy may be detached."
    )


class ListServiceControlPoliciesResult(Record):
    """One page of policies."""

    service_control_policies: list[Policy | None] | None = Field(None, description="The policies.")
    page_number: int | None = Field(None, description="Page number, from 1.")
    page_size: int | None = Field(None, description="Items on a page.")
    total_count: int | None = Field(None, description="Items on all pages.")


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
