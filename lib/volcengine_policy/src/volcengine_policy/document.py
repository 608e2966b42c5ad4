"""The model of a policy document: statements, their elements and where each stands. It is tolerant, to be linted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

from volcengine_policy.findings import Finding, Severity


@dataclass(frozen=True, slots=True)
class Unquoted:
    """A number, true or false in JSON, kept as it was written: 1.50 stays 1.50 and no digits are lost."""

    text: str


Json: TypeAlias = "str | Unquoted | list[Json] | dict[str, Json] | None"


class Effect(StrEnum):
    """The two effects (Volcengine docs 6257/65059); other spellings are not known to work."""

    ALLOW = "Allow"
    DENY = "Deny"


class Form(StrEnum):
    """How a value was written."""

    STRING = "string"
    UNQUOTED = "number or boolean"
    INVALID = "neither"


@dataclass(frozen=True, slots=True)
class Value:
    """One value of an element; `text` is its content, or its JSON when it is not a string."""

    text: str
    form: Form
    path: str


@dataclass(frozen=True, slots=True)
class Values:
    """The value or list of values of an element."""

    path: str
    values: tuple[Value, ...]

    def __iter__(self) -> Iterator[Value]:
        return iter(self.values)

    def texts(self) -> tuple[str, ...]:
        """The strings among the values."""
        return tuple(value.text for value in self.values if value.form is Form.STRING)


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator with one key and its values; `malformed` when it does not have that shape."""

    path: str
    operator: str
    key: str
    values: Values
    malformed: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. An element that was left out is None; an effect that is not known is None beside its text."""

    index: int
    effect: Effect | None
    effect_text: str | None
    actions: Values | None
    not_actions: Values | None
    resources: Values | None
    not_resources: Values | None
    conditions: tuple[Condition, ...]
    elements: tuple[str, ...]
    malformed: bool = False
    raw: Json = field(default=None, compare=False, repr=False)

    @property
    def path(self) -> str:
        """Where it stands in its document; a single object counts as the first of a list."""
        return f"Statement[{self.index}]"


@dataclass(frozen=True, slots=True)
class Document:
    """A policy document as it was read.

    `problems` are findings of the reading itself. With an error among them the document is not readable: what the
    service would make of it is unknown. `length` counts the characters of the text, or of the compact JSON.
    """

    statements: tuple[Statement, ...]
    elements: tuple[str, ...]
    problems: tuple[Finding, ...]
    single: bool = field(default=False, compare=False)
    length: int = field(default=0, compare=False)
    raw: Json = field(default=None, compare=False, repr=False)

    @property
    def readable(self) -> bool:
        """Whether its statements can be relied on."""
        return all(problem.severity is not Severity.ERROR for problem in self.problems)


def serialise(document: Document) -> str:
    """The document as compact JSON, as it is to be sent; Statement is always a list (Volcengine docs 6257/65059)."""
    raw = document.raw
    if isinstance(raw, dict) and isinstance(raw.get("Statement"), dict):
        raw = {**raw, "Statement": [raw["Statement"]]}
    return compact(raw)


def plain(raw: Json) -> Any:
    """A part of a document as JSON values; numbers that other programs would read otherwise become text."""
    return json.loads(compact(raw), parse_constant=str, parse_float=str)


def compact(raw: Json) -> str:
    """A JSON value without spaces."""
    match raw:
        case Unquoted(text):
            return text
        case dict():
            members = (f"{json.dumps(key, ensure_ascii=False)}:{compact(item)}" for key, item in raw.items())
            return "{" + ",".join(members) + "}"
        case list():
            return "[" + ",".join(compact(item) for item in raw) + "]"
        case _:
            return json.dumps(raw, ensure_ascii=False)
