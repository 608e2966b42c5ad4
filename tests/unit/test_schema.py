"""Schemas as a model reads them: whole in themselves, compact, and no stricter than what is accepted."""

from __future__ import annotations

import json
from typing import Any

from jsonschema import Draft202012Validator
from mcp_server_cloud_trail.actions import CreateTrail, DescribeTrailsResult, LookupCondition
from mcp_server_organization.actions import CreateServiceControlPolicy
from pydantic import Field
from volcengine_mcp.declare import Part, Record
from volcengine_mcp.schema import input_schema, output_schema


class Inner(Part):
    """A part."""

    title: str = Field(alias="title", description="Named like a keyword.")
    properties: int | None = Field(None, description="So is this.")


class Outer(Part):
    """A whole."""

    inner: Inner = Field(description="One.")
    many: list[Inner] | None = Field(None, description="Several.")
    limit: int = Field(5, ge=1, le=9, description="With a default.")


class Leaf(Record):
    """The end of a tree."""

    name: str | None = Field(None, description="Name.")


class Tree(Record):
    """A result with parts."""

    leaf: Leaf | None = Field(None, description="One.")
    leaves: list[Leaf | None] | None = Field(None, description="Several.")


def test_an_input_schema_is_whole_compact_and_keeps_fields_that_are_named_like_keywords() -> None:
    inner = {
        "type": "object",
        "additionalProperties": False,
        "required": ["title"],
        "properties": {
            "title": {"type": "string", "description": "Named like a keyword."},
            "Properties": {"type": "integer", "description": "So is this."},
        },
    }
    assert without_descriptions_of_parts(input_schema(Outer)) == {
        "type": "object",
        "additionalProperties": False,
        "required": ["Inner"],
        "properties": {
            "Inner": {**inner, "description": "One."},
            "Many": {"type": "array", "items": inner, "description": "Several."},
            "Limit": {"type": "integer", "minimum": 1, "maximum": 9, "default": 5, "description": "With a default."},
        },
    }


def without_descriptions_of_parts(schema: dict[str, Any]) -> dict[str, Any]:
    schema["properties"]["Many"]["items"].pop("description", None)
    return schema


def test_an_output_schema_accepts_null_and_more_everywhere() -> None:
    validator = Draft202012Validator(output_schema(Tree))
    good: list[dict[str, Any]] = [
        {},
        {"Leaf": None, "Leaves": None},
        {"Leaves": [None, {"Name": None, "New": 1}], "New": {}},
        {"Unexpected": {"Leaf": 5}},
    ]
    for answer in good:
        validator.validate(answer)
    bad: list[dict[str, Any]] = [{"Leaf": 5}, {"Leaves": {}}, {"Leaf": {"Name": 5}}]
    for answer in bad:
        assert not validator.is_valid(answer)


def test_enums_ranges_and_alternatives_reach_the_schema() -> None:
    trail = input_schema(CreateTrail)["properties"]
    assert trail["EventRW"]["enum"] == ["All", "Read", "Write"]
    assert trail["TrailType"]["enum"] == [0, 1]
    assert (trail["EventSources"]["type"], trail["EventSources"]["minItems"]) == ("array", 1)
    document = input_schema(CreateServiceControlPolicy)["properties"]["Statement"]
    assert document["anyOf"] == [{"type": "object"}, {"type": "string"}]
    assert "IdentityName" in input_schema(LookupCondition)["properties"]["LookupConditionKey"]["enum"]


def test_null_and_titles_are_not_advertised() -> None:
    said = json.dumps([input_schema(CreateTrail), output_schema(DescribeTrailsResult)])
    assert '"title"' not in said
    assert '"default": null' not in said
    assert "null" not in json.dumps(input_schema(CreateTrail))
