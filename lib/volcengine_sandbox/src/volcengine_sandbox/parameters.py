"""The parameters of a call: read from a query, a form or JSON, and held against an action's declared fields.

In a query or a form, lists and objects are flattened (`EventSources.1=iam`, `TagFilters.1.Values.2=b`);
JSON carries them as they are. Fields that an action does not declare are ignored, as the API does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

from volcengine_sandbox import errors

Tree = dict[str, object]
INT64: Final = 2**63
DEEPEST: Final = 8
"""Levels of nesting read from a flattened name; no action has more than three."""


class UnreadableBodyError(ValueError):
    """The body is not what its content type says."""


@dataclass(frozen=True, slots=True)
class Field:
    """A declared parameter. `least` and `most` bound an integer's value or a text's length in characters."""

    name: str
    required: bool = False
    least: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Text(Field):
    """A string, from a closed set where `choices` are given."""

    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Integer(Field):
    """A 64-bit integer; decimal text is read as one."""

    choices: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Flag(Field):
    """A boolean; the texts `true` and `false` are read as one."""


@dataclass(frozen=True, slots=True)
class Texts(Field):
    """A list of strings."""


@dataclass(frozen=True, slots=True)
class Objects(Field):
    """A list of objects."""

    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Part(Field):
    """One nested object."""

    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Parameters:
    """Checked values by field name, read with the accessor of the field's type."""

    values: Mapping[str, object] = field(default_factory=dict)

    def given(self, name: str) -> bool:
        """Whether the caller sent the field at all."""
        return name in self.values

    def text(self, name: str, default: str = "") -> str:
        """A `Text`."""
        value = self.values.get(name, default)
        return value if isinstance(value, str) else default

    def integer(self, name: str, default: int = 0) -> int:
        """An `Integer`."""
        value = self.values.get(name, default)
        return value if isinstance(value, int) else default

    def flag(self, name: str, default: bool = False) -> bool:
        """A `Flag`."""
        return bool(self.values.get(name, default))

    def texts(self, name: str) -> list[str]:
        """A `Texts`; empty when not given."""
        value = self.values.get(name)
        return [str(item) for item in value] if isinstance(value, list) else []

    def objects(self, name: str) -> list[Parameters]:
        """An `Objects`; empty when not given."""
        value = self.values.get(name)
        return [item for item in value if isinstance(item, Parameters)] if isinstance(value, list) else []

    def part(self, name: str) -> Parameters:
        """A `Part`; empty when not given."""
        value = self.values.get(name)
        return value if isinstance(value, Parameters) else Parameters()


def read(query: Mapping[str, str], content_type: str, body: bytes) -> Tree:
    """Collect what a request carries. Raises UnreadableBodyError."""
    flat = {name: value for name, value in query.items() if name not in {"Action", "Version"}}
    if body.strip():
        if content_type.startswith("application/x-www-form-urlencoded"):
            flat |= dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        else:
            return unflatten(flat) | _json_object(body)
    return unflatten(flat)


def unflatten(flat: Mapping[str, str]) -> Tree:
    """Turn `{"Tags.1.Key": "k"}` into `{"Tags": [{"Key": "k"}]}`."""
    tree: Tree = {}
    for name, value in flat.items():
        *path, leaf = name.split(".") if name.count(".") < DEEPEST else [name]
        node = tree
        for step in path:
            below = node.setdefault(step, {})
            if not isinstance(below, dict):
                below = node[step] = {}
            node = below
        node[leaf] = value
    return {name: _listed(value) for name, value in tree.items()}


def check(service: str, fields: Sequence[Field], tree: Mapping[str, object]) -> Parameters:
    """Hold a request against the declared fields. Raises the service's own ApiError."""
    return _check(service, fields, tree, prefix="")


def _check(service: str, fields: Sequence[Field], tree: Mapping[str, object], prefix: str) -> Parameters:
    values: dict[str, object] = {}
    for spec in fields:
        raw = tree.get(spec.name)
        if raw is None or (raw == "" and not isinstance(spec, Text)):
            if spec.required:
                raise errors.missing(service, prefix + spec.name)
            continue
        if raw == "" and spec.required and spec.least != 0:
            raise errors.missing(service, prefix + spec.name)
        try:
            values[spec.name] = _coerce(service, spec, raw, prefix + spec.name)
        except (TypeError, ValueError):
            shown = raw if isinstance(raw, str | int | float) else json.dumps(raw, ensure_ascii=False)
            raise errors.invalid(service, prefix + spec.name, shown) from None
    return Parameters(values)


def _coerce(service: str, spec: Field, raw: object, name: str) -> object:
    match spec:
        case Text():
            return _text(spec, raw)
        case Integer():
            return _integer(spec, raw)
        case Flag():
            return _flag(raw)
        case Texts():
            return [_text(Text(spec.name, most=spec.most), item) for item in _list(raw)]
        case Objects():
            items = [item if isinstance(item, dict) else _refuse() for item in _list(raw)]
            return [_check(service, spec.fields, item, f"{name}.{i}.") for i, item in enumerate(items, 1)]
        case Part():
            return _check(service, spec.fields, raw if isinstance(raw, dict) else _refuse(), f"{name}.")
    raise TypeError(f"{spec} is of no known kind")


def _text(spec: Text, raw: object) -> str:
    if not isinstance(raw, str):
        raise TypeError("not a string")
    # An empty optional string means "not given" everywhere in these two services.
    if raw == "" and not spec.required:
        return raw
    if spec.choices and raw not in spec.choices:
        raise ValueError("not a choice")
    _bounded(spec, len(raw))
    return raw


def _integer(spec: Integer, raw: object) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int | str):
        raise TypeError("not an integer")
    value = int(raw)
    if not -INT64 <= value < INT64 or (spec.choices and value not in spec.choices):
        raise ValueError("out of range")
    _bounded(spec, value)
    return value


def _bounded(spec: Field, size: int) -> None:
    if (spec.least is not None and size < spec.least) or (spec.most is not None and size > spec.most):
        raise ValueError("out of range")


def _flag(raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    if raw in ("true", "false"):
        return raw == "true"
    raise ValueError("not a boolean")


def _list(raw: object) -> list[object]:
    if not isinstance(raw, list):
        raise TypeError("not a list")
    return raw


def _refuse() -> Tree:
    raise TypeError("not an object")


def _listed(value: object) -> object:
    """Turn nodes whose keys are all numbers into lists, in numeric order."""
    if not isinstance(value, dict):
        return value
    listed = {name: _listed(item) for name, item in value.items()}
    if all(name.isascii() and name.isdigit() and len(name) < 10 for name in listed):
        return [listed[name] for name in sorted(listed, key=int)]
    return listed


def _json_object(body: bytes) -> Tree:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnreadableBodyError("the body is not JSON") from error
    if not isinstance(value, dict):
        raise UnreadableBodyError("the body is not a JSON object")
    return value
