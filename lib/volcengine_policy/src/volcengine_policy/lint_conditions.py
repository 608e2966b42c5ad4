"""The lint of conditions: operators, keys and values."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from datetime import datetime

from volcengine_policy.condition_keys import (
    CURRENT_TIME,
    PREFIXES,
    known_key,
    spelled_as_known,
)
from volcengine_policy.document import Condition, Form, Statement, Value
from volcengine_policy.findings import Finding, error, info, warning
from volcengine_policy.matching import variables
from volcengine_policy.operators import (
    OPERATOR_NAMES,
    Comparison,
    Operator,
    check_value,
    date,
    operator,
    value_type,
)


def lint_conditions(statement: Statement, now: datetime) -> Iterator[Finding]:
    """Findings on the Condition of a statement."""
    if "Condition" not in statement.elements:
        return
    path = f"{statement.path}.Condition"
    if not statement.conditions:
        yield warning(path, "empty-condition", "Condition is empty.", "Leave it out.")
        return
    judged: set[str] = set()
    for condition in statement.conditions:
        found = operator(condition.operator)
        if condition.operator not in judged and condition.path != path:
            judged.add(condition.operator)
            yield from _operator(f"{path}.{condition.operator}", condition.operator, found)
        if condition.malformed:
            message = "It is not an object of operators, each with an object of keys."
            advice = 'Write {"<operator>": {"<key>": ["<value>"]}}.'
            yield error(condition.path, "condition-form", message, advice)
            continue
        yield from _key(condition, found)
        yield from _values(condition, found, now)
    if any(not condition.malformed for condition in statement.conditions):
        message = "Which condition keys work depends on the service (docs 6257/1134320)."
        advice = "Test the condition on an account where nothing depends on it."
        yield info(path, "condition-support", message, advice)


def _operator(path: str, name: str, found: Operator | None) -> Iterator[Finding]:
    if found is None:
        close = difflib.get_close_matches(name[:80], OPERATOR_NAMES, n=1)
        advice = f"Did you mean {close[0]}?" if close else "Use a known one, such as StringEquals."
        yield error(path, "unknown-operator", f'"{name}" is no known operator.', advice)
    elif not found.confirmed:
        message = f"{name} is not confirmed for Volcengine; it is assumed to work as in AWS."
        yield info(path, "assumed-operator", message, "Test that the service accepts and applies it.")


def _key(condition: Condition, found: Operator | None) -> Iterator[Finding]:
    name, path = condition.key, condition.path
    if variables(name):
        return
    if name.lower() == "tos:sourceip":
        yield warning(path, "unknown-key", "tos:SourceIp does not exist.", "Use volc:SourceIp.")
        return
    known = known_key(name)
    if known is None:
        prefix = name.partition(":")[0]
        if prefix not in PREFIXES:
            message = f'No key with the prefix "{prefix}" is known for Volcengine.'
            yield warning(path, "unknown-key-prefix", message, "Use a key such as volc:UserName.")
        else:
            message = f'The key "{name}" is not known here.'
            yield warning(path, "unknown-key", message, "Check the spelling.")
        return
    if not spelled_as_known(name, known):
        message = f'The key is spelt "{known.name}" in the vendor\'s pages; case is taken not to matter.'
        yield info(path, "key-case", message, f'Write "{known.name}".')
    expected = value_type(found.comparison) if found else None
    if expected is not None and expected is not known.type:
        message = f"{condition.operator} compares a {expected.value}, and {known.name} is a {known.type.value}."
        yield warning(path, "key-type", message, "Use an operator for this kind of value.")


def _values(condition: Condition, found: Operator | None, now: datetime) -> Iterator[Finding]:
    if not condition.values.values:
        message = "The key has no values, so that no request can match it."
        yield warning(condition.path, "empty-values", message, "Give it a value.")
    for value in condition.values:
        yield from _value(value, found)
    yield from _expired(condition, found, now)


def _value(value: Value, found: Operator | None) -> Iterator[Finding]:
    if value.form is Form.INVALID:
        yield error(value.path, "not-a-string", f"{value.text} is not a value.", "Write a string in quotes.")
        return
    if value.form is Form.UNQUOTED:
        message = f"{value.text} is not in quotes; the documented form of a value is a string."
        yield info(value.path, "unquoted-value", message, f'Write "{value.text}" in quotes.')
    problem = check_value(found, value.text) if found and not variables(value.text) else None
    if problem:
        yield warning(value.path, "condition-value", f"{problem}.", "Correct the value; it can match nothing.")


def _expired(condition: Condition, found: Operator | None, now: datetime) -> Iterator[Finding]:
    if found is None or found.comparison is not Comparison.DATE or found.relation not in {"<", "<="}:
        return
    if condition.key.lower() != CURRENT_TIME.lower() or not condition.values.values:
        return
    moments = [_moment(value) for value in condition.values]
    if all(moment is not None and moment < now for moment in moments):
        message = "The time has passed: the statement no longer applies to any request."
        yield warning(condition.path, "expired", message, "Drop the statement or set a later time.")


def _moment(value: Value) -> datetime | None:
    try:
        return date(value.text)
    except ValueError:
        return None
