"""What clients see, and what the planted stories answer, word for word: a change of either shows in review.

`uv run pytest tests/golden --write-golden` writes the files anew; read the difference before you commit it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from golden.normal import Normal
from mcp.client import Client
from scenarios.asking import Asker, asking, when
from support.servers import environment, in_process
from volcengine_sandbox import Sandbox

pytestmark = pytest.mark.anyio

FILES = Path(__file__).parent / "files"
Compare = Callable[[str, object], None]


@pytest.fixture(scope="module")
def world() -> Iterator[Sandbox]:
    """A sandbox of these tests' own: no other test has left anything in it."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def same(request: pytest.FixtureRequest) -> Compare:
    """Holds a value against its file, or writes the file."""

    def compare(name: str, value: object) -> None:
        path = FILES / f"{name}.json"
        text = json.dumps(value, ensure_ascii=False, indent=1) + "\n"
        if request.config.getoption("--write-golden"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert json.loads(path.read_text(encoding="utf-8")) == json.loads(text)

    return compare


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
@pytest.mark.parametrize("key", ["cloud-trail", "organization"])
@pytest.mark.smoke
async def test_what_a_client_is_told(key: str, mode: str, same: Compare) -> None:
    async with Client(in_process(key, environment()), mode=mode) as client:
        told: dict[str, Any] = {
            "instructions": client.instructions,
            "tools": (await client.list_tools()).tools,
            "prompts": (await client.list_prompts()).prompts,
            "resources": (await client.list_resources()).resources,
            "templates": (await client.list_resource_templates()).resource_templates,
        }
    for name, listed in told.items():
        if isinstance(listed, list):
            told[name] = [item.model_dump(mode="json", by_alias=True, exclude_none=True) for item in listed]
    same(f"{key}.{mode}", told)


async def _answers(asker: Asker, normal: Normal, calls: list[tuple[str, dict[str, Any]]]) -> list[Any]:
    return [
        {"tool": tool, "arguments": normal(arguments), "answer": normal(await asker.ask(tool, **arguments))}
        for tool, arguments in calls
    ]


async def test_what_the_leaked_key_and_its_events_answer(world: Sandbox, same: Compare) -> None:
    story = world.stories.leaked_key
    by_key = [when("AccessKeyID", story.access_key)]
    window = {"StartTime": story.start - 60, "EndTime": story.end + 60}
    calls: list[tuple[str, dict[str, Any]]] = [
        ("TraceIdentity", {"Kind": "access_key", "Value": story.access_key, **window}),
        ("SummarizeEvents", {"GroupBy": ["action", "error"], "LookupConditions": by_key, **window}),
        ("LookupEvents", {"LookupConditions": by_key, **window, "MaxResults": 3}),
        ("LookupEvents", {"LookupConditions": by_key, **window, "Detail": "full"}),
        ("GetEvent", {"EventID": story.event_ids[-1]}),
        ("TraceIdentity", {"Kind": "access_key", "Value": story.created_access_key, **window}),
    ]
    async with asking("cloud-trail", world) as asker:
        same("story.leaked-key", await _answers(asker, Normal(story.start), calls))


async def test_what_the_other_stories_answer(world: Sandbox, same: Compare) -> None:
    stories = world.stories
    async with asking("cloud-trail", world) as asker:
        for name, story in (("console-logins", stories.console_logins), ("policy-change", stories.policy_change)):
            window = {"StartTime": story.start - 60, "EndTime": story.end + 60}
            traced = ("TraceIdentity", {"Kind": "address", "Value": story.source_ip, **window})
            same(f"story.{name}", await _answers(asker, Normal(story.start), [traced]))
        odd = stories.oddities
        whole: list[tuple[str, dict[str, Any]]] = [
            ("GetEvent", {"EventID": event})
            for event in (odd.hidden_characters, odd.instruction_text, odd.unmasked_password, odd.root_without_name)
        ]
        same("story.oddities", await _answers(asker, Normal(stories.leaked_key.start), whole))
        checked: list[tuple[str, dict[str, Any]]] = [("CheckTrailCoverage", {})]
        same("story.trails", await _answers(asker, Normal(stories.leaked_key.start), checked))


async def test_what_the_organization_answers(world: Sandbox, same: Compare) -> None:
    organization = next(iter(world.state.organizations.values()))
    account = next(iter(organization.members))
    policy = next(policy for policy in organization.policies.values() if not policy.system)
    deny = {"Statement": [{"Effect": "Deny", "Action": ["ecs:DeleteInstance"], "Resource": ["*"]}]}
    everything = {"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
    calls: list[tuple[str, dict[str, Any]]] = [
        ("GetOrganizationTree", {}),
        ("FindAccounts", {"Unit": "Prod"}),
        ("ExplainPolicies", {"TargetID": account}),
        ("SimulatePolicies", {"AccountId": account, "Action": "cloud_trail:StopLogging"}),
        (
            "SimulatePolicies",
            {
                "AccountId": account,
                "Action": "ecs:DeleteInstance",
                "Principal": "root",
                "Change": {"Kind": "add", "Statement": deny, "TargetID": organization.root_id},
            },
        ),
        ("PreviewServiceControlPolicy", {"Statement": everything}),
        ("PreviewServiceControlPolicy", {"Statement": deny, "TargetID": organization.root_id}),
        ("PreviewServiceControlPolicy", {"Statement": deny, "PolicyID": policy.id}),
    ]
    async with asking("organization", world) as asker:
        same("organization", await _answers(asker, Normal(world.stories.leaked_key.start), calls))
