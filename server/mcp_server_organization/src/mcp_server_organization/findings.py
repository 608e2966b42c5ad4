"""How findings on a policy document are shown, and how a document or change that cannot be used is refused."""

from __future__ import annotations

from collections.abc import Iterable

from volcengine_mcp.errors import ArgumentsError
from volcengine_policy import Finding

MOST_ALIKE = 10
"""Findings of one kind that an answer shows; the last says how many more there are."""


def shown(findings: Iterable[Finding]) -> list[Finding]:
    """The findings, but of many alike only some: a lock-out must not drown in them."""
    alike: dict[str, list[Finding]] = {}
    for finding in findings:
        alike.setdefault(finding.code, []).append(finding)
    for rows in alike.values():
        if (more := len(rows) - MOST_ALIKE) > 0:
            last = rows[MOST_ALIKE - 1]
            rows[MOST_ALIKE - 1 :] = [last.model_copy(update={"message": f"{last.message} And {more} more like this."})]
    return [row for rows in alike.values() for row in rows]


def bad(message: str) -> ArgumentsError:
    """That arguments do not fit each other or what was read."""
    message = message[0].upper() + message[1:]
    return ArgumentsError(
        "InvalidArguments", message if message.endswith(".") else f"{message}.", hint="Nothing was changed."
    )
