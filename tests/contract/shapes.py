"""What a model declares on the wire, in one form for our models and for those of the typed SDK."""

from __future__ import annotations

import ast
import importlib
import re
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from volcengine_mcp.declare import Action


@dataclass(frozen=True)
class Shape:
    """One field: its wire type (`str`, `int`, `bool`, `object`, `list[…]`), if required, allowed values."""

    type: str
    required: bool = False
    allowed: tuple[str | int, ...] = ()

    def __str__(self) -> str:
        values = f" of {', '.join(str(value) for value in self.allowed)}" if self.allowed else ""
        return f"{'required' if self.required else 'optional'} {self.type}{values}"


Shapes = dict[str, Shape]
"""Fields by path: `Trails[].RelatedResources[].ResourceID`."""


@dataclass(frozen=True)
class Operation:
    """An action as a caller meets it: where it is sent and what is in it."""

    service: str
    version: str
    method: str
    request: Shapes
    result: Shapes


def declared(action: type[Action]) -> Operation:
    """The action as this repository declares it."""
    return Operation(action.service, action.version, action.method, dict(_ours(action)), dict(_ours(action.result)))


def in_sdk(package_name: str, api_class: str, action: str) -> Operation:
    """The action as the typed SDK's package has it."""
    package = importlib.import_module(package_name)
    recorder = _Recorder()
    api = getattr(package, api_class)(recorder)
    getattr(api, re.sub(r"(?<!^)(?=[A-Z])", "_", action).lower())(body={})
    name, version, service, *_ = recorder.path.strip("/").split("/")
    assert name == action
    return Operation(
        service,
        version,
        recorder.method,
        dict(_theirs(package, getattr(package, f"{action}Request"))),
        dict(_theirs(package, getattr(package, recorder.response))),
    )


def differences(ours: Operation, theirs: Operation) -> set[str]:
    """Every difference as a line such as `request TrailName: required str, SDK optional str`."""
    lines = {
        f"{fact}: {getattr(ours, fact)}, SDK {getattr(theirs, fact)}"
        for fact in ("service", "version", "method")
        if getattr(ours, fact) != getattr(theirs, fact)
    }
    for side in ("request", "result"):
        here: Shapes = getattr(ours, side)
        there: Shapes = getattr(theirs, side)
        lines |= {
            f"{side} {path}: {here.get(path, 'absent')}, SDK {there.get(path, 'absent')}"
            for path in here.keys() | there.keys()
            if here.get(path) != there.get(path)
        }
    return lines


def fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every field of a model and of the models in it, by path."""
    for info in model.model_fields.values():
        path = f"{prefix}{info.alias}"
        yield path, info
        nested, kind = _nested(info.annotation)
        if nested is not None:
            yield from fields(nested, path + "[]." * kind.startswith("list") + "." * (kind == "object"))


def _ours(model: type[BaseModel]) -> Iterator[tuple[str, Shape]]:
    for path, info in fields(model):
        _, kind = _nested(info.annotation)
        yield path, Shape(kind, info.is_required(), _allowed(info.annotation))


def _bare(annotation: Any) -> Any:
    """The annotation without `Annotated` and `| None`."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        [inner] = [part for part in get_args(annotation) if part is not type(None)]
        return _bare(inner)
    return annotation


def _nested(annotation: Any) -> tuple[type[BaseModel] | None, str]:
    """The model in an annotation, if there is one, and the annotation's wire type."""
    bare = _bare(annotation)
    if get_origin(bare) is list:
        model, kind = _nested(get_args(bare)[0])
        return model, f"list[{kind}]"
    if get_origin(bare) is Literal:
        [kind] = {type(value).__name__ for value in get_args(bare)}
        return None, kind
    if issubclass(bare, BaseModel):
        return bare, "object"
    return None, bare.__name__


def _allowed(annotation: Any) -> tuple[str | int, ...]:
    bare = _bare(annotation)
    return tuple(sorted(get_args(bare))) if get_origin(bare) is Literal else ()


def _theirs(package: types.ModuleType, model: Any, prefix: str = "") -> Iterator[tuple[str, Shape]]:
    for attribute, wire_name in model.attribute_map.items():
        path = f"{prefix}{wire_name}"
        listed, name = re.fullmatch(r"(list\[)?(\w+)\]?", model.swagger_types[attribute]).groups()  # type: ignore[union-attr]
        nested = getattr(package, name, None)
        kind = "object" if nested else name
        required, allowed = _rules(model, attribute)
        yield path, Shape(f"list[{kind}]" if listed else kind, required, allowed)
        if nested:
            yield from _theirs(package, nested, path + ("[]." if listed else "."))


def _rules(model: Any, attribute: str) -> tuple[bool, tuple[str | int, ...]]:
    """Whether the SDK's model refuses None for the attribute, and which values it allows, by trying."""
    blank = model.__new__(model)
    blank._configuration = types.SimpleNamespace(client_side_validation=True)
    required, allowed = False, ()
    for probe in (None, "no such value"):
        try:
            setattr(blank, attribute, probe)
        except ValueError as error:
            required |= "must not be `None`" in str(error)
            if " must be one of " in str(error):
                allowed = tuple(sorted(ast.literal_eval(str(error).split(" must be one of ")[1])))
    return required, allowed


@dataclass
class _Recorder:
    """An API client that notes what an API method would send."""

    client_side_validation: bool = True
    path: str = ""
    method: str = ""
    response: str = ""

    def select_header_accept(self, accepts: list[str]) -> str:
        return accepts[0]

    def select_header_content_type(self, content_types: list[str]) -> str:
        return content_types[0]

    def call_api(self, path: str, method: str, *_: Any, response_type: str, **__: Any) -> None:
        self.path, self.method, self.response = path, method, response_type
