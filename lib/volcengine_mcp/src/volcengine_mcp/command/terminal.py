"""Results, tools and errors as a person reads them on a terminal."""

from __future__ import annotations

import json
import shutil
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mcp_types import Tool

WIDEST_COLUMN = 44
"""Terminal columns that a cell may take before it is shortened."""


def readable(content: Mapping[str, Any], first: Sequence[str] = ()) -> str:
    """A result: plain values as `name: value` lines, lists of objects as tables.

    Args:
        first: columns that a table shows before the others.
    """
    lines: list[str] = []
    tables: list[str] = []
    for name, value in content.items():
        if _is_rows(value):
            tables.append(f"{name} ({len(value)})\n{table([row for row in value if row], first=first)}")
        elif isinstance(value, dict) and value:
            tables.append(f"{name}\n" + "\n".join(f"  {key}: {_cell(inner)}" for key, inner in value.items()))
        else:
            lines.append(f"{name}: {_cell(value)}")
    return "\n\n".join((["\n".join(lines)] if lines else []) + tables) or "Done; the service returned nothing more."


def as_json(value: object) -> str:
    """A value as JSON for people and programs."""
    return json.dumps(value, ensure_ascii=False, indent=2)


def problem(content: Mapping[str, Any]) -> str:
    """An error result: what happened, what to do, and the ID for support."""
    lines = [f"Error {content['Code']}: {content['Message']}"]
    if hint := content.get("Hint"):
        lines.append(hint)
    if request_id := content.get("RequestId"):
        lines.append(f"RequestId: {request_id}")
    return "\n".join(lines)


def overview(tools: Sequence[Tool]) -> str:
    """The tools with their effects and titles, which are cut to the width of the terminal."""
    rows = [{"Tool": tool.name, "Effect": _effect(tool), "Title": tool.title} for tool in tools]
    names = max((len(tool.name) for tool in tools), default=0)
    return table(rows, widest=max(names, _width() - names - len("  Effect  ")))


def tool_help(tool: Tool) -> str:
    """One tool: what it does and which arguments it takes."""
    width = min(_width(), 100)
    about = textwrap.fill(tool.description or "", width)
    lines = [
        line
        for head, description in _arguments(tool.input_schema)
        for line in (
            *textwrap.wrap(head, width, subsequent_indent="  "),
            *textwrap.wrap(description, width, initial_indent="    ", subsequent_indent="    "),
        )
    ]
    arguments = "\n".join(lines) or "It takes no arguments."
    return f"{tool.name}  {tool.title}  ({_effect(tool)})\n\n{about}\n\n{arguments}"


def _arguments(schema: Mapping[str, Any], holder: str = "") -> Iterator[tuple[str, str]]:
    """Each argument as `name: type` with its description; the fields of a list's objects follow it."""
    required = schema.get("required", [])
    for name, inner in schema.get("properties", {}).items():
        mark = ", required" if name in required else ""
        yield f"{holder}{name}: {_type(inner)}{mark}", inner.get("description", "")
        listed = inner.get("type") == "array"
        yield from _arguments(inner["items"] if listed else inner, f"{holder}{name}{'[]' if listed else ''}.")


def table(rows: Iterable[Mapping[str, Any]], *, widest: int = WIDEST_COLUMN, first: Sequence[str] = ()) -> str:
    """Rows in aligned columns; columns that are empty throughout, or do not fit the terminal, are left out."""
    cells = [{name: _cell(value) for name, value in row.items()} for row in rows]
    names = list(dict.fromkeys(name for row in cells for name in row))
    names = [name for name in names if any(row.get(name) for row in cells)]
    names.sort(key=lambda name: first.index(name) if name in first else len(first))
    widths = {name: min(max(_columns(name), *(_columns(row.get(name, "")) for row in cells)), widest) for name in names}
    shown = _fitting(names, widths)
    lines = ["  ".join(_pad(name, widths[name]) for name in shown).rstrip()]
    lines += ["  ".join(_pad(row.get(name, ""), widths[name]) for name in shown).rstrip() for row in cells]
    if len(shown) < len(names):
        lines.append(f"(not shown for want of room: {', '.join(names[len(shown) :])}; --json has everything)")
    return "\n".join(lines)


def _is_rows(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict | None) for row in value)


def _effect(tool: Tool) -> str:
    marks = tool.annotations
    if marks is None or not marks.read_only_hint:
        return "destroy" if marks and marks.destructive_hint else "write"
    return "read"


def _type(schema: Mapping[str, Any]) -> str:
    if choices := schema.get("enum"):
        return " | ".join(str(choice) for choice in choices)
    if options := schema.get("anyOf"):
        return " or ".join(_type(option) for option in options)
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("type", "any"))


def _width() -> int:
    return shutil.get_terminal_size((100, 24)).columns


def _fitting(names: Sequence[str], widths: Mapping[str, int]) -> list[str]:
    """As many of the first columns as the terminal is wide; at least one."""
    room = _width()
    shown: list[str] = []
    for name in names:
        room -= widths[name] + (2 if shown else 0)
        if room < 0 and shown:
            break
        shown.append(name)
    return shown


def _cell(value: object) -> str:
    """A value on one line."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return " ".join(text.split())


def _columns(text: str) -> int:
    """Terminal columns of a text; Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _pad(text: str, width: int) -> str:
    if _columns(text) > width:
        while _columns(text) > width - 1:
            text = text[:-1]
        text += "…"
    return text + " " * (width - _columns(text))
