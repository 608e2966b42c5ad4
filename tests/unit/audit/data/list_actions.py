"""Writes actions.json: which of the actions that the rules name exist in the API paths of the SDK's packages.

    mkdir wheels && pip download --no-deps -d wheels volcenginesdk-ecs volcenginesdk-vpc …
    uv run python tests/unit/audit/data/list_actions.py wheels

Actions of tos and TLS are in no package; they stand in `elsewhere` with the documents that name them.
"""

from __future__ import annotations

import json
import re
import sys
import zipfile
from collections import defaultdict
from pathlib import Path

from volcengine_audit.sigma import load_rules

TARGET = Path(__file__).with_name("actions.json")
PATH = re.compile(r"""['"]/([A-Za-z0-9_]+)/(\d{4}-\d\d-\d\d)/([A-Za-z0-9_]+)/""")
ELSEWHERE = {
    "tos": "https://www.volcengine.com/docs/6349 and the permission lists of terraform-provider-volcenginecc",
    "TLS": "https://www.volcengine.com/docs/6470 and the permission lists of terraform-provider-volcenginecc",
    "sts": "AssumeRoleWithSAML and AssumeRoleWithOIDC are in volcenginesdkcore only",
}


def named(detection: object) -> set[tuple[str, str]]:
    """Source and name of every action that a detection names."""
    found: set[tuple[str, str]] = set()
    if isinstance(detection, dict):
        if "EventSource" in detection and "EventName" in detection:
            names = detection["EventName"]
            found |= {(detection["EventSource"], name) for name in (names if isinstance(names, list) else [names])}
        for inner in detection.values():
            found |= named(inner)
    elif isinstance(detection, list):
        for inner in detection:
            found |= named(inner)
    return found


def main(folder: Path) -> int:
    """Write the file. Returns 1 when a rule names an action that is nowhere."""
    known: dict[str, set[str]] = defaultdict(set)
    packages = {}
    for wheel in sorted(folder.glob("volcenginesdk_*.whl")):
        name, version = wheel.name.split("-")[:2]
        services = set()
        with zipfile.ZipFile(wheel) as archive:
            for path in archive.namelist():
                if "/api/" in path and path.endswith(".py"):
                    for action, _, service in PATH.findall(archive.read(path).decode()):
                        known[service.casefold()].add(action)
                        services.add(service.casefold())
        packages[name.replace("_", "-")] = (version, services)
    used: dict[str, dict[str, list[str]]] = {"sdk": {}, "elsewhere": {}}
    for rule in load_rules().rules.values():
        for source, name in named(rule.detection):
            where = "sdk" if name in known[source.casefold()] else "elsewhere"
            if where == "elsewhere" and source not in ELSEWHERE:
                sys.stderr.write(f"{rule.name}: {source}:{name} is in no package\n")
                return 1
            listed = used[where].setdefault(source, [])
            if name not in listed:
                listed.append(name)
    sources = {source.casefold() for source in used["sdk"]}
    answer = {
        "packages": {name: version for name, (version, services) in packages.items() if services & sources},
        "documents": ELSEWHERE,
        **{where: {source: sorted(names) for source, names in sorted(by.items())} for where, by in used.items()},
    }
    TARGET.write_text(json.dumps(answer, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
