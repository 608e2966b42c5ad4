"""The pages are true as far as a machine can tell: tables, links, examples, names of tests, both languages."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from itertools import zip_longest
from pathlib import Path

import mcp_server_cloud_trail.server
import mcp_server_organization.server
import pytest
from docs.pages import PAGES, ROOT, blocks, name
from volcengine_mcp.settings.load import load

CHINESE = [page for page in PAGES if page.name.endswith(".zh-CN.md")]
EVERY_PAGE = pytest.mark.parametrize("page", PAGES, ids=name)
EVERY_PAIR = pytest.mark.parametrize("chinese", CHINESE, ids=name)


def english(chinese: Path) -> Path:
    """The same page in English."""
    return chinese.with_name(chinese.name.replace(".zh-CN", ""))


def anchors(page: Path) -> set[str]:
    """The headings as GitHub makes addresses of them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.smoke
def test_the_generated_parts_are_current() -> None:
    """CI's own check; it also finds missing Chinese texts."""
    check = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert check.returncode == 0, check.stderr


@EVERY_PAGE
def test_every_link_inside_the_repository_leads_somewhere(page: Path) -> None:
    """Files exist, and so do the headings that a link names."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link} leads nowhere"
        if anchor:
            assert anchor in anchors(target), f"{link} names no heading"


@EVERY_PAGE
def test_every_json_example_is_json(page: Path) -> None:
    """A reader can paste it."""
    for block in blocks(page, "json"):
        json.loads(block)


@pytest.mark.parametrize("page", [ROOT / "docs" / "remote.md", ROOT / "docs" / "remote.zh-CN.md"], ids=name)
def test_every_configuration_of_the_remote_guide_starts(page: Path, tmp_path: Path) -> None:
    """Each is accepted as it stands, but for the certificate, which is not here, and the secret of the environment."""
    certificate = tmp_path / "certificate.pem"
    certificate.touch()
    service = mcp_server_cloud_trail.server.service()
    examples = list(blocks(page, "yaml"))
    assert len(examples) == 4
    for example in examples:
        file = tmp_path / "cfg.yaml"
        file.write_text(re.sub(r"/etc/mcp/\w+\.pem", str(certificate), example), encoding="utf-8")
        load(
            file,
            {"MCP_SERVER_OAUTH_CLIENT_SECRET": "a secret"},
            service_code=service.code,
            toolsets=service.toolsets,
            model=service.settings,
        )


@pytest.mark.parametrize("page", [ROOT / "docs" / "security.md", ROOT / "docs" / "security.zh-CN.md"], ids=name)
def test_every_test_that_the_security_page_names_exists(page: Path) -> None:
    """And the page names some for every kind of threat."""
    sources = "\n".join(file.read_text(encoding="utf-8") for file in ROOT.glob("tests/**/test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", page.read_text(encoding="utf-8")))
    assert named
    assert {test for test in named if f"def {test}(" not in sources} == set()


@EVERY_PAIR
def test_both_languages_say_the_same_in_what_can_be_compared(chinese: Path) -> None:
    """As many headings of each level, the same commands, the same names of tests, tools and settings."""
    texts = [page.read_text(encoding="utf-8") for page in (english(chinese), chinese)]
    levels = [re.findall(r"^(#+) ", text, re.MULTILINE) for text in texts]
    assert levels[0] == levels[1]
    commands = ["".join(blocks(page, "bash")).splitlines() for page in (english(chinese), chinese)]
    for one, other in zip_longest(*commands):
        assert one == other
    tests = [set(re.findall(r"`(test_\w+)`", text)) for text in texts]
    assert tests[0] == tests[1]


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "README.zh-CN.md"], ids=name)
def test_the_readme_names_every_tool_and_resource(page: Path) -> None:
    """None is forgotten when one is added."""
    text = page.read_text(encoding="utf-8")
    for service in (mcp_server_cloud_trail.server.service(), mcp_server_organization.server.service()):
        names = [operation.wire_name() for operation in service.operations]
        names += [resource.uri for resource in service.resources]
        assert {offered for offered in names if f"`{offered}`" not in text} == set()
