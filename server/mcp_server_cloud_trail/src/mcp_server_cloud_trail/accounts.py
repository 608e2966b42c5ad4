"""Names of accounts, where the organization can be read: an answer says whose account a number is, or that it is no
member."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import anyio
from pydantic import Field
from volcengine_mcp.answers import PAGE_SIZE, Said, read_list, together
from volcengine_mcp.declare import Account
from volcengine_mcp.errors import VolcengineError

from . import actions

if TYPE_CHECKING:
    from volcengine_audit import Event, RuleBook

T = TypeVar("T")

KEPT = 1800.0
"""Seconds for which the names are kept."""

KEPT_FAILURE = 300.0
"""Seconds for which it is remembered that they cannot be read, so that not every call asks again."""

PATIENCE = 10.0
"""Seconds that the names may take: an answer is worth more than the names in it."""

OUTSIDE = "not in your organization"


class AccountName(Said):
    """Whose account it is."""

    name: str | None = Field(None, description="Its name.")
    unit: str | None = Field(None, description="Its unit of the organization.")
    note: str | None = Field(None, description=f"Why it has no name: it is {OUTSIDE}.")


@dataclass(frozen=True)
class Accounts:
    """The accounts of the organization, as far as they could be read.

    Attributes:
        names: by ID.
        whole: whether these are all, so that any other account is none of the organization's.
        unread: what an answer says when they are not all; None when they are.
    """

    names: Mapping[str, AccountName] = field(default_factory=dict)
    whole: bool = False
    unread: str | None = None

    @property
    def ids(self) -> frozenset[str]:
        """The IDs, which are no outsiders to the rules."""
        return frozenset(self.names)

    def named(self, accounts: Iterable[str]) -> dict[str, AccountName] | None:
        """What is known of some accounts, by ID in the order given; None when it is nothing."""
        found: dict[str, AccountName] = {}
        for account in accounts:
            if account in self.names:
                found[account] = self.names[account]
            elif account and self.whole:
                found[account] = AccountName(note=OUTSIDE)
        return found or None


def accounts_in(events: Iterable[Event], book: RuleBook) -> list[str]:
    """The accounts that some events are about, each once: those of the callers, and outside ones that requests name."""
    from volcengine_audit.sigma.derived import COMPUTED

    outsiders = COMPUTED["Outsider"]
    found: dict[str, None] = {}
    for event in events:
        named = outsiders(event, book.surroundings)
        for account in (event.identity.account, *(named if isinstance(named, list) else ())):
            if account:
                found[account] = None
    return list(found)


async def read_accounts(account: Account) -> Accounts:
    """The accounts of the organization. Never fails: a key that may not read them still gets its answer."""
    kept = account.kept("accounts")
    if isinstance(kept, Accounts):
        return kept
    found = Accounts(unread=f"Accounts: names could not be read within {PATIENCE:g} seconds.")
    try:
        with anyio.move_on_after(PATIENCE):
            found = await _listed(account)
    except VolcengineError as error:
        found = Accounts(unread=f"Accounts: names could not be read ({error.code}).")
    account.keep("accounts", found, seconds=KEPT if found.whole else KEPT_FAILURE)
    return found


async def with_accounts(account: Account, work: Callable[[], Awaitable[T]]) -> tuple[T, Accounts]:
    """What is read, and the accounts, which are asked for at the same time.

    Raises:
        VolcengineError: the work did.
    """
    done: list[T] = []
    accounts: list[Accounts] = []

    async def do() -> None:
        done.append(await work())

    async def ask() -> None:
        accounts.append(await read_accounts(account))

    failed, _ = await together([do, ask])
    if isinstance(failed, VolcengineError):
        raise failed
    return done[0], accounts[0]


async def _listed(account: Account) -> Accounts:
    listed = await read_list(
        account,
        page=lambda number: actions.ListAccounts(limit=PAGE_SIZE, offset=number),
        rows=lambda result: result.account_list,
        key=lambda row: row.account_id,
        total=lambda result: result.total,
        what="accounts",
    )
    names = {
        row.account_id: AccountName(name=row.show_name or row.account_name or None, unit=row.org_unit_name or None)
        for row in listed.rows
        if row.account_id
    }
    if listed.missing is None:
        return Accounts(names, whole=True)
    return Accounts(names, unread=f"Accounts: not all names could be read. {listed.missing.message}")
