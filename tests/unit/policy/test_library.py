"""The library as a program uses it: its README runs, its names are there, and importing it loads no engine."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import volcengine_policy

README = Path(__file__).parents[3] / "lib" / "volcengine_policy" / "README.md"


def test_the_readmes_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    exec(compile(example, str(README), "exec"), {})  # noqa: S102 - our own README
    assert '"PolicyName": "no-deletion"' in capsys.readouterr().out


def test_every_public_name_is_there_and_documented() -> None:
    for name in volcengine_policy.__all__:
        value = getattr(volcengine_policy, name)
        assert value is not None, name
        assert not callable(value) or value.__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        volcengine_policy.nothing  # noqa: B018


@pytest.mark.parametrize(
    "first", ["from volcengine_policy import Finding, Verdict, Enablement", "import mcp_server_organization.server"]
)
def test_the_shapes_of_answers_load_no_engine(first: str) -> None:
    program = f"import sys\n{first}\nprint([m for m in sys.modules if m.startswith('volcengine_policy.')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name.rpartition(".")[2] for name in eval(done.stdout)}  # noqa: S307 - our own output
    assert not loaded & {"evaluation", "linting", "parsing", "catalogue", "conditions", "matching", "document"}
    assert "verdict" in loaded
