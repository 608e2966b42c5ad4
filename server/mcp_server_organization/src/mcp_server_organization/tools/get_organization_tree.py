"""GetOrganizationTree: the organization at one look, as text and as nested objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pydantic import Field
from volcengine_mcp.answers import Answered, Said
from volcengine_mcp.declare import Account, Answers, Effect, Tool
from volcengine_mcp.errors import ArgumentsError
from volcengine_mcp.fields import Identifier

from ..actions import READS_ATTACHMENTS, READS_TREE
from ..settings import OrganizationSettings

if TYPE_CHECKING:
    from ..organization import Organization, Unit
    from ..policies import Policies


class TreePolicy(Said):
    """A policy that hangs on a unit or account."""

    policy_id: str = Field(alias="PolicyID", description="ID of the policy.")
    policy_name: str = Field(description="Its name.")


class TreeAccount(Said):
    """A member account in the tree."""

    account_id: str = Field(alias="AccountID", description="ID of the account.")
    show_name: str = Field(description="Name shown in the organization.")
    is_administrator: bool = Field(description="Whether it is the administrator's account.")
    policies: list[TreePolicy] = Field(description="Policies attached to it.")


class TreeUnit(Said):
    """A unit with all that is below it."""

    id: str = Field(alias="ID", description="ID of the unit.")
    name: str = Field(description="Its name.")
    policies: list[TreePolicy] = Field(description="Policies attached to it.")
    accounts: list[TreeAccount] = Field(description="Accounts right below it.")
    units: list[TreeUnit] = Field(description="Units right below it, each with the same fields.")


class TreeTop(Said):
    """The organization that the tree is of."""

    id: str = Field(alias="ID", description="ID of the organization.")
    name: str = Field(description="Its name.")
    administrator: str = Field(description="ID of the administrator's account.")


class OrganizationTree(Answered):
    """The organization as a tree."""

    organization: TreeTop = Field(description="ID, name and administrator.")
    drawing: str = Field(description="The tree as text, a line for each unit and account.")
    tree: TreeUnit = Field(description="The tree as nested objects: ID, Name, Policies, Accounts, Units.")


class TreeRead(NamedTuple):
    """What the tree is made of; without policies when they were not asked for."""

    organization: Organization
    policies: Policies | None


class GetOrganizationTree(
    Tool,
    Answers[OrganizationTree],
    effect=Effect.READ,
    toolset="organization",
    uses=(*READS_TREE, *READS_ATTACHMENTS),
    zh="查看企业组织结构树",
    en="Get organization tree",
):
    """Show the whole organization, or the part below one unit, at once: units, their accounts and the service control
    policies attached to each, as text and as a tree. Start here."""

    unit_id: Identifier | None = Field(None, description="Only the part below this unit.")
    include_policies: bool = Field(True, description="Whether to show attached policies.")

    async def read(self, account: Account) -> TreeRead:
        """The organization, and where policies hang."""
        from ..organization import read_organization
        from ..policies import read_attachments

        await account.progress(0, 2, "reading units and accounts")
        organization = await read_organization(account)
        self._top(organization)
        await account.progress(1, 2, "reading policies")
        policies = await read_attachments(account) if self.include_policies else None
        await account.progress(2, 2, "done")
        return TreeRead(organization, policies)

    def answer(self, read: TreeRead, settings: OrganizationSettings) -> OrganizationTree:
        """The tree from the unit asked for down, drawn and nested."""
        from ..organization import coverage
        from ..policies import Policies

        organization = read.organization
        policies = read.policies or Policies({})
        top = self._top(organization)
        counts = organization.read | ({"Policies": policies.count} if policies.count is not None else {})
        return OrganizationTree(
            organization=TreeTop(id=organization.id, name=organization.name, administrator=organization.administrator),
            drawing="\n".join(_drawn(organization, top, policies)),
            tree=_nested(organization, top, policies),
            coverage=coverage(counts, (*organization.missing, *policies.missing)),
        )

    def _top(self, organization: Organization) -> Unit:
        """Where the tree begins. Raises `ArgumentsError` when there is no such unit."""
        if self.unit_id is None:
            return organization.root
        if (unit := organization.units.get(self.unit_id)) is None:
            raise ArgumentsError(
                "UnknownUnit",
                f"The organization has no unit {self.unit_id} that this key can see.",
                hint="Leave UnitId out for the whole tree; an account's unit is in FindAccounts.",
            )
        return unit


def _nested(organization: Organization, unit: Unit, policies: Policies) -> TreeUnit:
    return TreeUnit(
        id=unit.id,
        name=unit.name,
        policies=_attached(policies, unit.id),
        accounts=[
            TreeAccount(
                account_id=member.id,
                show_name=member.show_name,
                is_administrator=member.is_administrator,
                policies=_attached(policies, member.id),
            )
            for member in organization.accounts(unit.id)
        ],
        units=[_nested(organization, child, policies) for child in organization.children(unit.id)],
    )


def _attached(policies: Policies, place_id: str) -> list[TreePolicy]:
    return [
        TreePolicy(policy_id=each.policy_id, policy_name=each.policy_name)
        for each in policies.attached.get(place_id, ())
    ]


def _drawn(organization: Organization, unit: Unit, policies: Policies, indent: str = "") -> list[str]:
    """A line for the unit, its accounts and the units below, each with its policies in brackets."""
    lines = [f"{indent}{unit.name} ({unit.id}){_marks(policies, unit.id)}"]
    indent += "  "
    for member in organization.accounts(unit.id):
        administrator = " administrator" if member.is_administrator else ""
        name = member.show_name or member.name
        lines.append(f"{indent}- {name} {member.id}{administrator}{_marks(policies, member.id)}")
    for child in organization.children(unit.id):
        lines += _drawn(organization, child, policies, indent)
    return lines


def _marks(policies: Policies, place_id: str) -> str:
    attached = policies.attached.get(place_id, ())
    return f" [{', '.join(policy.policy_name for policy in attached)}]" if attached else ""
