"""Rules files: a user's own rules are laid over the built-in ones, and mistakes are named with their place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from unit.audit.samples import NOW, ROOT, event
from volcengine_audit import RulesError, load_rules, mark_event, mark_events

DOCS = Path(__file__).parents[3] / "docs"
OWN = "rules:\n  - {id: own, severity: high, reason: r, actions: [tos:Get*]}\n"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tmp_path / "own.yaml"


def ids(path: Path | None, *args: object, **kwargs: object) -> dict[str, str]:
    return {mark.id: mark.severity.value for mark in mark_event(event(*args, **kwargs), load_rules(path))}


def test_a_rule_is_added(own: Path) -> None:
    own.write_text(OWN, "utf-8")
    assert ids(own, "tos:GetObject") == {"own": "high", "object-touched": "info"}
    assert ids(own, "iam:CreateAccessKey") == {"iam-access-key-created": "high"}


def test_a_rule_is_replaced_whole(own: Path) -> None:
    own.write_text("rules: [{id: object-touched, severity: low, reason: r, actions: ['tos:Put*']}]", "utf-8")
    assert ids(own, "tos:GetObject") == {}
    assert ids(own, "tos:PutObject") == {"object-touched": "low"}
    assert load_rules(own).ids == load_rules().ids


def test_rules_and_escalators_are_disabled(own: Path) -> None:
    own.write_text("disable: [root-use, escalate-root]", "utf-8")
    assert ids(own, "iam:CreateUser", ROOT) == {"iam-user-changed": "medium"}


def test_an_empty_file_changes_nothing(own: Path) -> None:
    own.write_text("# nothing yet\n", "utf-8")
    assert load_rules(own) == load_rules()


def test_own_networks_raise_what_comes_from_elsewhere(own: Path) -> None:
    own.write_text("networks: [203.0.113.0/24, '2001:db8::/32']", "utf-8")
    assert ids(own, "iam:CreateUser", address="203.0.113.9") == {"iam-user-changed": "medium"}
    assert ids(own, "iam:CreateUser", address="10.0.0.1") == {"iam-user-changed": "medium"}
    assert ids(own, "iam:CreateUser", address="console") == {"iam-user-changed": "medium"}
    assert ids(own, "iam:CreateUser", address="8.8.8.8") == {"iam-user-changed": "high"}
    assert ids(None, "iam:CreateUser", address="8.8.8.8") == {"iam-user-changed": "medium"}


def test_limits_and_logins_are_changed_by_name(own: Path) -> None:
    own.write_text("limits: {burst_count: 2}\nlogins: {names: [Enter], sources: []}", "utf-8")
    rules = load_rules(own)
    assert (rules.limits.burst_count, rules.limits.failures) == (2, 3)
    assert ids(own, "portal:Enter") == {"login": "info"}
    assert ids(own, "signin:ConsoleLogin") == {}
    created = [event("ecs:RunInstances", at=NOW + index, id=str(index)) for index in range(2)]
    assert mark_events(created, rules)[1][0].id == "instances-created-burst"


@pytest.mark.parametrize(
    ("when", "matching", "other"),
    [
        ("{failed: true}", {"error": "X"}, {}),
        ("{failed: false}", {}, {"error": "X"}),
        ("{errors: ['*Denied']}", {"error": "accessdenied"}, {"error": "NotFound"}),
        ("{read_only: true}", {"detail": {"ReadOnly": True}}, {"detail": {"ReadOnly": False}}),
        ("{identity: [root]}", {"identity": ROOT}, {}),
        (
            "{parameters: {bucket*: ['billing-?']}}",
            {"parameters": {"BucketName": "Billing-1"}},
            {"parameters": {"B": "x"}},
        ),
        ("{parameters: {n: ['5'], f: ['true']}}", {"parameters": {"N": 5, "F": True}}, {"parameters": {"N": 5}}),
        ("{opens: {networks: [0.0.0.0/0]}}", {"parameters": {"CidrIp": "0.0.0.0/0", "Port": "80"}}, {"parameters": ""}),
    ],
)
def test_conditions(own: Path, when: str, matching: dict[str, object], other: dict[str, object]) -> None:
    own.write_text(
        f"rules: [{{id: own, severity: low, reason: r, actions: ['a:B'], escalates: false, when: {when}}}]", "utf-8"
    )
    assert "own" in ids(own, "a:B", **matching)
    assert "own" not in ids(own, "a:B", **other)
    assert "own" not in ids(own, "a:C", **matching)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[1]", "must be a mapping"),
        ("rules: {}", "'rules' must be a list"),
        ("rulez: []", "'rulez' is not known; allowed are disable, escalators, limits, logins, networks, rules"),
        ("rules: [5]", r"rules\[0\]: must be a mapping, not 5"),
        ("rules: [{severity: low}]", r"rules\[0\]: 'id' is missing"),
        (
            "rules: [{id: a, severity: hgih, actions: ['a:b'], reason: r}]",
            r"\(id a\): 'severity' must be one of info, low",
        ),
        ("rules: [{id: a, severity: low, actions: ['a:b']}]", "'reason' is missing"),
        ("rules: [{id: a, severity: low, actions: ['a:b'], reason: ' '}]", "'reason' must be a text, not ' '"),
        ("rules: [{id: a, severity: low, reason: r}]", "mark every event"),
        ("rules: [{id: a, severity: low, reason: r, actions: [GetX]}]", "source:name"),
        ("rules: [{id: a, severity: low, reason: r, actions: [5]}]", "numbers need quotes"),
        ("rules: [{id: a, severity: low, reason: r, actions: ['a:b'], wehn: {}}]", "'wehn' is not known"),
        ("rules: [{id: a, severity: low, reason: r, actions: ['a:b'], when: {}}]", "when: no condition"),
        ("rules: [{id: a, severity: low, reason: r, when: {failed: 'yes'}}]", "'failed' must be true or false"),
        ("rules: [{id: a, severity: low, reason: r, when: {identity: [boss]}}]", "some of root, user"),
        ("rules: [{id: a, severity: low, reason: r, when: {circumstances: [odd]}}]", "some of after-failures"),
        ("rules: [{id: a, severity: low, reason: r, when: {opens: {ports: [1]}}}]", "'networks' is missing"),
        ("rules: [{id: a, severity: low, reason: r, when: {opens: {networks: [x]}}}]", "203.0.113.0/24, not 'x'"),
        (
            "rules: [{id: a, severity: low, reason: r, when: {opens: {networks: ['::/0'], ports: [70000]}}}]",
            "0 to 65535",
        ),
        (
            "rules: [{id: a, severity: low, reason: r, actions: ['a:b'], replaces: [zz]}]",
            "replaces 'zz', which no rule has",
        ),
        (OWN + "  - {id: own, severity: low, reason: r, actions: ['a:b']}", "the ID 'own' twice"),
        ("disable: [nothing]", "'disable' names 'nothing', which no rule has"),
        ("networks: [203.0.113.1/24]", "'networks' must hold networks"),
        ("limits: {burst: 2}", "'burst' is not known; allowed are failures"),
        ("limits: {burst_count: 0}", "whole number above 0"),
        ("escalators: [{id: e, reason: r}]", "'when' is missing"),
        ("escalators: [{id: root-use, reason: r, when: {failed: true}}]", "of a rule and of an escalator"),
        ("disable: [a]\ndisable: [b]", "'disable' is given twice"),
        ("rules: [", "is not valid YAML"),
        ("a: !!python/object:os.system {}", "is not valid YAML"),
    ],
)
def test_a_mistake_is_named_with_its_place(own: Path, text: str, sentence: str) -> None:
    own.write_text(text, "utf-8")
    with pytest.raises(RulesError, match=sentence) as caught:
        load_rules(own)
    assert str(caught.value).startswith(f"{own}: ")
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(own: Path) -> None:
    with pytest.raises(RulesError, match=r"own\.yaml: cannot be read"):
        load_rules(own)
    own.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RulesError, match="not UTF-8"):
        load_rules(own)


@pytest.mark.parametrize("page", ["risk-marks.md", "risk-marks.zh-CN.md"])
def test_the_documents_tell_every_rule_as_it_is(page: str) -> None:
    rows = {}
    for line in (DOCS / page).read_text("utf-8").splitlines():
        if match := re.match(r"\| `([a-z-]+)` \| (info|low|medium|high|critical)( †)? \| (.*?) \|", line):
            rows[match[1]] = (match[2], not match[3], tuple(re.findall(r"`([^`]+)`", match[4])))
    rules = load_rules()
    assert rows == {rule.id: (rule.severity.value, rule.escalates, rule.actions) for rule in rules.rules}


@pytest.mark.parametrize("page", ["risk-marks.md", "risk-marks.zh-CN.md"])
def test_the_documents_tell_escalators_and_what_is_replaced(page: str) -> None:
    text, rules = (DOCS / page).read_text("utf-8"), load_rules()
    for escalator in rules.escalators:
        assert f"| `{escalator.id}` |" in text
    for rule in rules.rules:
        [row] = re.findall(rf"^\| `{rule.id}` \| {rule.severity.value}.*", text, re.MULTILINE)
        assert all(f"`{name}`" in row for name in rule.replaces)


@pytest.mark.parametrize("page", ["risk-marks.md", "risk-marks.zh-CN.md"])
def test_the_example_of_the_documents_works(page: str, own: Path) -> None:
    [example] = re.findall(r"```yaml\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)
    own.write_text(example, "utf-8")
    assert ids(own, "tos:DeleteBucket", parameters={"BucketName": "billing-1"})["our-billing-bucket"] == "critical"
