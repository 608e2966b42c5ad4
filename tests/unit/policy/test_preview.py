"""Imagined changes: attach, detach and replace, what they change, and the actions to ask about."""

from __future__ import annotations

import pytest
from unit.policy.examples import ACCOUNT, FULL, allow, deny, document, path, policy
from volcengine_policy import (
    Enablement,
    Outcome,
    Principal,
    Request,
    attach,
    compare,
    detach,
    known_actions,
    parse,
    probe_actions,
    replace_policy,
)

NO_RUN = policy("guard", deny("ecs:RunInstances"))
RUN, STOP = (
    Request("ecs:RunInstances", principal=Principal.USER),
    Request("ecs:StopInstances", principal=Principal.USER),
)


def outcomes(before: object, after: object) -> list[tuple[str, Outcome, Outcome]]:
    changes = compare(
        before,  # type: ignore[arg-type]
        after,  # type: ignore[arg-type]
        [RUN, STOP],
        enablement=Enablement.ENABLED,
        is_administrator=False,
    )
    return [(c.request.action, c.before.outcome, c.after.outcome) for c in changes]


def test_attaching_denies_what_it_denies() -> None:
    after = attach(path(), "ou-1", NO_RUN)
    assert outcomes(path(), after) == [
        ("ecs:RunInstances", Outcome.ALLOWED, Outcome.DENIED_BY_STATEMENT),
    ]
    assert outcomes(after, detach(after, "ou-1", NO_RUN.id)) == [
        ("ecs:RunInstances", Outcome.DENIED_BY_STATEMENT, Outcome.ALLOWED),
    ]
    assert outcomes(path(), path()) == []


def test_replacing_changes_it_wherever_it_is_attached() -> None:
    before = attach(attach(path(), "r-1", NO_RUN), ACCOUNT, NO_RUN)
    after = replace_policy(before, NO_RUN.id, policy("guard", deny("ecs:StopInstances")))
    assert [action for action, _, _ in outcomes(before, after)] == ["ecs:RunInstances", "ecs:StopInstances"]


def test_replacing_full_access_by_a_list_denies_the_rest() -> None:
    after = attach(detach(path(), "ou-1", FULL.id), "ou-1", policy("list", allow("ecs:Run*")))
    assert outcomes(path(), after) == [
        ("ecs:StopInstances", Outcome.ALLOWED, Outcome.DENIED_FOR_WANT_OF_ALLOW),
    ]
    assert outcomes(path(), attach(detach(path(), "ou-1", FULL.id), "ou-1", FULL)) == []


def test_a_new_dependency_is_a_change() -> None:
    perhaps = deny("ecs:RunInstances", Condition={"IpAddress": {"volc:SourceIp": "10.0.0.0/8"}})
    other = deny("ecs:RunInstances", Condition={"StringEquals": {"volc:UserName": "a"}})
    one = attach(path(), "ou-1", policy("guard", perhaps))
    two = attach(one, "ou-1", policy("other", other))
    assert outcomes(path(), one) == [("ecs:RunInstances", Outcome.ALLOWED, Outcome.DEPENDS)]
    assert outcomes(one, two) == [("ecs:RunInstances", Outcome.DEPENDS, Outcome.DEPENDS)]


def test_a_change_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="not on this path; it has r-1, ou-1"):
        attach(path(), "ou-9", NO_RUN)
    with pytest.raises(ValueError, match="already attached"):
        attach(path(), "ou-1", FULL)
    with pytest.raises(ValueError, match="not attached to unit ou-1"):
        detach(path(), "ou-1", NO_RUN.id)
    with pytest.raises(ValueError, match="not attached to any node"):
        replace_policy(path(), NO_RUN.id, NO_RUN)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (deny("ecs:*teInstance?"), {"AllocateInstances", "DeleteInstances"}),
        (deny("ECS:runinstances", "nosuch:Thing"), {"RunInstances"}),
        (
            deny("ecs:*teInstance?", "ecs:Run*", NotAction=["*:De*"]),
            {"AllocateInstances", "RunCommand", "RunInstances"},
        ),
        (deny("broken"), set()),
        ("text", set()),
    ],
)
def test_the_actions_to_ask_about(statement: object, expected: set[str]) -> None:
    assert set(probe_actions(parse(document(statement)))) == {f"ecs:{name}" for name in expected}


def test_a_wildcard_touches_everything_known() -> None:
    assert probe_actions(parse(document(allow("*")))) == known_actions()
    alone = parse(document({"Effect": "Deny", "NotAction": ["ecs:*"]}))
    assert set(known_actions()) - set(probe_actions(alone)) == {a for a in known_actions() if a[:4] == "ecs:"}
