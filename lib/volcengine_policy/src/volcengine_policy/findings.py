"""What a reader of a policy is told about it: findings, each with a place, a code and advice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding matters; only an error says that the document cannot be right."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark on a policy document.

    `path` is where: `Statement[0].Action[1]`, `line 3, column 5` for text that is not JSON, or empty for the whole
    document. `code` is stable and listed in docs/policies.md.
    """

    severity: Severity
    path: str
    code: str
    message: str
    advice: str


def can_be_valid(findings: Iterable[Finding]) -> bool:
    """Whether no finding is an error. True is no promise: the service's own checks are not documented."""
    return all(finding.severity is not Severity.ERROR for finding in findings)


def error(path: str, code: str, message: str, advice: str) -> Finding:
    """A finding that makes the document wrong."""
    return Finding(Severity.ERROR, path, code, message, advice)


def warning(path: str, code: str, message: str, advice: str) -> Finding:
    """A finding that a person should look at before the policy is used."""
    return Finding(Severity.WARNING, path, code, message, advice)


def info(path: str, code: str, message: str, advice: str) -> Finding:
    """A finding that is good to know."""
    return Finding(Severity.INFO, path, code, message, advice)
