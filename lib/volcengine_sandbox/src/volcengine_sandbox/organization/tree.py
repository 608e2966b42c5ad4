"""The organization itself and its units."""

from __future__ import annotations

from volcengine_sandbox import errors, pages
from volcengine_sandbox.organization.common import (
    DEPTH_QUOTA,
    UNIT_QUOTA,
    declare,
    stamps,
    unit_of,
    unit_or_root,
    unit_wire,
)
from volcengine_sandbox.parameters import Text
from volcengine_sandbox.records import ENTERPRISE, Organization, Unit
from volcengine_sandbox.registry import EMPTY, Call, Caller, Effect, Result

ACTIVE = 1
"""`Organization.Status`. Assumption: its values are not documented."""
_NAME = Text("Name", required=True, most=64)
_DESCRIPTION = Text("Description", most=512)


@declare("CreateOrganization", Effect.WRITE, caller=Caller.ANYONE)
def create_organization(call: Call) -> Result:
    """The caller becomes administrator of a new organization."""
    account = call.state.accounts[call.account_id]
    if not account.active:
        raise errors.organization("AccountInactive")
    if account.partner:
        raise errors.organization("ErrAccountIsPartner")
    if not account.verified:
        raise errors.organization("EnterpriseRealNameVerification", account.account_id)
    if call.state.organization_of(call.account_id) is not None:
        raise errors.organization("RecordAlreadyExists", call.account_id)
    return {"ID": call.state.add_organization(account, account.main_name, call.now).id}


@declare("DescribeOrganization", Effect.READ, caller=Caller.ANYONE)
def describe_organization(call: Call) -> Result:
    """The caller's organization and who administers it."""
    org = call.organization
    owner = call.state.accounts[org.owner]
    return {
        "Organization": stamps(org.created, org.updated)
        | {
            "ID": org.id,
            "Name": org.name,
            "Description": org.description,
            "Owner": org.owner,
            "Status": ACTIVE,
            "Type": ENTERPRISE,
        },
        "Owner": {"AccountID": int(org.owner), "AccountName": owner.name, "MainName": owner.main_name},
    }


@declare("DeleteOrganization", Effect.DESTROY)
def delete_organization(call: Call) -> None:
    """Dissolve the organization once no unit but the root is left. Members become independent again."""
    org = call.organization
    if any(service.administrators for service in org.trusted.values()):
        raise errors.organization("ExistDelegateAdministrator")
    if len(org.units) > 1:
        raise errors.organization("DeleteOrgExistsUnit")
    del call.state.organizations[org.id]


@declare("CreateOrganizationalUnit", Effect.WRITE, _NAME, Text("ParentId", required=True), _DESCRIPTION)
def create_unit(call: Call) -> Result:
    """A unit under a parent; its name is unique there."""
    org = call.organization
    parent = unit_or_root(org, call.text("ParentId"))
    _free_name(org, parent.id, call.text("Name"))
    if len(org.units) >= UNIT_QUOTA or parent.depth >= DEPTH_QUOTA:
        raise errors.organization("ReachedQuotaLimit", "organizational units")
    return {"ID": call.state.add_unit(org, parent.id, call.text("Name"), call.text("Description"), call.now).id}


@declare("UpdateOrganizationalUnit", Effect.WRITE, Text("OrgUnitId", required=True), _NAME, _DESCRIPTION)
def update_unit(call: Call) -> Result:
    """Rename or redescribe a unit; the root stays as it is."""
    org = call.organization
    unit = _changeable(org, call.text("OrgUnitId"))
    if call.text("Name") != unit.name:
        _free_name(org, unit.parent_id, call.text("Name"))
    unit.name, unit.updated = call.text("Name"), call.now
    unit.description = call.text("Description", unit.description)
    return EMPTY


@declare("DeleteOrganizationalUnit", Effect.DESTROY, Text("OrgUnitId", required=True))
def delete_unit(call: Call) -> Result:
    """Delete an empty unit.

    Assumption: a unit that still holds units or accounts, and the root, are refused with InvalidParam.
    """
    org = call.organization
    unit = _changeable(org, call.text("OrgUnitId"))
    holds_units = any(child.parent_id == unit.id for child in org.units.values())
    if holds_units or any(member.unit_id == unit.id for member in org.members.values()):
        raise errors.organization("InvalidParam", "OrgUnitId", unit.id)
    del org.units[unit.id]
    org.forget("unit", unit.id)
    return EMPTY


@declare("DescribeOrganizationalUnit", Effect.READ, Text("OrgUnitId", required=True))
def describe_unit(call: Call) -> Result:
    """One unit. Its error list has no RecordNotExists, so an unknown ID is an InvalidParam."""
    org = call.organization
    unit = org.units.get(call.text("OrgUnitId"))
    if unit is None:
        raise errors.organization("InvalidParam", "OrgUnitId", call.text("OrgUnitId"))
    return {"OrganizationUnit": unit_wire(org, unit)}


@declare("ListOrganizationalUnits", Effect.READ)
def list_units(call: Call) -> Result:
    """All units, the root included, without paging."""
    org = call.organization
    return {"SubUnitList": [unit_wire(org, unit) for unit in org.units.values()]}


@declare("ListOrganizationalUnitsForParent", Effect.READ, Text("ParentId", required=True), *pages.LIMIT_OFFSET)
def list_child_units(call: Call) -> Result:
    """Direct child units."""
    org = call.organization
    # "0" is the parent of the root, so its only child is the root.
    parent = call.text("ParentId")
    if parent != "0":
        unit_of(org, parent)
    children = [unit for unit in org.units.values() if unit.parent_id == parent]
    return pages.by_offset(call, "SubUnitList", children, lambda unit: unit_wire(org, unit))


def _changeable(org: Organization, unit_id: str) -> Unit:
    unit = unit_of(org, unit_id)
    if unit.id == org.root_id:
        raise errors.organization("InvalidParam", "OrgUnitId", unit_id)
    return unit


def _free_name(org: Organization, parent_id: str, name: str) -> None:
    if any(unit.name == name and unit.parent_id == parent_id for unit in org.units.values()):
        raise errors.organization("RecordAlreadyExists", name)
