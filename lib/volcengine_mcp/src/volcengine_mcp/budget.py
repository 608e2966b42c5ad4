"""How large an answer may be: what does not fit is left out by whole values and rows, and said to be.

An answer stays valid JSON. Long values inside rows go first, then rows from the end, then what else is long.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

LONG = 400
"""Bytes of JSON above which a value inside a row counts as detail."""

NAMED = 10
"""Left-out values and lists that are named; of the others the answer says how many there are."""

KEPT = ("Coverage", "Notice")
"""What is never taken out as a whole."""

LONGEST_NAME = 120
"""Characters of such a name: keys inside events are strangers' text."""


def compact(value: object) -> str:
    """JSON without needless space, with Chinese as Chinese."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def size(value: object) -> int:
    """Bytes of a value as compact JSON in UTF-8."""
    return len(compact(value).encode("utf-8", "surrogatepass"))


def lean_size(row: dict[str, Any]) -> int:
    """Bytes that a row still takes when its long values are left out, as they are before rows are."""
    whole = size(row)
    return whole if whole <= LONG else whole - sum(weight for *_, weight in _long_values([row]))


def fitted(result: dict[str, Any], most: int, how: str) -> tuple[dict[str, Any], str]:
    """The result, or as much of it as fits, and its JSON.

    Args:
        most: bytes of compact JSON in UTF-8.
        how: one sentence on how to get what was left out.
    """
    text = compact(result)
    # A character takes four bytes at most, so that most answers need not be encoded to be measured.
    if 4 * len(text) > most and len(text.encode("utf-8", "surrogatepass")) > most:
        result = _shortened(result, most, how)
        text = compact(result)
    return result, text


def _shortened(result: dict[str, Any], most: int, how: str) -> dict[str, Any]:
    result = json.loads(json.dumps(result))
    details: Counter[str] = Counter()
    rows: Counter[str] = Counter()
    while True:
        answer = {"Shortened": _said(details, rows, how)} | result
        excess = size(answer) - most
        if excess <= 0:
            return answer
        if dropped := _drop_details(result, excess):
            details += dropped
        elif cut := _drop_rows(result, excess):
            rows += cut
        elif name := _drop_longest(result, excess):
            details[name] = 1
        else:
            return answer


def _said(details: Counter[str], rows: Counter[str], how: str) -> dict[str, Any]:
    """What was left out, by path: in how many rows a value, and how many rows of a list."""
    said: dict[str, Any] = {}
    for kind, counts in (("Detail", details), ("Rows", rows)):
        if counts:
            named = counts.most_common(NAMED)
            rest = counts.total() - sum(count for _, count in named)
            said[kind] = dict(named) | ({"elsewhere": rest} if rest else {})
    return said | {"How": how}


def _clipped(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"


def _is_rows(value: object) -> bool:
    return isinstance(value, list) and any(isinstance(row, dict) for row in value)


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _long_values(node: Any, path: str = "", *, inside: bool = False) -> Iterator[tuple[str, dict[str, Any], str, int]]:
    """Path, holder, key and bytes of every long value inside rows; of an object that is long by one value, that one."""
    if isinstance(node, list):
        for row in node:
            yield from _long_values(row, f"{path}[]", inside=True)
    if not isinstance(node, dict):
        return
    for name, value in node.items():
        here = _joined(path, name)
        if not inside or _is_rows(value):
            yield from _long_values(value, here, inside=inside)
        elif (weight := size(value)) > LONG:
            within = list(_long_values(value, here, inside=True)) if isinstance(value, dict) else []
            if _holds_rows(value) or 2 * sum(found[3] for found in within) >= weight:
                yield from within
            else:
                yield here, node, name, weight


def _holds_rows(value: object) -> bool:
    return isinstance(value, dict) and any(_is_rows(inner) or _holds_rows(inner) for inner in value.values())


def _drop_details(result: dict[str, Any], excess: int) -> Counter[str]:
    """Take long values out of rows, the field that weighs most first and the last rows first; answers with how many."""
    fields: dict[str, list[tuple[dict[str, Any], str, int]]] = {}
    for path, holder, name, weight in _long_values(result):
        fields.setdefault(_clipped(path), []).append((holder, name, weight))
    dropped: Counter[str] = Counter()
    for path, places in sorted(fields.items(), key=lambda field: -sum(place[2] for place in field[1])):
        while places and excess > 0:
            holder, name, weight = places.pop()
            del holder[name]
            excess -= weight
            dropped[path] += 1
    return dropped


def _lists(node: Any, path: str = "") -> Iterator[tuple[str, list[Any], int]]:
    """The outermost lists of rows, each with its path and bytes."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield from _lists(value, _joined(path, name))
    elif _is_rows(node):
        yield path, node, size(node)


def _drop_rows(result: dict[str, Any], excess: int) -> Counter[str]:
    """Take rows off the end of the list that weighs most; answers with how many.

    A list inside a row goes before the row where it is most of what the outer list weighs.
    """
    outer = max(_lists(result), key=lambda found: found[2], default=None)
    if outer is None:
        return Counter()
    path, rows, weight = outer
    while inner := max((f for row in rows for f in _lists(row, f"{path}[]")), key=lambda f: f[2], default=None):
        if 2 * inner[2] < weight:
            break
        path, rows, weight = inner
    dropped = 0
    while rows and excess > 0:
        excess -= size(rows.pop()) + 1
        dropped += 1
    return Counter({_clipped(path): dropped})


def _drop_longest(result: dict[str, Any], excess: int) -> str | None:
    """Shorten or take out the longest value that is in no row, or what weighs most; answers with its name."""
    longest: tuple[int, str, dict[str, Any], str] | None = None
    level: list[tuple[str, dict[str, Any]]] = [("", result)]
    while level:
        path, node = level.pop()
        for name, value in node.items():
            here = _joined(path, name)
            if isinstance(value, dict):
                level.append((here, value))
            elif (weight := size(value)) > LONG and (longest is None or weight > longest[0]):
                longest = (weight, here, node, name)
    if longest is None:
        whole = [(size(value), name, result, name) for name, value in result.items() if name not in KEPT]
        longest = max(whole, key=lambda found: found[0], default=None)
    if longest is None:
        return None
    _, path, holder, name = longest
    lines = value.split("\n") if isinstance(value := holder.pop(name), str) else []
    excess += LONG // 4  # for the line that says so
    kept = len(lines)
    while kept and excess > 0:
        kept -= 1
        excess -= size(lines[kept])
    if kept:
        holder[name] = "\n".join([*lines[:kept], f"… {len(lines) - kept} more lines"])
    return _clipped(path)
