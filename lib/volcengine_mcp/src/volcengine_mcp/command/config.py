"""The command `config`: shows the settings in force and where each comes from."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from typing import Any

from volcengine_mcp.declare import Service
from volcengine_mcp.settings.load import SECRETS, Loaded, leaves
from volcengine_mcp.settings.model import Settings


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(service: Service, options: argparse.Namespace, loaded: Loaded, environment: Mapping[str, str]) -> int:
    """Print each setting; without `--json` also whether there are credentials."""
    from volcengine_mcp.command.terminal import as_json
    from volcengine_mcp.mcp.server import missing_credentials

    in_force = list(_in_force(loaded.settings, loaded.origins))
    if options.json:
        print(as_json({name: {"value": value, "origin": origin} for name, value, origin in in_force}))
        return 0
    print(f"{'Setting':<30}{'Value':<14}  Origin")
    for name, value, origin in in_force:
        text = value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)
        print(f"{name:<30}{text:<14}  {origin}")
    if loaded.settings.credential == "env":
        error = missing_credentials(loaded.settings, environment)
        print(f"\n{error.message} {error.hint}" if error else "\nVolcengine credentials are set in the environment.")
    return 0


def _in_force(settings: Settings, origins: Mapping[str, str]) -> Iterator[tuple[str, Any, str]]:
    """Each setting with its value, secrets masked, and its origin."""
    values = settings.model_dump(mode="json")
    for path in leaves(type(settings)):
        value = values["oauth"][path.removeprefix("oauth.")] if path.startswith("oauth.") else values[path]
        shown = "***" if path in SECRETS and value not in ("", "memory") else value
        yield path, shown, origins[path]
