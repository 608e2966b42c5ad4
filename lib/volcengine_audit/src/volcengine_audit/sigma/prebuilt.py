"""The built-in rules in one file that is quick to read, because two hundred YAML files take a while at every start.

The YAML files are the rules. `python -m volcengine_audit.sigma` makes this of them, and a test says so when somebody
forgot to.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import yaml

from volcengine_audit.sigma.model import Rule
from volcengine_audit.sigma.reading import files_of, rules_in

FOLDER: Final = Path(__file__).resolve().parent.parent / "rules"
PREBUILT: Final = FOLDER / "all.json"


def built_in() -> Iterator[tuple[Path, Rule]]:
    """The built-in rules with the files that they come from."""
    for name, document in json.loads(PREBUILT.read_text("utf-8")).items():
        path = FOLDER / name
        for rule in rules_in([document], path):
            if isinstance(rule, Rule):
                yield path, rule


def written() -> str:
    """What the file should hold: one line for each rule, so that a difference shows which rule changed."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    lines = []
    for path, _, _ in files_of(FOLDER):
        document = yaml.load(path.read_text("utf-8"), Loader=loader)  # noqa: S506 - a safe loader
        name = json.dumps(path.relative_to(FOLDER).as_posix())
        lines.append(f"{name}: {json.dumps(document, ensure_ascii=False, default=str, separators=(',', ':'))}")
    return "{\n" + ",\n".join(lines) + "\n}\n"
