"""Reading JSON that a service wrote: as text, as an object, in other spellings, or broken."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final

DEEPEST: Final = 100
"""Levels of nesting that are looked into; a log entry can be made deeper than a reader's stack."""
_NOTHING: Final = object()


def spelling(name: str) -> str:
    """A field name without case and punctuation, in which `AccountID`, `AccountId` and `account_id` are one."""
    return "".join(char for char in name.casefold() if char.isalnum())


def loads(text: str) -> object:
    """The value of a JSON text. NaN and Infinity, which are not JSON, become strings.

    Raises: ValueError when it is not JSON, or too deep to read.
    """
    try:
        value: object = json.loads(text, parse_constant=str)
    except RecursionError:
        raise ValueError("nested too deeply to read") from None
    return value


def dumps(value: object) -> str:
    """Compact JSON text, Chinese as it is."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def unwrapped(value: object, levels: int = 3) -> object:
    """The value, or what it says if it is the JSON text of an object or list, wrapped up to `levels` times."""
    for _ in range(levels):
        if not isinstance(value, str) or not value.lstrip().startswith(("{", "[", '"')):
            break
        try:
            value = loads(value)
        except ValueError:
            break
    return value


def field(record: object, *names: str) -> object:
    """The first field that is there and not null, in any spelling; None when there is none."""
    if not isinstance(record, Mapping):
        return None
    for name in names:
        if (value := record.get(name, _NOTHING)) is not _NOTHING and value is not None:
            return value
    spellings = {spelling(key): value for key, value in record.items() if isinstance(key, str) and value is not None}
    return next((spellings[found] for name in names if (found := spelling(name)) in spellings), None)


def text(record: object, *names: str) -> str:
    """A field as text: numbers are written out, everything else that is not text is empty."""
    value = field(record, *names)
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def objects(value: object, level: int = 0) -> Iterator[Mapping[str, object]]:
    """Every object inside a value, in JSON texts too; the outermost first.

    Keys as the query string has them (`Rules.1.CidrIp`) are gathered into one object per prefix.
    """
    value = unwrapped(value)
    if level > DEEPEST:
        return
    if isinstance(value, Mapping):
        flat: dict[str, dict[str, object]] = {}
        for key, inner in value.items():
            prefix, _, last = str(key).rpartition(".")
            flat.setdefault(prefix, {})[last] = inner
        yield from flat.values()
        for inner in value.values():
            yield from objects(inner, level + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from objects(inner, level + 1)


def leaves(value: object, level: int = 0) -> Iterator[object]:
    """Every value inside a value that is neither object nor list, in JSON texts too."""
    value = unwrapped(value)
    if level > DEEPEST:
        return
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from leaves(inner, level + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, level + 1)
    else:
        yield value
