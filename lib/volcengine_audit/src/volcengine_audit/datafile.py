"""YAML files that people write, read strictly into models: what is wrong is named with its place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import ErrorDetails


class RulesError(ValueError):
    """A file that cannot be used; the sentence says where and why."""


class Part(BaseModel):
    """A mapping of such a file. An unknown field is an error, an empty one is as if it were not there."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _without_empty_fields(cls, value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        return {str(name): inner for name, inner in value.items() if inner is not None}


P = TypeVar("P", bound=Part)


def read(path: Path, model: type[P]) -> P:
    """What a YAML file says.

    Raises:
        RulesError: it cannot be read, is no YAML, or says what it may not.
    """
    value = _loaded(path)
    return _fitted(path, model, {} if value is None else value)


def read_list(path: Path, model: type[P]) -> list[P]:
    """What a YAML file says that is a list of mappings.

    Raises:
        RulesError: as `read`.
    """
    value = _loaded(path)
    if not isinstance(value, list):
        raise RulesError(f"{path}: must be a list")
    return [_fitted(path, model, one) for one in value]


def _loaded(path: Path) -> object:
    try:
        return yaml.load(path.read_text("utf-8"), Loader=_Loader)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise RulesError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise RulesError(f"{path}: is not UTF-8 text") from None
    except yaml.YAMLError as error:
        raise RulesError(f"{path}: is not valid YAML: {' '.join(str(error).split())}") from None


def _fitted(path: Path, model: type[P], value: object) -> P:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        raise RulesError(f"{path}: {_sentence(problem, model, value)}") from None


_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The parser in C, which takes a tenth of the time, where there is one."""


class _Loader(_SafeLoader):  # type: ignore[misc]
    """YAML without the silent loss of a key that is given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        """The mapping; a key given twice is an error."""
        keys = [key.value for key, _ in node.value]
        if twice := next((key for key in keys if keys.count(key) > 1), None):
            raise yaml.constructor.ConstructorError(None, None, f"{twice!r} is given twice", node.start_mark)
        mapping: dict[object, object] = super().construct_mapping(node, deep)
        return mapping


_SINGLE = {
    "string_type": "a text",
    "string_too_short": "a text",
    "bool_type": "true or false",
    "int_type": "a whole number above 0",
    "greater_than_equal": "a whole number above 0",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
}
_ITEMS = {
    "string_type": "be a list of texts; {!r} is none (numbers need quotes)",
    "string_too_short": "be a list of texts; {!r} is none (numbers need quotes)",
    "int_type": "be a list of ports, 0 to 65535; {!r} is none",
    "greater_than_equal": "be a list of ports, 0 to 65535; {!r} is none",
    "less_than_equal": "be a list of ports, 0 to 65535; {!r} is none",
}


def _sentence(problem: ErrorDetails, model: type[Part], value: object) -> str:
    """Where the problem is, and what it is."""
    kind, path, given = problem["type"], problem["loc"], problem["input"]
    context: dict[str, Any] = problem.get("ctx", {})
    if kind in ("whole", "model_type", "model_attributes_type"):
        return _placed(path, value, problem["msg"] if kind == "whole" else f"must be a mapping, not {given!r}")
    if kind == "extra_forbidden":
        known = ", ".join(_model_at(model, path[:-1]).model_fields)
        return _placed(path[:-1], value, f"{path[-1]!r} is not known; allowed are {known}")
    listed = len(path) > 1 and isinstance(path[-1], int)
    holder, name = (path[:-2], path[-2]) if listed else (path[:-1], path[-1])
    match kind:
        case "missing" | "too_short":
            said = f"{name!r} is missing"
        case "enum" | "literal_error":
            choices = context["expected"].replace("'", "").replace(" or ", ", ")
            said = f"{name!r} must {'hold some' if listed else 'be one'} of {choices}, not {given!r}"
        case "value_error":
            said = f"{name!r} {context['error']}"
        case _ if listed and kind in _ITEMS:
            said = f"{name!r} must {_ITEMS[kind].format(given)}"
        case _:
            said = f"{name!r} must be {_SINGLE.get(kind, problem['msg'])}, not {given!r}"
    return _placed(holder, value, said)


def _placed(path: tuple[int | str, ...], value: object, said: str) -> str:
    """A sentence behind its place: `rules[0] (id root-use) › when: …`."""
    place = ""
    for step in path:
        if isinstance(step, str):
            place += f" › {step}" if place else step
            value = value.get(step) if isinstance(value, Mapping) else None
            continue
        place += f"[{step}]"
        value = value[step] if isinstance(value, list) else None
        if isinstance(value, Mapping) and value.get("id"):
            place += f" (id {value['id']})"
    return f"{place}: {said}" if place else said


def _model_at(model: type[BaseModel], path: tuple[int | str, ...]) -> type[BaseModel]:
    """The model of the mapping to which a path leads."""
    for step in path:
        if isinstance(step, str) and step in model.model_fields:
            model = _model_in(model.model_fields[step].annotation) or model
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _model_in(inner))), None)
