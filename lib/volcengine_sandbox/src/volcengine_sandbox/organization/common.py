"""What all actions of Organization share: how they are declared, how records are found and written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from volcengine_sandbox import errors
from volcengine_sandbox.clock import beijing
from volcengine_sandbox.parameters import Field
from volcengine_sandbox.records import ENTERPRISE, Member, Organization, Unit
from volcengine_sandbox.registry import Call, Caller, Effect, Handler, Result, action

SERVICE: Final = "organization"
VERSION: Final = "2022-01-01"

MEMBER_QUOTA: Final = 20
"""Accounts of an organization, its owner included (docs 6723/136564)."""
INVITATION_QUOTA: Final = 20
"""Pending invitations (docs 6723/136564)."""
UNIT_QUOTA: Final = 100
DEPTH_QUOTA: Final = 5
POLICY_QUOTA: Final = 50
ATTACHMENT_QUOTA: Final = 10
"""Policies on one target. Like the three above it an assumption: no number is documented."""


def declare(
    name: str, effect: Effect, *fields: Field, caller: Caller = Caller.ADMINISTRATOR
) -> Callable[[Handler], Handler]:
    """Declare an action of Organization; by default only the administrator may call it."""
    return action(SERVICE, VERSION, name, effect, *fields, caller=caller)


def unit_of(org: Organization, unit_id: str) -> Unit:
    """A unit by ID. Raises RecordNotExists."""
    if unit_id not in org.units:
        raise errors.organization("RecordNotExists", unit_id)
    return org.units[unit_id]


def unit_or_root(org: Organization, unit_id: str) -> Unit:
    """A unit by ID, where nothing or "0" means the root. Raises RecordNotExists."""
    return unit_of(org, org.root_id if unit_id in {"", "0"} else unit_id)


def member_of(call: Call, org: Organization) -> Member:
    """The member that `AccountId` names. Raises RecordNotExists."""
    account_id = call.text("AccountId")
    if not account_id.isdigit():
        raise errors.organization("InvalidParam", "AccountId", account_id)
    if account_id not in org.members:
        raise errors.organization("RecordNotExists", account_id)
    return org.members[account_id]


def stamps(created: float, updated: float) -> Result:
    """The times that every record carries. The two soft-delete fields are always empty here."""
    return {"CreatedTime": beijing(created), "UpdatedTime": beijing(updated), "DeletedTime": "", "DeleteUk": ""}


def unit_wire(org: Organization, unit: Unit) -> Result:
    """A unit as lists and DescribeOrganizationalUnit answer it."""
    return stamps(unit.created, unit.updated) | {
        "ID": unit.id,
        "OrgID": org.id,
        "OrgType": ENTERPRISE,
        "Name": unit.name,
        "Description": unit.description,
        "ParentID": unit.parent_id,
        "Depth": unit.depth,
        "Owner": org.owner,
    }
