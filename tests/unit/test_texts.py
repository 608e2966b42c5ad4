"""Texts for people and models: invisible characters, secrets in errors, sentences, words of a command line, tables."""

from __future__ import annotations

import json
import sys
import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp_server_cloud_trail.actions import CreateTrail, LookupEvents
from pydantic import ValidationError
from volcengine_mcp.api.credentials import Credential, from_environment
from volcengine_mcp.command.arguments import parse
from volcengine_mcp.command.terminal import problem, readable, table
from volcengine_mcp.errors import ArgumentsError, CredentialsError, ServiceError
from volcengine_mcp.schema import input_schema
from volcengine_mcp.untrusted import visible
from volcengine_mcp.validation import LONGEST_SHOWN, nearest, sentences, shown

# Visible


SEEN = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
"""Marks of Arabic, Syriac and Kaithi numbers: format characters by category, but with a shape."""

HIEROGLYPHS = range(0x13430, 0x13460)
"""Format characters that join hieroglyphs, with a shape where they cannot."""


INVISIBLE = [
    char
    for char in map(chr, range(sys.maxunicode + 1))
    if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    and char not in SEEN
    and char not in "\t\n"
    and ord(char) not in HIEROGLYPHS
]


def test_no_control_or_format_character_survives() -> None:
    assert [char for char in INVISIBLE if char in visible(f"a{char}b")] == []


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"], exclude_characters="\u3164\u115f\u1160\uffa0")))
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert visible(text) == text


@given(st.text())
def test_making_visible_twice_changes_nothing_more(text: str) -> None:
    assert visible(visible(text)) == visible(text)


def test_every_depth_and_every_key_is_made_visible() -> None:
    assert visible({"a\u202e": [{"b": "\x1b[31m"}, 1, None, True]}) == {
        "a\\u202e": [{"b": "\\u001b[31m"}, 1, None, True]
    }
    assert visible("\U000e0041") == "\\U000e0041"
    assert visible("多行\n\t文本 😀") == "多行\n\t文本 😀"


# Secrets

KEY = Credential("AKLT0123456789abcdefXYZ", "s3cr3t/+==", "STStoken")


def test_a_credential_never_shows_itself() -> None:
    for text in (repr(KEY), str(KEY), f"{KEY}", repr([KEY]), str({"key": KEY})):
        assert not any(part in text for part in (KEY.access_key, KEY.secret_key, KEY.session_token))


def test_scrubbing_takes_every_part_and_leaves_the_ends_of_the_key() -> None:
    said = KEY.scrub(f"key {KEY.access_key} with {KEY.secret_key} and {KEY.session_token}")
    assert said == "key AKLT…fXYZ with *** and ***"
    assert Credential("AK", "SK").scrub("an AK and an SK") == "an … and an ***"
    assert Credential("AK", "SK", "").scrub("nothing here") == "nothing here"


def test_keys_are_read_under_both_names_with_slips_of_pasting_cut() -> None:
    pair = {"VOLCENGINE_ACCESS_KEY": " AK\n", "VOLCENGINE_SECRET_KEY": "\tSK "}
    assert from_environment(pair) == Credential("AK", "SK")
    assert from_environment(pair | {"VOLCENGINE_SESSION_TOKEN": "T"}) == Credential("AK", "SK", "T")
    both = {"VOLCENGINE_ACCESS_SESSION_TOKEN": "first", "VOLCENGINE_SESSION_TOKEN": "second"}
    assert from_environment(pair | both) == Credential("AK", "SK", "first")
    blank = {"VOLCENGINE_ACCESS_SESSION_TOKEN": " ", "VOLCENGINE_SESSION_TOKEN": "second"}
    assert from_environment(pair | blank) == Credential("AK", "SK", "second")
    with pytest.raises(CredentialsError, match="VOLCENGINE_SECRET_KEY is not set"):
        from_environment(pair | {"VOLCENGINE_SECRET_KEY": " "})


def test_an_error_has_only_the_facts_that_are_known() -> None:
    assert ServiceError("A", "B.").as_dict() == {"Code": "A", "Message": "B."}
    whole = ServiceError("A", "B.", hint="C.", http_status=400, request_id="D").as_dict()
    assert list(whole) == ["Code", "HTTPStatus", "Message", "RequestId", "Hint"]


# Sentences


def refused(action: type[Any], given_: dict[str, Any]) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        action.model_validate(given_, by_alias=True, by_name=False)
    return sentences(caught.value, action.wire_fields())


def test_every_problem_has_its_sentence() -> None:
    assert refused(LookupEvents, {"MaxResult": 5, "StartTime": -1, "LookupConditions": [{}]}) == [
        "StartTime is -1, but must be greater than or equal to 0.",
        "LookupConditions.0.LookupConditionKey is required.",
        "LookupConditions.0.LookupConditionValue is required.",
        "MaxResult is not known; did you mean MaxResults?",
    ]
    assert refused(CreateTrail, {"TrailName": "", "EventSources": [], "TrailType": True, "TosBucketName": "b"}) == [
        'TrailName is "", but must have at least 1 character.',
        "TrailType is true: must be a number, not true or false.",
        "EventSources is [], but must have at least 1 item.",
    ]
    assert refused(CreateTrail, {"TrailName": ["t"], "EventRW": "read", "TosBucketName": "b"}) == [
        'TrailName is ["t"], but must be a string.',
        'EventRW is "read", but must be All, Read or Write.',
    ]
    assert refused(CreateTrail, {"TrailName": "t"})[0].startswith("a trail must deliver somewhere")
    assert refused(LookupEvents, {"zzz": 1})[0].startswith("zzz is not known; known are StartTime, EndTime, ")


def test_a_name_in_python_s_spelling_is_not_known() -> None:
    assert refused(LookupEvents, {"max_results": 1}) == ["max_results is not known; did you mean MaxResults?"]


@pytest.mark.parametrize(
    ("name", "found"), [("maxresults", "MaxResults"), ("max_result", "MaxResults"), ("Max-Results", "MaxResults")]
)
def test_a_slip_in_a_name_is_understood(name: str, found: str) -> None:
    assert nearest(name, ["NextToken", "MaxResults"]) == found
    assert nearest("nothing alike", ["NextToken", "MaxResults"]) is None


@given(st.recursive(st.none() | st.text() | st.integers(), st.lists, max_leaves=50))
def test_a_refused_value_is_shown_shortly(value: Any) -> None:
    assert len(shown(value)) <= LONGEST_SHOWN + 1


# Words

SCHEMA = input_schema(LookupEvents)
ORGANIZATION = {
    "properties": {
        "Names": {"type": "array", "items": {"type": "string"}},
        "Id": {"type": "string"},
        "Limit": {"type": "integer"},
        "Flag": {"type": "boolean"},
        "Document": {"anyOf": [{"type": "object"}, {"type": "string"}]},
    }
}


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        ([], {}),
        (['{"a": 1}'], {"a": 1}),
        ([' {"a": "=" }'], {"a": "="}),
        (["Limit=5", "Flag=true"], {"Limit": 5, "Flag": True}),
        (["Id=0012345678901234567890"], {"Id": "0012345678901234567890"}),
        (["Id=a=b"], {"Id": "a=b"}),
        (["Id="], {"Id": ""}),
        (["Limit=many"], {"Limit": "many"}),
        (["Names=a"], {"Names": ["a"]}),
        (["Names=1", "Names=true"], {"Names": ["1", "true"]}),
        (['Names=["a", "b"]', "Names=c"], {"Names": ["a", "b", "c"]}),
        (["Names=[not json"], {"Names": ["[not json"]}),
        (['Document={"Statement": []}'], {"Document": {"Statement": []}}),
        (["Document=text"], {"Document": "text"}),
        (["Unknown=5"], {"Unknown": 5}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_words_become_arguments(words: list[str], arguments: dict[str, Any]) -> None:
    assert parse(words, ORGANIZATION) == arguments


@pytest.mark.parametrize("words", [["a"], ["=a"], ["[1]"], ["{"], ["{}", "a=1"], ["Id=1", "Id=2"], ["{}}"]])
def test_other_words_are_refused(words: list[str]) -> None:
    with pytest.raises(ArgumentsError) as caught:
        parse(words, ORGANIZATION)
    assert caught.value.message.endswith(".")


def test_a_condition_can_be_given_in_words() -> None:
    condition = {"LookupConditionKey": "EventName", "LookupConditionValue": "DeleteTrail"}
    assert parse([f"LookupConditions={json.dumps(condition)}"], SCHEMA) == {"LookupConditions": [condition]}


# Tables


def columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


CELLS = st.text(st.sampled_from("ab 中文。x"), max_size=60)


@settings(deadline=None)
@given(st.lists(st.fixed_dictionaries({"名称": CELLS, "B": CELLS, "C": CELLS}), min_size=1, max_size=5))
def test_columns_are_aligned_whatever_is_in_them(rows: list[dict[str, str]]) -> None:
    marked = [{**row, "End": "|"} for row in rows]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "300")
        head, *lines = table(marked).splitlines()
    assert len(lines) == len(rows)
    assert head.endswith("End")
    for line in lines:
        assert line.endswith("|")
        assert columns(line) == columns(head) - 2


def test_a_long_cell_is_cut_and_what_has_no_room_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    said = table([{"A": "中" * 100, "B": "b", "C": ""}])
    assert said.splitlines()[1] == "中" * 21 + "…"
    assert "not shown for want of room: B;" in said
    assert "C" not in said.splitlines()[0], "a column that is empty throughout is left out"


def test_results_and_errors_as_a_person_reads_them() -> None:
    content = {"Total": 2, "List": [{"A": "x", "B": None}, None], "Owner": {"Name": "张三"}, "Empty": []}
    assert readable(content) == "Total: 2\nEmpty: []\n\nList (2)\nA\nx\n\nOwner\n  Name: 张三"
    assert readable({}) == "Done; the service returned nothing more."
    assert problem({"Code": "A", "Message": "B."}) == "Error A: B."
