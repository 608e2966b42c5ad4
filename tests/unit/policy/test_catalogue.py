"""What is known of actions, held against the SDK's own lists."""

from __future__ import annotations

import pytest
import volcenginesdkcloudtrail
import volcenginesdkorganization
from volcengine_policy import Access, access, known_actions, known_service, known_spelling


@pytest.mark.parametrize(
    ("api", "service"),
    [
        (volcenginesdkorganization.ORGANIZATIONApi, "organization"),
        (volcenginesdkcloudtrail.CLOUDTRAILApi, "cloud_trail"),
    ],
)
def test_every_action_of_the_two_services_is_known(api: type, service: str) -> None:
    methods = {name for name in vars(api) if not name.startswith("_") and not name.endswith("_with_http_info")}
    known = {a.partition(":")[2] for a in known_actions() if a.startswith(f"{service}:")}
    assert {name.lower() for name in known} == {name.replace("_", "") for name in methods}


def test_actions_are_sorted_and_spelt_once() -> None:
    actions = known_actions()
    assert list(actions) == sorted(set(actions))
    assert len({action.casefold() for action in actions}) == len(actions)
    assert known_spelling("ECS:runinstances") == "ecs:RunInstances"
    assert known_spelling("ecs:Fly") is None
    assert known_service("tls") == "TLS"
    assert known_service("") is None


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("ecs:DescribeInstances", Access.READ),
        ("organization:ListAccounts", Access.READ),
        ("cloud_trail:LookupEvents", Access.READ),
        ("ecs:LookupThings", Access.WRITE),
        ("tos:HeadBucket", Access.READ),
        ("kms:BatchGetSecretValue", Access.WRITE),
        ("iam:CreateUser", Access.WRITE),
    ],
)
def test_actions_read_or_write_by_their_verb(action: str, expected: Access) -> None:
    assert access(action) is expected
