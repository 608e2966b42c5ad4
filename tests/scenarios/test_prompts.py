"""Prompts and resources: what a person can start, and what can be pointed at."""

from __future__ import annotations

import json
import re

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import TextContent, TextResourceContents
from scenarios.asking import NOTICE, Asker, asking
from volcengine_sandbox import Sandbox

pytestmark = pytest.mark.anyio

PROMPTS = {
    "cloud-trail": {
        "investigate-access-key": {"access_key": True, "since": False},
        "who-changed-this-resource": {"resource_id": True, "since": False},
        "weekly-audit-review": {},
    },
    "organization": {
        "review-policy-before-rollout": {"document": True, "target_id": True},
        "onboard-an-account": {"purpose": True},
        "should-this-have-been-possible": {"account": True, "action": True},
    },
}
BOTH = pytest.mark.parametrize("key", sorted(PROMPTS))


async def text_of(asker: Asker, prompt: str, **arguments: str) -> str:
    (message,) = (await asker.client.get_prompt(prompt, arguments)).messages
    assert message.role == "user"
    assert isinstance(message.content, TextContent)
    return message.content.text


async def read(asker: Asker, uri: str) -> dict[str, object]:
    (content,) = (await asker.client.read_resource(uri)).contents
    assert isinstance(content, TextResourceContents)
    assert content.mime_type == "application/json"
    found = json.loads(content.text)
    assert isinstance(found, dict)
    return found


@BOTH
async def test_the_prompts_for_the_jobs_that_people_do(running: Sandbox, key: str) -> None:
    async with asking(key, running, stdio=True) as asker:
        prompts = (await asker.client.list_prompts()).prompts
        tools = {tool.name for tool in (await asker.client.list_tools()).tools}
        listed = {p.name: {a.name: bool(a.required) for a in p.arguments or ()} for p in prompts}
        assert listed == PROMPTS[key]
        for prompt in prompts:
            assert re.fullmatch(r"\W*[\u4e00-\u9fff].+ · [A-Z].+", prompt.title or "")
            given = {name: f"<{name}>" for name in listed[prompt.name]}
            text = await text_of(asker, prompt.name, **given)
            assert all(value in text for value in given.values())
            named = set(re.findall(r"\b(?:Get|Find|List|Trace|Summarize|Check|Explain|Simulate|Preview)[A-Z]\w+", text))
            assert named
            assert named <= tools, "a prompt names tools that there are"


@BOTH
async def test_a_prompt_without_what_it_needs_is_refused(running: Sandbox, key: str) -> None:
    async with asking(key, running) as asker:
        for name, arguments in PROMPTS[key].items():
            for needed in (argument for argument, required in arguments.items() if required):
                others = {other: "x" for other in arguments if other != needed}
                for given in (others, {**others, needed: ""}):
                    with pytest.raises(MCPError, match=f"needs {needed}"):
                        await asker.client.get_prompt(name, given)
        with pytest.raises(MCPError, match="There is no prompt"):
            await asker.client.get_prompt("no-such-prompt\u202e")


async def test_an_optional_argument_may_be_left_out(running: Sandbox) -> None:
    async with asking("cloud-trail", running) as asker:
        assert "since not given" in await text_of(asker, "investigate-access-key", access_key="AKLTx")


@pytest.mark.parametrize("hostile", ["{0.__class__}", "{access_key.__init__.__globals__}", "{", "}", "{since}", "%s{}"])
async def test_an_argument_is_text_and_no_format(running: Sandbox, hostile: str) -> None:
    async with asking("cloud-trail", running) as asker:
        text = await text_of(asker, "investigate-access-key", access_key=hostile, extra="{0}")
        assert hostile in text
        assert "object at" not in text
        assert "globals" not in text.replace(hostile, "")


# Resources


async def test_an_event_has_an_address(running: Sandbox) -> None:
    event = running.stories.leaked_key.event_ids[-1]
    async with asking("cloud-trail", running, stdio=True) as asker:
        templates = (await asker.client.list_resource_templates()).resource_templates
        assert [(template.uri_template, template.mime_type) for template in templates] == [
            ("trail://events/{EventID}", "application/json"),
            ("trail://export/{Format}/{StartTime}/{EndTime}", "application/jsonl"),
        ]
        assert (await asker.client.list_resources()).resources == []
        found = await read(asker, f"trail://events/{event}")
        assert found == await asker.ask("GetEvent", EventID=event) | {"Coverage": found["Coverage"]}
        assert found["Notice"] == NOTICE


async def test_the_tree_and_policies_have_addresses(running: Sandbox) -> None:
    org = next(iter(running.state.organizations.values()))
    policy = next(each for each in org.policies.values() if not each.system)
    async with asking("organization", running, stdio=True) as asker:
        (listed,) = (await asker.client.list_resources()).resources
        (template,) = (await asker.client.list_resource_templates()).resource_templates
        assert (str(listed.uri), template.uri_template) == (
            "organization://tree",
            "organization://policies/{PolicyID}",
        )
        tree = await read(asker, "organization://tree")
        assert tree == await asker.ask("GetOrganizationTree")
        found = await read(asker, f"organization://policies/{policy.id}")
        assert json.loads(str(found["Statement"])) == json.loads(policy.statement)


@pytest.mark.parametrize(
    "uri",
    [
        "trail://events/no-such-event",
        "trail://events/",
        "trail://events/a/b",
        "trail://events/..%2f..%2fetc%2fpasswd",
        "trail://events/%7B0.__class__%7D",
        "trail://events/%E2%80%AEx",
        "trail://events/x?EventID=y",
        "trail://other/x",
        "organization://tree",
        "file:///etc/passwd",
        "trail://events/" + "a" * 5000,
    ],
)
async def test_an_address_that_is_none_answers_an_error_and_nothing_else(running: Sandbox, uri: str) -> None:
    async with asking("cloud-trail", running) as asker:
        with pytest.raises(MCPError) as caught:
            await asker.client.read_resource(uri)
        assert len(str(caught.value)) < 6000
        assert "root:" not in str(caught.value)
        assert "\u202e" not in str(caught.value)
        assert await asker.ask("CheckTrailCoverage"), "the server goes on"


async def test_read_only_keeps_resources_and_toolsets_take_theirs_away(running: Sandbox) -> None:
    async with asking("organization", running, MCP_SERVER_READ_ONLY="true") as asker:
        assert (await read(asker, "organization://tree"))["Tree"]
    async with asking("organization", running, MCP_SERVER_TOOLSETS="policies") as asker:
        assert (await asker.client.list_resources()).resources == []
        assert len((await asker.client.list_resource_templates()).resource_templates) == 1
        with pytest.raises(MCPError):
            await asker.client.read_resource("organization://tree")
