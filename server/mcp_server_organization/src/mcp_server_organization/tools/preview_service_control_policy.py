"""PreviewServiceControlPolicy: what is wrong with a document, and what would be decided otherwise with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from pydantic import Field
from volcengine_mcp.answers import Answered, Missing, Said
from volcengine_mcp.declare import Account, Answers, Effect, Tool
from volcengine_mcp.fields import Identifier
from volcengine_policy import Enablement, Finding, Principal

from ..actions import (
    READS_ATTACHMENTS,
    READS_TREE,
    Document,
    GetServiceControlPolicy,
    GetServiceControlPolicyEnablement,
)
from ..findings import bad, shown
from ..settings import OrganizationSettings

if TYPE_CHECKING:
    from volcengine_policy import Assumptions, Node
    from volcengine_policy import Document as ParsedDocument

    from ..organization import Organization
    from ..policies import Policies

MOST_PROBES = 60
"""Actions touched by a document that a preview asks about; the answer says when there would be more."""

MOST_BESIDES = 20
"""Actions left out by an Allow that a preview asks about as a sample."""

MOST_ACCOUNTS = 200
"""Accounts that a preview evaluates; the answer says when there are more."""


class TouchedAccount(Said):
    """An account that the document would touch."""

    account_id: str = Field(alias="AccountID", description="ID of the account.")
    show_name: str = Field(description="Name shown in the organization.")
    unit_path: str = Field(description="Names of the units from the root down.")
    same_as: str | None = Field(
        None, description="ID of an account of this answer in the same place, with the same policies: so is the change."
    )
    changes: dict[str, list[str]] | None = Field(
        None, description="Actions by what they turn from and into, such as `allowed by policies → depends on`."
    )
    rests_on: dict[str, str] | None = Field(None, description="Assumptions that this rests on, with what they say.")


class PreviewedPolicy(Answered):
    """What is wrong with a document, and what it would change."""

    valid: bool = Field(description="Whether no finding is an error.")
    findings: list[Finding] = Field(description="Severity, Path, Code, Message and Advice of each problem.")
    accounts: list[TouchedAccount] | None = Field(
        None, description="Accounts it would touch, each with the actions whose verdict changes, or SameAs another."
    )
    probed: int | None = Field(None, description="How many known actions were asked about, as for an IAM user.")


class EffectRead(NamedTuple):
    """What is in force, and the document that would be replaced."""

    organization: Organization
    policies: Policies
    enablement: Enablement
    replaced: tuple[str, ...]
    missing: tuple[Missing, ...]


class PreviewServiceControlPolicy(
    Tool,
    Answers[PreviewedPolicy],
    effect=Effect.READ,
    toolset="policies",
    uses=(*READS_TREE, *READS_ATTACHMENTS, GetServiceControlPolicy, GetServiceControlPolicyEnablement),
    zh="预览管控策略",
    en="Preview service control policy",
):
    """Check a policy document before it is created or changed: every problem with its place, warnings of lock-out,
    and, with TargetID or PolicyID, which accounts it would touch and which actions would be decided otherwise than
    now. Changes nothing."""

    statement: Document = Field(description="The policy document.")
    target_id: Identifier | None = Field(
        None, alias="TargetID", description="Unit or account to imagine it attached to, as a new policy."
    )
    policy_id: Identifier | None = Field(
        None, alias="PolicyID", description="Policy whose document it would replace, wherever it is attached."
    )

    def check(self, settings: OrganizationSettings) -> None:
        """Refuse to preview the effect of a document that cannot be read."""
        from volcengine_policy import parse

        document = parse(self.statement)
        if self._has_effect and not document.readable:
            problem = document.problems[0].message
            raise bad(f"The document cannot be read, so its effect cannot be previewed: {problem}")

    async def read(self, account: Account) -> EffectRead | None:
        """What is in force; nothing where only the document itself is to be checked."""
        from ..organization import read_organization
        from ..policies import read_documents, read_enablement, read_every_policy

        if not self._has_effect:
            return None
        organization = await read_organization(account)
        if self.target_id is not None:
            organization.path_to(self.target_id)
        enablement, unknown = await read_enablement(account)
        policies = await read_every_policy(account)
        texts, unread = await read_documents(account, {self.policy_id} if self.policy_id is not None else ())
        missing = (*organization.missing, *unknown, *policies.missing, *unread)
        return EffectRead(organization, policies, enablement, tuple(texts.values()), missing)

    def answer(self, read: EffectRead | None, settings: OrganizationSettings) -> PreviewedPolicy:
        """The findings, and the difference to what is in force."""
        from datetime import UTC, datetime

        from volcengine_policy import can_be_valid, lint, parse

        from ..organization import coverage

        document = parse(self.statement)
        findings = lint(document, now=datetime.now(UTC))
        valid, remarks = can_be_valid(findings), shown(findings)
        if read is None:
            return PreviewedPolicy(valid=valid, findings=remarks)
        documents = [document, *(parse(text) for text in read.replaced)]
        touching = _touching(documents)
        probes = (*_spread(touching, MOST_PROBES), *_besides(documents, touching))
        touched = list(self._touched(read))
        cut = (
            _cut("accounts touched", MOST_ACCOUNTS, len(touched)),
            _cut("actions that the document touches", MOST_PROBES, len(touching)),
        )
        return PreviewedPolicy(
            valid=valid,
            findings=remarks,
            accounts=_differences(read, touched[:MOST_ACCOUNTS], probes, settings.assumptions),
            probed=len(probes),
            coverage=coverage(
                read.organization.read | {"Policies": read.policies.count or 0, "Probes": len(probes)},
                (*read.missing, *(each for each in cut if each is not None)),
            ),
        )

    @property
    def _has_effect(self) -> bool:
        return self.target_id is not None or self.policy_id is not None

    def _touched(self, read: EffectRead) -> Iterator[tuple[str, tuple[Node, ...], tuple[Node, ...]]]:
        """Each account that the document would touch, with its path as it is and as it would be."""
        from volcengine_policy import attach, replace_policy

        from ..policies import NEW_POLICY, imagined

        policy = imagined(self.policy_id or NEW_POLICY, self.statement)
        for account_id in sorted(read.organization.members):
            before = read.policies.path(read.organization.path_to(account_id))
            hangs_on = {node.id for node in before if any(present.id == policy.id for present in node.policies)}
            is_target = self.target_id in {node.id for node in before} - hangs_on
            if hangs_on or is_target:
                after = replace_policy(before, policy.id, policy) if hangs_on else before
                yield account_id, before, attach(after, str(self.target_id), policy) if is_target else after


def _differences(
    read: EffectRead,
    touched: Sequence[tuple[str, tuple[Node, ...], tuple[Node, ...]]],
    probes: Sequence[str],
    assumptions: Assumptions,
) -> list[TouchedAccount]:
    """What changes for each account. Those in the same place with the same policies of their own are judged once."""
    from volcengine_policy import Request, compare

    requests = [Request(action, principal=Principal.USER) for action in probes]
    first: dict[tuple[object, ...], str] = {}
    found = []
    for account_id, before, after in touched:
        member = read.organization.members[account_id]
        row = TouchedAccount(
            account_id=member.id,
            show_name=member.show_name,
            unit_path=read.organization.unit_path(member.unit_id),
        )
        own = tuple(policy.id for policy in before[-1].policies)
        alike = (member.unit_id, own, tuple(policy.id for policy in after[-1].policies), member.is_administrator)
        if (same := first.setdefault(alike, account_id)) != account_id:
            found.append(row.model_copy(update={"same_as": same}))
            continue
        changes = compare(
            before,
            after,
            requests,
            enablement=read.enablement,
            is_administrator=member.is_administrator,
            assumptions=assumptions,
        )
        grouped: dict[str, list[str]] = {}
        for change in changes:
            kind = f"{change.before.outcome.value} → {change.after.outcome.value}"
            grouped.setdefault(kind, []).append(change.request.action)
        always = [
            *([] if read.enablement is Enablement.ENABLED else ["A-OFF"]),
            *(["A-MGMT"] if member.is_administrator else []),
        ]
        rests_on = {name: assumptions.describe(name) for name in always}
        rests_on |= {each.assumption: each.sentence for change in changes for each in change.after.rests_on}
        found.append(row.model_copy(update={"changes": grouped, "rests_on": rests_on}))
    return found


def _touching(documents: Sequence[ParsedDocument]) -> list[str]:
    """The actions that the documents touch: those that are known, and those that are named in full."""
    from volcengine_policy import known_spelling, probe_actions

    statements = [statement for document in documents for statement in document.statements]
    named = {text for statement in statements if statement.actions for text in statement.actions.texts()}
    single = {text for text in named if _is_action(text) and known_spelling(text) is None}
    return sorted({*probe_actions(*documents), *single})


def _besides(documents: Sequence[ParsedDocument], touching: Sequence[str]) -> list[str]:
    """Where a document allows, or touches nothing that is known: a few actions that it leaves out."""
    from volcengine_policy import known_actions

    effects = {statement.effect for document in documents for statement in document.statements}
    if "Allow" not in effects and touching:
        return []
    left = set(touching)
    return _spread([action for action in known_actions() if action not in left], MOST_BESIDES)


def _spread(items: Sequence[str], most: int) -> list[str]:
    """Some of the items, evenly spread."""
    count = min(most, len(items))
    return [items[at * len(items) // count] for at in range(count)]


def _is_action(text: str) -> bool:
    from volcengine_policy import Request

    try:
        Request(text)
    except ValueError:
        return False
    return True


def _cut(what: str, read: int, total: int) -> Missing | None:
    """That there is more than what was looked at."""
    if total <= read:
        return None
    message = f"{read} of {total} were looked at; the rest is left out for its size."
    return Missing(what=what, code="TooMany", message=message)
