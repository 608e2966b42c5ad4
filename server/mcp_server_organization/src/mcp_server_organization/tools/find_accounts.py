"""FindAccounts: where accounts are, by name, ID, unit or tag."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from volcengine_mcp.answers import Answered, Said
from volcengine_mcp.declare import Account, Answers, Effect, Tool
from volcengine_mcp.fields import Text

from ..actions import READS_TREE
from ..settings import OrganizationSettings

if TYPE_CHECKING:
    from ..organization import Member, Organization


class FoundAccount(Said):
    """A member account with its place."""

    account_id: str = Field(alias="AccountID", description="ID of the account.")
    show_name: str = Field(description="Name shown in the organization.")
    account_name: str = Field(description="Login name of the account.")
    unit_path: str = Field(description="Names of the units from the root down, such as Root / Production.")
    unit_id: str = Field(alias="UnitID", description="ID of the lowest of them.")
    is_administrator: bool = Field(description="Whether it is the administrator's account.")
    tags: dict[str, str] = Field(description="Its tags.")


class FoundAccounts(Answered):
    """Accounts that match."""

    accounts: list[FoundAccount] = Field(description="The accounts, each with its UnitPath.")
    total: int = Field(description="How many match of the accounts that were read.")


class FindAccounts(
    Tool,
    Answers[FoundAccounts],
    effect=Effect.READ,
    toolset="accounts",
    uses=READS_TREE,
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

    async def read(self, account: Account) -> Organization:
        """All units and accounts: the API itself can search for a name only."""
        from ..organization import read_organization

        return await read_organization(account)

    def answer(self, read: Organization, settings: OrganizationSettings) -> FoundAccounts:
        """The accounts that match, in the order of the tree."""
        from ..organization import coverage

        found = [member for member in read.members.values() if self._matches(member, read)]
        found.sort(key=lambda member: (read.unit_path(member.unit_id), member.show_name, member.id))
        asked = self.model_dump(by_alias=True, exclude_none=True, exclude={"limit"})
        return FoundAccounts(
            total=len(found),
            accounts=[_found(member, read) for member in found[: self.limit]],
            coverage=coverage(read.read, read.missing, asked),
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


def _found(member: Member, organization: Organization) -> FoundAccount:
    return FoundAccount(
        account_id=member.id,
        show_name=member.show_name,
        account_name=member.name,
        unit_path=organization.unit_path(member.unit_id),
        unit_id=member.unit_id,
        is_administrator=member.is_administrator,
        tags=dict(member.tags),
    )
