"""The lint of a policy document: the shape of the document and its statements, and everything below in order."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from datetime import datetime

from volcengine_policy.catalogue import honours_not, services_matching
from volcengine_policy.document import Document, Statement, Values, compact
from volcengine_policy.findings import Finding, finding
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
        yield finding("oversized", "", length=document.length, most=MAX_LENGTH)
    yield from _top_level(document)
    for statement in document.statements:
        yield from _statement(statement, now)
    yield from _duplicates(document)
    yield from lint_effect(document)


def _top_level(document: Document) -> Iterator[Finding]:
    for name in document.elements:
        if name in _FOREIGN:
            yield finding("foreign-element", name, element=name)
        elif name not in _DOCUMENT:
            yield _unknown_element(name, name, _DOCUMENT)
    if document.single:
        yield finding("single-statement", "Statement")
    if not document.statements and document.readable:
        yield finding("empty-element/document", "Statement")


def _unknown_element(path: str, name: str, known: tuple[str, ...]) -> Finding:
    close = {element.lower(): element for element in known}.get(name.lower())
    if close:
        return finding("element-case", path, element=name, spelling=close)
    return finding("unknown-element", path, element=name, known=", ".join(known))


def _statement(statement: Statement, now: datetime) -> Iterator[Finding]:
    path = statement.path
    if statement.malformed:
        yield finding("not-an-object/statement", path)
        return
    for name in statement.elements:
        if name in _PRINCIPALS:
            yield finding("principal", f"{path}.{name}", element=name)
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
        yield finding("missing-element/effect", path)
        return
    close = difflib.get_close_matches(statement.effect_text.capitalize(), ["Allow", "Deny"], n=1)
    if close:
        yield finding("unknown-effect/close", path, effect=statement.effect_text, close=close[0])
    else:
        yield finding("unknown-effect/other", path, effect=statement.effect_text)


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
            yield finding("not-without-partner", f"{path}.Not{name}", element=name)
        elif values is None and name == "Action":
            yield finding("missing-element/action", f"{path}.Action")
        elif values is None:
            yield finding("missing-resource", f"{path}.Resource")
        if excluded is not None:
            yield from _unsupported(f"{path}.Not{name}", f"Not{name}", statement)


def _empty(name: str, values: Values | None, path: str) -> Iterator[Finding]:
    if values is not None and not values.values:
        yield finding("empty-element/statement", f"{path}.{name}", element=name)


def _unsupported(path: str, name: str, statement: Statement) -> Iterator[Finding]:
    patterns = statement.actions.texts() if statement.actions is not None else ("*",)
    services = {s for pattern in patterns for s in services_matching(pattern)}
    ignoring = sorted(service for service in services if honours_not(service) is False)
    if ignoring:
        yield finding("not-unsupported", path, services=", ".join(ignoring), element=name)
    open_ = sorted(service for service in services if honours_not(service) is None)
    if open_:
        shown = ", ".join(open_[:5]) + (" and others" if len(open_) > 5 else "")
        yield finding("not-unconfirmed", path, services=shown, element=name)


def _duplicates(document: Document) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for statement in document.statements:
        text = compact(statement.raw)
        if text in seen:
            yield finding("duplicate-statement", statement.path, other=seen[text])
        seen.setdefault(text, statement.path)
