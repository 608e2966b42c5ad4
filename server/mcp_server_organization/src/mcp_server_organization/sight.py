"""Answering the inquiries that show the organization: its tree, and where accounts are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from volcengine_mcp.api.client import Answer
from volcengine_mcp.errors import ArgumentsError
from volcengine_mcp.inquiry import NOTICE, Caller

from .reading import Attachment, Coverage, Member, Organization, Unit, read_attachments, read_organization

if TYPE_CHECKING:
    from .inquiries import FindAccounts, GetOrganizationTree


async def draw_tree(inquiry: GetOrganizationTree, caller: Caller) -> Answer:
    """The tree with what it covers."""
    coverage = Coverage()
    await caller.progress(0, 2, "reading units and accounts")
    organization = await read_organization(caller, coverage)
    top = _top(organization, inquiry.unit_id)
    await caller.progress(1, 2, "reading policies")
    policies = await read_attachments(caller, coverage) if inquiry.include_policies else {}
    await caller.progress(2, 2, "done")
    return Answer(
        {
            "Organization": {
                "ID": organization.id,
                "Name": organization.name,
                "Administrator": organization.administrator,
            },
            "Drawing": "\n".join(_drawn(organization, top, policies)),
            "Tree": _tree(organization, top, policies),
            "Coverage": coverage.as_dict(),
            "Notice": NOTICE,
        }
    )


async def find_accounts(inquiry: FindAccounts, caller: Caller) -> Answer:
    """The accounts with what was searched."""
    coverage = Coverage()
    organization = await read_organization(caller, coverage)
    found = [member for member in organization.members.values() if _matches(inquiry, member, organization)]
    found.sort(key=lambda member: (organization.unit_path(member.unit_id), member.show_name, member.id))
    return Answer(
        {
            "Total": len(found),
            "Accounts": [_account(member, organization) for member in found[: inquiry.limit]],
            "Coverage": coverage.as_dict(),
            "Notice": NOTICE,
        }
    )


def _matches(inquiry: FindAccounts, member: Member, organization: Organization) -> bool:
    text = (inquiry.text or "").casefold()
    named = any(text in name.casefold() for name in (member.show_name, member.name, member.id))
    placed = (inquiry.unit or "").casefold() in organization.unit_path(member.unit_id).casefold()
    if inquiry.tag_key is not None:
        tagged = inquiry.tag_key in member.tags and inquiry.tag_value in (None, member.tags[inquiry.tag_key])
    else:
        tagged = inquiry.tag_value is None or inquiry.tag_value in member.tags.values()
    return named and placed and tagged


def _top(organization: Organization, unit_id: str | None) -> Unit:
    """Where the tree begins. Raises `ArgumentsError` when there is no such unit."""
    if unit_id is None:
        return organization.root
    if (unit := organization.units.get(unit_id)) is None:
        raise ArgumentsError(
            "UnknownUnit",
            f"The organization has no unit {unit_id} that this key can see.",
            hint="Leave UnitId out for the whole tree; an account's unit is in FindAccounts.",
        )
    return unit


def _account(member: Member, organization: Organization) -> dict[str, Any]:
    return {
        "AccountID": member.id,
        "ShowName": member.show_name,
        "AccountName": member.name,
        "UnitPath": organization.unit_path(member.unit_id),
        "UnitID": member.unit_id,
        "IsAdministrator": member.is_administrator,
        "Tags": dict(member.tags),
    }


def _tree(organization: Organization, unit: Unit, policies: dict[str, list[Attachment]]) -> dict[str, Any]:
    return {
        "ID": unit.id,
        "Name": unit.name,
        "Policies": _policies(policies.get(unit.id)),
        "Accounts": [
            {
                "AccountID": member.id,
                "ShowName": member.show_name,
                "IsAdministrator": member.is_administrator,
                "Policies": _policies(policies.get(member.id)),
            }
            for member in organization.accounts(unit.id)
        ],
        "Units": [_tree(organization, child, policies) for child in organization.children(unit.id)],
    }


def _policies(attached: list[Attachment] | None) -> list[dict[str, str]]:
    return [{"PolicyID": policy.policy_id, "PolicyName": policy.policy_name} for policy in attached or ()]


def _drawn(
    organization: Organization, unit: Unit, policies: dict[str, list[Attachment]], indent: str = ""
) -> list[str]:
    """A line for the unit, its accounts and the units below, each with its policies in brackets."""
    lines = [f"{indent}{unit.name} ({unit.id}){_marks(policies.get(unit.id))}"]
    indent += "  "
    for member in organization.accounts(unit.id):
        administrator = " administrator" if member.is_administrator else ""
        name = member.show_name or member.name
        lines.append(f"{indent}- {name} {member.id}{administrator}{_marks(policies.get(member.id))}")
    for child in organization.children(unit.id):
        lines += _drawn(organization, child, policies, indent)
    return lines


def _marks(attached: list[Attachment] | None) -> str:
    return f" [{', '.join(policy.policy_name for policy in attached)}]" if attached else ""
