"""The state of one sandbox: everything that its calls read and change, in memory."""

from __future__ import annotations

import random
from datetime import datetime

from volcengine_sandbox.clock import BEIJING, Clock
from volcengine_sandbox.events import EventLog
from volcengine_sandbox.identity import Identity, KeyRing, access_key, secret_key
from volcengine_sandbox.records import (
    CREATED,
    FULL_ACCESS_STATEMENT,
    ROOT_NAME,
    ROOT_PARENT,
    Account,
    Member,
    Organization,
    Paging,
    Policy,
    TargetType,
    Trail,
    Unit,
)

FULL_ACCESS_NAME = "FullAccess"
"""Assumption: the preset system policy's real name is not documented."""


class State:
    """Accounts, organizations, trails, audit events and keys. IDs come from a seeded generator."""

    def __init__(self, clock: Clock, rng: random.Random) -> None:
        self.clock = clock
        self.rng = rng
        self.accounts: dict[str, Account] = {}
        self.organizations: dict[str, Organization] = {}
        self.trails: dict[tuple[str, str], Trail] = {}
        self.paging = Paging()
        self.events = EventLog()
        self.keys = KeyRing()

    @property
    def now(self) -> float:
        """Epoch seconds."""
        return self.clock()

    def organization_of(self, account_id: str) -> Organization | None:
        """The organization that an account is a member of, or None."""
        return next((org for org in self.organizations.values() if account_id in org.members), None)

    def visible_accounts(self, account_id: str) -> frozenset[str]:
        """The accounts whose events an account may look up.

        Assumption: an organization's administrator sees the events of all members; any other account its own.
        """
        org = self.organization_of(account_id)
        if org is not None and org.owner == account_id:
            return frozenset(org.members)
        return frozenset((account_id,))

    def new_id(self) -> str:
        """A 19-digit ID as units, policies and other records have it."""
        return f"7{self.rng.randrange(10**17, 10**18)}"

    def new_account_id(self) -> str:
        """An unused 10-digit account ID beginning with 21."""
        while (number := f"21{self.rng.randrange(10**8):08d}") in self.accounts:
            pass
        return number

    def new_link_id(self, now: float) -> str:
        """A 20-digit link ID beginning with the date."""
        date = datetime.fromtimestamp(now, BEIJING).strftime("%Y%m%d")
        return f"{date}{self.rng.randrange(10**12):012d}"

    def add_account(self, name: str, main_name: str, now: float) -> Account:
        """Open an account."""
        account = Account(self.new_account_id(), name, main_name, now)
        self.accounts[account.account_id] = account
        return account

    def add_organization(self, owner: Account, name: str, now: float) -> Organization:
        """Create an organization with its root unit, the owner in it, and the preset policy (feature off)."""
        root = Unit(self.new_id(), ROOT_NAME, ROOT_PARENT, 0, now, now)
        org = Organization(self.new_id(), name, owner.account_id, root.id, now, now)
        org.units[root.id] = root
        policy_id = self.new_id()
        org.policies[policy_id] = Policy(
            policy_id, FULL_ACCESS_NAME, FULL_ACCESS_STATEMENT, now, now, "系统预置策略，允许所有操作", system=True
        )
        org.attach_full_access(root.id, TargetType.UNIT, now)
        self.organizations[org.id] = org
        self.add_member(org, owner, root.id, owner.name, now)
        return org

    def add_unit(self, org: Organization, parent_id: str, name: str, description: str, now: float) -> Unit:
        """Create a unit under another."""
        depth = org.units[parent_id].depth + 1
        unit = Unit(self.new_id(), name, parent_id, depth, now, now, description)
        org.units[unit.id] = unit
        org.attach_full_access(unit.id, TargetType.UNIT, now)
        return unit

    def add_member(
        self, org: Organization, account: Account, unit_id: str, show_name: str, now: float, *, join_type: int = CREATED
    ) -> Member:
        """Put an account into a unit."""
        member = Member(
            id=self.new_id(),
            account_id=account.account_id,
            unit_id=unit_id,
            account_name=account.name,
            show_name=show_name,
            created=now,
            updated=now,
            join_type=join_type,
            verification_id=org.owner,
        )
        org.members[account.account_id] = member
        org.attach_full_access(account.account_id, TargetType.ACCOUNT, now)
        return member

    def root_identity(self, account_id: str) -> Identity:
        """The root key of an account, issued when first asked for. Raises KeyError for an unknown account."""
        account = self.accounts[account_id]
        known = self.keys.root_of(account_id)
        return known or self.keys.add(
            Identity(
                name=account.name,
                access_key=access_key(self.rng),
                secret_key=secret_key(self.rng),
                account_id=account_id,
                kind="Root",
                principal_id=account_id,
                purpose=f"the account {account.name} itself",
            )
        )
