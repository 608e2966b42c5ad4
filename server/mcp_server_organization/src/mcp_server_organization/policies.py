"""Reading the policies of an organization: where they hang, their documents, and whether they are switched on.

What could not be read is part of what is returned, so that an answer built on it can say so.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, cast

from volcengine_mcp.answers import PAGE_SIZE, Listed, Missing, read_list, together
from volcengine_mcp.declare import Account
from volcengine_mcp.errors import VolcengineError
from volcengine_policy import Enablement, Node, Policy, PolicyType

from . import records
from .actions import (
    GetServiceControlPolicy,
    GetServiceControlPolicyEnablement,
    ListPoliciesForTarget,
    ListServiceControlPolicies,
    ListTargetsForPolicy,
)
from .organization import Organization, Place, read_organization

if TYPE_CHECKING:
    from volcengine_policy import Document

Switch: TypeAlias = tuple[Enablement, tuple[Missing, ...]]
"""Whether control policies are switched on, and why that is not known."""

NEW_POLICY = "new-policy"
"""Stands for the ID of a policy that exists in imagination only."""


class Attachment(NamedTuple):
    """A policy as it hangs on a unit or account."""

    policy_id: str
    policy_name: str
    policy_type: str


@dataclass(frozen=True, eq=False)
class Policies:
    """The policies on units and accounts, as they were read.

    Attributes:
        attached: by the ID of the unit or account.
        whole: the units and accounts whose lists were read to their end; None when all were.
        documents: the policies' documents as the service sent them, by the policy's ID.
        missing: what could not be read.
        count: how many policies were read, where all were asked for.
    """

    attached: Mapping[str, Sequence[Attachment]]
    whole: frozenset[str] | None = None
    documents: Mapping[str, str] | None = None
    missing: tuple[Missing, ...] = ()
    count: int | None = None

    @cached_property
    def _parsed(self) -> Mapping[str, Document]:
        from volcengine_policy import parse

        return {policy_id: parse(text) for policy_id, text in (self.documents or {}).items()}

    @cached_property
    def _nodes(self) -> dict[Place, Node]:
        return {}

    def path(self, places: Iterable[Place]) -> tuple[Node, ...]:
        """Places with their policies. Each document is parsed, and each node made, only once."""
        return tuple(self._node(place) for place in places)

    def _node(self, place: Place) -> Node:
        if place not in self._nodes:
            self._nodes[place] = Node(
                id=place.id,
                name=place.name,
                kind=place.kind,
                policies=tuple(self._policy(each) for each in self.attached.get(place.id, ())),
                attachments_known=place.seen and (self.whole is None or place.id in self.whole),
            )
        return self._nodes[place]

    def _policy(self, attachment: Attachment) -> Policy:
        kind = PolicyType.SYSTEM if attachment.policy_type == "System" else PolicyType.CUSTOM
        document = self._parsed.get(attachment.policy_id)
        return Policy(attachment.policy_id, attachment.policy_name, kind, document)


def imagined(policy_id: str, statement: str) -> Policy:
    """A policy with a document that was given."""
    from volcengine_policy import parse

    return Policy(policy_id, "the document given", PolicyType.CUSTOM, parse(statement))


class PathRead(NamedTuple):
    """A path from the root to a unit or account with its policies, as they were read.

    Attributes:
        missing: what could not be read of it, and of the tree.
    """

    organization: Organization
    places: tuple[Place, ...]
    policies: Policies
    enablement: Enablement
    missing: tuple[Missing, ...]

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The path as the policy library takes it."""
        return self.policies.path(self.places)

    @property
    def is_administrator(self) -> bool:
        """Whether it ends at the administrator's account."""
        return self.organization.is_administrator(self.places[-1].id)


async def read_path(account: Account, target_id: str) -> PathRead:
    """The path to a unit or account, its policies with their documents, and whether policies are switched on.

    Raises:
        VolcengineError: the tree cannot be read, or has no such unit or account, or that cannot be decided.
    """
    organization = await read_organization(account)
    places = organization.path_to(target_id)
    reads: list[Callable[[], Awaitable[object]]] = [
        partial(read_policies_on, account, places),
        partial(read_enablement, account),
    ]
    # Neither raises: what cannot be read is part of what they return.
    policies, (enablement, unknown) = cast("tuple[Policies, Switch]", tuple(await together(reads)))
    return PathRead(organization, places, policies, enablement, (*organization.missing, *policies.missing, *unknown))


async def read_attachments(account: Account) -> Policies:
    """The policies on every unit and account, asked policy by policy: there are fewer policies than targets."""
    try:
        listed = await _read_policies(account)
    except VolcengineError as error:
        return Policies({}, frozenset(), missing=(Missing.because("policies", error),))
    missing = [listed.missing] if listed.missing else []
    found: dict[str, list[Attachment]] = {}
    reads = [partial(_read_targets, account, policy) for policy in listed.rows]
    for policy, targets in zip(listed.rows, await together(reads), strict=True):
        if isinstance(targets, VolcengineError):
            missing.append(Missing.because(_targets_of(policy), targets))
            continue
        missing += [targets.missing] if targets.missing else []
        for target in targets.rows:
            found.setdefault(target.target_id or "", []).append(_attachment(policy))
    # A list that is cut may lack any of the targets: then no unit or account is known to have no more.
    whole = frozenset[str]() if missing else None
    return Policies(found, whole, missing=tuple(missing), count=len(listed.rows))


async def read_every_policy(account: Account) -> Policies:
    """The policies on every unit and account, with their documents."""
    policies = await read_attachments(account)
    return await _with_documents(account, policies)


async def read_policies_on(account: Account, places: Sequence[Place]) -> Policies:
    """The policies on the places of a path with their documents, asked place by place."""
    seen = [place for place in places if place.seen]
    reads = [partial(_read_policies_of, account, place) for place in seen]
    attached: dict[str, list[Attachment]] = {}
    whole: set[str] = set()
    missing: list[Missing] = []
    for place, answered in zip(seen, await together(reads), strict=True):
        if isinstance(answered, VolcengineError):
            missing.append(Missing.because(f"policies of {place.name}", answered))
            continue
        attached[place.id] = [_attachment(policy) for policy in answered.rows]
        if answered.missing is None:
            whole.add(place.id)
        else:
            missing.append(answered.missing)
    return await _with_documents(account, Policies(attached, frozenset(whole), missing=tuple(missing)))


async def read_documents(account: Account, policy_ids: Iterable[str]) -> tuple[dict[str, str], tuple[Missing, ...]]:
    """The documents of policies as the service sent them, and why some are missing."""
    ordered = sorted(set(policy_ids))
    reads = [partial(account.send, GetServiceControlPolicy(policy_id=policy)) for policy in ordered]
    texts: dict[str, str] = {}
    missing: list[Missing] = []
    for policy_id, answered in zip(ordered, await together(reads), strict=True):
        if isinstance(answered, VolcengineError):
            missing.append(Missing.because(f"document of policy {policy_id}", answered))
        elif answered.statement:
            texts[policy_id] = answered.statement
    return texts, tuple(missing)


async def read_enablement(account: Account) -> Switch:
    """Whether control policies are switched on, and why that is not known."""
    try:
        answered = await account.send(GetServiceControlPolicyEnablement())
    except VolcengineError as error:
        return Enablement.UNKNOWN, (Missing.because("enablement of control policies", error),)
    known = {str(each): each for each in Enablement}
    return known.get(answered.status or "", Enablement.UNKNOWN), ()


async def _with_documents(account: Account, policies: Policies) -> Policies:
    attached = (each.policy_id for on_place in policies.attached.values() for each in on_place)
    documents, missing = await read_documents(account, attached)
    return replace(policies, documents=documents, missing=(*policies.missing, *missing))


async def _read_policies(account: Account) -> Listed[records.Policy]:
    return await read_list(
        account,
        page=lambda number: ListServiceControlPolicies(page_number=number, page_size=PAGE_SIZE),
        rows=lambda result: result.service_control_policies,
        key=lambda row: row.policy_id,
        total=lambda result: result.total_count,
        what="policies",
    )


async def _read_targets(account: Account, policy: records.Policy) -> Listed[records.PolicyTarget]:
    return await read_list(
        account,
        page=lambda number: ListTargetsForPolicy(policy_id=policy.policy_id or "", limit=PAGE_SIZE, offset=number),
        rows=lambda result: result.targets,
        key=lambda row: row.target_id,
        total=lambda result: result.total,
        what=_targets_of(policy),
    )


async def _read_policies_of(account: Account, place: Place) -> Listed[records.AttachedPolicy]:
    return await read_list(
        account,
        page=lambda number: ListPoliciesForTarget(target_id=place.id, limit=PAGE_SIZE, offset=number),
        rows=lambda result: result.policies,
        key=lambda row: row.policy_id,
        total=lambda result: result.total,
        what=f"policies of {place.name}",
    )


def _targets_of(policy: records.Policy) -> str:
    return f"targets of policy {policy.policy_name}"


def _attachment(policy: records.Policy | records.AttachedPolicy) -> Attachment:
    return Attachment(policy.policy_id or "", policy.policy_name or "", policy.policy_type or "")
