"""The lint of actions and resources: their form, and what they can match."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from volcengine_policy.catalogue import (
    known_service,
    known_spelling,
    matching_actions,
    services_matching,
)
from volcengine_policy.document import Form, Statement, Value, Values
from volcengine_policy.findings import Finding, finding
from volcengine_policy.matching import glob, split_action, variables
from volcengine_policy.trn import FIELDS, Trn, parse_trn

_ACCOUNT_DIGITS = 10


def lint_actions(statement: Statement) -> Iterator[Finding]:
    """Findings on Action and NotAction."""
    for values in (statement.actions, statement.not_actions):
        if values is not None:
            yield from _repeated(values)
            for value in values:
                yield from _action(value)


def lint_resources(statement: Statement) -> Iterator[Finding]:
    """Findings on Resource and NotResource."""
    for values in (statement.resources, statement.not_resources):
        if values is not None:
            yield from _repeated(values)
            for value in values:
                yield from _resource(value, statement)


def _repeated(values: Values) -> Iterator[Finding]:
    seen: set[str] = set()
    for value in values:
        if value.text in seen:
            yield finding("duplicate-value", value.path, value=value.text)
        seen.add(value.text)


def _wild(text: str) -> bool:
    return "*" in text or "?" in text


def _action(value: Value) -> Iterator[Finding]:
    if value.form is not Form.STRING:
        yield finding("not-a-string/value", value.path, value=value.text)
        return
    if value.text == "*":
        return
    split = split_action(value.text)
    if split is None or not all(split) or value.text != "".join(value.text.split()):
        yield finding("action-form", value.path, value=value.text)
        return
    yield from _service(value, split[0])
    yield from _name(value)


def _service(value: Value, code: str) -> Iterator[Finding]:
    if _wild(code):
        if code != "*":
            yield finding("partial-service", value.path)
        return
    known = known_service(code)
    if known is None:
        yield finding("unknown-service", value.path, service=code)
    elif known != code:
        yield finding("action-case/service", value.path, spelling=known)


def _name(value: Value) -> Iterator[Finding]:
    if _wild(value.text):
        # A service that is known by its code only has no actions here that a pattern could miss.
        listed = any(matching_actions(f"{s}:*") for s in services_matching(value.text))
        if listed and not matching_actions(value.text):
            yield finding("matches-nothing-known", value.path, value=value.text)
        return
    code = value.text.partition(":")[0]
    known = known_spelling(value.text)
    if known is None:
        # One finding on the service is enough.
        if known_service(code) is not None:
            yield finding("unknown-action", value.path, value=value.text)
    elif known.partition(":")[2] != value.text.partition(":")[2]:
        yield finding("action-case/action", value.path, spelling=known)


def _resource(value: Value, statement: Statement) -> Iterator[Finding]:
    if value.form is not Form.STRING:
        yield finding("not-a-string/value", value.path, value=value.text)
        return
    if value.text == "*":
        return
    trn = parse_trn(value.text)
    if trn is None:
        if value.text.startswith("trn:"):
            count = value.text.count(":") + 1
            yield finding("trn-form/fields", value.path, value=value.text, count=count, wanted=FIELDS)
        else:
            yield finding("trn-form/start", value.path, value=value.text)
        return
    yield from _fields(value, trn)
    yield from _variables(value, trn)
    yield from _other_service(value, trn, statement)


def _fields(value: Value, trn: Trn) -> Iterator[Finding]:
    if not trn.service or not trn.path:
        yield finding("trn-form/empty", value.path, value=value.text)
    if trn.service == "iam" and trn.region:
        yield finding("trn-region", value.path)
    digits = trn.account.isascii() and trn.account.isdecimal() and len(trn.account) == _ACCOUNT_DIGITS
    if trn.account and not _wild(trn.account) and not variables(trn.account) and not digits:
        yield finding("trn-account", value.path, account=trn.account, digits=_ACCOUNT_DIGITS)


def _variables(value: Value, trn: Trn) -> Iterator[Finding]:
    if variables(":".join((trn.service, trn.region, trn.account))):
        yield finding("variable-place", value.path)


def _other_service(value: Value, trn: Trn, statement: Statement) -> Iterator[Finding]:
    patterns = statement.actions.texts() if statement.actions is not None else ()
    codes = [split[0] for pattern in patterns if (split := split_action(pattern))]
    if codes and not _any_fits(trn.service, codes):
        yield finding("trn-service", value.path, service=trn.service)


def _any_fits(service: str, codes: Iterable[str]) -> bool:
    return any(
        glob(code, service, ignore_case=True)
        or glob(service, code, ignore_case=True)
        or (_wild(code) and _wild(service))
        for code in codes
    )
