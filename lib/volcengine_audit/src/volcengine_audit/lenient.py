"""Reading what a service wrote leniently: fields in other spellings, JSON inside texts, and what is broken."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final

from volcengine_audit.kept import LONGEST, MOST

DEEPEST: Final = 100
"""Levels of nesting that are looked into; a log entry can be made deeper than a reader's stack."""
OPENERS: Final = frozenset('{["')
"""How the JSON text of an object, a list or a text begins."""
_SPELLINGS: Final[dict[str, str]] = {}
_DECODER: Final = json.JSONDecoder(parse_constant=str)


def spelling(name: str) -> str:
    """A field name without case and punctuation, in which `AccountID`, `AccountId` and `account_id` are one."""
    known = _SPELLINGS.get(name)
    if known is not None:
        return known
    folded = name.casefold()
    found = folded if folded.isalnum() else "".join(char for char in folded if char.isalnum())
    if len(name) <= LONGEST and len(_SPELLINGS) < MOST:
        _SPELLINGS[name] = found
    return found


def spelt(record: object) -> dict[str, object]:
    """The fields of an object by their spelling, those that are null left out; none of what is no object."""
    if not isinstance(record, Mapping):
        return {}
    return {spelling(key): value for key, value in record.items() if value is not None and isinstance(key, str)}


def as_text(value: object) -> str:
    """A value as text: numbers are written out, everything else that is not text is empty."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


class Fields:
    """The fields of an object, in any spelling; of what is no object, none."""

    __slots__ = ("_record", "_spelt")

    def __init__(self, record: object) -> None:
        self._record: Mapping[str, object] = record if isinstance(record, Mapping) else {}
        self._spelt: dict[str, object] | None = None

    def get(self, *names: str) -> object:
        """The first field that is there and not null; None when there is none."""
        for name in names:
            if (value := self._record.get(name)) is not None:
                return value
        if self._spelt is None:
            self._spelt = spelt(self._record)
        known = self._spelt
        return next((known[found] for name in names if (found := spelling(name)) in known), None)

    def text(self, *names: str) -> str:
        """A field as text; empty when it is none."""
        return as_text(self.get(*names))


def loads(text: str) -> object:
    """The value of a JSON text. NaN and Infinity, which are not JSON, become strings.

    Raises: ValueError when it is not JSON, or too deep to read.
    """
    try:
        value: object = _DECODER.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply to read") from None
    return value


def dumps(value: object) -> str:
    """Compact JSON text, Chinese as it is."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def unwrapped(value: object, levels: int = 3) -> object:
    """The value, or what it says if it is the JSON text of an object or list, wrapped up to `levels` times."""
    for _ in range(levels):
        if not isinstance(value, str) or value.lstrip()[:1] not in OPENERS:
            break
        try:
            value = loads(value)
        except ValueError:
            break
    return value


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
