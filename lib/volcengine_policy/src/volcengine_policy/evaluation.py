"""The verdict of the control policies on a path, and the assumptions that it rests on.

The order for one request is inferred (the pages on inheritance were not found): no restriction for what is out of
scope; else any Deny on the path; else an Allow on every level; then identity policies decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from volcengine_policy.assumptions import ASSUMPTION_IDS, DEPENDS, Assumptions, assumption
from volcengine_policy.condition_keys import USER_NAME
from volcengine_policy.conditions import Context, ContextValue
from volcengine_policy.document import Effect, Statement, plain
from volcengine_policy.kinds import CauseKind, Enablement, Outcome, PolicyType, Principal
from volcengine_policy.path import Node, Policy, check_path
from volcengine_policy.request import Request
from volcengine_policy.scope import restricted
from volcengine_policy.statements import Question, applies, caveats
from volcengine_policy.trn import parse_trn
from volcengine_policy.truth import (
    NO,
    YES,
    Cause,
    Judgement,
    every,
    some,
    unknown,
)
from volcengine_policy.verdict import IDENTITY_SENTENCE, Decider, Dependence, Resting, Verdict

_NO_USER = frozenset({Principal.ROLE, Principal.ROOT, Principal.SERVICE_LINKED})


def evaluate(
    path: Sequence[Node],
    request: Request,
    *,
    enablement: Enablement,
    is_administrator: bool,
    assumptions: Assumptions | None = None,
) -> Verdict:
    """What the control policies on the path say to the request; raises ValueError for a path that is none."""
    case = _Case(check_path(path), request, enablement, is_administrator, _context(request))
    chosen = assumptions or Assumptions()
    bare = _decide(case, chosen.without(ASSUMPTION_IDS))
    if bare.outcome is not Outcome.DEPENDS:
        # It follows from what was read alone, so that no choice could make it another.
        return _verdict(bare, ())
    named = {cause.name for cause in bare.causes if cause.kind is CauseKind.ASSUMPTION}
    touched = tuple(key for key in ASSUMPTION_IDS if key in named)
    ruling = _decide(case, chosen)
    if ruling.outcome is Outcome.DEPENDS:
        return _verdict(ruling, _turning(case, chosen, ruling, touched))
    return _supported(case, chosen, ruling, touched)


@dataclass(frozen=True, slots=True)
class _Case:
    path: tuple[Node, ...]
    request: Request
    enablement: Enablement
    is_administrator: bool
    context: Context


@dataclass(frozen=True, slots=True)
class _Place:
    """A node, and the policy and statement on it that decide, if any does."""

    node: Node
    policy: Policy | None = None
    statement: Statement | None = None


@dataclass(frozen=True, slots=True)
class _Denial:
    judgement: Judgement
    place: _Place


@dataclass(frozen=True, slots=True)
class _Ruling:
    """An outcome under one choice of assumptions; most are only compared, and one becomes the verdict."""

    outcome: Outcome
    reasons: tuple[str, ...]
    place: _Place | None = None
    causes: tuple[Cause, ...] = ()


def _verdict(ruling: _Ruling, rests_on: tuple[Resting, ...]) -> Verdict:
    decider, place = None, ruling.place
    if place is not None:
        policy, statement = place.policy, place.statement
        decider = Decider(
            node_id=place.node.id,
            node_name=place.node.name,
            policy_id=policy.id if policy else None,
            policy_name=policy.name if policy else None,
            statement_index=statement.index if statement else None,
            statement=plain(statement.raw) if statement else None,
        )
    return Verdict(
        outcome=ruling.outcome,
        decider=decider,
        reasons=ruling.reasons,
        depends_on=tuple(
            Dependence(kind=cause.kind, name=cause.name, reason=cause.reason, where=cause.where)
            for cause in ruling.causes
        ),
        rests_on=rests_on,
    )


def _context(request: Request) -> Context:
    """The request's keys; roles and root users have no user name (inferred from the vendor's use of IfExists)."""
    given: dict[str, ContextValue] = dict(request.context)
    if request.principal in _NO_USER and USER_NAME.lower() not in {key.lower() for key in given}:
        given[USER_NAME] = None
    return Context(given)


# What a verdict rests on. `depends` stands for all values of an assumption at once, so an outcome that stays the same
# with it does not need the assumption. One that stands on either of two assumptions is left with one of them. Only
# those are tried that remain in question when nothing at all is assumed: they are touched.


def _supported(case: _Case, chosen: Assumptions, ruling: _Ruling, touched: Sequence[str]) -> Verdict:
    """The same outcome from as few assumptions as will do, and the decider that needs no others."""
    loose, found = chosen, ruling
    for group in ([key for key in ASSUMPTION_IDS if key not in touched], *([key] for key in touched)):
        tried = loose.without(group)
        result = _decide(case, tried)
        if result.outcome is ruling.outcome:
            loose, found = tried, result
    needed = [key for key in touched if chosen.value(key) != DEPENDS and loose.value(key) != DEPENDS]
    return _verdict(found, _resting(chosen, needed))


def _turning(case: _Case, chosen: Assumptions, ruling: _Ruling, touched: Sequence[str]) -> tuple[Resting, ...]:
    """The assumptions named by what the verdict depends on, and those of which another value would settle it."""
    named = {cause.name for cause in ruling.causes if cause.kind is CauseKind.ASSUMPTION}
    turning = [
        key
        for key in touched
        if key in named
        or any(
            _decide(case, chosen.changed(key, value)).outcome is not Outcome.DEPENDS
            for value in assumption(key).values
            if value != chosen.value(key)
        )
    ]
    return _resting(chosen, turning)


def _resting(chosen: Assumptions, keys: Sequence[str]) -> tuple[Resting, ...]:
    return tuple(Resting(assumption=key, value=chosen.value(key), sentence=chosen.describe(key)) for key in keys)


def _decide(case: _Case, assumptions: Assumptions) -> _Ruling:
    scope = restricted(
        case.enablement,
        case.request.principal,
        is_administrator=case.is_administrator,
        assumptions=assumptions,
    )
    if scope.is_false:
        return _Ruling(Outcome.ALLOWED, ("Control policies do not restrict this request.", IDENTITY_SENTENCE))
    resource = case.request.resource
    question = Question(
        case.request.action, parse_trn(resource) if resource is not None else None, case.context, assumptions
    )
    denials = [denial for node in case.path for denial in _denials(node, question)]
    deny = some(denial.judgement for denial in denials)
    levels = [_allows(node, question) for node in case.path]
    allow = assumptions.choose("A-LEVEL", {"each": every(levels), "union": some(levels)})
    if scope.is_true and deny.is_true:
        return _denied(next(denial.place for denial in denials if denial.judgement.is_true), case)
    if scope.is_true and allow.is_false:
        return _not_allowed(case.path, levels, assumptions)
    if deny.is_false and allow.is_true:
        reason = "No statement on the path denies this request, and an allow covers it."
        return _Ruling(Outcome.ALLOWED, (reason, IDENTITY_SENTENCE))
    causes = tuple(dict.fromkeys((*scope.causes, *deny.causes, *allow.causes)))
    return _Ruling(Outcome.DEPENDS, tuple(_sentence(cause) for cause in causes), causes=causes)


def _denials(node: Node, question: Question) -> list[_Denial]:
    found = [
        _Denial(judgement, _Place(node, policy, statement))
        for policy in node.policies
        for statement, judgement in _judged(node, policy, question, Effect.DENY)
    ]
    if not node.attachments_known:
        found.append(_Denial(unknown(_unseen(node)), _Place(node)))
    return found


def _allows(node: Node, question: Question) -> Judgement:
    """Whether the node's own policies allow; A-DEFAULT adds the System policy, whatever was read."""
    read = [judgement for policy in node.policies for _, judgement in _judged(node, policy, question, Effect.ALLOW)]
    if not node.attachments_known:
        read.append(unknown(_unseen(node)))
    own = some(read)
    if node.default_detached or own.is_true:
        return own
    return question.assumptions.choose("A-DEFAULT", {"everywhere": YES, "as read": own})


def _judged(node: Node, policy: Policy, question: Question, effect: Effect) -> list[tuple[Statement | None, Judgement]]:
    """The statements that have or may have the effect, each with whether it applies."""
    where = f"policy {policy.name} ({policy.id}) on {node.kind.value} {node.name} ({node.id})"
    document = policy.readable
    if document is None:
        unread = unknown(Cause(CauseKind.POLICY, policy.name, "its document could not be read", where))
        if policy.type is PolicyType.SYSTEM:
            expected = NO if effect is Effect.DENY else YES
            unread = question.assumptions.choose("A-DEFAULT", {"everywhere": expected, "as read": unread})
        return [(None, unread)]
    judged: list[tuple[Statement | None, Judgement]] = []
    for statement in document.statements:
        judgement = NO if statement.effect not in {effect, None} else applies(statement, question)
        if statement.effect is None and not judgement.is_false:
            reason = "it has neither the effect Allow nor Deny"
            judgement = unknown(Cause(CauseKind.STATEMENT, statement.path, reason), *judgement.causes)
        judged.append((statement, _located(judgement, where)))
    return judged


def _located(judgement: Judgement, where: str) -> Judgement:
    causes = (replace(c, where=f"{c.where} of {where}" if c.where else where) for c in judgement.causes)
    return Judgement(judgement.truth, tuple(causes))


def _unseen(node: Node) -> Cause:
    where = f"{node.kind.value} {node.name} ({node.id})"
    return Cause(CauseKind.POLICY, node.name, "which policies are attached to it could not be read", where)


def _denied(place: _Place, case: _Case) -> _Ruling:
    node, policy, statement = place.node, place.policy, place.statement
    reasons = [f"A statement attached to {node.name} denies it; a Deny on any level wins."]
    if policy is not None and statement is not None:
        where = f"{statement.path} of policy {policy.name} ({policy.id})"
        reasons = [f"{where}, attached to {node.name}, denies it; a Deny on any level wins."]
        reasons.extend(caveats(statement))
        named = any(c.key.lower() == USER_NAME.lower() for c in statement.conditions)
        if named and case.request.principal in _NO_USER:
            reasons.append(f"Roles and root users are taken to carry no {USER_NAME}.")
    return _Ruling(Outcome.DENIED_BY_STATEMENT, tuple(reasons), place)


def _not_allowed(path: Sequence[Node], levels: Sequence[Judgement], assumptions: Assumptions) -> _Ruling:
    if assumptions.value("A-LEVEL") == "union":
        return _Ruling(Outcome.DENIED_FOR_WANT_OF_ALLOW, ("No policy on the path allows it.",))
    node = next(node for node, level in zip(path, levels, strict=True) if level.is_false)
    reason = f"No policy attached to {node.kind.value} {node.name} allows it."
    return _Ruling(Outcome.DENIED_FOR_WANT_OF_ALLOW, (reason,), _Place(node))


def _sentence(cause: Cause) -> str:
    where = f" ({cause.where})" if cause.where else ""
    subject = cause.kind.value if cause.kind.value == cause.name else f"{cause.kind.value} {cause.name}"
    return f"It depends on the {subject}: {cause.reason.rstrip('.')}{where}."
