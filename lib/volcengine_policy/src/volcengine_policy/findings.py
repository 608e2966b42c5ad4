"""What a reader of a policy is told about it: findings, each with a place, a code and advice.

Their texts are in `data/findings.yaml`.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from functools import cache

from pydantic import Field

from volcengine_policy.data import Entry, load
from volcengine_policy.model import Model


class Severity(StrEnum):
    """How much a finding matters; only an error says that the document cannot be right."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Finding(Model):
    """One remark on a policy document."""

    severity: Severity = Field(description="Only an error says that the document cannot be right.")
    path: str = Field(description="Where, such as Statement[0].Action[1]; empty for the whole document.")
    code: str = Field(description="What kind of remark; docs/policies.md lists them.")
    message: str = Field(description="What is to be said.")
    advice: str = Field(description="What to do about it.")


class FindingText(Entry):
    """How a finding is worded; `{name}` stands for a value."""

    severity: Severity
    message: str
    advice: str


@cache
def finding_texts() -> dict[str, FindingText]:
    """The texts by code, or by code and place where one code has several (`trn-form/start`)."""
    return load("findings.yaml", dict[str, FindingText])


def finding(key: str, path: str, /, **values: object) -> Finding:
    """A finding in its own words.

    Args:
        key: of its text in `data/findings.yaml`; its code is what stands before a slash.
        path: where in the document.
        values: what the text has places for.
    """
    text = finding_texts()[key]
    return Finding(
        severity=text.severity,
        path=path,
        code=key.partition("/")[0],
        message=text.message.format(**values),
        advice=text.advice.format(**values),
    )


def can_be_valid(findings: Iterable[Finding]) -> bool:
    """Whether no finding is an error. True is no promise: the service's own checks are not documented."""
    return all(each.severity is not Severity.ERROR for each in findings)
