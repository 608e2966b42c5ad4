"""The command line: serve, list, call, show, and the words for a mistake."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from mcp.client import Client
from support.calls import TITLES, arguments
from support.servers import PATIENCE, SERVICES, command, environment, eventually, in_process, program, terminal, typed
from volcengine_mcp.signin.header import from_header
from volcengine_sandbox import Fault, Sandbox

ON_POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")


def administrator(box: Sandbox, **extra: str) -> dict[str, str]:
    return environment(box, box.administrator, **extra)


@pytest.mark.anyio
async def test_a_piped_call_prints_exactly_the_structured_content(running: Sandbox) -> None:
    variables = administrator(running)
    said = command("organization", "call", "ListOrganizationalUnits", variables=variables)
    async with Client(in_process("organization", variables)) as client:
        result = await client.call_tool("ListOrganizationalUnits", {})
    assert (said.returncode, said.stderr) == (0, "")
    assert json.loads(said.stdout) == result.structured_content
    assert "示例" in said.stdout or "平台与公共服务" in said.stdout


@pytest.mark.smoke
def test_the_readme_s_first_command_needs_no_account() -> None:
    said = command("cloud-trail", "call", "LookupEvents", "--sandbox")
    assert (said.returncode, said.stderr) == (0, "")
    assert len(json.loads(said.stdout)["Trails"]) == 50


def test_the_sandbox_stands_in_for_the_real_service_whatever_is_set() -> None:
    """Keys, token, region and endpoint for the real service must not reach a sandbox, nor break it."""
    variables = environment(
        VOLCENGINE_ACCESS_KEY="AKLTREAL",
        VOLCENGINE_SECRET_KEY="real",
        VOLCENGINE_SESSION_TOKEN="real",
        VOLCENGINE_ENDPOINT="https://open.volcengineapi.com",
        VOLCENGINE_CREDENTIAL_TYPE="chain",
    )
    said = command("organization", "--sandbox", "call", "DescribeOrganization", variables=variables)
    assert (said.returncode, said.stderr) == (0, "")


WRONG_WORDS = [
    (["nonsense"], "invalid choice: 'nonsense'"),
    (["call"], "arguments are required: TOOL"),
    (["call", "LookupEvents", "word"], "word is neither a JSON object nor key=value"),
    (["call", "LookupEvents", "[1]"], "[1] is neither a JSON object nor key=value"),
    (["call", "LookupEvents", "=5"], "=5 is neither"),
    (["call", "LookupEvents", "{"], "The arguments are not valid JSON"),
    (["call", "LookupEvents", "MaxResults=1", "MaxResults=2"], "MaxResults is given twice, but takes one value"),
    (["call", "LookupEvents", "--jsn"], "there is no argument --jsn"),
    (["tools", "LookupEvent"], "There is no tool LookupEvent. Did you mean LookupEvents?"),
    (["tools", "xyz"], "There is no tool xyz. See `mcp-server-cloud-trail tools`."),
    (["config", "--port"], "--port: expected one argument"),
    (["token"], "VOLCENGINE_ACCESS_KEY and VOLCENGINE_SECRET_KEY are not set"),
]


@pytest.mark.parametrize(("words", "says"), WRONG_WORDS, ids=[" ".join(words) for words, _ in WRONG_WORDS])
def test_a_mistake_is_told_in_a_sentence_with_status_2(words: list[str], says: str) -> None:
    said = typed("cloud-trail", *words)
    assert said.returncode == 2
    assert says in said.stderr
    assert "Traceback" not in said.stderr
    assert said.stdout == ""


CALLS = [
    (["LookupEvents", '{"MaxResults": 2}'], "Trails", 2),
    (["LookupEvents", "MaxResults=3"], "Trails", 3),
    (["--json", "LookupEvents", "MaxResults=1"], "Trails", 1),
    (["LookupEvents", "--json", "MaxResults=1"], "Trails", 1),
    (["DescribeTrails", "TrailNames=org-audit-archive", "TrailNames=identity-events"], "Trails", 2),
    (["DescribeTrails", 'TrailNames=["org-audit-archive"]'], "Trails", 1),
    (["DescribeTrails", "TrailNames=nobody"], "Trails", 0),
]


@pytest.mark.parametrize(("words", "field", "count"), CALLS, ids=[" ".join(words) for words, *_ in CALLS])
def test_arguments_may_be_json_or_words(words: list[str], field: str, count: int, running: Sandbox) -> None:
    said = typed("cloud-trail", "call", *words, variables=administrator(running))
    assert said.returncode == 0, said.stderr
    assert len(json.loads(said.stdout)[field]) == count


def test_an_error_result_is_printed_with_status_1(running: Sandbox) -> None:
    said = typed("organization", "call", "DescribeAccount", "AccountId=1", variables=administrator(running))
    assert said.returncode == 1
    error = json.loads(said.stdout)
    assert (error["Code"], error["HTTPStatus"]) == ("RecordNotExists", 404)


def test_without_credentials_a_call_names_the_variables(running: Sandbox) -> None:
    said = typed("cloud-trail", "call", "DescribeTrails", variables=environment(running))
    assert said.returncode == 1
    assert json.loads(said.stdout)["Code"] == "CredentialsMissing"


@pytest.mark.parametrize("key", sorted(SERVICES))
def test_tools_lists_what_a_client_receives(key: str) -> None:
    listed = typed(key, "tools", "--json")
    tools = {tool["name"]: tool for tool in json.loads(listed.stdout)}
    assert TITLES[key].keys() <= tools.keys()
    assert all("inputSchema" in tool for tool in tools.values())
    overview = typed(key, "tools").stdout
    for name, chinese in TITLES[key].items():
        assert re.search(rf"^{name} +(read|write) +{chinese[:4]}", overview, re.MULTILINE)


def test_one_tool_is_explained_down_to_its_nested_fields() -> None:
    said = typed("cloud-trail", "tools", "LookupEvents", variables=environment(COLUMNS="60"))
    assert "查询审计事件列表 · Look up audit events  (read)" in said.stdout
    assert "LookupConditions[].LookupConditionValue: string, required" in said.stdout
    assert "AccessKeyID" in said.stdout
    assert max(len(line) for line in said.stdout.splitlines()) <= 60
    one = typed("cloud-trail", "tools", "LookupEvents", "--json")
    assert json.loads(one.stdout)["name"] == "LookupEvents"


@pytest.mark.parametrize("key", sorted(SERVICES))
def test_version_and_help(key: str) -> None:
    assert typed(key, "--version").stdout == f"mcp-server-{key} {SERVICES[key].version}\n"
    said = typed(key, "--help").stdout
    for word in ("tools", "call", "config", "token", "--sandbox", "--transport", "--port", "--config"):
        assert word in said
    assert f"mcp-server-{key} call {SERVICES[key].example} --sandbox" in " ".join(said.split())


@pytest.mark.parametrize("before", [True, False], ids=["before-the-command", "after-it"])
def test_options_work_on_both_sides_of_a_command(before: bool, tmp_path: Path) -> None:
    file = tmp_path / "cfg.yaml"
    file.write_text("region: cn-shanghai\n")
    options = ["--config", str(file), "--transport", "http", "--port", "9000"]
    words = [*options, "config", "--json"] if before else ["config", "--json", *options]
    settings = json.loads(typed("cloud-trail", *words).stdout)
    assert settings["region"] == {"value": "cn-shanghai", "origin": str(file)}
    assert settings["transport"] == {"value": "streamable-http", "origin": "--transport"}
    assert settings["sse_port"] == {"value": 9000, "origin": "--port"}


def test_a_token_opens_what_it_was_made_for(running: Sandbox) -> None:
    someone = running.temporary
    said = typed("cloud-trail", "token", variables=environment(running, someone))
    name, _, value = said.stdout.strip().partition(": ")
    assert (said.returncode, name) == (0, "Authorization")
    credential = from_header(value)
    assert credential.access_key == someone.access_key
    assert (credential.secret_key, credential.session_token) == (someone.secret_key, someone.session_token)


def test_pipes_get_utf8_whatever_the_locale_says(running: Sandbox) -> None:
    variables = administrator(running, PYTHONIOENCODING="ascii", LC_ALL="C")
    said = command("organization", "call", "DescribeOrganization", variables=variables)
    assert (said.returncode, said.stderr) == (0, "")
    assert "示例云帆集团有限公司" in said.stdout


def columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


@ON_POSIX
def test_on_a_terminal_a_person_reads_an_aligned_table(running: Sandbox) -> None:
    words = [program("organization"), "call", "ListOrganizationalUnits"]
    with terminal(words, administrator(running), columns=90) as screen:
        status, shown = screen.shown()
    assert status == 0
    head, *rows = shown.partition("SubUnitList (7)\n")[2].splitlines()[:8]
    assert len(rows) == 7
    assert max(columns(line) for line in [head, *rows]) <= 90
    second = next(word for word in head.split("  ")[1:] if word).strip()
    starts = columns(head[: head.index(second)])
    for row in rows:
        cut = next(place for place in range(len(row) + 1) if columns(row[:place]) >= starts)
        assert columns(row[:cut]) == starts, "a column begins in the middle of a character"
        assert row[cut - 1] == " "
    assert "--json has everything" in shown


@ON_POSIX
def test_on_a_terminal_an_error_is_three_lines_for_a_person(running: Sandbox) -> None:
    words = [program("organization"), "call", "DescribeAccount", "AccountId=1"]
    with terminal(words, administrator(running)) as screen:
        status, shown = screen.shown()
    assert status == 1
    first, hint, request_id = shown.strip().splitlines()
    assert first.startswith("Error RecordNotExists: ")
    assert "list first" in hint
    assert request_id.startswith("RequestId: ")


@ON_POSIX
def test_hostile_names_never_reach_the_terminal_raw(box: Sandbox) -> None:
    hostile = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202egnp.exe\u200b\r\nTotal: 0"
    organization = next(iter(box.state.organizations.values()))
    for unit in organization.units.values():
        unit.name = hostile
    organization.name = hostile
    box.inject(Fault("error", action="ListAccounts", code=f"Bad{hostile}", message=hostile, status=400))
    for tool in ("ListOrganizationalUnits", "ListAccounts", "GetOrganizationTree"):
        with terminal([program("organization"), "call", tool], administrator(box), columns=200) as screen:
            shown = screen.shown()[1]
        assert "owned" in shown, "the name itself is shown"
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202e]", shown), tool


@ON_POSIX
def test_a_person_who_starts_the_server_by_hand_is_told_what_it_waits_for(running: Sandbox) -> None:
    with terminal([program("cloud-trail")], administrator(running)) as screen:
        screen.wait_for("waits for an MCP client on stdin")
        screen.press(b"\x03")
        assert screen.shown()[0] == 0


@ON_POSIX
def test_a_call_that_is_interrupted_does_not_pass_for_a_success(box: Sandbox) -> None:
    box.inject(Fault("hang"))
    before = box.connections
    with subprocess.Popen(
        [program("cloud-trail"), "call", "DescribeTrails"], env=administrator(box), stdout=subprocess.PIPE
    ) as process:
        eventually(lambda: box.connections > before)
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 128 + signal.SIGINT


def test_a_reader_that_has_seen_enough_is_no_error(running: Sandbox) -> None:
    with subprocess.Popen(
        [program("cloud-trail"), "call", "DescribeTrails"],
        env=administrator(running),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
        assert process.wait(PATIENCE) == 0


def test_every_tool_can_be_called_from_the_command_line(box: Sandbox) -> None:
    given = arguments(box, "organization")["CreateServiceControlPolicy"]
    words = [f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in given.items()]
    said = typed("organization", "call", "CreateServiceControlPolicy", *words, variables=administrator(box))
    assert said.returncode == 0, said.stdout
    organization = next(iter(box.state.organizations.values()))
    assert "no-delete" in {policy.name for policy in organization.policies.values()}
