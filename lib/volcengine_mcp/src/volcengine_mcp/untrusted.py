"""Text that strangers wrote: invisible characters in it are made visible.

Threat: a name or an event field can hold terminal escapes, right-to-left overrides or zero-width letters, which make
a person or a model read something else than what is there.
"""

from __future__ import annotations

import re
from typing import TypeVar

_INVISIBLE = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and line feed
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"  # soft hyphen, joiners, fillers, Mongolian selectors
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # zero-width, line separators, bidirectional controls
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb"  # fillers, variation selectors, byte order mark, annotations
    "\ud800-\udfff"  # lone surrogates, which cannot be written as UTF-8
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # format controls of shorthand and of music
    "\U000e0000-\U000e0fff"  # tags, supplementary variation selectors, and what is reserved for their like
    "]"
)

T = TypeVar("T")


LARGEST_EXACT_NUMBER = 2**53
"""Integers above this are rounded by JSON readers that use doubles (RFC 8259, section 6)."""


def visible(value: T) -> T:
    """The value with every invisible character in its strings, at any depth, shown as an escape such as `\\u202e`.

    Integers that JSON readers would round become strings of digits.
    """
    return _visible(value)  # type: ignore[return-value]


def _visible(value: object) -> object:
    match value:
        case str():
            return _INVISIBLE.sub(_escape, value) if not value.isprintable() else value
        case dict():
            return {_visible(key): _visible(item) for key, item in value.items()}
        case list():
            return [_visible(item) for item in value]
        case int() if abs(value) > LARGEST_EXACT_NUMBER:
            return str(value)
        case _:
            return value


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
