"""Volcengine resource names: `trn:<service>:<region>:<account>:<path>` (Volcengine docs 6257/1134319)."""

from __future__ import annotations

import re
from typing import NamedTuple

FIELDS = 5
"""Parts of a name, `trn` included."""
_VARIABLE = re.compile(r"\$\{[^}]*\}")


class Trn(NamedTuple):
    """The parts of a resource name, or of a pattern of names."""

    service: str = ""
    region: str = ""
    account: str = ""
    path: str = ""


def parse_trn(text: str) -> Trn | None:
    """The parts, split at the first four colons as a path may hold more, or None when it is no resource name.

    The colon in a variable such as `${volc:UserName}` does not split.
    """
    masked = _VARIABLE.sub(lambda variable: "." * len(variable[0]), text) if "${" in text else text
    fields: list[str] = []
    begin = 0
    for part in masked.split(":", FIELDS - 1):
        fields.append(text[begin : begin + len(part)])
        begin += len(part) + 1
    return Trn(*fields[1:]) if len(fields) == FIELDS and fields[0] == "trn" else None
