"""The data files: every text is used with the values that it has places for, and what is generated is consistent."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from string import Formatter

import pytest
import volcengine_policy
from pydantic import ValidationError
from volcengine_policy import access, finding_texts, is_sensitive, known_spelling
from volcengine_policy.catalogue import actions_by_service, judged
from volcengine_policy.condition_keys import condition_keys, known_key
from volcengine_policy.data import Entry, load
from volcengine_policy.findings import FindingText

SOURCE = Path(volcengine_policy.__file__).parent


def uses() -> dict[str, set[str]]:
    """The key of each text that the package gives out, with the names of the values that it gives it."""
    found: dict[str, set[str]] = {}
    for file in SOURCE.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "finding":
                key = node.args[0]
                assert isinstance(key, ast.Constant)
                found[str(key.value)] = {str(keyword.arg) for keyword in node.keywords}
    return found


def places(text: FindingText) -> set[str]:
    return {name for part in (text.message, text.advice) for _, name, _, _ in Formatter().parse(part) if name}


def test_every_text_is_used_with_the_values_that_it_has_places_for() -> None:
    assert uses() == {key: places(text) for key, text in finding_texts().items()}


def test_a_code_has_one_severity() -> None:
    severities: dict[str, set[str]] = {}
    for key, text in finding_texts().items():
        severities.setdefault(key.partition("/")[0], set()).add(text.severity)
    assert all(len(each) == 1 for each in severities.values())


def test_a_data_file_with_a_field_too_many_is_refused() -> None:
    class Short(Entry):
        """Fewer fields than the file has."""

        severity: str

    with pytest.raises(ValidationError, match="Extra inputs"):
        load("findings.yaml", dict[str, Short])


def test_hand_judged_facts_speak_of_services_that_are_known() -> None:
    services = {service.lower() for service in actions_by_service()}
    facts = judged()
    assert facts.honours_not | facts.ignores_not <= services
    assert not facts.honours_not & facts.ignores_not
    assert {action for action in facts.sensitive_reads if known_spelling(action) != action} == set()
    assert is_sensitive("kms:GetSecretValue")
    assert not is_sensitive("kms:ListKeys")
    assert access("rms:ReallyGetThings") == "read"


def test_the_generated_file_has_every_service_once_and_leaves_by_hand_only_what_it_does_not_have() -> None:
    generated = json.loads((SOURCE / "data" / "actions.json").read_text(encoding="utf-8"))
    assert generated["source"].startswith("volcengine-python-sdk==")
    services = generated["services"]
    assert list(services) == sorted(services)
    assert len(services) > 100
    assert len(services["ecs"]) > 100
    by_hand = judged()
    for service, actions in by_hand.actions.items():
        assert not set(actions) & set(services.get(service, ())), service
    assert set(by_hand.spellings) <= set(services)
    assert actions_by_service()["Redis"]
    assert "redis" not in actions_by_service()


def test_condition_keys_are_found_whatever_their_case_and_tags_by_their_prefix() -> None:
    assert {known_key(key.name.rstrip("/") + "/x" * key.name.endswith("/")) for key in condition_keys()} == set(
        condition_keys()
    )
    found = known_key("VOLC:resourcetag/Team")
    assert found is not None
    assert found.name == "volc:ResourceTag/"
    assert known_key("volc:ResourceTag") is None
