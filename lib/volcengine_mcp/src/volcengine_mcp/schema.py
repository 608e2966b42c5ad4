"""JSON schemas of requests and results, as compact as a model's context deserves: no titles, references inlined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from volcengine_mcp.declare import Part, Record


def input_schema(model: type[Part]) -> dict[str, Any]:
    """What a tool accepts. An optional field is simply not required, so null is not advertised."""
    return _compact(model.model_json_schema(schema_generator=_Input))


def output_schema(model: type[BaseModel]) -> dict[str, Any]:
    """What a tool answers; further fields are allowed.

    A result of the OpenAPI (`Record`) may have any of its fields null, and may hold values of another type than
    documented under `Unexpected`; in an answer of our own, what is None is left out. Read off the fields rather than
    by pydantic, which would build validators of all results before a first call.
    """
    schema = _object(model)
    if issubclass(model, Record):
        schema["properties"]["Unexpected"] = {
            "type": "object",
            "description": "Values of another type than documented, by path; null stands in their place.",
        }
    return schema


_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean"}


def _object(model: type[BaseModel], *within: type[BaseModel]) -> dict[str, Any]:
    """A model's schema. A model inside itself, such as a unit of a tree, is described once and then only named."""
    if model in within:
        return {"type": "object"}
    properties = {
        field.alias or name: _field(field, *within, model)
        for name, field in model.model_fields.items()
        if not field.exclude
    }
    if not issubclass(model, Record):
        # In answers of our own, what is None is left out.
        properties = {name: _without_null(schema) for name, schema in properties.items()}
    return {"type": "object", "properties": properties}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    kind = schema.get("type")
    if not isinstance(kind, list):
        return schema
    return {**schema, "type": kind[0]} | ({"enum": schema["enum"][:-1]} if "enum" in schema else {})


def _field(field: FieldInfo, *within: type[BaseModel]) -> dict[str, Any]:
    schema = _schema(field.annotation, *within)
    return {"description": field.description, **schema} if field.description else schema


def _schema(annotation: Any, *within: type[BaseModel]) -> dict[str, Any]:
    """The schema of a field's type. What may be anything has no type."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _schema(arguments[0], *within)
    if origin in (UnionType, Union):
        return _choice([choice for choice in arguments if choice is not NoneType], NoneType in arguments, *within)
    if origin is Literal:
        return {"type": "string", "enum": list(arguments)}
    if origin in (list, tuple, set, frozenset, Sequence):
        return {"type": "array", "items": _schema(arguments[0], *within)}
    if origin in (dict, Mapping) or annotation is dict:
        return {"type": "object"}
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _object(annotation, *within)
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return {"type": "string", "enum": [str(member) for member in annotation]}
    return {"type": _TYPES[annotation]} if annotation in _TYPES else {}


def _choice(choices: list[Any], nullable: bool, *within: type[BaseModel]) -> dict[str, Any]:
    schemas = [_schema(choice, *within) for choice in choices]
    if len(schemas) > 1:
        return {"anyOf": schemas + ([{"type": "null"}] if nullable else [])}
    (schema,) = schemas
    if not nullable or "type" not in schema:
        return schema
    if "enum" in schema:
        schema = {**schema, "enum": [*schema["enum"], None]}
    return {**schema, "type": [schema["type"], "null"]}


class _Input(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        if schema.get("default") is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])


def _compact(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without titles and definitions. The models are trees, so inlining ends."""
    definitions = schema.pop("$defs", {})
    flat = _inline(schema, definitions)
    if not isinstance(flat, dict):
        raise TypeError("a model's schema is an object")
    flat.pop("description", None)
    return flat


def _inline(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_inline(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if reference := node.get("$ref"):
        target = definitions[reference.rpartition("/")[2]]
        rest = {key: value for key, value in node.items() if key != "$ref"}
        return _inline({**target, **rest}, definitions)
    return {
        key: _named(value, definitions) if key == "properties" else _inline(value, definitions)
        for key, value in node.items()
        if key != "title" and not (key == "additionalProperties" and value is True)
    }


def _named(properties: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Properties, whose names are data: one may be called `title`."""
    return {name: _inline(value, definitions) for name, value in properties.items()}
