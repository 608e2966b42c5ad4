"""Reading an organization: its units, accounts, policies and attachments, by as few calls as it takes.

What could not be read is part of what is returned, so that an answer built on it can say so.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from volcengine_mcp.declare import Action
from volcengine_mcp.errors import ArgumentsError, ServiceError, VolcengineError
from volcengine_mcp.inquiry import Caller, together
from volcengine_policy import Document, Enablement, Node, NodeKind, Policy, PolicyType, parse

from . import actions, attachments

PAGE_SIZE = 100
"""Items that a list answers at most (volcengine/mcp-server's OpenAPI descriptions)."""

MOST_PAGES = 50
"""Pages of one list that are read; beyond that the answer says that more exists."""

NO_PARENT = ("", "0")
"""`ParentID` of a root unit."""


@dataclass
class Coverage:
    """What was read, what more exists, and what could not be read."""

    read: dict[str, int] = field(default_factory=dict)
    missing: list[dict[str, Any]] = field(default_factory=list)

    def lacks(self, what: str, error: VolcengineError) -> None:
        """Note that something could not be read, and why."""
        self.missing.append({"What": what, **error.as_dict()})

    def cut(self, what: str, read: int, total: int) -> None:
        """Note that there is more than what was looked at."""
        message = f"{read} of {total} were looked at; the rest is left out for its size."
        self.missing.append({"What": what, "Code": "TooMany", "Message": message})

    def astray(self, what: str, names: list[str]) -> None:
        """Note that things were read whose place in the tree was not."""
        if names:
            shown = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
            message = f"{len(names)} hang below units that this key cannot see: {shown}."
            self.missing.append({"What": f"place of {what}", "Code": "UnknownUnit", "Message": message})

    def as_dict(self) -> dict[str, Any]:
        """The coverage as an answer states it."""
        return {"Complete": not self.missing, "Read": self.read, "Missing": self.missing}


@dataclass(frozen=True)
class Unit:
    """A unit of the tree; the root is one."""

    id: str
    name: str
    parent_id: str
    description: str


@dataclass(frozen=True)
class Member:
    """A member account."""

    id: str
    show_name: str
    name: str
    unit_id: str
    is_administrator: bool
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Attachment:
    """A policy as it hangs on a target."""

    policy_id: str
    policy_name: str
    policy_type: str


@dataclass
class Organization:
    """The tree as it was read."""

    id: str
    name: str
    administrator: str
    units: dict[str, Unit]
    members: dict[str, Member]

    @property
    def root(self) -> Unit:
        """The unit without a parent; of units whose parent is not seen, it is the one that names none."""
        roots = [unit for unit in self.units.values() if unit.parent_id not in self.units]
        return min(roots, key=lambda unit: (unit.parent_id not in NO_PARENT, unit.id))

    def children(self, unit_id: str) -> list[Unit]:
        """The units right below, by name."""
        return sorted((u for u in self.units.values() if u.parent_id == unit_id), key=lambda unit: (unit.name, unit.id))

    def accounts(self, unit_id: str) -> list[Member]:
        """The accounts right below, by name."""
        found = (member for member in self.members.values() if member.unit_id == unit_id)
        return sorted(found, key=lambda member: (member.show_name, member.id))

    def lineage(self, unit_id: str) -> list[Unit]:
        """The units from the root down to this one; empty when it is not known."""
        line: list[Unit] = []
        unit = self.units.get(unit_id)
        while unit is not None and unit not in line:
            line.append(unit)
            unit = self.units.get(unit.parent_id)
        return line[::-1]

    def unit_path(self, unit_id: str) -> str:
        """The names from the root down, such as `Root / Production`."""
        return " / ".join(unit.name for unit in self.lineage(unit_id)) or "unknown unit"


async def read_organization(caller: Caller, coverage: Coverage) -> Organization:
    """The units and accounts.

    Raises:
        VolcengineError: the organization itself or its units cannot be read.
    """
    reads: list[Callable[[], Awaitable[Any]]] = [
        partial(_result, caller, actions.DescribeOrganization()),
        partial(_result, caller, actions.ListOrganizationalUnits()),
        partial(_pages, caller, actions.ListAccounts(include_tags=True), "AccountList", "accounts", coverage),
    ]
    described, units, members = await together(reads)
    if isinstance(described, VolcengineError):
        raise described
    if isinstance(units, VolcengineError):
        raise units
    if isinstance(members, VolcengineError):
        coverage.lacks("accounts", members)
        members = []
    organization = described.get("Organization") or {}
    owner = str(organization.get("Owner") or (described.get("Owner") or {}).get("AccountID") or "")
    listed = [_unit(unit) for unit in units.get("SubUnitList") or () if unit]
    accounts = [_member(account, owner) for account in members]
    coverage.read |= {"Units": len(listed), "Accounts": len(accounts)}
    if not listed:
        raise ServiceError(
            "NoUnits", "The organization has no units that this key can see.", hint="Use a key of the administrator."
        )
    found = Organization(
        id=str(organization.get("ID") or ""),
        name=str(organization.get("Name") or ""),
        administrator=owner,
        units={unit.id: unit for unit in listed},
        members={account.id: account for account in accounts},
    )
    seen = {unit.id for unit in listed if found.lineage(unit.id)[0] is found.root}
    coverage.astray("units", [unit.name for unit in listed if unit.id not in seen])
    coverage.astray("accounts", [account.id for account in accounts if account.unit_id not in seen])
    return found


def _unit(unit: Mapping[str, Any]) -> Unit:
    return Unit(
        id=str(unit.get("ID") or ""),
        name=str(unit.get("Name") or ""),
        parent_id=str(unit.get("ParentID") or ""),
        description=str(unit.get("Description") or ""),
    )


def _member(account: Mapping[str, Any], owner: str) -> Member:
    account_id = str(account.get("AccountID") or "")
    tags = {str(tag.get("Key")): str(tag.get("Value") or "") for tag in account.get("Tags") or () if tag}
    return Member(
        id=account_id,
        show_name=str(account.get("ShowName") or ""),
        name=str(account.get("AccountName") or ""),
        unit_id=str(account.get("OrgUnitID") or ""),
        is_administrator=account.get("IsOwner") == 1 or account_id == owner,
        tags=tags,
    )


async def read_attachments(caller: Caller, coverage: Coverage) -> dict[str, list[Attachment]]:
    """The policies on each target, by its ID, asked policy by policy: there are fewer policies than targets."""
    listed = await together([partial(_policies, caller, coverage)])
    if isinstance(policies := listed[0], VolcengineError):
        coverage.lacks("policies", policies)
        return {}
    found: dict[str, list[Attachment]] = {}
    reads = [
        partial(
            _pages,
            caller,
            attachments.ListTargetsForPolicy(policy_id=str(policy.get("PolicyID"))),
            "Targets",
            f"targets of policy {policy.get('PolicyName')}",
            coverage,
        )
        for policy in policies
    ]
    for policy, targets in zip(policies, await together(reads), strict=True):
        if isinstance(targets, VolcengineError):
            coverage.lacks(f"targets of policy {policy.get('PolicyName')}", targets)
            continue
        attachment = _attachment(policy)
        for target in targets:
            found.setdefault(str(target.get("TargetID")), []).append(attachment)
    coverage.read["Policies"] = len(policies)
    return found


async def read_nodes(
    caller: Caller, organization: Organization, target_id: str, coverage: Coverage
) -> tuple[Node, ...]:
    """The path from the root to a unit or account with the documents of its policies, asked node by node.

    Raises:
        ArgumentsError: the organization has no such unit or account.
    """
    places = path_to(organization, target_id)
    reads = [
        partial(
            _pages,
            caller,
            attachments.ListPoliciesForTarget(target_id=identifier),
            "Policies",
            f"policies of {name}",
            coverage,
        )
        for identifier, name, _ in places
    ]
    attached: dict[str, list[Attachment]] = {}
    for (identifier, name, _), answered in zip(places, await together(reads), strict=True):
        if isinstance(answered, VolcengineError):
            coverage.lacks(f"policies of {name}", answered)
        else:
            attached[identifier] = [_attachment(policy) for policy in answered]
    texts = await read_documents(caller, {a.policy_id for on_node in attached.values() for a in on_node}, coverage)
    return _nodes(places, attached, texts)


async def read_every_path(
    caller: Caller, organization: Organization, coverage: Coverage
) -> Callable[[str], tuple[Node, ...]]:
    """How to get the path to any unit or account with its documents, when all attachments are read beforehand."""
    missing = len(coverage.missing)
    attached = await read_attachments(caller, coverage)
    known = len(coverage.missing) == missing
    texts = await read_documents(caller, {a.policy_id for on_node in attached.values() for a in on_node}, coverage)

    def path(target_id: str) -> tuple[Node, ...]:
        places = path_to(organization, target_id)
        nodes = _nodes(places, {place[0]: attached.get(place[0], []) for place in places}, texts)
        return nodes if known else tuple(replace(node, attachments_known=False) for node in nodes)

    return path


def _nodes(
    places: Iterable[tuple[str, str, NodeKind]],
    attached: Mapping[str, list[Attachment]],
    texts: Mapping[str, str],
) -> tuple[Node, ...]:
    """Places with their policies; a place whose policies were not read is said to be so."""
    return tuple(
        Node(
            id=identifier,
            name=name,
            kind=kind,
            policies=tuple(_policy(attachment, texts) for attachment in attached.get(identifier, ())),
            attachments_known=identifier in attached,
        )
        for identifier, name, kind in places
    )


def path_to(organization: Organization, target_id: str) -> list[tuple[str, str, NodeKind]]:
    """ID, name and kind of each node from the root to a unit or account.

    Raises:
        ArgumentsError: the organization has no such unit or account.
    """
    member = organization.members.get(target_id)
    line = organization.lineage(member.unit_id if member else target_id)
    if not line:
        raise ArgumentsError(
            "UnknownTarget",
            f"The organization has no unit or account {target_id} that this key can see.",
            hint="FindAccounts and GetOrganizationTree tell the IDs.",
        )
    places = [(unit.id, unit.name, NodeKind.ROOT if at == 0 else NodeKind.UNIT) for at, unit in enumerate(line)]
    return [*places, (member.id, member.show_name or member.name, NodeKind.ACCOUNT)] if member else places


async def read_documents(caller: Caller, policy_ids: set[str], coverage: Coverage) -> dict[str, str]:
    """The documents of policies as JSON text; those that cannot be read are missing."""
    ordered = sorted(policy_ids)
    reads = [partial(_result, caller, actions.GetServiceControlPolicy(policy_id=policy)) for policy in ordered]
    texts: dict[str, str] = {}
    for policy_id, answered in zip(ordered, await together(reads), strict=True):
        if isinstance(answered, VolcengineError):
            coverage.lacks(f"document of policy {policy_id}", answered)
        elif statement := answered.get("Statement"):
            texts[policy_id] = str(statement)
    return texts


async def read_enablement(caller: Caller, coverage: Coverage) -> Enablement:
    """Whether control policies are switched on."""
    answered = (await together([partial(_result, caller, actions.GetServiceControlPolicyEnablement())]))[0]
    if isinstance(answered, VolcengineError):
        coverage.lacks("enablement of control policies", answered)
        return Enablement.UNKNOWN
    try:
        return Enablement(str(answered.get("Status")))
    except ValueError:
        return Enablement.UNKNOWN


def document_of(text: str | None) -> Document | None:
    """The parsed document of a policy, or None when there is no text."""
    return parse(text) if text is not None else None


def _attachment(policy: Mapping[str, Any]) -> Attachment:
    return Attachment(
        str(policy.get("PolicyID") or ""), str(policy.get("PolicyName") or ""), str(policy.get("PolicyType") or "")
    )


def _policy(attachment: Attachment, texts: Mapping[str, str]) -> Policy:
    kind = PolicyType.SYSTEM if attachment.policy_type == "System" else PolicyType.CUSTOM
    return Policy(attachment.policy_id, attachment.policy_name, kind, document_of(texts.get(attachment.policy_id)))


async def _result(caller: Caller, action: Action) -> dict[str, Any]:
    return (await caller.send(action)).result


async def _policies(caller: Caller, coverage: Coverage) -> list[dict[str, Any]]:
    """Every policy of the organization."""
    found: list[dict[str, Any]] = []
    for page in range(1, MOST_PAGES + 1):
        answered = await _result(caller, actions.ListServiceControlPolicies(page_number=page, page_size=PAGE_SIZE))
        rows = [row for row in answered.get("ServiceControlPolicies") or () if row]
        found += rows
        if not rows or len(found) >= int(answered.get("TotalCount") or 0):
            return found
    coverage.cut("policies", len(found), int(answered.get("TotalCount") or 0))
    return found


async def _pages(
    caller: Caller, action: actions.PagedAction, key: str, what: str, coverage: Coverage
) -> list[dict[str, Any]]:
    """Every page of a list: the first tells how many there are, the others are fetched together."""
    first = await _result(caller, action.model_copy(update={"limit": PAGE_SIZE, "offset": 1}))
    total = int(first.get("Total") or 0)
    wanted = -(-total // PAGE_SIZE)
    numbers = range(2, min(wanted, MOST_PAGES) + 1)
    reads = [
        partial(_result, caller, action.model_copy(update={"limit": PAGE_SIZE, "offset": number})) for number in numbers
    ]
    rows = [row for row in first.get(key) or () if row]
    for answered in await together(reads):
        if isinstance(answered, VolcengineError):
            raise answered
        rows += [row for row in answered.get(key) or () if row]
    if wanted > MOST_PAGES:
        coverage.cut(what, len(rows), total)
    return rows
