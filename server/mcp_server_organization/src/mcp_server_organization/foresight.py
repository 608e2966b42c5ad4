"""Answering the inquiries about policies: what is in force, what would be decided, what a document would change."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import anyio.to_thread
from volcengine_mcp.api.client import Answer
from volcengine_mcp.errors import ArgumentsError
from volcengine_mcp.inquiry import NOTICE, Caller
from volcengine_policy import (
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
from volcengine_policy import Effect as EffectOfStatement
from volcengine_policy.document import Json, compact

from . import actions
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
from .settings import OrganizationSettings

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

if TYPE_CHECKING:
    from .inquiries import (
        CreateServiceControlPolicy,
        ExplainPolicies,
        ImaginedChange,
        PreviewServiceControlPolicy,
        SimulatePolicies,
    )


async def explain(inquiry: ExplainPolicies, caller: Caller) -> Answer:
    """The path with its policies."""
    coverage = Coverage()
    organization = await read_organization(caller, coverage)
    nodes = await read_nodes(caller, organization, inquiry.target_id, coverage)
    enablement = await read_enablement(caller, coverage)
    assumptions = _assumptions(caller)
    names = ["A-LEVEL", "A-DEFAULT", *([] if enablement is Enablement.ENABLED else ["A-OFF"])]
    if _is_administrator(organization, inquiry.target_id):
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


async def simulate(inquiry: SimulatePolicies, caller: Caller) -> Answer:
    """The verdict, with and without the change."""
    request = _asked(inquiry)
    coverage = Coverage()
    organization = await read_organization(caller, coverage)
    nodes = await read_nodes(caller, organization, inquiry.account_id, coverage)
    enablement = await read_enablement(caller, coverage)
    administrator = _is_administrator(organization, inquiry.account_id)
    assumptions = _assumptions(caller)

    def verdict(path: Sequence[Node]) -> dict[str, Any]:
        decided = evaluate(
            path, request, enablement=enablement, is_administrator=administrator, assumptions=assumptions
        )
        return _verdict(decided)

    asked = {"AccountId": inquiry.account_id, "Action": inquiry.action, "Resource": inquiry.resource}
    result: dict[str, Any] = {
        "Asked": {**asked, "Principal": inquiry.principal} | ({"Context": inquiry.context} if inquiry.context else {}),
        "Coverage": coverage.as_dict(),
        "Notice": NOTICE,
    }
    if inquiry.change is None:
        return Answer({"Verdict": verdict(nodes), **result})
    changed = await _changed(inquiry, nodes, inquiry.change, caller, coverage)
    return Answer({"Verdict": verdict(changed), "Before": verdict(nodes), **result, "Coverage": coverage.as_dict()})


def _asked(inquiry: SimulatePolicies) -> Request:
    try:
        return Request(inquiry.action, inquiry.resource, Principal(inquiry.principal), _context(inquiry.context))
    except ValueError as error:
        raise _bad(str(error)) from error


async def _changed(
    inquiry: SimulatePolicies, nodes: tuple[Node, ...], change: ImaginedChange, caller: Caller, coverage: Coverage
) -> tuple[Node, ...]:
    """The path as it would be. Raises `ArgumentsError` when the change does not fit it."""
    target = change.target_id or inquiry.account_id
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


async def preview(inquiry: PreviewServiceControlPolicy, caller: Caller) -> Answer:
    """The findings, and the difference to what is in force."""
    document = parse(inquiry.statement)
    findings = lint(document, now=datetime.now(UTC))
    result: dict[str, Any] = {"Valid": can_be_valid(findings), "Findings": _told(findings)}
    if inquiry.target_id is None and inquiry.policy_id is None:
        return Answer({**result, "Notice": NOTICE})
    if not document.readable:
        raise _bad("The document cannot be read, so its effect cannot be previewed: " + findings[0].message)
    coverage = Coverage()
    organization = await read_organization(caller, coverage)
    enablement = await read_enablement(caller, coverage)
    touched = await _touched(inquiry, organization, caller, coverage)
    probes = _probes([document, *await _replaced(inquiry, caller, coverage)], coverage)
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
    inquiry: PreviewServiceControlPolicy, organization: Organization, caller: Caller, coverage: Coverage
) -> list[tuple[str, tuple[Node, ...], tuple[Node, ...]]]:
    """Each account that the document would touch, with its path as it is and as it would be."""
    if inquiry.target_id is not None:
        path_to(organization, inquiry.target_id)
    path = await read_every_path(caller, organization, coverage)
    befores = ((account, path(account)) for account in sorted(organization.members))
    touched = [(account, before, _after(inquiry, before)) for account, before in befores]
    touched = [(account, before, after) for account, before, after in touched if after != before]
    if len(touched) > MOST_ACCOUNTS:
        coverage.cut("accounts touched", MOST_ACCOUNTS, len(touched))
    return touched[:MOST_ACCOUNTS]


def _after(inquiry: PreviewServiceControlPolicy, before: tuple[Node, ...]) -> tuple[Node, ...]:
    """The path as it would be: the policy changed wherever it hangs, and attached to the target as well."""
    policy = _imagined(inquiry.policy_id or NEW_POLICY, inquiry.statement)
    hangs_on = {node.id for node in before if any(present.id == policy.id for present in node.policies)}
    after = replace_policy(before, policy.id, policy) if hangs_on else before
    if inquiry.target_id in {node.id for node in before} - hangs_on:
        after = attach(after, str(inquiry.target_id), policy)
    return after


async def _replaced(inquiry: PreviewServiceControlPolicy, caller: Caller, coverage: Coverage) -> list[Document]:
    """The document that would be replaced: what it touches may be decided otherwise without it."""
    if inquiry.policy_id is None:
        return []
    return [parse(text) for text in (await read_documents(caller, {inquiry.policy_id}, coverage)).values()]


async def create_checked(inquiry: CreateServiceControlPolicy, caller: Caller) -> Answer:
    """The new policy, or the refusal of its document."""
    findings = lint(parse(inquiry.statement), now=datetime.now(UTC))
    errors = [finding for finding in findings if finding.severity.value == "error"]
    if errors:
        said = " ".join(f"{finding.path or 'The document'}: {finding.message}" for finding in errors[:MOST_ALIKE])
        if len(errors) > MOST_ALIKE:
            said += f" And {len(errors) - MOST_ALIKE} more problems; PreviewServiceControlPolicy tells them."
        hint = " ".join(dict.fromkeys(finding.advice for finding in errors[:MOST_ALIKE]))
        raise ArgumentsError("InvalidPolicyDocument", said, hint=f"{hint} Nothing was sent.")
    answer = await caller.send(
        actions.CreateServiceControlPolicy(
            policy_name=inquiry.policy_name, statement=inquiry.statement, description=inquiry.description
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
