"""The shipped rules: each matches what it is for and not what is near, names actions that exist, and is valid Sigma."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from unit.audit.data.list_actions import named
from unit.audit.detections import DATA, checked, event_from, fixtures
from unit.audit.samples import ACCOUNT, ALICE, NOW, event
from volcengine_audit import Event, Severity
from volcengine_audit.sigma import BUILT_IN, KNOWN, SUPPLIED, Correlation, Rule, load_rules
from volcengine_audit.sigma import __main__ as prebuilding

BOOK = load_rules()
FIXTURES = fixtures()
FILES = sorted(BUILT_IN.rglob("*.yml"))
SINGLE = [name for name, rule in BOOK.rules.items() if rule.detection is not None]
CORRELATIONS = [name for name, rule in BOOK.rules.items() if rule.correlation is not None]
ATTACK = json.loads((DATA / "attack.json").read_text("utf-8"))["objects"]
OLD = Path(__file__).parents[3] / "lib/volcengine_audit/src/volcengine_audit/risks.yaml"
CHINESE = re.compile(r"[一-鿿]")


def cases(kind: str) -> list[Any]:
    return [
        pytest.param(name, spec, id=f"{name}-{index}")
        for name, by_kind in FIXTURES.items()
        for index, spec in enumerate(by_kind[kind])
    ]


@pytest.mark.parametrize(("name", "spec"), cases("match"))
def test_a_rule_matches_what_it_is_for(name: str, spec: dict[str, Any]) -> None:
    found = checked(BOOK, spec)
    rule = BOOK.rules[name]
    if rule.raises:
        assert any(f"raised: {rule.title[0].lower()}{rule.title[1:]}" in mark.reason for mark in found.marks)
        return
    assert name in found.names
    assert not set(rule.replaces) & {mark.name for mark in found.marks}
    others = {other for one in found.names for other in BOOK.rules[one].replaces}
    shown = next((mark for mark in found.marks if mark.name == name), None)
    if name in others or shown is None:
        assert name in others or rule.level == "informational"
        return
    assert shown.title == rule.title
    assert shown.reason.startswith(rule.title)
    assert shown.techniques == rule.techniques
    assert shown.level >= (Severity.INFO if rule.level == "informational" else Severity[rule.level.upper()])


@pytest.mark.parametrize(("name", "spec"), cases("miss"))
def test_a_rule_does_not_match_what_is_near(name: str, spec: dict[str, Any]) -> None:
    found = checked(BOOK, spec)
    assert name not in found.names
    if BOOK.rules[name].raises:
        assert found.marks
        assert not any("raised" in mark.reason for mark in found.marks)


def test_every_rule_has_events_that_match_and_events_that_do_not() -> None:
    assert set(FIXTURES) == set(SINGLE)
    assert all(by_kind["match"] and by_kind["miss"] for by_kind in FIXTURES.values())


def test_every_action_that_a_rule_names_has_an_event() -> None:
    for name in SINGLE:
        wanted = {f"{source}:{action}" for source, action in named(BOOK.rules[name].detection)}
        assert wanted <= {spec["action"] for spec in FIXTURES[name]["match"]}, name


def test_every_action_that_a_rule_names_exists() -> None:
    known = json.loads((DATA / "actions.json").read_text("utf-8"))
    exists = {
        (source, name) for where in ("sdk", "elsewhere") for source in known[where] for name in known[where][source]
    }
    wanted = {one for rule in BOOK.rules.values() for one in named(rule.detection)}
    assert wanted == exists, "run tests/unit/audit/data/list_actions.py"
    assert set(known["elsewhere"]) <= set(known["documents"])


def _whole(rule: Rule) -> object:
    """The detection of a rule, or of the rules that a correlation is of."""
    if rule.correlation is None:
        return rule.detection
    return [BOOK.rules[one].detection for one in rule.correlation.rules]


@pytest.mark.parametrize("name", BOOK.rules)
def test_a_rule_says_in_two_languages_what_it_means_and_what_to_do(name: str) -> None:
    rule = BOOK.rules[name]
    assert rule.zh is not None
    for text in (rule.description, rule.advice):
        assert re.search(r"[.?]$", text), text
    for text in (rule.zh.description, rule.zh.advice):
        assert CHINESE.search(text), text
        assert re.search("[。？]$", text), text
    assert CHINESE.search(rule.zh.title)
    assert not rule.title.endswith(".")
    assert rule.falsepositives
    assert all(one.startswith("https://") for one in rule.references)
    assert rule.id is not None
    assert rule.id.version == 4
    assert set(rule.replaces) <= set(BOOK.rules)


def test_one_file_holds_one_rule_in_the_folder_of_its_tactic() -> None:
    assert len(FILES) == len(BOOK.rules)
    for path in FILES:
        [rule] = [BOOK.rules[document["name"]] for document in yaml.safe_load_all(path.read_text("utf-8"))]
        if not rule.raises:
            assert path.parent.name == rule.tactics[0], path
        assert path.stem == rule.name or (rule.name, path.stem) == ("login", "console-login-succeeded")


def test_the_file_that_the_rules_are_read_from_is_current() -> None:
    assert prebuilding.main(["--check"]) == 0, "run: uv run python -m volcengine_audit.sigma"


def test_techniques_exist_and_come_with_all_their_tactics() -> None:
    tactics = {
        one["external_references"][0]["external_id"]: {phase["phase_name"] for phase in one["kill_chain_phases"]}
        for one in ATTACK
        if one["type"] == "attack-pattern"
    }
    assert {technique for rule in BOOK.rules.values() for technique in rule.techniques} == set(tactics)
    for rule in BOOK.rules.values():
        assert rule.techniques, rule.name
        assert set(rule.tactics) == set().union(*(tactics[one] for one in rule.techniques)), rule.name


def test_pysigma_finds_nothing_wrong(tmp_path: Path) -> None:
    from sigma.collection import SigmaCollection
    from sigma.data import mitre_attack
    from sigma.validation import SigmaValidator
    from sigma.validators.core import validators

    # Its own copy of ATT&CK is fetched from the internet; ours holds the techniques that we name.
    mitre_attack.set_cache_dir(str(tmp_path))
    mitre_attack.set_url(str(DATA / "attack.json"))
    collection = SigmaCollection.load_ruleset([BUILT_IN], recursion_pattern="**/*.yml")
    assert len(collection.rules) == len(FILES)
    assert not collection.errors
    # The check of D3FEND tags, of which we have none, fetches its list too.
    wanted = [one for one in validators.values() if one.__name__ != "D3FENDTagValidator"]
    assert len(wanted) == len(validators) - 1
    issues = SigmaValidator(wanted).validate_rules(iter(collection.rules))  # type: ignore[arg-type] # correlations are checked too
    assert not [str(issue) for issue in issues]


def test_more_than_nine_in_ten_of_the_most_used_detections_are_covered() -> None:
    listed = yaml.safe_load((DATA / "coverage.yaml").read_text("utf-8"))
    assert len(listed) == 60
    for one in listed:
        assert ("rules" in one) is not ("missing" in one), one
        assert set(one.get("rules", ())) <= set(BOOK.rules), one
    assert sum("rules" in one for one in listed) == 57


DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize("page", ["detections.md", "detections.zh-CN.md"])
def test_the_page_names_every_rule_and_derived_field_and_its_examples_work(page: str, tmp_path: Path) -> None:
    text = (DOCS / page).read_text("utf-8")
    for name in BOOK.rules:
        assert f"[`{name}`](" in text
    for name in KNOWN:
        assert re.search(rf"^\| `{name}`( \*)? \|", text, re.MULTILINE), name
        assert (f"`{name}` *" in text) is (name in SUPPLIED)
    for index, example in enumerate(re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)):
        (tmp_path / f"{index}.yml").write_text(example, "utf-8")
    own = load_rules([tmp_path])
    assert set(own.rules) == set(BOOK.rules) - {"sts-identity-asked"} | {"our-billing-bucket", "our-bucket-deletions"}
    touched = event("tos:GetObject", parameters={"BucketName": "billing-2026"})
    assert "our-billing-bucket" in own.check(touched).names


# Correlations: each is met exactly at its timespan and its count, and not one second or one event beyond.


def happened(events: list[Event]) -> list[tuple[int, Event, frozenset[str]]]:
    return [(one.time or 0, one, BOOK.check(one).names) for one in events]


def found(name: str, events: list[Event]) -> list[Correlation]:
    return [one for one in BOOK.correlate(happened(events)) if one.name == name]


def base(name: str) -> list[dict[str, Any]]:
    """Events of a rule, each of another action where it has several."""
    return FIXTURES[name]["match"]


def counted(name: str, count: int, last: int) -> list[Event]:
    """So many events of a correlation that counts, with as many values, the last so many seconds after the first."""
    spec = BOOK.rules[name].correlation
    assert spec is not None
    field, specs = spec.condition.field, base(spec.rules[0])
    events = []
    for index in range(count):
        one = dict(specs[index % len(specs)]) if field == "EventName" else dict(specs[0])
        more: dict[str, Any] = {"at": NOW + (last if index == count - 1 else 0), "id": f"e{index}"}
        if field == "EventName" and len({one["action"] for one in specs}) < count:
            one["action"] = f"x:Do{index}"
        elif field == "Region":
            more |= {"detail": {"Region": f"r-{index}"}, "Region": f"r-{index}"}
        elif field == "UserName":
            one.pop("identity", None)
            more |= {"UserName": f"u{index}", "detail": {"UserIdentity": ALICE | {"UserName": f"u{index}"}}}
        elif field is not None and field.startswith("RequestParameters."):
            more |= {"parameters": {field.partition(".")[2]: f"v{index}"}}
        events.append(event_from(one, **more))
    return events


COUNTING = [name for name in CORRELATIONS if BOOK.rules[name].correlation.type in ("event_count", "value_count")]  # type: ignore[union-attr]
ORDERED = [name for name in CORRELATIONS if BOOK.rules[name].correlation.type == "temporal_ordered"]  # type: ignore[union-attr]


@pytest.mark.parametrize("name", COUNTING)
def test_a_count_is_met_exactly_at_its_bounds(name: str) -> None:
    spec = BOOK.rules[name].correlation
    assert spec is not None
    least, span = spec.condition.least or 0, spec.seconds
    [one] = found(name, counted(name, least, span))
    assert (one.count, one.amount, one.first, one.last) == (least, least, NOW, NOW + span)
    assert one.completed_by == f"e{least - 1}"
    assert one.event_ids[0] == "e0"
    assert one.event_ids[-1] == f"e{least - 1}"
    assert len(one.event_ids) == min(least, 10)
    assert one.level is Severity[BOOK.rules[name].level.upper()]
    assert not found(name, counted(name, least, span + 1))
    assert not found(name, counted(name, least - 1, span))


@pytest.mark.parametrize("name", COUNTING)
def test_a_count_is_not_made_of_several_groups(name: str) -> None:
    spec = BOOK.rules[name].correlation
    assert spec is not None
    events = counted(name, spec.condition.least or 0, 0)
    other = event_from(base(spec.rules[0])[0] | {"identity": "ROOT"}, address="192.0.2.1", id="o", at=NOW)
    assert not found(name, [*events[1:], other])


@pytest.mark.parametrize("name", ORDERED)
def test_a_sequence_is_met_in_its_order_and_timespan(name: str) -> None:
    spec = BOOK.rules[name].correlation
    assert spec is not None
    first, second = (base(one)[0] for one in spec.rules)

    def after(seconds: int) -> list[Event]:
        return [event_from(first, at=NOW, id="a"), event_from(second, at=NOW + seconds, id="b")]

    [one] = found(name, after(spec.seconds))
    assert one.event_ids == ("a", "b")
    assert one.values == spec.rules
    assert not found(name, after(spec.seconds + 1))
    assert not found(name, after(-1))


def test_amounts_are_summed_up() -> None:
    def bought(*counts: int) -> list[Event]:
        return [
            event("ecs:RunInstances", at=NOW + 3600 * index, id=f"{index}", parameters={"Count": count})
            for index, count in enumerate(counts)
        ]

    [one] = found("instances-created-amount", bought(10, 40))
    assert (one.amount, one.count, one.group) == (50, 2, (("Derived.Actor", f"user/alice@{ACCOUNT}"),))
    assert not found("instances-created-amount", bought(10, 39))
    assert not found("instances-created-amount", bought(1, 10, 39, 1))


def test_every_correlation_is_tested() -> None:
    assert {*COUNTING, *ORDERED, "instances-created-amount"} == set(CORRELATIONS)
