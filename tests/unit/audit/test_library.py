"""The library as somebody uses it who knows no MCP: its README is true, and importing it costs next to nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import volcengine_audit

README = Path(__file__).parents[3] / "lib" / "volcengine_audit" / "README.md"


def test_the_example_of_the_readme_prints_what_it_says() -> None:
    text = README.read_text("utf-8")
    [example] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    [printed] = re.findall(r"```text\n(.*?)```", text, re.DOTALL)
    ran = subprocess.run([sys.executable, "-c", example], capture_output=True, text=True, timeout=60, check=False)
    assert ran.stderr == ""
    assert ran.stdout == printed


def test_every_name_can_be_had_and_is_listed_once() -> None:
    assert sorted(volcengine_audit.__all__) == sorted(volcengine_audit._HOME_OF)
    for name in volcengine_audit.__all__:
        assert getattr(volcengine_audit, name) is not None
        assert name in dir(volcengine_audit)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = volcengine_audit.nothing


def test_the_names_in_the_readme_are_those_of_the_library() -> None:
    table = README.read_text("utf-8").split("| for | use |")[1]
    named = set(re.findall(r"`([A-Za-z_]+)`", table)) - {"DescribeTrails"}
    assert named <= set(volcengine_audit.__all__)


def test_importing_it_and_its_answers_loads_no_rules_and_no_times() -> None:
    code = (
        "import sys, volcengine_audit, volcengine_audit.models\n"
        "print([name for name in ('yaml', 'volcengine_audit.times', 'volcengine_audit.rules') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.strip() == "[]"
