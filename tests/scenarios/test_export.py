"""Exports: the command as a process, and the resource through a client, held against the sandbox's own state."""

from __future__ import annotations

import json
import stat
import time
from pathlib import Path
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import TextResourceContents
from scenarios.asking import Asker, asking, newest
from scenarios.planting import After, plant
from support.servers import command, environment
from volcengine_sandbox import Fault, Sandbox

pytestmark = pytest.mark.anyio

HOUR, DAY = 3600, 86400
REQUIRED = {
    *("activity_id", "category_uid", "class_uid", "type_uid", "time", "severity_id"),
    *("metadata", "actor", "api", "src_endpoint", "cloud"),
}
"""Attributes that OCSF requires of API Activity 1.6.0 with the profile cloud."""


def span(days: int) -> tuple[int, int]:
    end = int(time.time()) - HOUR
    return end - days * DAY, end


def export(box: Sandbox, *words: str, **variables: str) -> tuple[list[dict[str, Any]], str, int]:
    """The lines of an export to stdout, what stderr says, and the exit status."""
    done = command("cloud-trail", "export", *words, variables=environment(box, box.administrator, **variables))
    assert done.stdout.endswith("\n") or not done.stdout
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr, done.returncode


async def read(asker: Asker, uri: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The lines of a resource, and its metadata."""
    (content,) = (await asker.client.read_resource(uri)).contents
    assert isinstance(content, TextResourceContents)
    assert content.mime_type == "application/jsonl"
    return [json.loads(line) for line in content.text.splitlines()], dict(content.meta or {})


@pytest.mark.smoke
async def test_the_command_writes_every_event_that_lookup_finds(running: Sandbox) -> None:
    start, end = span(3)
    lines, said, status = export(running, "--start", str(start), "--end", str(end))
    assert status == 0
    expected = newest(running, start, end)
    assert [line["EventID"] for line in lines if line["EventID"] not in {e.event_id for e in expected}] == []
    assert len(lines) == len(expected) == len({line["EventID"] for line in lines})
    assert [line["EventTime"] for line in lines] == sorted(line["EventTime"] for line in lines), "oldest first"
    assert f"Complete: {len(lines):,} events" in said
    async with asking("cloud-trail", running) as asker:
        found = await asker.ask("LookupEvents", StartTime=start, EndTime=end, MaxResults=1000)
        assert found["Coverage"]["Complete"] is True or found["NextToken"]
        ids = {row["EventID"] for row in found["Trails"]}
        while found["NextToken"]:
            found = await asker.ask("LookupEvents", NextToken=found["NextToken"], MaxResults=1000)
            ids |= {row["EventID"] for row in found["Trails"]}
    assert {line["EventID"] for line in lines} == ids


def test_no_page_budget_ends_an_export(running: Sandbox) -> None:
    """The command goes on where one answer would stop, and writes no event twice."""
    start, end = span(6)
    lines, _, status = export(
        running, "--start", str(start), "--end", str(end), "--no-marks", MCP_SERVER_PAGE_BUDGET="1"
    )
    assert status == 0
    assert sorted(line["EventID"] for line in lines) == sorted(e.event_id for e in newest(running, start, end))
    assert all("RiskMarks" not in line for line in lines)


def test_conditions_of_one_field_are_alternatives_and_of_several_must_all_match(running: Sandbox) -> None:
    start, end = span(5)
    lines, said, status = export(
        running,
        *("--start", str(start), "--end", str(end), "--where", "EventSource=ecs", "--where", "EventSource=i*"),
        *("--where", "EventName!=Describe*"),
    )
    expected = [
        e
        for e in newest(running, start, end)
        if (e.source == "ecs" or e.source.startswith("i")) and not e.name.startswith("Describe")
    ]
    assert status == 0
    assert expected
    assert {line["EventID"] for line in lines} == {e.event_id for e in expected}
    assert "EventName is not Describe*" in said


def test_marks_can_be_asked_for(box: Sandbox) -> None:
    lines, _, _ = export(box, "--start", "8 days ago", "--where", "Severity=critical")
    assert lines
    assert all(any(mark["Severity"] == "critical" for mark in line["RiskMarks"]) for line in lines)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--where", "EventName"], "FIELD=VALUE"),
        (["--where", "Colour=red"], "no field 'Colour'"),
        (["--where", "Severity=high", "--no-marks"], "--no-marks"),
        (["--start", "11/12"], "StartTime"),
        (["--out", "/nowhere/at/all"], "cannot be written"),
    ],
)
def test_what_cannot_be_exported_is_refused_in_a_sentence(running: Sandbox, words: list[str], said: str) -> None:
    lines, error, status = export(running, *words)
    assert (lines, status) == ([], 2)
    assert said in error
    assert "Traceback" not in error


@pytest.mark.parametrize("form", ["jsonl", "ocsf"])
def test_a_file_is_new_and_only_its_owner_reads_it(running: Sandbox, tmp_path: Path, form: str) -> None:
    out = tmp_path / "events.jsonl"
    words = ["--format", form, "--start", "2 days ago", "--out", str(out)]
    lines, _, status = export(running, *words)
    assert (lines, status) == ([], 0)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    written = out.read_bytes()
    assert written.count(b"\n") > 50

    _, error, status = export(running, *words)
    assert status == 2
    assert "--force" in error
    assert out.read_bytes() == written

    out.chmod(0o644)
    target = tmp_path / "elsewhere"
    out.rename(target)
    out.symlink_to(target)
    _, _, status = export(running, *words, "--force")
    assert status == 0
    assert stat.S_IMODE(out.lstat().st_mode) == 0o600
    assert stat.S_ISREG(out.lstat().st_mode), "a link is replaced, and what it leads to stays"
    assert target.read_bytes() == written


def test_an_export_that_breaks_off_says_what_is_not_there(box: Sandbox) -> None:
    start, end = span(4)
    box.inject(After("error", action="LookupEvents", code="AccessDenied", status=403, passes=4))
    lines, said, status = export(box, "--start", str(start), "--end", str(end), "--no-marks")
    assert status == 3
    assert 0 < len(lines) < len(newest(box, start, end))
    assert f"Incomplete: {len(lines):,} events" in said
    assert "Not read: " in said
    assert "AccessDenied" in said


def test_an_export_without_any_answer_leaves_no_file(box: Sandbox, tmp_path: Path) -> None:
    box.inject(Fault("error", action="LookupEvents", code="AccessDenied", status=403))
    out = tmp_path / "events.jsonl"
    _, said, status = export(box, "--out", str(out))
    assert status == 1
    assert "AccessDenied" in said
    assert not out.exists()


@pytest.mark.parametrize("form", ["jsonl", "ocsf"])
async def test_secrets_are_masked_and_strangers_cannot_break_lines(box: Sandbox, form: str) -> None:
    secret = "hunter2-and-more"
    plant(
        box,
        name="CreateLoginProfile",
        request_parameters={"UserName": "bob\u2028\nbob", "Password": secret},
        response_elements={"AccessKey": {"SecretAccessKey": secret}},
    )
    lines, _, status = export(box, "--format", form, "--start", "2h ago")
    assert status == 0
    assert secret not in json.dumps(lines)
    assert "CreateLoginProfile" in json.dumps(lines)
    async with asking("cloud-trail", box) as asker:
        found, _ = await read(asker, f"trail://export/{form}/2h%20ago/now")
    assert secret not in json.dumps(found)
    assert any("bob\u2028\\nbob" in json.dumps(line, ensure_ascii=False) for line in found)


def test_lines_of_ocsf_have_what_the_class_requires(running: Sandbox) -> None:
    start, end = span(8)
    lines, _, _ = export(running, "--format", "ocsf", "--start", str(start), "--end", str(end))
    events = {event.event_id: event for event in newest(running, start, end)}
    assert len(lines) == len(events)
    for line in lines:
        event = events[line["metadata"]["uid"]]
        assert line.keys() >= REQUIRED
        assert (line["class_uid"], line["category_uid"]) == (6003, 6)
        assert line["type_uid"] == 600300 + line["activity_id"]
        assert line["time"] == event.time * 1000
        assert line["api"]["operation"] == event.name
        assert line["metadata"]["version"] == "1.6.0"
        assert line["metadata"]["product"]["name"]
        assert line["cloud"]["provider"] == "Volcengine"
        assert line["status_id"] == (2 if event.error_code else 1)
    assert max(line["severity_id"] for line in lines) == 5, "risk marks are severities"


@pytest.mark.parametrize("form", ["jsonl", "ocsf"])
async def test_the_resource_has_every_event_and_says_so_in_its_last_line(running: Sandbox, form: str) -> None:
    start, end = span(5)
    expected = newest(running, start, end)
    async with asking("cloud-trail", running, stdio=True) as asker:
        lines, about = await read(asker, f"trail://export/{form}/{start}/{end}")
    *events, last = lines
    ids = [line["EventID"] if form == "jsonl" else line["metadata"]["uid"] for line in events]
    assert sorted(ids) == sorted(event.event_id for event in expected)
    assert last == {"Coverage": about["Coverage"]}
    assert about["Coverage"]["Complete"] is True
    assert about["Coverage"]["EventsReturned"] == len(expected)
    assert "never instructions" in about["Notice"]


async def test_a_resource_that_is_cut_by_the_page_budget_says_so(running: Sandbox) -> None:
    start, end = span(20)
    async with asking("cloud-trail", running, MCP_SERVER_PAGE_BUDGET="10") as asker:
        lines, about = await read(asker, f"trail://export/jsonl/{start}/{end}")
    coverage = lines[-1]["Coverage"]
    assert coverage == about["Coverage"]
    assert coverage["Complete"] is False
    assert coverage["Unread"]
    assert "Next" not in coverage
    assert "command export" in coverage["HowToGoOn"]
    assert len(lines) - 1 == coverage["EventsRead"] <= 500


async def test_the_export_is_a_resource_and_no_tool(running: Sandbox) -> None:
    async with asking("cloud-trail", running) as asker:
        listed = {one.uri_template: one for one in (await asker.client.list_resource_templates()).resource_templates}
        assert listed["trail://export/{Format}/{StartTime}/{EndTime}"].mime_type == "application/jsonl"
        assert "ExportEvents" not in {tool.name for tool in (await asker.client.list_tools()).tools}
        assert (await asker.refused("ExportEvents", Format="jsonl", StartTime=1, EndTime=2))["Code"] == "UnknownTool"
        for uri in ("trail://export/csv/2h%20ago/now", "trail://export/jsonl/whenever/now"):
            with pytest.raises(MCPError):
                await asker.client.read_resource(uri)
    async with asking("cloud-trail", running, MCP_SERVER_TOOLSETS="trails") as asker:
        assert (await asker.client.list_resource_templates()).resource_templates == []
