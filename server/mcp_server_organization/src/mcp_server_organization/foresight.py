"""Inquiries about service control policies: what is in force, what would be decided, what a document would change."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import anyio.to_thread
from pydantic import Field
from volcengine_mcp.action import Effect, Part
from volcengine_mcp.errors import ArgumentsError
from volcengine_mcp.fields import Identifier, Text
from volcengine_mcp.inquiry import NOTICE, Caller, Inquiry
from volcengine_mcp.openapi import Answer

from . import actions
from .policy import (
    IDENTITY_SENTENCE,
    Assumptions,
    Change,
    Decider,
    Document,
    Enablement,
    Finding,
    Node,
    Policy,
    PolicyType,
    Principal,
    Request,
    Verdict,
    attach,
    can_be_valid,
    compare,
    detach,
    evaluate,
    known_actions,
    known_spelling,
    lint,
    parse,
    probe_actions,
    replace_policy,
)
from .policy import Effect as EffectOfStatement
from .policy.document import Json, compact
from .reading import (
    Coverage,
    Member,
    Organization,
    path_to,
    read_documents,
    read_enablement,
    read_every_path,
    read_nodes,
    read_organization,
)
from .records import CreateServiceControlPolicyResult
from .settings import OrganizationSettings
from .sight import Covered

MOST_PROBES = 60
"""Actions touched by a document that a preview asks about; the answer says when there would be more."""

MOST_BESIDES = 20
"""Actions left out by an Allow that a preview asks about as a sample."""

MOST_ACCOUNTS = 200
"""Accounts that a preview evaluates; the answer says when there are more."""

MOST_ALIKE = 10
"""Findings of one kind that an answer shows; the last says how many more there are."""

NEW_POLICY = "new-policy"
"""Stands for the ID of a policy that exists in imagination only."""

Context = Annotated[
    dict[str, str | list[str]],
    Field(description='Condition keys of the request, such as {"volc:SourceIp": "203.0.113.7"}.'),
]


class ExplainPoliciesResult(Covered):
    """The policies that apply to a target."""

    target: str | None = Field(None, description="The unit or account.")
    enablement: str | None = Field(None, description="Whether control policies are switched on.")
    path: list[dict[str, Any] | None] | None = Field(
        None, description="Nodes from root to target, each with its own policies and their statements."
    )
    note: str | None = Field(None, description="What the policies mean together.")


class SimulatePoliciesResult(Covered):
    """What the policies say to one request."""

    asked: dict[str, Any] | None = Field(None, description="The request that was judged.")
    verdict: dict[str, Any] | None = Field(
        None, description="Outcome, Decider (policy, statement, node), Reasons, DependsOn, RestsOn."
    )
    before: dict[str, Any] | None = Field(None, description="The verdict without the imagined change.")


class PreviewServiceControlPolicyResult(Covered):
    """What is wrong with a document, and what it would change."""

    valid: bool | None = Field(None, description="Whether no finding is an error.")
    findings: list[dict[str, Any] | None] | None = Field(
        None, description="Severity, Path, Code, Message and Advice of each problem."
    )
    accounts: list[dict[str, Any] | None] | None = Field(
        None, description="Accounts it would touch, each with the actions whose verdict changes, or SameAs another."
    )
    probed: int | None = Field(None, description="How many known actions were asked about, as for an IAM user.")


class CreateCheckedResult(CreateServiceControlPolicyResult):
    """The new policy, and what the check of its document said."""

    findings: list[dict[str, Any] | None] | None = Field(None, description="Warnings about the document.")


class ExplainPolicies(
    Inquiry,
    effect=Effect.READ,
    toolset="policies",
    result=ExplainPoliciesResult,
    zh="解释生效的管控策略",
    en="Explain policies",
):
    """Show every service control policy that applies to an account or unit, traced to the node where it hangs, from
    the root unit down."""

    target_id: Identifier = Field(alias="TargetID", description="ID of the account or unit.")

    async def answer(self, caller: Caller) -> Answer:
        """The path with its policies."""
        coverage = Coverage()
        organization = await read_organization(caller, coverage)
        nodes = await read_nodes(caller, organization, self.target_id, coverage)
        enablement = await read_enablement(caller, coverage)
        assumptions = _assumptions(caller)
        names = ["A-LEVEL", "A-DEFAULT", *([] if enablement is Enablement.ENABLED else ["A-OFF"])]
        if _is_administrator(organization, self.target_id):
            names.append("A-MGMT")
        return Answer(
            {
                "Target": f"{nodes[-1].kind.value} {nodes[-1].name} ({nodes[-1].id})",
                "Enablement": enablement.value,
                "Path": [_node(node) for node in nodes],
                "Note": " ".join([*(f"{name}: {assumptions.describe(name)}" for name in names), IDENTITY_SENTENCE]),
                "Coverage": coverage.as_dict(),
                "Notice": NOTICE,
            }
        )


class ImaginedChange(Part):
    """A change to the policies that is only imagined."""

    kind: Literal["add", "change", "detach"] = Field(
        description="add a policy to a node, change a policy's document everywhere, or detach one from a node."
    )
    policy_id: Identifier | None = Field(
        None, alias="PolicyID", description="The policy; left out, add takes Statement as a new one."
    )
    target_id: Identifier | None = Field(
        None, alias="TargetID", description="Node for add and detach; default the account."
    )
    statement: actions.Document | None = Field(None, description="Policy document for change, or for a new policy.")


class SimulatePolicies(
    Inquiry,
    effect=Effect.READ,
    toolset="policies",
    result=SimulatePoliciesResult,
    zh="模拟管控策略判定",
    en="Simulate policies",
):
    """Would the service control policies let this account do this action? Answers by the policies in force, or with
    one imagined change: the verdict, the statement that decides and where it hangs, or what it depends on. Policies
    that allow do not grant: IAM decides after them."""

    account_id: Identifier = Field(description="ID of the account, or of a unit for an account right below it.")
    action: Text = Field(description="One action, such as ecs:RunInstances.")
    resource: Text | None = Field(None, description="TRN of the resource; unknown if left out.")
    principal: Literal["user", "role", "root", "service_linked", "unknown"] = Field(
        "user", description="Kind of identity that asks."
    )
    context: Context | None = None
    change: ImaginedChange | None = Field(None, description="A change to imagine.")

    async def answer(self, caller: Caller) -> Answer:
        """The verdict, with and without the change."""
        request = self._asked()
        coverage = Coverage()
        organization = await read_organization(caller, coverage)
        nodes = await read_nodes(caller, organization, self.account_id, coverage)
        enablement = await read_enablement(caller, coverage)
        administrator = _is_administrator(organization, self.account_id)
        assumptions = _assumptions(caller)

        def verdict(path: Sequence[Node]) -> dict[str, Any]:
            decided = evaluate(
                path, request, enablement=enablement, is_administrator=administrator, assumptions=assumptions
            )
            return _verdict(decided)

        asked = {"AccountId": self.account_id, "Action": self.action, "Resource": self.resource}
        result: dict[str, Any] = {
            "Asked": {**asked, "Principal": self.principal} | ({"Context": self.context} if self.context else {}),
            "Coverage": coverage.as_dict(),
            "Notice": NOTICE,
        }
        if self.change is None:
            return Answer({"Verdict": verdict(nodes), **result})
        changed = await self._changed(nodes, self.change, caller, coverage)
        return Answer({"Verdict": verdict(changed), "Before": verdict(nodes), **result, "Coverage": coverage.as_dict()})

    def _asked(self) -> Request:
        try:
            return Request(self.action, self.resource, Principal(self.principal), _context(self.context))
        except ValueError as error:
            raise _bad(str(error)) from error

    async def _changed(
        self, nodes: tuple[Node, ...], change: ImaginedChange, caller: Caller, coverage: Coverage
    ) -> tuple[Node, ...]:
        """The path as it would be. Raises `ArgumentsError` when the change does not fit it."""
        target = change.target_id or self.account_id
        try:
            if change.kind == "detach":
                return detach(nodes, target, change.policy_id or _need("Change.PolicyID", "detach"))
            if change.kind == "change":
                policy_id = change.policy_id or _need("Change.PolicyID", "change")
                statement = change.statement or _need("Change.Statement", "change")
                return replace_policy(nodes, policy_id, _imagined(policy_id, statement))
            if change.statement is not None:
                return attach(nodes, target, _imagined(change.policy_id or NEW_POLICY, change.statement))
            policy_id = change.policy_id or _need("Change.PolicyID or Change.Statement", "add")
            texts = await read_documents(caller, {policy_id}, coverage)
            if policy_id not in texts:
                raise _bad(f"The document of policy {policy_id} cannot be read; give Change.Statement.")
            return attach(nodes, target, _imagined(policy_id, texts[policy_id]))
        except ValueError as error:
            raise _bad(str(error)) from error


class PreviewServiceControlPolicy(
    Inquiry,
    effect=Effect.READ,
    toolset="policies",
    result=PreviewServiceControlPolicyResult,
    zh="预览管控策略",
    en="Preview service control policy",
):
    """Check a policy document before it is created or changed: every problem with its place, warnings of lock-out,
    and, with TargetID or PolicyID, which accounts it would touch and which actions would be decided otherwise than
    now. Changes nothing."""

    statement: actions.Document = Field(description="The policy document.")
    target_id: Identifier | None = Field(
        None, alias="TargetID", description="Unit or account to imagine it attached to, as a new policy."
    )
    policy_id: Identifier | None = Field(
        None, alias="PolicyID", description="Policy whose document it would replace, wherever it is attached."
    )

    async def answer(self, caller: Caller) -> Answer:
        """The findings, and the difference to what is in force."""
        document = parse(self.statement)
        findings = lint(document, now=datetime.now(UTC))
        result: dict[str, Any] = {"Valid": can_be_valid(findings), "Findings": _told(findings)}
        if self.target_id is None and self.policy_id is None:
            return Answer({**result, "Notice": NOTICE})
        if not document.readable:
            raise _bad("The document cannot be read, so its effect cannot be previewed: " + findings[0].message)
        coverage = Coverage()
        organization = await read_organization(caller, coverage)
        enablement = await read_enablement(caller, coverage)
        touched = await self._touched(organization, caller, coverage)
        probes = _probes([document, *await self._replaced(caller, coverage)], coverage)
        assumptions = _assumptions(caller)

        def differences() -> list[dict[str, Any]]:
            # Accounts in the same place with the same policies of their own differ in their ID only.
            first: dict[tuple[object, ...], str] = {}
            found = []
            for account_id, before, after in touched:
                member = organization.members[account_id]
                own = tuple(policy.id for policy in before[-1].policies)
                alike = (member.unit_id, own, member.is_administrator)
                row = _account(organization, member)
                if (same := first.setdefault(alike, account_id)) != account_id:
                    found.append({**row, "SameAs": same})
                    continue
                changes = compare(
                    before,
                    after,
                    [Request(action, principal=Principal.USER) for action in probes],
                    enablement=enablement,
                    is_administrator=member.is_administrator,
                    assumptions=assumptions,
                )
                rests_on = {
                    **({} if enablement is Enablement.ENABLED else {"A-OFF": assumptions.describe("A-OFF")}),
                    **({"A-MGMT": assumptions.describe("A-MGMT")} if member.is_administrator else {}),
                }
                found.append({**row, **_difference(changes, rests_on)})
            return found

        return Answer(
            {
                **result,
                "Accounts": await anyio.to_thread.run_sync(differences),
                "Probed": len(probes),
                "Coverage": coverage.as_dict(),
                "Notice": NOTICE,
            }
        )

    async def _touched(
        self, organization: Organization, caller: Caller, coverage: Coverage
    ) -> list[tuple[str, tuple[Node, ...], tuple[Node, ...]]]:
        """Each account that the document would touch, with its path as it is and as it would be."""
        if self.target_id is not None:
            path_to(organization, self.target_id)
        path = await read_every_path(caller, organization, coverage)
        befores = ((account, path(account)) for account in sorted(organization.members))
        touched = [(account, before, self._after(before)) for account, before in befores]
        touched = [(account, before, after) for account, before, after in touched if after != before]
        if len(touched) > MOST_ACCOUNTS:
            coverage.cut("accounts touched", MOST_ACCOUNTS, len(touched))
        return touched[:MOST_ACCOUNTS]

    def _after(self, before: tuple[Node, ...]) -> tuple[Node, ...]:
        """The path as it would be: the policy changed wherever it hangs, and attached to the target as well."""
        policy = _imagined(self.policy_id or NEW_POLICY, self.statement)
        hangs_on = {node.id for node in before if any(present.id == policy.id for present in node.policies)}
        after = replace_policy(before, policy.id, policy) if hangs_on else before
        if self.target_id in {node.id for node in before} - hangs_on:
            after = attach(after, str(self.target_id), policy)
        return after

    async def _replaced(self, caller: Caller, coverage: Coverage) -> list[Document]:
        """The document that would be replaced: what it touches may be decided otherwise without it."""
        if self.policy_id is None:
            return []
        return [parse(text) for text in (await read_documents(caller, {self.policy_id}, coverage)).values()]


class CreateServiceControlPolicy(
    Inquiry,
    effect=Effect.WRITE,
    toolset="policies",
    result=CreateCheckedResult,
    zh="创建管控策略",
    en="Create service control policy",
):
    """Create a custom service control policy (SCP). Its document is checked first, and refused if it cannot be valid.

    Returns its ID and warnings; nothing is restricted yet, as it is attached to no unit or account. This server
    cannot attach, change or delete it. Preview it first with PreviewServiceControlPolicy.
    """

    policy_name: Text = Field(description="Name of the policy, unique in the organization.")
    statement: actions.Document = Field(description=f"Policy document, such as {actions.DOCUMENT_EXAMPLE}.")
    description: str | None = Field(None, description="Description of the policy.")

    async def answer(self, caller: Caller) -> Answer:
        """The new policy, or the refusal of its document."""
        findings = lint(parse(self.statement), now=datetime.now(UTC))
        errors = [finding for finding in findings if finding.severity.value == "error"]
        if errors:
            said = " ".join(f"{finding.path or 'The document'}: {finding.message}" for finding in errors[:MOST_ALIKE])
            if len(errors) > MOST_ALIKE:
                said += f" And {len(errors) - MOST_ALIKE} more problems; PreviewServiceControlPolicy tells them."
            hint = " ".join(dict.fromkeys(finding.advice for finding in errors[:MOST_ALIKE]))
            raise ArgumentsError("InvalidPolicyDocument", said, hint=f"{hint} Nothing was sent.")
        answer = await caller.send(
            actions.CreateServiceControlPolicy(
                policy_name=self.policy_name, statement=self.statement, description=self.description
            )
        )
        remarks = {"Findings": _told(findings)} if findings else {}
        return Answer({**answer.result, **remarks}, answer.request_id)


def _assumptions(caller: Caller) -> Assumptions:
    settings = caller.settings
    return settings.assumptions if isinstance(settings, OrganizationSettings) else Assumptions()


def _is_administrator(organization: Organization, target_id: str) -> bool:
    member = organization.members.get(target_id)
    return member is not None and member.is_administrator


def _context(given: Mapping[str, str | list[str]] | None) -> dict[str, str | tuple[str, ...]]:
    return {key: value if isinstance(value, str) else tuple(value) for key, value in (given or {}).items()}


def _imagined(policy_id: str, statement: str) -> Policy:
    return Policy(policy_id, "the document given", PolicyType.CUSTOM, parse(statement))


def _need(what: str, kind: str) -> str:
    raise _bad(f"{what} is required to {kind}.")


def _bad(message: str) -> ArgumentsError:
    message = message[0].upper() + message[1:]
    return ArgumentsError(
        "InvalidArguments", message if message.endswith(".") else f"{message}.", hint="Nothing was changed."
    )


def _probes(documents: Sequence[Document], coverage: Coverage) -> tuple[str, ...]:
    """Actions that the documents touch, as known or as named; where one allows, a few that it leaves out as well."""
    statements = [statement for document in documents for statement in document.statements]
    named = {text for statement in statements if statement.actions for text in statement.actions.texts()}
    single = {text for text in named if _is_action(text) and known_spelling(text) is None}
    touched = sorted({*probe_actions(*documents), *single})
    allows = any(statement.effect is EffectOfStatement.ALLOW for statement in statements)
    besides = [action for action in known_actions() if action not in set(touched)] if allows or not touched else []
    probes = (*_spread(touched, MOST_PROBES), *_spread(besides, MOST_BESIDES))
    coverage.read["Probes"] = len(probes)
    if len(touched) > MOST_PROBES:
        coverage.cut("actions that the document touches", MOST_PROBES, len(touched))
    return probes


def _spread(items: Sequence[str], most: int) -> list[str]:
    """Some of the items, evenly spread."""
    count = min(most, len(items))
    return [items[at * len(items) // count] for at in range(count)]


def _is_action(text: str) -> bool:
    try:
        Request(text)
    except ValueError:
        return False
    return True


def _account(organization: Organization, member: Member) -> dict[str, Any]:
    return {"AccountID": member.id, "ShowName": member.show_name, "UnitPath": organization.unit_path(member.unit_id)}


def _difference(changes: Sequence[Change], rests_on: Mapping[str, str]) -> dict[str, Any]:
    """What changes for one account, by kind of change, and the assumptions that it rests on whatever changes."""
    grouped: dict[str, list[str]] = {}
    for change in changes:
        kind = f"{change.before.outcome.value} → {change.after.outcome.value}"
        grouped.setdefault(kind, []).append(change.request.action)
    named = {resting.id: resting.sentence for change in changes for resting in change.after.rests_on}
    return {"Changes": grouped, "RestsOn": {**rests_on, **named}}


def _node(node: Node) -> dict[str, Any]:
    return {
        "ID": node.id,
        "Name": node.name,
        "Kind": node.kind.value,
        "Policies": [
            {
                "PolicyID": policy.id,
                "PolicyName": policy.name,
                "PolicyType": policy.type.value,
                "Document": _plain(policy.document.raw) if policy.document is not None else None,
            }
            for policy in node.policies
        ]
        if node.attachments_known
        else None,
    }


def _plain(raw: Json) -> Any:
    """A part of a document as JSON values; numbers that JSON cannot hold become text."""
    return json.loads(compact(raw), parse_constant=str, parse_float=str)


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "Outcome": verdict.outcome.value,
        "Decider": _decider(verdict.decider) if verdict.decider else None,
        "Reasons": list(verdict.reasons),
        "DependsOn": [
            {"Kind": cause.kind.value, "Name": cause.name, "Reason": cause.reason, "Where": cause.where}
            for cause in verdict.depends_on
        ],
        "RestsOn": [
            {"Assumption": resting.id, "Value": resting.value, "Sentence": resting.sentence}
            for resting in verdict.rests_on
        ],
    }


def _decider(decider: Decider) -> dict[str, Any]:
    return {
        "NodeID": decider.node_id,
        "NodeName": decider.node_name,
        "PolicyID": decider.policy_id,
        "PolicyName": decider.policy_name,
        "StatementIndex": decider.statement_index,
        "Statement": _plain(decider.statement.raw) if decider.statement is not None else None,
    }


def _told(findings: Sequence[Finding]) -> list[dict[str, str]]:
    """The findings, but of many alike only some: a lock-out must not drown in them."""
    alike: dict[str, list[dict[str, str]]] = {}
    for finding in findings:
        alike.setdefault(finding.code, []).append(_finding(finding))
    for rows in alike.values():
        if len(rows) > MOST_ALIKE:
            rows[MOST_ALIKE - 1]["Message"] += f" And {len(rows) - MOST_ALIKE} more like this."
    return [row for rows in alike.values() for row in rows[:MOST_ALIKE]]


def _finding(finding: Finding) -> dict[str, str]:
    return {
        "Severity": finding.severity.value,
        "Path": finding.path,
        "Code": finding.code,
        "Message": finding.message,
        "Advice": finding.advice,
    }
