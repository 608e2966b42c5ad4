"""Reading the tree of an organization: its units and accounts, and the paths to them, by as few calls as it takes.

What could not be read is part of what is returned, so that an answer built on it can say so.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, NamedTuple, TypeVar

from volcengine_mcp.answers import PAGE_SIZE, Coverage, Listed, Missing, read_list, together
from volcengine_mcp.declare import Account
from volcengine_mcp.errors import ArgumentsError, ServiceError, VolcengineError
from volcengine_policy import NodeKind

from . import records
from .actions import DescribeOrganization, ListAccounts, ListOrganizationalUnits

NO_PARENT = ("", "0")
"""`ParentID` of a root unit."""

UNSEEN = "a unit that this key cannot see"
"""Stands for the name of a unit that is only known as a parent."""


T = TypeVar("T")


class Unit(NamedTuple):
    """A unit of the tree; the root is one."""

    id: str
    name: str
    parent_id: str


class Member(NamedTuple):
    """A member account."""

    id: str
    show_name: str
    name: str
    unit_id: str
    is_administrator: bool
    tags: Mapping[str, str]


class Place(NamedTuple):
    """A unit or account on a path; one that is not seen is only known as a parent."""

    id: str
    name: str
    kind: NodeKind
    seen: bool = True


@dataclass(frozen=True, eq=False)
class Organization:
    """The tree as it was read. What is looked up in it is indexed once.

    Attributes:
        administrator: ID of the administrator's account.
        accounts_missing: why the list of accounts is not known to be whole; None when it is.
    """

    id: str
    name: str
    administrator: str
    listed_units: tuple[records.Unit, ...]
    listed_accounts: tuple[records.AccountItem, ...]
    accounts_missing: Missing | None = None

    @cached_property
    def units(self) -> Mapping[str, Unit]:
        """The units by ID."""
        found = (
            Unit(id=unit.id or "", name=unit.name or "", parent_id=unit.parent_id or "") for unit in self.listed_units
        )
        return {unit.id: unit for unit in found}

    @cached_property
    def members(self) -> Mapping[str, Member]:
        """The accounts by ID."""
        found = (_member(account, self.administrator) for account in self.listed_accounts)
        return {member.id: member for member in found}

    @cached_property
    def root(self) -> Unit:
        """The unit without a parent; of units whose parent is not seen, it is the one that names none."""
        roots = [unit for unit in self.units.values() if unit.parent_id not in self.units]
        if not roots:
            raise ServiceError("NoRoot", "Each unit of the organization is said to be below another one.")
        return min(roots, key=lambda unit: (unit.parent_id not in NO_PARENT, unit.id))

    @cached_property
    def _children(self) -> Mapping[str, list[Unit]]:
        return _grouped(sorted(self.units.values(), key=lambda u: (u.name, u.id)), lambda unit: unit.parent_id)

    @cached_property
    def _accounts(self) -> Mapping[str, list[Member]]:
        ordered = sorted(self.members.values(), key=lambda member: (member.show_name, member.id))
        return _grouped(ordered, lambda member: member.unit_id)

    @cached_property
    def _lineages(self) -> dict[str, tuple[Unit, ...]]:
        return {}

    @cached_property
    def _paths(self) -> dict[str, str]:
        return {}

    def children(self, unit_id: str) -> Sequence[Unit]:
        """The units right below, by name."""
        return self._children.get(unit_id, ())

    def accounts(self, unit_id: str) -> Sequence[Member]:
        """The accounts right below, by name."""
        return self._accounts.get(unit_id, ())

    def lineage(self, unit_id: str) -> tuple[Unit, ...]:
        """The units from the uppermost that is seen down to this one; empty when it is not known itself."""
        if unit_id not in self._lineages:
            line: dict[str, Unit] = {}
            unit = self.units.get(unit_id)
            while unit is not None and unit.id not in line:
                line[unit.id] = unit
                unit = self.units.get(unit.parent_id)
            self._lineages[unit_id] = tuple(line.values())[::-1]
        return self._lineages[unit_id]

    def unit_path(self, unit_id: str) -> str:
        """The names from the root down, such as `Root / Production`."""
        if unit_id not in self._paths:
            self._paths[unit_id] = " / ".join(unit.name for unit in self.lineage(unit_id)) or "unknown unit"
        return self._paths[unit_id]

    def is_administrator(self, account_id: str) -> bool:
        """Whether it is the administrator's account."""
        return account_id in self.members and self.members[account_id].is_administrator

    def path_to(self, target_id: str) -> tuple[Place, ...]:
        """The places from the root to a unit or account; one that is not seen stands for all above it.

        Raises:
            ArgumentsError: there is no such unit or account, or whether there is cannot be decided.
        """
        member = self.members.get(target_id)
        line = self.lineage(member.unit_id if member else target_id)
        if not line and member is None:
            raise self._unknown(target_id)
        above = line[0].parent_id if line else member.unit_id if member else ""
        seen_to_the_top = bool(line) and above in NO_PARENT
        # Units that are below each other in a circle have nothing above them that could be named.
        unseen = Place("" if above in self.units else above, UNSEEN, NodeKind.ROOT, seen=False)
        places = [] if seen_to_the_top else [unseen]
        for unit in line:
            places.append(Place(unit.id, unit.name, NodeKind.UNIT if places else NodeKind.ROOT))
        if member is not None:
            places.append(Place(member.id, member.show_name or member.name, NodeKind.ACCOUNT))
        return tuple(places)

    def _unknown(self, target_id: str) -> ArgumentsError:
        if self.accounts_missing is None:
            return ArgumentsError(
                "UnknownTarget",
                f"The organization has no unit or account {target_id} that this key can see.",
                hint="FindAccounts and GetOrganizationTree tell the IDs.",
            )
        return ArgumentsError(
            "NotDecided",
            f"Whether the organization has an account {target_id} cannot be decided, as the list of accounts could not "
            f"be read to its end ({self.accounts_missing.code}: {self.accounts_missing.message})",
            hint=self.accounts_missing.hint or "Try again; if it stays so, ask for DescribeAccount.",
        )

    @cached_property
    def missing(self) -> tuple[Missing, ...]:
        """What is not known of the tree: the rest of a list, and where things hang that were read."""
        seen = {unit.id for unit in self.units.values() if self.lineage(unit.id)[0] is self.root}
        found = (
            self.accounts_missing,
            _out_of_sight("units", [unit.name for unit in self.units.values() if unit.id not in seen]),
            _out_of_sight("accounts", [member.id for member in self.members.values() if member.unit_id not in seen]),
        )
        return tuple(each for each in found if each is not None)

    @property
    def read(self) -> dict[str, int]:
        """How much of it was read, for a coverage."""
        return {"Units": len(self.units), "Accounts": len(self.members)}


def coverage(read: Mapping[str, int], missing: Iterable[Missing], asked: Mapping[str, Any] | None = None) -> Coverage:
    """What an answer covers; it is complete when nothing is missing."""
    found = list(missing)
    return Coverage(complete=not found, asked=dict(asked) if asked else None, read=dict(read), missing=found)


async def read_organization(account: Account) -> Organization:
    """The units and accounts.

    Raises:
        VolcengineError: the organization itself or its units cannot be read.
    """
    reads: list[Callable[[], Awaitable[object]]] = [
        partial(account.send, DescribeOrganization()),
        partial(account.send, ListOrganizationalUnits()),
        partial(_read_accounts, account),
    ]
    described, units, accounts = await together(reads)
    if not isinstance(described, records.DescribeOrganizationResult):
        raise _error(described)
    if not isinstance(units, records.ListOrganizationalUnitsResult):
        raise _error(units)
    listed = tuple(unit for unit in units.sub_unit_list or () if unit is not None)
    if not listed:
        raise ServiceError(
            "NoUnits", "The organization has no units that this key can see.", hint="Use a key of the administrator."
        )
    found = accounts if isinstance(accounts, Listed) else Listed((), Missing.because("accounts", _error(accounts)))
    organization, owner = described.organization, described.owner
    named = (organization.owner if organization else None) or (owner.account_id if owner else None)
    return Organization(
        id=(organization.id if organization else None) or "",
        name=(organization.name if organization else None) or "",
        administrator=str(named or ""),
        listed_units=listed,
        listed_accounts=found.rows,
        accounts_missing=found.missing,
    )


async def _read_accounts(account: Account) -> Listed[records.AccountItem]:
    return await read_list(
        account,
        page=lambda number: ListAccounts(include_tags=True, limit=PAGE_SIZE, offset=number),
        rows=lambda result: result.account_list,
        key=lambda row: row.account_id,
        total=lambda result: result.total,
        what="accounts",
    )


def _member(account: records.AccountItem, administrator: str) -> Member:
    account_id = account.account_id or ""
    return Member(
        id=account_id,
        show_name=account.show_name or "",
        name=account.account_name or "",
        unit_id=account.org_unit_id or "",
        is_administrator=account.is_owner == 1 or account_id == administrator,
        tags={tag.key or "": tag.value or "" for tag in account.tags or () if tag is not None},
    )


def _grouped(rows: Iterable[T], by: Callable[[T], str]) -> dict[str, list[T]]:
    found: dict[str, list[T]] = {}
    for row in rows:
        found.setdefault(by(row), []).append(row)
    return found


def _out_of_sight(what: str, names: Sequence[str]) -> Missing | None:
    """That things were read whose place in the tree was not."""
    if not names:
        return None
    shown = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
    message = f"{len(names)} hang below units that this key cannot see: {shown}."
    return Missing(what=f"place of {what}", code="UnknownUnit", message=message)


def _error(answered: object) -> VolcengineError:
    """The error in place of an answer."""
    if isinstance(answered, VolcengineError):
        return answered
    raise TypeError(f"{type(answered).__name__} is neither an answer nor an error")
