"""The open points: each can be switched, wrong names are refused, each value has a sentence."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from volcengine_policy import ASSUMPTION_IDS, DEPENDS, Assumption, Assumptions, assumption_texts, finding_texts

DOCS = Path(__file__).parents[3] / "docs"
CATALOGUE = tuple(assumption_texts().values())


def test_every_open_point_has_a_field_with_its_default() -> None:
    assert {a.field: a.default for a in CATALOGUE} == {f.name: f.default for f in fields(Assumptions)}
    assert tuple(assumption_texts()) == ASSUMPTION_IDS
    assert len(ASSUMPTION_IDS) == 10


@pytest.mark.parametrize("point", CATALOGUE, ids=lambda point: point.id)
def test_every_value_can_be_chosen_and_described(point: Assumption) -> None:
    sentences = set()
    for value in (*point.values, DEPENDS):
        chosen = Assumptions.from_mapping({point.id: value})
        assert chosen.value(point.id) == value
        sentences.add(chosen.describe(point.id))
    assert len(sentences) == len(point.values) + 1


def test_wrong_names_and_values_are_refused_with_the_right_ones() -> None:
    with pytest.raises(ValueError, match=r"no assumption 'A-X'.*A-MGMT"):
        Assumptions.from_mapping({"A-X": "exempt"})
    with pytest.raises(ValueError, match="A-ROOT cannot be 'free'; it is one of bound, exempt, depends"):
        Assumptions.from_mapping({"A-ROOT": "free"})
    with pytest.raises(ValueError, match="A-X"):
        Assumptions().describe("A-X")


@pytest.mark.parametrize("name", ["policies.md", "policies.zh-CN.md"])
def test_the_page_names_every_open_point_value_and_lint_code(name: str) -> None:
    page = (DOCS / name).read_text(encoding="utf-8")
    for point in CATALOGUE:
        row = next(line for line in page.splitlines() if line.startswith(f"| {point.id} "))
        assert f"`{point.default}`" in row
        assert all(f"`{value}`" in row for value in point.values)
    codes = re.findall(r"^\| `([a-z-]+)` \| (error|warning|info) \|", page, re.MULTILINE)
    assert len(codes) == len(set(codes))
    assert set(codes) == {(key.partition("/")[0], text.severity) for key, text in finding_texts().items()}
