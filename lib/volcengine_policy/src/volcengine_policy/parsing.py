"""Reading a policy document from JSON text or from an object, so that everything wrong with it can be told."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence

from volcengine_policy.document import (
    Condition,
    Document,
    Effect,
    Form,
    Json,
    Statement,
    Unquoted,
    Value,
    Values,
    compact,
)
from volcengine_policy.findings import Finding, finding

# The grammar needs five levels (document, Statement, statement, Condition, operator, values); more is not a policy.
MAX_DEPTH = 20

_SHOWN = 80


class _Members(dict[str, object]):
    """A JSON object that remembers which keys it had more than once."""

    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        super().__init__(pairs)
        counts = Counter(key for key, _ in pairs) if len(self) < len(pairs) else {}
        self.repeated = tuple(key for key, count in counts.items() if count > 1)


def parse(source: object) -> Document:
    """Read a document from its JSON text, or from the object that such text stands for.

    It never raises: what cannot be read becomes a problem of the document, with the line and column (from 1) of text
    that is not JSON.
    """
    problems: list[Finding] = []
    tree: object = source
    if isinstance(source, str):
        try:
            tree = _load(source, problems)
        except json.JSONDecodeError as failure:
            return _unreadable(_syntax(source, failure), len(source))
        except RecursionError:
            return _unreadable(finding("too-deep", ""), len(source))
    try:
        raw = _plain(tree, "", 0, problems)
    except _TooDeepError as failure:
        return _unreadable(finding("too-deep", str(failure)), len(source) if isinstance(source, str) else 0)
    length = len(source) if isinstance(source, str) else len(compact(raw))
    if not isinstance(raw, dict):
        problems.append(finding("not-an-object/document", ""))
        return Document((), (), tuple(problems), length=length, raw=raw)
    return _document(raw, length, problems)


class _TooDeepError(Exception):
    """The document nests deeper than any policy."""


def _load(text: str, problems: list[Finding]) -> object:
    def constant(name: str) -> Unquoted:
        problems.append(finding("json-constant/named", "", constant=name))
        return Unquoted(name)

    tree: object = json.loads(
        text.removeprefix("\ufeff"),
        object_pairs_hook=_Members,
        parse_int=Unquoted,
        parse_float=Unquoted,
        parse_constant=constant,
    )
    return tree


def _syntax(text: str, failure: json.JSONDecodeError) -> Finding:
    path = f"line {failure.lineno}, column {failure.colno}"
    # The decoder points at or just before the character that it does not understand.
    rest = text.removeprefix("\ufeff")[max(failure.pos - 1, 0) :].lstrip(" \t\r\n,{[")
    if rest.startswith(("//", "/*", "#")):
        return finding("json-comment", path)
    return finding("json-syntax", path, problem=failure.msg)


def _unreadable(problem: Finding, length: int) -> Document:
    return Document((), (), (problem,), length=length)


def _plain(tree: object, path: str, depth: int, problems: list[Finding]) -> Json:
    """The value as `Json`, with a problem for what JSON does not have."""
    if depth > MAX_DEPTH:
        raise _TooDeepError(path)
    match tree:
        case None | Unquoted():
            return tree
        case str():
            return str(tree)
        case bool() | int() | float():
            return _number(tree, path, problems)
        case Mapping():
            for key in getattr(tree, "repeated", ()):
                problems.append(finding("duplicate-key", _join(path, key), key=key))
            return {str(key): _plain(item, _join(path, str(key)), depth + 1, problems) for key, item in tree.items()}
        case Sequence() if not isinstance(tree, bytes | bytearray | memoryview):
            return [_plain(item, f"{path}[{at}]", depth + 1, problems) for at, item in enumerate(tree)]
        case _:
            problems.append(finding("not-json", path, kind=type(tree).__name__))
            return None


def _number(value: float, path: str, problems: list[Finding]) -> Unquoted:
    if isinstance(value, float) and not math.isfinite(value):
        problems.append(finding("json-constant/infinite", path))
        return Unquoted("NaN")
    try:
        return Unquoted(json.dumps(value))
    except ValueError:  # Python refuses to write integers of more than 4300 digits in decimal
        return Unquoted(hex(int(value)))


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _document(raw: dict[str, Json], length: int, problems: list[Finding]) -> Document:
    body = raw.get("Statement")
    single = isinstance(body, dict)
    if "Statement" not in raw:
        problems.append(finding("no-statement/missing", ""))
        items: list[Json] = []
    elif isinstance(body, list):
        items = body
    elif isinstance(body, dict):
        items = [body]
    else:
        problems.append(finding("no-statement/form", "Statement"))
        items = []
    statements = tuple(_statement(item, index) for index, item in enumerate(items))
    return Document(statements, tuple(raw), tuple(problems), single=single, length=length, raw=raw)


def _statement(raw: Json, index: int) -> Statement:
    if not isinstance(raw, dict):
        return Statement(index, None, None, None, None, None, None, (), (), malformed=True, raw=raw)
    path = f"Statement[{index}]"
    effect = raw.get("Effect")
    text = effect if isinstance(effect, str) else _shown(effect) if "Effect" in raw else None
    return Statement(
        index=index,
        effect=Effect(effect) if isinstance(effect, str) and effect in tuple(Effect) else None,
        effect_text=text,
        actions=_element(raw, "Action", path),
        not_actions=_element(raw, "NotAction", path),
        resources=_element(raw, "Resource", path),
        not_resources=_element(raw, "NotResource", path),
        conditions=_conditions(raw["Condition"], f"{path}.Condition") if "Condition" in raw else (),
        elements=tuple(raw),
        raw=raw,
    )


def _element(raw: dict[str, Json], name: str, path: str) -> Values | None:
    return _values(raw[name], f"{path}.{name}") if name in raw else None


def _values(raw: Json, path: str) -> Values:
    if isinstance(raw, list):
        return Values(path, tuple(_value(item, f"{path}[{at}]") for at, item in enumerate(raw)))
    return Values(path, (_value(raw, path),))


def _value(raw: Json, path: str) -> Value:
    match raw:
        case str():
            return Value(raw, Form.STRING, path)
        case Unquoted(text):
            return Value(text, Form.UNQUOTED, path)
        case _:
            return Value(_shown(raw), Form.INVALID, path)


def _conditions(raw: Json, path: str) -> tuple[Condition, ...]:
    if not isinstance(raw, dict):
        return (_malformed(path, "", raw),)
    found: list[Condition] = []
    for operator, keys in raw.items():
        at = f"{path}.{operator}"
        if not isinstance(keys, dict) or not keys:
            found.append(_malformed(at, operator, keys))
            continue
        for key, values in keys.items():
            found.append(Condition(f"{at}.{key}", operator, key, _values(values, f"{at}.{key}")))
    return tuple(found)


def _malformed(path: str, operator: str, raw: Json) -> Condition:
    return Condition(path, operator, "", Values(path, (Value(_shown(raw), Form.INVALID, path),)), malformed=True)


def _shown(raw: Json) -> str:
    text = compact(raw)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
