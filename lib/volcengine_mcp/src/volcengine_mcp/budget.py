"""How large an answer may be: what does not fit is left out by whole values and rows, and said to be.

An answer stays valid JSON; the long texts inside rows go first, then rows from the end.
"""

from __future__ import annotations

import json
from typing import Any

LONG = 200
"""Characters of JSON above which a value inside a row counts as detail."""


def shortened(result: dict[str, Any], most: int, how: str) -> dict[str, Any]:
    """The result, or as much of it as fits.

    Args:
        most: bytes of compact JSON in UTF-8.
        how: one sentence on how to get what was left out.
    """
    if _size(result) <= most:
        return result
    result = json.loads(json.dumps(result))
    left_out: dict[str, Any] = {}
    room = most - _size({"Shortened": {"Detail": [], "Rows": {}, "How": how}}) - 200
    if details := _drop_details(result, room):
        left_out["Detail"] = details
    if rows := _drop_rows(result, room):
        left_out["Rows"] = rows
    return {"Shortened": left_out | {"How": how}} | result


def compact(value: object) -> str:
    """JSON without needless space, with Chinese as Chinese."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _size(value: object) -> int:
    return len(compact(value).encode("utf-8", "surrogatepass"))


def _lists(node: Any, path: str = "") -> list[tuple[str, list[Any]]]:
    """Every list of objects in the result with its path, outer ones first."""
    found: list[tuple[str, list[Any]]] = []
    if isinstance(node, dict):
        for name, value in node.items():
            found += _lists(value, f"{path}.{name}" if path else name)
    elif isinstance(node, list) and any(isinstance(row, dict) for row in node):
        found.append((path, node))
        for row in node:
            found += _lists(row, f"{path}[]")
    return found


def _drop_details(result: dict[str, Any], room: int) -> list[str]:
    """Take long values out of rows, the field that weighs most first; answers with the fields' names."""
    dropped: list[str] = []
    excess = _size(result) - room
    while excess > 0:
        weights: dict[str, int] = {}
        for path, rows in _lists(result):
            for row in rows:
                for name, value in row.items() if isinstance(row, dict) else ():
                    if (weight := _size(value)) > LONG and not _lists(value):
                        weights[f"{path}[].{name}"] = weights.get(f"{path}[].{name}", 0) + weight
        if not weights:
            break
        heaviest = max(weights, key=lambda name: weights[name])
        for path, rows in _lists(result):
            for row in rows:
                name = heaviest.rpartition("[].")[2]
                if isinstance(row, dict) and f"{path}[].{name}" == heaviest and _size(row.get(name)) > LONG:
                    del row[name]
        dropped.append(heaviest)
        excess = _size(result) - room
    return dropped


def _drop_rows(result: dict[str, Any], room: int) -> dict[str, int]:
    """Take rows off the end of the list that weighs most; answers with how many, by list."""
    dropped: dict[str, int] = {}
    size = _size(result)
    while size > room:
        lists = [(path, rows) for path, rows in _lists(result) if rows]
        if not lists:
            break
        path, rows = max(lists, key=lambda item: _size(item[1]) if "[]" not in item[0] else 0)
        while rows and size > room:
            size -= _size(rows.pop()) + 1
            dropped[path] = dropped.get(path, 0) + 1
    return dropped
