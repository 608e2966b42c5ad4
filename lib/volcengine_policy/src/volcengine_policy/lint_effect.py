"""The lint of what a document would do once attached: lock-outs, traps in a Deny, and Allow lists."""

from __future__ import annotations

from collections.abc import Iterator

from volcengine_policy.assumptions import Assumptions
from volcengine_policy.condition_keys import PRINCIPAL_TRN, USER_NAME
from volcengine_policy.document import Condition, Document, Effect, Statement
from volcengine_policy.findings import Finding, finding
from volcengine_policy.matching import match_trn, matches, tokens
from volcengine_policy.operators import operator
from volcengine_policy.preview import touched
from volcengine_policy.trn import Trn, parse_trn

# The role by which the administrator enters a member account (BytePlus docs, organization/PermissionRelationship).
ADMINISTRATOR_ROLE = "OrganizationAccessControlRole"

# What only a member does to its own membership: to deny it is a documented purpose of control policies.
_MEMBER_ACTIONS = frozenset({"organization:QuitOrganization"})
_ASSUME_ROLE = "sts:AssumeRole"


def lint_effect(document: Document) -> Iterator[Finding]:
    """Findings on what the statements do together and each."""
    for statement in document.statements:
        if statement.effect is Effect.DENY:
            yield from _deny(statement)
    effects = {statement.effect for statement in document.statements}
    if effects == {Effect.ALLOW}:
        yield finding("allow-only", "Statement", default=Assumptions().describe("A-DEFAULT"))


def _deny(statement: Statement) -> Iterator[Finding]:
    actions = touched(statement)
    if _everything(statement):
        yield finding("denies-everything", statement.path)
    own = sorted(a for a in actions if a.startswith("organization:") and a not in _MEMBER_ACTIONS)
    if own:
        shown = ", ".join(own[:3]) + (", …" if own[3:] else "")
        yield finding("denies-organization", statement.path, actions=shown)
    if _ASSUME_ROLE in actions:
        yield finding("denies-assume-role", statement.path, action=_ASSUME_ROLE)
    yield from _administrator(statement)
    for condition in statement.conditions:
        yield from _negated(condition)


def _everything(statement: Statement) -> bool:
    actions = statement.actions.texts() if statement.actions is not None else ()
    resources = statement.resources.texts() if statement.resources is not None else ("*",)
    return (
        any(action in {"*", "*:*"} for action in actions)
        and any(resource in {"*", "trn:*:*:*:*"} for resource in resources)
        and statement.not_actions is None
        and statement.not_resources is None
        and not statement.conditions
    )


def _administrator(statement: Statement) -> Iterator[Finding]:
    for condition in statement.conditions:
        found = operator(condition.operator)
        if found is None or found.negated or condition.key.lower() != PRINCIPAL_TRN.lower():
            continue
        for value in condition.values:
            if _names_role(value.text):
                yield finding("denies-administrator-role", value.path, role=ADMINISTRATOR_ROLE)
    for value in statement.resources or ():
        if value.text != "*" and _names_role(value.text):
            yield finding("covers-administrator-role", value.path, role=ADMINISTRATOR_ROLE)


def _names_role(pattern: str) -> bool:
    """Whether the pattern covers the role, as a role or as a session of it (Volcengine docs 6257/1902650)."""
    trn = parse_trn(pattern)
    account = trn.account if trn is not None and trn.account.isdecimal() else "2100000001"
    role = Trn("iam", "", account, f"role/{ADMINISTRATOR_ROLE}")
    session = Trn("sts", "", account, f"assumed-role/{ADMINISTRATOR_ROLE}/session")
    if trn is None:
        return matches(tokens(pattern), f"trn:iam::{account}:{role.path}")
    return match_trn(trn, role) or match_trn(trn, session)


def _negated(condition: Condition) -> Iterator[Finding]:
    found = operator(condition.operator)
    if found is None or not found.negated:
        return
    if not found.if_exists:
        yield finding("negated-without-ifexists", condition.path, operator=condition.operator, key=condition.key)
    elif condition.key.lower() == USER_NAME.lower():
        yield finding("ifexists-username", condition.path, key=USER_NAME, principal=PRINCIPAL_TRN)
