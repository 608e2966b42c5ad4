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
from volcengine_policy.findings import Finding, error, info, warning
from volcengine_policy.matching import (
    TRN_FIELDS,
    Trn,
    glob,
    parse_trn,
    split_action,
    variables,
)

_ACCOUNT_DIGITS = 10
_TRN_EXAMPLE = "Write trn:<service>:<region>:<account>:<path>; leave region or account empty when there is none."


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
            yield info(value.path, "duplicate-value", f'"{value.text}" is listed twice.', "Drop one of the two.")
        seen.add(value.text)


def _wild(text: str) -> bool:
    return "*" in text or "?" in text


def _not_a_string(value: Value) -> Finding:
    return error(value.path, "not-a-string", f"{value.text} is not a string.", "Write a string in quotes.")


def _action(value: Value) -> Iterator[Finding]:
    if value.form is not Form.STRING:
        yield _not_a_string(value)
        return
    if value.text == "*":
        return
    split = split_action(value.text)
    if split is None or not all(split) or value.text != "".join(value.text.split()):
        message = f'"{value.text}" is no action.'
        yield error(value.path, "action-form", message, "Write <service>:<Action>, such as ecs:RunInstances, or *.")
        return
    yield from _service(value, split[0])
    yield from _name(value)


def _service(value: Value, code: str) -> Iterator[Finding]:
    if _wild(code):
        if code != "*":
            message = "Wildcards in a part of the service code are not confirmed for Volcengine."
            yield warning(value.path, "partial-service", message, "Name each service.")
        return
    known = known_service(code)
    if known is None:
        message = f'The service code "{code}" is not known here.'
        yield warning(value.path, "unknown-service", message, "Check the spelling; the list here is not complete.")
    elif known != code:
        message = f'The service code is spelt "{known}" elsewhere; whether case matters is not documented.'
        yield info(value.path, "action-case", message, f'Write "{known}".')


def _name(value: Value) -> Iterator[Finding]:
    if _wild(value.text):
        # A service that is known by its code only has no actions here that a pattern could miss.
        listed = any(matching_actions(f"{s}:*") for s in services_matching(value.text))
        if listed and not matching_actions(value.text):
            message = f'"{value.text}" matches no action that is known here.'
            yield warning(value.path, "matches-nothing-known", message, "Check the spelling and the verb.")
        return
    code = value.text.partition(":")[0]
    known = known_spelling(value.text)
    if known is None:
        # One finding on the service is enough.
        if known_service(code) is not None:
            message = f'"{value.text}" is not known here; policies can hold actions without a public API.'
            yield warning(value.path, "unknown-action", message, "Check the spelling.")
    elif known.partition(":")[2] != value.text.partition(":")[2]:
        message = f'The action is spelt "{known}" in the SDK; whether case matters is not documented.'
        yield info(value.path, "action-case", message, f'Write "{known}".')


def _resource(value: Value, statement: Statement) -> Iterator[Finding]:
    if value.form is not Form.STRING:
        yield _not_a_string(value)
        return
    if value.text == "*":
        return
    trn = parse_trn(value.text)
    if trn is None:
        fields = value.text.count(":") + 1
        starts = value.text.startswith("trn:")
        what = f"has {fields} of {TRN_FIELDS} fields" if starts else 'does not begin with "trn:"'
        yield error(value.path, "trn-form", f'"{value.text}" {what}.', _TRN_EXAMPLE)
        return
    yield from _fields(value, trn)
    yield from _variables(value, trn)
    yield from _other_service(value, trn, statement)


def _fields(value: Value, trn: Trn) -> Iterator[Finding]:
    if not trn.service or not trn.path:
        yield error(value.path, "trn-form", f'"{value.text}" lacks its service or path.', _TRN_EXAMPLE)
    if trn.service == "iam" and trn.region:
        message = "IAM is global: the region of its TRNs is empty (docs 6257/1134319)."
        yield warning(value.path, "trn-region", message, "Leave the region empty: trn:iam::<account>:<path>.")
    digits = trn.account.isascii() and trn.account.isdecimal() and len(trn.account) == _ACCOUNT_DIGITS
    if trn.account and not _wild(trn.account) and not variables(trn.account) and not digits:
        message = f'The account "{trn.account}" is not {_ACCOUNT_DIGITS} digits.'
        yield warning(value.path, "trn-account", message, "Write the account ID, or * for any.")


def _variables(value: Value, trn: Trn) -> Iterator[Finding]:
    if variables(":".join((trn.service, trn.region, trn.account))):
        message = "Variables are documented for the path of a TRN only (docs 6257/1134943)."
        yield warning(value.path, "variable-place", message, "Use the variable behind the account field.")


def _other_service(value: Value, trn: Trn, statement: Statement) -> Iterator[Finding]:
    patterns = statement.actions.texts() if statement.actions is not None else ()
    codes = [split[0] for pattern in patterns if (split := split_action(pattern))]
    if codes and not _any_fits(trn.service, codes):
        message = f'No action of the statement is of the service "{trn.service}".'
        yield warning(value.path, "trn-service", message, "Such a resource can hardly match; check both.")


def _any_fits(service: str, codes: Iterable[str]) -> bool:
    return any(
        glob(code, service, ignore_case=True)
        or glob(service, code, ignore_case=True)
        or (_wild(code) and _wild(service))
        for code in codes
    )
