"""`fit`: a result in its declared shape, with nothing lost, whatever the service sends."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from mcp_server_cloud_trail.actions import DescribeTrailsResult
from mcp_server_organization.actions import ListAccounts
from pydantic import BaseModel
from volcengine_mcp.api.fitting import fit
from volcengine_mcp.schema import output_schema

TRAILS = Draft202012Validator(output_schema(DescribeTrailsResult))
ACCOUNTS = Draft202012Validator(output_schema(ListAccounts.result))

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def plain(model: type[BaseModel], data: dict[str, Any]) -> dict[str, Any]:
    """What comes out of `fit`, as a tool answers it."""
    fitted = fit(model, data)
    assert isinstance(fitted, model)
    return fitted.model_dump(mode="json", by_alias=True, exclude_unset=True)


TRAIL_FIELDS = ["TrailName", "TrailType", "EventSources", "CreatorID", "Strange"]
TRAIL = st.dictionaries(st.sampled_from(TRAIL_FIELDS), JSON, max_size=4)


@settings(max_examples=300, deadline=None)
@given(st.fixed_dictionaries({}, optional={"Trails": JSON | st.lists(TRAIL | JSON, max_size=3), "More": JSON}))
def test_whatever_comes_satisfies_the_schema(data: dict[str, Any]) -> None:
    fitted = plain(DescribeTrailsResult, data)
    TRAILS.validate(fitted)
    assert fitted.keys() - {"Unexpected"} == data.keys()


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(["Total", "AccountList", "Limit", "New"]), JSON, max_size=4))
def test_nothing_is_lost(data: dict[str, Any]) -> None:
    """Every number and text that came is somewhere in what is answered, if need be as text."""
    fitted = plain(ListAccounts.result, data)
    ACCOUNTS.validate(fitted)
    kept = {str(leaf) for leaf in leaves_of(fitted)}
    for leaf in leaves_of(data):
        forms = {str(leaf)}
        if isinstance(leaf, bool | float) and leaf == int(leaf):
            forms.add(str(int(leaf)))
        if isinstance(leaf, str) and leaf.strip().lstrip("+-").replace("_", "").isdecimal():
            forms.add(str(int(leaf)))
        if isinstance(leaf, str):
            forms |= {str(value) for value in kept if as_number(value) == as_number(leaf) is not None}
            forms |= {"True", "False"} if leaf.lower() in ("y", "n", "t", "f", "on", "off", "yes", "no") else set()
        assert forms & kept, f"{leaf!r} is lost in {json.dumps(fitted)}"


def as_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def leaves_of(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return [leaf for value in node.values() for leaf in leaves_of(value)]
    if isinstance(node, list):
        return [leaf for value in node for leaf in leaves_of(value)]
    return [] if node is None else [node]


@pytest.mark.parametrize(
    ("given_", "fitted"),
    [
        ({"Trails": [{"TrailName": 7}]}, {"Trails": [{"TrailName": "7"}]}),
        ({"Trails": [{"TrailType": "1"}]}, {"Trails": [{"TrailType": 1}]}),
        ({"Trails": None}, {"Trails": None}),
        ({"Trails": [None]}, {"Trails": [None]}),
        ({"Trails": "none"}, {"Trails": None, "Unexpected": {"Trails": "none"}}),
        ({"Trails": ["x"]}, {"Trails": [None], "Unexpected": {"Trails.0": "x"}}),
        (
            {"Trails": [{"TrailName": "a", "TrailType": {"b": 1}}, {"TrailName": ["c"]}]},
            {
                "Trails": [{"TrailName": "a", "TrailType": None}, {"TrailName": None}],
                "Unexpected": {"Trails.0.TrailType": {"b": 1}, "Trails.1.TrailName": ["c"]},
            },
        ),
        ({"New": {"deep": [1]}, "Trails": []}, {"New": {"deep": [1]}, "Trails": []}),
    ],
)
def test_values_are_converted_where_that_is_exact_and_moved_aside_where_not(
    given_: dict[str, Any], fitted: dict[str, Any]
) -> None:
    assert plain(DescribeTrailsResult, given_) == fitted


def test_what_was_given_is_not_changed() -> None:
    data = {"Trails": [{"TrailType": "x"}]}
    fit(DescribeTrailsResult, data)
    assert data == {"Trails": [{"TrailType": "x"}]}
