"""The lint of a policy document: the shape of the document and its statements, and everything below in order."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from datetime import datetime

from volcengine_policy.catalogue import HONOURS_NOT, IGNORES_NOT, services_matching
from volcengine_policy.document import Document, Statement, Values, compact
from volcengine_policy.findings import Finding, error, info, warning
from volcengine_policy.lint_conditions import lint_conditions
from volcengine_policy.lint_effect import lint_effect
from volcengine_policy.lint_values import lint_actions, lint_resources

# The real limit is not known; AWS has 5120 characters, Alibaba 4096.
MAX_LENGTH = 4096

_DOCUMENT = ("Statement",)
_STATEMENT = ("Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition")
_PRINCIPALS = ("Principal", "NotPrincipal")
_FOREIGN = ("Version", "Id")


def lint(document: Document, *, now: datetime) -> tuple[Finding, ...]:
    """Everything worth saying about the document, in the order of the document.

    `now` is the time against which dates are held; raises ValueError when it has no time zone.
    """
    if now.tzinfo is None:
        raise ValueError("the time to lint against needs a time zone")
    return tuple(_findings(document, now))


def _findings(document: Document, now: datetime) -> Iterator[Finding]:
    yield from document.problems
    if document.length > MAX_LENGTH:
        message = f"The document has {document.length} characters; the service's limit is not documented."
        yield warning("", "oversized", message, f"Keep it below {MAX_LENGTH}: similar services stop there.")
    yield from _top_level(document)
    for statement in document.statements:
        yield from _statement(statement, now)
    yield from _duplicates(document)
    yield from lint_effect(document)


def _top_level(document: Document) -> Iterator[Finding]:
    for name in document.elements:
        if name in _FOREIGN:
            message = f"{name} is no element of a Volcengine policy (docs 6257/65059)."
            yield warning(name, "foreign-element", message, "Leave it out; what the service does with it is unknown.")
        elif name not in _DOCUMENT:
            yield _unknown_element(name, name, _DOCUMENT)
    if document.single:
        yield info(
            "Statement", "single-statement", "Statement is one object.", "Write a list; it is the documented form."
        )
    if not document.statements and document.readable:
        yield error("Statement", "empty-element", "Statement is empty.", "Give it at least one statement.")


def _unknown_element(path: str, name: str, known: tuple[str, ...]) -> Finding:
    close = {element.lower(): element for element in known}.get(name.lower())
    if close:
        message = f'"{name}" is not spelt "{close}"; element names are taken to be case-sensitive.'
        return error(path, "element-case", message, f'Write "{close}".')
    return warning(path, "unknown-element", f'"{name}" is no known element.', f"Known are {', '.join(known)}.")


def _statement(statement: Statement, now: datetime) -> Iterator[Finding]:
    path = statement.path
    if statement.malformed:
        yield error(path, "not-an-object", "A statement is an object.", "Give it Effect, Action and Resource.")
        return
    for name in statement.elements:
        if name in _PRINCIPALS:
            message = f"{name} belongs to resource-based policies, not to control policies (docs 6257/1134850)."
            yield error(f"{path}.{name}", "principal", message, "Leave it out; the attachment says who is bound.")
        elif name not in _STATEMENT:
            yield _unknown_element(f"{path}.{name}", name, _STATEMENT)
    yield from _effect(statement)
    yield from _presence(statement)
    yield from lint_actions(statement)
    yield from lint_resources(statement)
    yield from lint_conditions(statement, now)


def _effect(statement: Statement) -> Iterator[Finding]:
    if statement.effect is not None:
        return
    path = f"{statement.path}.Effect"
    if statement.effect_text is None:
        yield error(path, "missing-element", "The statement has no Effect.", "Add Allow or Deny.")
        return
    close = difflib.get_close_matches(statement.effect_text.capitalize(), ["Allow", "Deny"], n=1)
    advice = f"Write {close[0]}." if close else "Write Allow or Deny, in exactly this case."
    yield error(path, "unknown-effect", f'"{statement.effect_text}" is no effect.', advice)


def _presence(statement: Statement) -> Iterator[Finding]:
    path = statement.path
    pairs = (
        ("Action", statement.actions, statement.not_actions),
        ("Resource", statement.resources, statement.not_resources),
    )
    for name, values, excluded in pairs:
        yield from _empty(name, values, path)
        yield from _empty(f"Not{name}", excluded, path)
        if values is None and excluded is not None:
            message = f"Not{name} takes away from {name}, which is missing (docs 6257/1505229)."
            yield error(f"{path}.Not{name}", "not-without-partner", message, f'Add {name}, such as ["*"].')
        elif values is None and name == "Action":
            yield error(
                f"{path}.Action", "missing-element", "The statement has no Action.", "Add the actions that it is about."
            )
        elif values is None:
            message = "The statement has no Resource; that this means every resource is not documented."
            yield warning(f"{path}.Resource", "missing-resource", message, 'Add Resource, such as ["*"].')
        if excluded is not None:
            yield from _unsupported(f"{path}.Not{name}", f"Not{name}", statement)


def _empty(name: str, values: Values | None, path: str) -> Iterator[Finding]:
    if values is not None and not values.values:
        yield error(f"{path}.{name}", "empty-element", f"{name} is empty.", "Add a value or drop the statement.")


def _unsupported(path: str, name: str, statement: Statement) -> Iterator[Finding]:
    patterns = statement.actions.texts() if statement.actions is not None else ("*",)
    services = {s for pattern in patterns for s in services_matching(pattern)}
    if services & IGNORES_NOT:
        message = f"ecs does not support {name} (docs 6257/1505229), and the statement can concern it."
        yield warning(path, "not-unsupported", message, "List the actions or resources of ecs themselves.")
    others = sorted(services - IGNORES_NOT - HONOURS_NOT)
    if others:
        shown = ", ".join(others[:5]) + (" and others" if len(others) > 5 else "")
        message = f"That {shown} support {name} was not confirmed; only some services do."
        yield warning(path, "not-unconfirmed", message, "Test it on an account where nothing depends on it.")


def _duplicates(document: Document) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for statement in document.statements:
        text = compact(statement.raw)
        if text in seen:
            message = f"The statement is the same as {seen[text]}."
            yield warning(statement.path, "duplicate-statement", message, "Drop one of the two.")
        seen.setdefault(text, statement.path)
