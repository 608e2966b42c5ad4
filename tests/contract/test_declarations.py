"""What users rely on and what a model reads: names, titles, descriptions, and results that never break."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from contract.shapes import fields
from mcp_server_cloud_trail.actions import ACTIONS as CLOUD_TRAIL
from mcp_server_cloud_trail.actions import OF_TOOLS as NAMES
from mcp_server_organization.actions import ACTIONS as ORGANIZATION
from mcp_server_organization.actions import OF_TOOLS as ATTACHMENTS
from pydantic import BaseModel
from support.calls import TITLES
from volcengine_mcp.api.fitting import fit
from volcengine_mcp.declare import Action, Effect

ACTIONS = CLOUD_TRAIL + NAMES + ORGANIZATION + ATTACHMENTS

by_name = pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.wire_name())


@pytest.mark.parametrize(
    ("actions", "tools"),
    [(CLOUD_TRAIL, TITLES["cloud-trail"]), (ORGANIZATION, TITLES["organization"])],
    ids=["cloud_trail", "organization"],
)
def test_names_titles_and_order_are_the_contract(actions: tuple[type[Action], ...], tools: dict[str, str]) -> None:
    assert [(action.wire_name(), action.zh) for action in actions] == list(tools.items())


@by_name
def test_an_action_explains_itself_briefly(action: type[Action]) -> None:
    text = " ".join((action.__doc__ or "").split())

    assert text.endswith(".")
    assert 20 < len(text) < 350
    assert 0 < len(action.en) < 35


@by_name
def test_every_field_is_described_in_a_short_sentence(action: type[Action]) -> None:
    described = {
        f"{model.__name__} {path}": info.description or ""
        for model in (action, action.result)
        for path, info in fields(model)
    }

    bad = {
        path: text
        for path, text in described.items()
        if not (text.endswith(".") and 5 < len(text) < 200 and text[0].isupper() | text[0].isdigit())
    }
    assert bad == {}


@by_name
def test_only_what_creates_is_a_write_and_a_write_names_the_read_that_checks_it(action: type[Action]) -> None:
    writes = action.wire_name().startswith("Create")

    assert action.effect is (Effect.WRITE if writes else Effect.READ)
    reads = {other.wire_name() for other in ACTIONS if other.effect is Effect.READ}
    assert (action.verify in reads) if writes else action.verify is None


def plain(model: type[BaseModel], data: dict[str, Any]) -> dict[str, Any]:
    """What comes out of `fit`, as a tool answers it."""
    return fit(model, data).model_dump(mode="json", by_alias=True, exclude_unset=True)


def all_null(model: type[BaseModel]) -> dict[str, Any]:
    return {str(info.alias): None for info in model.model_fields.values()}


def null_elements(schema: dict[str, Any], node: dict[str, Any]) -> Any:
    """The fullest value of a schema in which scalars are null and lists hold null and an element."""
    options = [option for option in node.get("anyOf", [node]) if option.get("type") != "null"]
    [option] = options
    if "$ref" in option:
        option = schema["$defs"][option["$ref"].rpartition("/")[2]]
    if option["type"] == "array":
        return [None, null_elements(schema, option["items"])]
    if option["type"] == "object":
        return {name: null_elements(schema, child) for name, child in option["properties"].items()}
    return None


@by_name
def test_a_result_of_nulls_is_kept_and_satisfies_its_schema(action: type[Action]) -> None:
    model = action.result
    schema = model.model_json_schema(mode="serialization")

    for data in ({}, all_null(model), null_elements(schema, schema)):
        fitted = plain(model, json.loads(json.dumps(data)))
        assert fitted == data
        jsonschema.validate(fitted, schema)


@by_name
def test_a_result_keeps_fields_that_the_service_adds(action: type[Action]) -> None:
    assert plain(action.result, {"AddedLater": {"A": [1]}}) == {"AddedLater": {"A": [1]}}


def test_a_result_field_of_another_type_does_not_cost_the_rest() -> None:
    """`Owner.AccountID` is a number and `Organization.Owner` a string; the service mixes them up at times."""
    model = next(action.result for action in ACTIONS if action.wire_name() == "DescribeOrganization")

    fitted = plain(model, {"Organization": {"Owner": 2100245176, "Status": {}}, "Owner": {"AccountID": 2100245176}})

    assert fitted == {
        "Organization": {"Owner": "2100245176", "Status": None},
        "Owner": {"AccountID": "2100245176"},
        "Unexpected": {"Organization.Status": {}},
    }


@pytest.mark.parametrize(
    ("actions", "inputs", "everything"),
    [(CLOUD_TRAIL, 6_000, 20_000), (ORGANIZATION, 13_000, 45_000)],
    ids=["cloud_trail", "organization"],
)
def test_schemas_fit_the_budget(actions: tuple[type[Action], ...], inputs: int, everything: int) -> None:
    """Every byte is read by a model in every conversation."""

    def size(schema: dict[str, Any]) -> int:
        return len(json.dumps(schema, ensure_ascii=False, separators=(",", ":")).encode())

    asked = sum(size(action.model_json_schema()) for action in actions)
    answered = sum(size(action.result.model_json_schema(mode="serialization")) for action in actions)

    assert asked <= inputs
    assert asked + answered <= everything
