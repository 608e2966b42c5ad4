"""The condition of a rule: `selection and not 1 of filter_*`, read into a tree."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from volcengine_audit.sigma.errors import SigmaError

_TOKEN: Final = re.compile(r"\s*(\(|\)|[^\s()]+)")
_DEEPEST: Final = 40
_WORDS: Final = frozenset({"and", "or", "not", "of", "them", "1", "any", "all"})


@dataclass(frozen=True, slots=True)
class Every:
    """All parts hold."""

    parts: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """At least one part holds."""

    parts: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Tree


@dataclass(frozen=True, slots=True)
class Named:
    """The selection of this name holds."""

    name: str


Tree = Every | Either | Not | Named


def parse(written: str, names: Sequence[str]) -> Tree:
    """A condition over the selections of these names.

    Raises: SigmaError that says what was expected where, or which selection does not exist.
    """
    if "|" in written:
        raise SigmaError(
            f"{written!r} counts with '|', which Sigma no longer has; write the counting as a rule of its own with "
            "'correlation' (type event_count or value_count)",
            "condition",
        )
    reader = _Reader(written, names)
    tree = reader.either(0)
    if reader.rest:
        raise reader.error(f"expected 'and', 'or' or the end, not {reader.rest[0]!r}")
    return tree


class _Reader:
    """Reads a condition from left to right; `not` binds before `and`, and that before `or`."""

    def __init__(self, written: str, names: Sequence[str]) -> None:
        self._written, self._names = written, names
        self.rest = _TOKEN.findall(written)

    def error(self, problem: str) -> SigmaError:
        return SigmaError(f"{problem} in {self._written!r}", "condition")

    def either(self, level: int) -> Tree:
        parts = [self._both(level)]
        while self._next_is("or"):
            parts.append(self._both(level))
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _both(self, level: int) -> Tree:
        parts = [self._one(level)]
        while self._next_is("and"):
            parts.append(self._one(level))
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def _one(self, level: int) -> Tree:
        if level > _DEEPEST:
            raise self.error(f"more than {_DEEPEST} parentheses or 'not' inside one another")
        if self._next_is("not"):
            return Not(self._one(level + 1))
        if self._next_is("("):
            inner = self.either(level + 1)
            if not self._next_is(")"):
                raise self.error("a ')' is missing")
            return inner
        if not self.rest:
            raise self.error("expected the name of a selection at the end")
        word = self.rest.pop(0)
        if word.casefold() in ("1", "any", "all") and self._next_is("of"):
            return self._several(word.casefold())
        if word.casefold() in _WORDS or word == ")":
            raise self.error(f"expected the name of a selection, not {word!r}")
        if word not in self._names:
            raise self.error(f"there is no selection {word!r} (there are {', '.join(self._names) or 'none'})")
        return Named(word)

    def _several(self, how_many: str) -> Tree:
        if not self.rest:
            raise self.error(f"expected 'them' or a name such as selection_* after '{how_many} of'")
        pattern = self.rest.pop(0)
        if pattern.casefold() == "them":
            found = [name for name in self._names if not name.startswith("_")]
        else:
            found = [name for name in self._names if fnmatchcase(name, pattern)]
        if not found:
            raise self.error(f"no selection is like {pattern!r} (there are {', '.join(self._names) or 'none'})")
        parts = tuple(Named(name) for name in found)
        if len(parts) == 1:
            return parts[0]
        return Every(parts) if how_many == "all" else Either(parts)

    def _next_is(self, word: str) -> bool:
        if self.rest and self.rest[0].casefold() == word:
            self.rest.pop(0)
            return True
        return False
