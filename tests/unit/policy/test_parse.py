"""Reading a policy document: what is understood, and what is said of a text that is wrong."""

from __future__ import annotations

import json

import pytest
from unit.policy.examples import ALLOW_ALL, document
from volcengine_policy import can_be_valid, parse, serialise


def codes(source: object) -> list[tuple[str, str]]:
    return [(problem.code, problem.path) for problem in parse(source).problems]


def test_text_and_object_are_the_same_document() -> None:
    source = document(ALLOW_ALL)
    assert parse(json.dumps(source)) == parse(source)
    assert parse(source).readable


def test_a_single_statement_is_read_and_sent_as_a_list() -> None:
    read = parse({"Statement": ALLOW_ALL})
    assert read.single
    assert [s.path for s in read.statements] == ["Statement[0]"]
    assert json.loads(serialise(read)) == document(ALLOW_ALL)


def test_a_string_stands_for_a_list_of_one() -> None:
    (statement,) = parse(document({"Effect": "Deny", "Action": "ecs:*", "Resource": "*"})).statements
    assert statement.actions is not None
    assert [(v.text, v.path) for v in statement.actions] == [("ecs:*", "Statement[0].Action")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{\n "Statement": [,]\n}', ("json-syntax", "line 2, column 16")),
        ('{"Statement": [] // none\n}', ("json-comment", "line 1, column 18")),
        ('{"Statement": [],\n // next\n "Id": "1"}', ("json-comment", "line 2, column 2")),
        ('{ /* c */ "Statement": []}', ("json-comment", "line 1, column 3")),
        ('{"Statement": [] "Id": "1"}', ("json-syntax", "line 1, column 18")),
        ("", ("json-syntax", "line 1, column 1")),
        ('{"Statement": [], "Statement": []}', ("duplicate-key", "Statement")),
        ('{"Statement": [{"Effect": "Deny", "Effect": "Allow"}]}', ("duplicate-key", "Statement[0].Effect")),
        ('{"Statement": [{"Condition": {"Bool": {"a:b": NaN}}}]}', ("json-constant", "")),
        ("[" * 3000 + "]" * 3000, ("too-deep", None)),
        ("[]", ("not-an-object", "")),
        ("{}", ("no-statement", "")),
        ('{"Statement": "x"}', ("no-statement", "Statement")),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, expected: tuple[str, str | None]) -> None:
    document_ = parse(text)
    (problem,) = document_.problems
    assert problem.code == expected[0]
    assert expected[1] is None or problem.path == expected[1]
    assert not document_.readable
    assert not can_be_valid(document_.problems)


def test_a_deep_text_is_refused_and_not_a_crash() -> None:
    assert [code for code, _ in codes("[" * 200_000)] in (["too-deep"], ["json-syntax"])
    assert [code for code, _ in codes('{"a":' * 60 + "1" + "}" * 60)] == ["too-deep"]


@pytest.mark.parametrize("source", [float("nan"), {1, 2}, b"{}", object(), {"Statement": [{"Effect": {1}}]}])
def test_an_object_that_is_not_json_is_a_problem(source: object) -> None:
    assert not parse(source).readable


def test_numbers_keep_their_digits() -> None:
    text = '{"Statement":[{"Condition":{"NumericEquals":{"a:b":[1.50,' + "9" * 5000 + ",true]}}}]}"
    assert serialise(parse(text)) == text


def test_an_integer_object_of_any_size_is_read() -> None:
    assert parse({"Statement": [], "Id": 10**5000}).readable
