"""Invitations of accounts that exist already: sent by the administrator, answered by the invited account."""

from __future__ import annotations

from typing import Final

from volcengine_sandbox import errors, pages
from volcengine_sandbox.clock import DAY, plain
from volcengine_sandbox.organization.common import (
    INVITATION_QUOTA,
    MEMBER_QUOTA,
    declare,
    stamps,
    unit_of,
    unit_or_root,
)
from volcengine_sandbox.parameters import Integer, Text
from volcengine_sandbox.records import INVITED, NO, YES, Invitation, InvitationStatus, Organization
from volcengine_sandbox.registry import EMPTY, Call, Caller, Effect, Result

VALIDITY: Final = 15 * DAY
"""Between `CreatedTime` and `ExTime` in the documents' sample (docs 6723/1176942)."""
DESCENDING, ASCENDING = 1, 2
_ID = Text("InviteId", required=True)
_LINK = Text("LinkId", required=True)


@declare(
    "InviteAccount",
    Effect.WRITE,
    Text("AccountId", required=True),
    Integer("AllowExit", required=True, choices=(YES, NO)),
    Text("ShowName", required=True, most=64),
    Text("Description", most=512),
    Text("OrgUnitId"),
)
def invite_account(call: Call) -> Result:
    """Invite an account; one pending invitation an account."""
    org = call.organization
    account = call.state.accounts.get(call.text("AccountId"))
    if account is None:
        raise errors.organization("RecordNotExists", call.text("AccountId"))
    if call.state.organization_of(account.account_id) is not None:
        raise errors.organization("OrgAccountAlreadyInOrg", account.account_id)
    unit = unit_or_root(org, call.text("OrgUnitId"))
    if any(invitation.account_id == account.account_id for invitation in _pending(call, org)):
        raise errors.organization("RecordAlreadyExists", account.account_id)
    _room_for_one(call, org)
    invitation = Invitation(
        id=call.state.new_id(),
        link_id=call.state.new_link_id(call.now),
        account_id=account.account_id,
        unit_id=unit.id,
        account_name=account.name,
        show_name=call.text("ShowName"),
        created=call.now,
        updated=call.now,
        expires=call.now + VALIDITY,
        allow_exit=call.integer("AllowExit"),
        description=call.text("Description"),
    )
    org.invitations[invitation.id] = invitation
    return {"InviteId": invitation.id}


@declare("ReInviteAccount", Effect.WRITE, _ID)
def reinvite_account(call: Call) -> Result:
    """Send again what was rejected, cancelled or expired (assumption: a pending one cannot be sent again)."""
    org = call.organization
    invitation = _sent(call, org)
    if invitation.status_at(call.now) in {InvitationStatus.PENDING, InvitationStatus.ACCEPTED}:
        raise errors.organization("InvitationInvalidStatus", invitation.status_at(call.now).name.lower())
    _room_for_one(call, org)
    invitation.status, invitation.reject_reason = InvitationStatus.PENDING, ""
    invitation.updated, invitation.expires = call.now, call.now + VALIDITY
    return EMPTY


@declare("CancelInvitation", Effect.WRITE, _ID)
def cancel_invitation(call: Call) -> Result:
    """Withdraw a pending invitation."""
    invitation = _sent(call, call.organization)
    _still_pending(call, invitation)
    invitation.status, invitation.updated = InvitationStatus.CANCELLED, call.now
    return EMPTY


@declare("AcceptInvitation", Effect.WRITE, _ID, _LINK, caller=Caller.ANYONE)
def accept_invitation(call: Call) -> None:
    """The invited account joins the unit that the invitation names, or the root if that unit is gone."""
    org, invitation = _received(call)
    account = call.state.accounts[call.account_id]
    _still_pending(call, invitation)
    if not account.verified:
        raise errors.organization("AccountNotVerified")
    if call.state.organization_of(call.account_id) is not None:
        raise errors.organization("OrgAccountAlreadyInOrg", call.account_id)
    if len(org.members) >= MEMBER_QUOTA:
        raise errors.organization("ReachedQuotaLimit", "accounts")
    unit_id = invitation.unit_id if invitation.unit_id in org.units else org.root_id
    member = call.state.add_member(org, account, unit_id, invitation.show_name, call.now, join_type=INVITED)
    member.allow_exit, member.description = invitation.allow_exit, invitation.description
    member.verification_id = account.account_id
    invitation.status, invitation.updated = InvitationStatus.ACCEPTED, call.now


@declare("RejectInvitation", Effect.WRITE, _ID, _LINK, Text("Reason", most=128), caller=Caller.ANYONE)
def reject_invitation(call: Call) -> Result:
    """The invited account declines."""
    _, invitation = _received(call)
    _still_pending(call, invitation)
    invitation.status, invitation.reject_reason = InvitationStatus.REJECTED, call.text("Reason")
    invitation.updated = call.now
    return EMPTY


@declare("DescribeAccountInvitation", Effect.READ, _ID, caller=Caller.ANYONE)
def describe_invitation(call: Call) -> Result:
    """One invitation, for the invited account and for the administrator who sent it."""
    org, invitation = _found(call)
    if call.account_id not in {invitation.account_id, org.owner}:
        raise call.denied()
    owner = call.state.accounts[org.owner]
    record = _wire(call, org, invitation) | {"MainName": owner.main_name, "OwnerName": owner.name}
    return {"InvationInfo": record}


@declare(
    "ListInvitations",
    Effect.READ,
    *pages.LIMIT_OFFSET,
    Integer("OrderBy", choices=(DESCENDING, ASCENDING)),
    Text("OrderStr", choices=("created_time", "updated_time")),
    Text("OrgUnitId"),
    Text("Search"),
)
def list_invitations(call: Call) -> Result:
    """All invitations sent, whatever became of them."""
    org = call.organization
    unit_id, search = call.text("OrgUnitId"), call.text("Search")
    if unit_id:
        unit_of(org, unit_id)
    found = [
        invitation
        for invitation in org.invitations.values()
        if (not unit_id or invitation.unit_id == unit_id)
        and (search.lower() in invitation.show_name.lower() or search in invitation.account_id)
    ]
    by_update = call.text("OrderStr") == "updated_time"
    found.sort(
        key=lambda invitation: invitation.updated if by_update else invitation.created,
        reverse=call.integer("OrderBy", DESCENDING) == DESCENDING,
    )

    def wire(invitation: Invitation) -> Result:
        unit = org.units.get(invitation.unit_id)
        extra: Result = {"ExTime": plain(invitation.expires), "OrgUnitName": unit.name if unit else ""}
        return _wire(call, org, invitation) | extra

    return pages.by_offset(call, "InvitationList", found, wire)


def _pending(call: Call, org: Organization) -> list[Invitation]:
    now = call.now
    return [i for i in org.invitations.values() if i.status_at(now) is InvitationStatus.PENDING]


def _room_for_one(call: Call, org: Organization) -> None:
    if len(_pending(call, org)) >= INVITATION_QUOTA:
        raise errors.organization("ReachedQuotaLimit", "invitations")


def _still_pending(call: Call, invitation: Invitation) -> None:
    status = invitation.status_at(call.now)
    if status is InvitationStatus.EXPIRED:
        raise errors.organization("InvitationIExpired")
    if status is not InvitationStatus.PENDING:
        raise errors.organization("InvitationInvalidStatus", status.name.lower())


def _sent(call: Call, org: Organization) -> Invitation:
    invitation = org.invitations.get(call.text("InviteId"))
    if invitation is None:
        raise errors.organization("RecordNotExists", call.text("InviteId"))
    return invitation


def _found(call: Call) -> tuple[Organization, Invitation]:
    for org in call.state.organizations.values():
        if call.text("InviteId") in org.invitations:
            return org, org.invitations[call.text("InviteId")]
    raise errors.organization("RecordNotExists", call.text("InviteId"))


def _received(call: Call) -> tuple[Organization, Invitation]:
    org, invitation = _found(call)
    if invitation.account_id != call.account_id:
        raise call.denied()
    if invitation.link_id != call.text("LinkId"):
        raise errors.organization("InvalidParam", "LinkId", call.text("LinkId"))
    return org, invitation


def _wire(call: Call, org: Organization, invitation: Invitation) -> Result:
    return stamps(invitation.created, invitation.updated) | {
        "ID": invitation.id,
        "LinkID": invitation.link_id,
        "AccountID": invitation.account_id,
        "AccountName": invitation.account_name,
        "ShowName": invitation.show_name,
        "Description": invitation.description,
        "AllowExit": invitation.allow_exit,
        "OrgID": org.id,
        "OrgUnitID": invitation.unit_id,
        "Owner": org.owner,
        "RejectReason": invitation.reject_reason,
        "Status": int(invitation.status_at(call.now)),
    }
