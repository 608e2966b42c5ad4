"""JSON schemas of requests and results, as compact as a model's context deserves: no titles, references inlined."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from volcengine_mcp.declare import Part, Record


def input_schema(model: type[Part]) -> dict[str, Any]:
    """What a tool accepts. An optional field is simply not required, so null is not advertised."""
    return _compact(model.model_json_schema(schema_generator=_Input))


def output_schema(model: type[Record]) -> dict[str, Any]:
    """What a tool answers. Every field is nullable and further ones are allowed.

    Read off the fields rather than by pydantic, which would build validators of all results before a first call.
    """
    schema = _object(model)
    schema["properties"]["Unexpected"] = {
        "type": "object",
        "description": "Values of another type than documented, by path; null stands in their place.",
    }
    return schema


_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean"}


def _object(model: type[Record]) -> dict[str, Any]:
    properties = {field.alias or name: _field(field) for name, field in model.model_fields.items()}
    return {"type": "object", "properties": properties}


def _field(field: FieldInfo) -> dict[str, Any]:
    schema = _schema(field.annotation)
    return {"description": field.description, **schema} if field.description else schema


def _schema(annotation: Any) -> dict[str, Any]:
    """The schema of a result field's type: null or one of plain values, lists, free objects and records."""
    origin = get_origin(annotation)
    if origin in (UnionType, Union):
        (inner,) = (choice for choice in get_args(annotation) if choice is not NoneType)
        schema = _schema(inner)
        return {**schema, "type": [schema["type"], "null"]}
    if origin is list:
        return {"type": "array", "items": _schema(get_args(annotation)[0])}
    if origin is dict:
        return {"type": "object"}
    if isinstance(annotation, type) and issubclass(annotation, Record):
        return _object(annotation)
    return {"type": _TYPES[annotation]}


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
