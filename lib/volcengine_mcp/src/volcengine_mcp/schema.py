"""JSON schemas of requests and results, as compact as a model's context deserves: no titles, references inlined."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from .action import Part, Record


def input_schema(model: type[Part]) -> dict[str, Any]:
    """What a tool accepts. An optional field is simply not required, so null is not advertised."""
    return _compact(model.model_json_schema(schema_generator=_Input))


def output_schema(model: type[Record]) -> dict[str, Any]:
    """What a tool answers. Every field is nullable and further ones are allowed."""
    schema = _compact(model.model_json_schema(schema_generator=_Output, mode="serialization"))
    schema["properties"]["Unexpected"] = {
        "type": "object",
        "description": "Values of another type than documented, by path; null stands in their place.",
    }
    return schema


class _Input(GenerateJsonSchema):
    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        if schema.get("default") is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])


class _Output(_Input):
    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        inner = self.generate_inner(schema["schema"])
        if isinstance(kind := inner.get("type"), str):
            return {**inner, "type": [kind, "null"]}
        return {"anyOf": [inner, {"type": "null"}]}


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
    if (choices := node.get("anyOf")) and len(choices) == 2 and choices[1] == {"type": "null"}:
        inner = _inline(choices[0], definitions)
        rest = {key: value for key, value in node.items() if key != "anyOf"}
        if isinstance(inner.get("type"), str):
            return {**inner, **_inline(rest, definitions), "type": [inner["type"], "null"]}
    return {
        key: _named(value, definitions) if key == "properties" else _inline(value, definitions)
        for key, value in node.items()
        if key != "title" and not (key == "additionalProperties" and value is True)
    }


def _named(properties: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Properties, whose names are data: one may be called `title`."""
    return {name: _inline(value, definitions) for name, value in properties.items()}
