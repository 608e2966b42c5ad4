"""Inquiries that show the organization: its tree, and where accounts are."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field
from volcengine_mcp.action import Effect, Record
from volcengine_mcp.errors import ArgumentsError
from volcengine_mcp.fields import Identifier, Text
from volcengine_mcp.inquiry import NOTICE, Caller, Inquiry
from volcengine_mcp.openapi import Answer

from .reading import Attachment, Coverage, Member, Organization, Unit, read_attachments, read_organization


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
    effect=Effect.READ,
    toolset="organization",
    result=GetOrganizationTreeResult,
    zh="查看企业组织结构树",
    en="Get organization tree",
):
    """Show the whole organization, or the part below one unit, at once: units, their accounts and the service control
    policies attached to each, as text and as a tree. Start here."""

    unit_id: Identifier | None = Field(None, description="Only the part below this unit.")
    include_policies: bool = Field(True, description="Whether to show attached policies.")

    async def answer(self, caller: Caller) -> Answer:
        """The tree with what it covers."""
        coverage = Coverage()
        await caller.progress(0, 2, "reading units and accounts")
        organization = await read_organization(caller, coverage)
        top = _top(organization, self.unit_id)
        await caller.progress(1, 2, "reading policies")
        policies = await read_attachments(caller, coverage) if self.include_policies else {}
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


class FindAccounts(
    Inquiry,
    effect=Effect.READ,
    toolset="accounts",
    result=FindAccountsResult,
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
        coverage = Coverage()
        organization = await read_organization(caller, coverage)
        found = [member for member in organization.members.values() if self._matches(member, organization)]
        found.sort(key=lambda member: (organization.unit_path(member.unit_id), member.show_name, member.id))
        return Answer(
            {
                "Total": len(found),
                "Accounts": [_account(member, organization) for member in found[: self.limit]],
                "Coverage": coverage.as_dict(),
                "Notice": NOTICE,
            }
        )

    def _matches(self, member: Member, organization: Organization) -> bool:
        text = (self.text or "").casefold()
        named = any(text in name.casefold() for name in (member.show_name, member.name, member.id))
        placed = (self.unit or "").casefold() in organization.unit_path(member.unit_id).casefold()
        if self.tag_key is not None:
            tagged = self.tag_key in member.tags and self.tag_value in (None, member.tags[self.tag_key])
        else:
            tagged = self.tag_value is None or self.tag_value in member.tags.values()
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
