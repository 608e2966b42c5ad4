"""Volcengine resource names: `trn:<service>:<region>:<account>:<path>`."""

from __future__ import annotations

from typing import NamedTuple


class Trn(NamedTuple):
    """The parts of a resource name; all are empty when a text is none."""

    service: str = ""
    region: str = ""
    account: str = ""
    path: str = ""


def trn_of(text: str) -> Trn:
    """The parts of a resource name."""
    parts = text.split(":", 4)
    return Trn(*parts[1:]) if len(parts) == 5 and parts[0] == "trn" else Trn()
