"""The lint of conditions: operators, keys and values."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from datetime import datetime

from volcengine_policy.condition_keys import (
    CURRENT_TIME,
    known_key,
    known_prefixes,
    spelled_as_known,
)
from volcengine_policy.document import Condition, Form, Statement, Value
from volcengine_policy.findings import Finding, finding
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
        yield finding("empty-condition", path)
        return
    judged: set[str] = set()
    for condition in statement.conditions:
        found = operator(condition.operator)
        if condition.operator not in judged and condition.path != path:
            judged.add(condition.operator)
            yield from _operator(f"{path}.{condition.operator}", condition.operator, found)
        if condition.malformed:
            yield finding("condition-form", condition.path)
            continue
        yield from _key(condition, found)
        yield from _values(condition, found, now)
    if any(not condition.malformed for condition in statement.conditions):
        yield finding("condition-support", path)


def _operator(path: str, name: str, found: Operator | None) -> Iterator[Finding]:
    if found is None:
        close = difflib.get_close_matches(name[:80], OPERATOR_NAMES, n=1)
        if close:
            yield finding("unknown-operator/close", path, operator=name, close=close[0])
        else:
            yield finding("unknown-operator/other", path, operator=name)
    elif not found.confirmed:
        yield finding("assumed-operator", path, operator=name)


def _key(condition: Condition, found: Operator | None) -> Iterator[Finding]:
    name, path = condition.key, condition.path
    if variables(name):
        return
    if name.lower() == "tos:sourceip":
        yield finding("unknown-key/tos-source-ip", path)
        return
    known = known_key(name)
    if known is None:
        prefix = name.partition(":")[0]
        if prefix not in known_prefixes():
            yield finding("unknown-key-prefix", path, prefix=prefix)
        else:
            yield finding("unknown-key/other", path, key=name)
        return
    if not spelled_as_known(name, known):
        yield finding("key-case", path, spelling=known.name)
    expected = value_type(found.comparison) if found else None
    if expected is not None and expected is not known.type:
        yield finding(
            "key-type",
            path,
            operator=condition.operator,
            expected=expected.value,
            key=known.name,
            actual=known.type.value,
        )


def _values(condition: Condition, found: Operator | None, now: datetime) -> Iterator[Finding]:
    if not condition.values.values:
        yield finding("empty-values", condition.path)
    for value in condition.values:
        yield from _value(value, found)
    yield from _expired(condition, found, now)


def _value(value: Value, found: Operator | None) -> Iterator[Finding]:
    if value.form is Form.INVALID:
        yield finding("not-a-string/condition", value.path, value=value.text)
        return
    if value.form is Form.UNQUOTED:
        yield finding("unquoted-value", value.path, value=value.text)
    problem = check_value(found, value.text) if found and not variables(value.text) else None
    if problem:
        yield finding("condition-value", value.path, problem=problem)


def _expired(condition: Condition, found: Operator | None, now: datetime) -> Iterator[Finding]:
    if found is None or found.comparison is not Comparison.DATE or found.relation not in {"<", "<="}:
        return
    if condition.key.lower() != CURRENT_TIME.lower() or not condition.values.values:
        return
    moments = [_moment(value) for value in condition.values]
    if all(moment is not None and moment < now for moment in moments):
        yield finding("expired", condition.path)


def _moment(value: Value) -> datetime | None:
    try:
        return date(value.text)
    except ValueError:
        return None
