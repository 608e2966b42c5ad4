"""Texts with wildcards, and regular expressions that cannot be made to run for ever.

An event holds what strangers wrote, so that the time of a match must not depend on how cleverly they wrote it.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from volcengine_audit.sigma.errors import SigmaError

Test = Callable[[str], bool]
"""Whether a text matches; the text has its case folded unless the rule says `cased`."""

LONGEST: Final = 2048
"""Characters of a text that a regular expression looks at; it may take a time that grows with their square."""
_MOST_WAYS: Final = 1000
_SPECIAL: Final = frozenset("*?\\")
_parser: Any = importlib.import_module("re._parser")  # the parser of `re` itself: the only one that agrees with it


def wildcards(written: str) -> list[str | None]:
    r"""The characters of a text: `*` as an empty one, `?` as None; `\*`, `\?` and `\\` stand for themselves."""
    if _SPECIAL.isdisjoint(written):
        return list(written)
    found: list[str | None] = []
    index = 0
    while index < len(written):
        char = written[index]
        following = written[index + 1 : index + 2]
        if char == "\\" and following in ("*", "?", "\\"):
            found.append(following)
            index += 2
            continue
        found.append("" if char == "*" else None if char == "?" else char)
        index += 1
    return found


def has_wildcards(written: str) -> bool:
    """Whether a text holds a `*` or `?` that is not escaped."""
    return not _SPECIAL.isdisjoint(written) and any(not char for char in wildcards(written))


def literal(written: str) -> str:
    """A text without wildcards, its escapes resolved."""
    return written if _SPECIAL.isdisjoint(written) else "".join(char or "" for char in wildcards(written))


def glob(written: str, *, before: bool = False, after: bool = False, cased: bool = False) -> Test:
    """A test for a text in which `*` stands for anything and `?` for one character.

    before, after: whether anything may stand before or after it. Takes a time that grows with the length of the text
    only, because each piece is looked for once, from where the one before it ended.
    """
    chars = wildcards(written if cased else written.casefold())
    if before:
        chars.insert(0, "")
    if after:
        chars.append("")
    pieces: list[list[str | None]] = [[]]
    for char in chars:
        if char == "":
            pieces.append([])
        else:
            pieces[-1].append(char)
    if all(char is not None for piece in pieces for char in piece):
        return _plain([("".join(char or "" for char in piece)) for piece in pieces])
    return _with_gaps([_pattern(piece) for piece in pieces])


def _plain(pieces: Sequence[str]) -> Test:
    if len(pieces) == 1:
        return pieces[0].__eq__
    first, last, middle = pieces[0], pieces[-1], [piece for piece in pieces[1:-1] if piece]
    if not middle:
        least = len(first) + len(last)
        return lambda text: len(text) >= least and text.startswith(first) and text.endswith(last)
    if not first and not last and len(middle) == 1:
        only = middle[0]
        return lambda text: only in text

    def matches(text: str) -> bool:
        if not text.startswith(first):
            return False
        at = len(first)
        for piece in middle:
            at = text.find(piece, at)
            if at < 0:
                return False
            at += len(piece)
        return len(text) - len(last) >= at and text.endswith(last)

    return matches


def _pattern(piece: Sequence[str | None]) -> tuple[re.Pattern[str], int]:
    return re.compile("".join("." if char is None else re.escape(char) for char in piece), re.DOTALL), len(piece)


def _with_gaps(pieces: Sequence[tuple[re.Pattern[str], int]]) -> Test:
    (first, first_length), (last, last_length) = pieces[0], pieces[-1]
    if len(pieces) == 1:
        return lambda text: first.fullmatch(text) is not None

    def matches(text: str) -> bool:
        if not first.match(text):
            return False
        at = first_length
        for pattern, _ in pieces[1:-1]:
            found = pattern.search(text, at)
            if found is None:
                return False
            at = found.end()
        end = len(text) - last_length
        return end >= at and last.match(text, end) is not None

    return matches


def regex(written: str, flags: str = "") -> Test:
    """A test for a regular expression anywhere in a text.

    Raises: SigmaError for one that is none, or that could take a time out of all proportion to the text.
    """
    marks = re.NOFLAG
    for flag in flags:
        marks |= {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}[flag]
    try:
        tree = _parser.parse(written, marks)
        pattern = re.compile(written, marks)
    except (re.error, OverflowError, RecursionError) as error:
        raise SigmaError(f"{written!r} is not a regular expression ({error})") from None
    anchored = bool(tree) and str(tree[0][0]) == "AT" and str(tree[0][1]) in ("AT_BEGINNING", "AT_BEGINNING_STRING")
    unbounded, ways = _effort(tree, written)
    if unbounded > (2 if anchored and not marks & re.MULTILINE else 1) or ways > _MOST_WAYS:
        raise SigmaError(
            f"the regular expression {written!r} repeats too much to run in a time that is known beforehand; use "
            "'contains', 'startswith' or wildcards, or one '*' or '+' only (two behind a leading '^')"
        )
    return lambda text: pattern.search(text[:LONGEST]) is not None


def _effort(tree: Any, written: str, *, inside: bool = False) -> tuple[int, int]:
    """How many repeats have no bound, and in how many ways the bounded choices can be made together."""
    unbounded, ways = 0, 1
    for operation, argument in tree:
        name = str(operation)
        if name in ("GROUPREF", "GROUPREF_EXISTS", "ASSERT", "ASSERT_NOT"):
            raise SigmaError(
                f"the regular expression {written!r} looks ahead, behind or back at a group; write it without, perhaps "
                "as two conditions"
            )
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            low, high, body = argument
            inner = _effort(body, written, inside=True)
            if inner != (0, 1):
                raise SigmaError(
                    f"the regular expression {written!r} repeats something that itself repeats or has choices; write "
                    "the inner part without '*', '+', '?' or '|'"
                )
            if high is _parser.MAXREPEAT or high - low > _MOST_WAYS:
                unbounded += 1
            else:
                ways *= int(high - low) + 1
        elif name == "SUBPATTERN":
            more, choices = _effort(argument[3], written, inside=inside)
            unbounded, ways = unbounded + more, ways * choices
        elif name == "ATOMIC_GROUP":
            more, choices = _effort(argument, written, inside=inside)
            unbounded, ways = unbounded + more, ways * choices
        elif name == "BRANCH":
            branches = [_effort(branch, written, inside=inside) for branch in argument[1]]
            unbounded += max(more for more, _ in branches)
            ways *= sum(choices for _, choices in branches)
        ways = min(ways, _MOST_WAYS + 1)
    return unbounded, ways
