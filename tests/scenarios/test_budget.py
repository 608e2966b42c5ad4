"""What a model has to read: the tool list, and answers that stay within their size."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scenarios.asking import asking, when
from scenarios.planting import plant
from volcengine_mcp.budget import fitted, size
from volcengine_sandbox import Sandbox

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(("key", "read", "whole"), [("cloud-trail", 18_000, 80_000), ("organization", 24_000, 72_000)])
async def test_the_tool_list_fits_a_models_context(running: Sandbox, key: str, read: int, whole: int) -> None:
    """Names, descriptions and input schemas are what a model reads; the rest crosses the wire."""
    async with asking(key, running, stdio=True) as asker:
        listed = await asker.client.list_tools()
    tools = listed.model_dump(mode="json", by_alias=True, exclude_none=True)["tools"]
    told = [{name: tool[name] for name in ("name", "description", "inputSchema")} for tool in tools]
    assert size(told) <= read
    assert size(tools) <= whole
    assert size(told) > read / 4, "it measures something"


@pytest.mark.parametrize("budget", [4_000, 15_000])
async def test_no_answer_exceeds_the_budget(running: Sandbox, budget: int) -> None:
    """`ask` holds every answer to the budget, its schema and JSON."""
    odd = running.stories.oddities.long_response
    owner = running.administrator.account_id
    statement = {"Statement": [{"Effect": "Deny", "Action": ["*"], "Resource": ["*"]}]}
    root = next(iter(running.state.organizations.values())).root_id
    calls: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("cloud-trail", "LookupEvents", {"MaxResults": 1000}),
        ("cloud-trail", "LookupEvents", {"Detail": "full", "EndTime": "1h ago"}),
        ("cloud-trail", "SummarizeEvents", {"GroupBy": ["actor", "action", "day"], "StartTime": "20d ago", "Top": 100}),
        ("cloud-trail", "TraceIdentity", {"Kind": "user", "Value": "li.jing", "StartTime": "60 days ago"}),
        ("cloud-trail", "GetEvent", {"EventID": odd}),
        ("cloud-trail", "CheckTrailCoverage", {}),
        ("organization", "GetOrganizationTree", {}),
        ("organization", "FindAccounts", {}),
        ("organization", "ExplainPolicies", {"TargetID": owner}),
        ("organization", "PreviewServiceControlPolicy", {"Statement": statement, "TargetID": root}),
        ("organization", "ListAccounts", {"Limit": 100}),
    )
    for key in ("cloud-trail", "organization"):
        async with asking(key, running, MCP_SERVER_ANSWER_BUDGET=str(budget)) as asker:
            for server, tool, arguments in calls:
                if server == key:
                    answer = await asker.ask(tool, **arguments)
                    told = answer.get("Shortened")
                    assert told is None or told["How"]
                    assert "Coverage" in answer or tool == "ListAccounts"


async def test_an_event_that_is_too_long_is_shown_without_the_end_of_its_longest_list(running: Sandbox) -> None:
    async with asking("cloud-trail", running, MCP_SERVER_ANSWER_BUDGET="6000") as asker:
        answer = await asker.ask("GetEvent", EventID=running.stories.oddities.long_response)
    (event,) = answer["Events"]
    shown = event["EventDetail"]["ResponseElements"]["Instances"]
    left_out = answer["Shortened"]["Rows"]["Events[].EventDetail.ResponseElements.Instances"]
    assert len(shown) + left_out == 571
    assert len(shown) > 50
    assert event["EventDetail"]["UserIdentity"]["UserName"] == "zhang.wei"


async def test_detail_goes_before_rows(box: Sandbox) -> None:
    events = [
        plant(box, user_agent="x" * 2000, request_parameters=json.dumps({"Script": "y" * 3000})) for _ in range(9)
    ]
    async with asking("cloud-trail", box, MCP_SERVER_ANSWER_BUDGET="45000") as asker:
        mine = [when("IdentityName", "planted")]
        answer = await asker.ask("LookupEvents", Detail="full", MaxResults=9, LookupConditions=mine)
    shown = answer["Trails"]
    assert {event["EventID"] for event in shown} == {event.event_id for event in events}, "no row was dropped"
    assert "Rows" not in answer["Shortened"]
    assert sum(answer["Shortened"]["Detail"].values()) >= 3
    assert "Script" in json.dumps(shown[0]), "the newest keep what fits"
    assert "GetEvent" in answer["Shortened"]["How"]


async def test_a_drawing_that_is_too_long_ends_with_how_much_is_missing(box: Sandbox) -> None:
    org = next(iter(box.state.organizations.values()))
    for number in range(400):
        account = box.state.add_account(f"bulk-{number}", "示例", box.state.now)
        box.state.add_member(org, account, org.root_id, f"批量 {number}", box.state.now)
    async with asking("organization", box, MCP_SERVER_ANSWER_BUDGET="10000") as asker:
        answer = await asker.ask("GetOrganizationTree")
    *lines, last = answer["Drawing"].split("\n")
    assert lines[0].startswith("Root (")
    assert last == f"… {7 + 414 - len(lines)} more lines"
    assert "UnitId" in answer["Shortened"]["How"]


async def test_a_small_answer_is_left_alone(running: Sandbox) -> None:
    async with asking("cloud-trail", running) as asker:
        assert "Shortened" not in await asker.ask("SummarizeEvents")


def test_an_answer_that_fits_is_the_very_same() -> None:
    result = {"Rows": [{"A": "x" * 500}]}
    assert fitted(result, size(result), "")[0] is result


NESTED = st.recursive(
    st.none() | st.integers() | st.text(max_size=600),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=200), inner, max_size=6),
    max_leaves=60,
)


@given(result=st.dictionaries(st.text(max_size=20), NESTED, max_size=6), most=st.integers(4_000, 20_000))
@settings(max_examples=150, deadline=None)
def test_whatever_an_answer_holds_it_fits_and_loses_nothing_silently(result: dict[str, Any], most: int) -> None:
    small = fitted(json.loads(json.dumps(result)), most, "Ask for less.")[0]
    if size(result) <= most:
        assert small == result
        return
    assert {"Detail", "Rows"} & small["Shortened"].keys()
    assert small["Shortened"]["How"] == "Ask for less."
    assert size(small) <= most


def test_coverage_and_notice_stay_when_everything_else_is_small() -> None:
    """They are the longest of many short values here, and longest values go first."""
    kept = {"Coverage": {"Complete": True, "Asked": {"Text": "y" * 60}}, "Notice": "z" * 90}
    small, _ = fitted({**{f"Field{number}": "x" * 20 for number in range(300)}, **kept}, 4000, "Ask for less.")
    assert small.items() >= kept.items()
    assert size(small) <= 4000
