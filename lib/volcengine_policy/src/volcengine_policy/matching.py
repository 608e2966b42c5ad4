"""Matching of patterns: wildcards, actions, resource names and the variables in them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import TypeAlias

from volcengine_policy.trn import Trn

_VARIABLE = re.compile(r"\$\{([^{}]*)\}")


class Wild(Enum):
    """The two wildcards (Volcengine docs 6257/1134943); no escape for them is known."""

    MANY = "*"
    ONE = "?"


Tokens: TypeAlias = tuple["str | Wild", ...]


def tokens(pattern: str, values: Mapping[str, str] | None = None) -> Tokens:
    """The pattern as single characters and wildcards, with its variables replaced.

    A variable's value is literal: a `*` in a tag must not widen the policy that uses the tag. A variable that
    `values` (by lower-case key) does not have stays as text.
    """
    found: list[str | Wild] = []
    at = 0
    for match in _VARIABLE.finditer(pattern) if values is not None else ():
        value = values.get(match[1].lower()) if values is not None else None
        found.extend(_wild(pattern[at : match.start()]))
        found.extend(match[0] if value is None else value)
        at = match.end()
    found.extend(_wild(pattern[at:]))
    return tuple(found)


def _wild(text: str) -> Iterator[str | Wild]:
    return (Wild(char) if char in "*?" else char for char in text)


def variables(pattern: str) -> tuple[str, ...]:
    """The keys of the variables `${key}` in it (Volcengine docs 6257/1134943), in order."""
    return tuple(match[1] for match in _VARIABLE.finditer(pattern))


def matches(pattern: Sequence[str | Wild], text: str) -> bool:
    """Whether the whole text fits: `*` is any number of characters, `?` exactly one."""
    return _compiled(tuple(pattern)).fits(text)


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A pattern cut at its stars.

    Each piece is looked for behind the one before it, so time is bounded by the product of the lengths, whatever the
    pattern; a backtracking regular expression has no such bound, and policies come from outside.

    Attributes:
        first, last: what the text begins and ends with; without a star, `first` is all of it and `last` is None.
        between: what it has between them, in this order.
    """

    first: re.Pattern[str]
    between: tuple[re.Pattern[str], ...] = ()
    last: re.Pattern[str] | None = None
    tail: int = 0

    def fits(self, text: str) -> bool:
        if self.last is None:
            return self.first.fullmatch(text) is not None
        found = self.first.match(text)
        for piece in self.between:
            if found is None:
                return False
            found = piece.search(text, found.end())
        rest = len(text) - self.tail
        return found is not None and found.end() <= rest and self.last.fullmatch(text, rest) is not None


@lru_cache(maxsize=2048)
def _compiled(pattern: Tokens) -> _Pattern:
    pieces: list[list[str]] = [[]]
    for token in pattern:
        if token is Wild.MANY:
            pieces.append([])
        else:
            pieces[-1].append("." if token is Wild.ONE else re.escape(str(token)))
    first, *others = ("".join(piece) for piece in pieces)
    if not others:
        return _Pattern(re.compile(first, re.DOTALL))
    between = tuple(re.compile(piece, re.DOTALL) for piece in others[:-1] if piece)
    return _Pattern(re.compile(first, re.DOTALL), between, re.compile(others[-1], re.DOTALL), len(pieces[-1]))


def glob(pattern: str, text: str, *, ignore_case: bool = False) -> bool:
    """Whether the text fits the pattern with wildcards and without variables."""
    if ignore_case:
        pattern, text = pattern.casefold(), text.casefold()
    if "*" not in pattern and "?" not in pattern:
        return pattern == text
    return _globbed(pattern).fits(text)


@lru_cache(maxsize=2048)
def _globbed(pattern: str) -> _Pattern:
    return _compiled(tokens(pattern))


def split_action(pattern: str) -> tuple[str, str] | None:
    """Service code and name, or None without a colon; a lone `*` is both (Volcengine docs 6257/1253730)."""
    if pattern == "*":
        return "*", "*"
    service, colon, name = pattern.partition(":")
    return (service, name) if colon else None


@lru_cache(maxsize=16384)
def match_action(pattern: str, action: str, *, ignore_case: bool) -> bool | None:
    """Whether the action `service:Name` fits, or None when the pattern has no colon and is not `*`.

    Both sides are matched for themselves, since the system policy ReadOnlyAccess has patterns such as `*:List*`
    (Volcengine docs 6257/1253730); that a wildcard does not cross the colon is inferred.
    """
    wanted, given = split_action(pattern), split_action(action)
    if wanted is None or given is None:
        return None
    return all(glob(w, g, ignore_case=ignore_case) for w, g in zip(wanted, given, strict=True))


def match_trn(pattern: Trn, resource: Trn, values: Mapping[str, str] | None = None) -> bool:
    """Whether the resource fits field by field.

    In the path `*` runs across `/` (Volcengine docs 6349/102133) and variables are replaced (docs 6257/1134943).
    That a wildcard does not cross a field is inferred.
    """
    return (
        glob(pattern.service, resource.service)
        and glob(pattern.region, resource.region)
        and glob(pattern.account, resource.account)
        and matches(tokens(pattern.path, values or {}), resource.path)
    )
