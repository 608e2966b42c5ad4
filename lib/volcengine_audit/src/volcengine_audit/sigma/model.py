"""What a rule file may say: Sigma's fields, and a few of our own."""

from __future__ import annotations

import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator

from volcengine_audit.sigma.errors import SigmaError

PRODUCT: Final = "volcengine"
SERVICE: Final = "cloudtrail"
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "M": 2629746, "y": 31556952}

Text = Annotated[str, Field(min_length=1)]
Level = Literal["informational", "low", "medium", "high", "critical"]
Status = Literal["stable", "test", "experimental", "deprecated", "unsupported"]
OFF: Final = frozenset({"deprecated", "unsupported"})
"""Statuses of a rule that marks nothing: a user's file with one of them switches a rule off."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Chinese(_Part):
    """The words of a rule in Chinese."""

    title: Text
    description: Text
    advice: str = ""


class LogSource(_Part):
    """Where the events come from. Only Cloud Trail of Volcengine is understood."""

    product: Literal["volcengine"]
    service: Literal["cloudtrail"] = "cloudtrail"
    category: None = None
    definition: str = ""


class Counted(_Part):
    """The condition of a correlation. A count in a stream only grows, so that only a least one makes sense."""

    gte: int | None = Field(default=None, ge=1)
    gt: int | None = Field(default=None, ge=0)
    field: str | None = None

    @property
    def least(self) -> int | None:
        """The least count that fulfils it; None when none is given."""
        return self.gte if self.gte is not None else None if self.gt is None else self.gt + 1


class Correlated(_Part):
    """How the events of other rules belong together."""

    type: Literal["event_count", "value_count", "value_sum", "temporal", "temporal_ordered"]
    rules: tuple[str, ...]
    group_by: tuple[str, ...] = Field(default=(), alias="group-by")
    timespan: str
    condition: Counted = Counted()
    aliases: dict[str, dict[str, str]] = {}
    generate: bool = False

    @field_validator("rules", "group_by", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @field_validator("timespan")
    @classmethod
    def _span(cls, value: str) -> str:
        seconds_of(value)
        return value

    @property
    def seconds(self) -> int:
        """The timespan in seconds."""
        return seconds_of(self.timespan)


def seconds_of(written: str) -> int:
    """The seconds of a timespan such as `15m`.

    Raises: ValueError for what is none.
    """
    number, unit = written[:-1], written[-1:]
    if not (number.isascii() and number.isdecimal() and len(number) <= 9 and int(number) > 0 and unit in _UNITS):
        raise ValueError(f"{written!r} is not a timespan; write a number above 0 and one of s, m, h, d, w, M, y: 15m")
    return int(number) * _UNITS[unit]


class Rule(_Part):
    """One rule, as its file has it.

    Attributes:
        name: what answers call it; stable. Without one, the name of the file.
        zh, advice: its words in Chinese, and what to do.
        replaces: rules whose marks this one makes redundant.
        escalates: whether escalators raise its level.
        raises: steps by which this rule raises the other marks of an event, instead of making one of its own.
    """

    title: Annotated[str, Field(min_length=1, max_length=256)]
    id: UUID | None = None
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,79}$")]
    status: Status = "experimental"
    description: str = ""
    level: Level = "medium"
    tags: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    falsepositives: tuple[str, ...] = ()
    logsource: LogSource | None = None
    detection: dict[str, object] | None = None
    correlation: Correlated | None = None

    author: str = ""
    date: datetime.date | str | None = None
    modified: datetime.date | str | None = None
    license: str = ""
    taxonomy: str = ""
    related: tuple[dict[str, str], ...] = ()
    fields: tuple[str, ...] = ()
    scope: tuple[str, ...] = ()

    zh: Chinese | None = None
    advice: str = ""
    replaces: tuple[str, ...] = ()
    escalates: bool = True
    raises: Annotated[int, Field(ge=0, le=4)] = 0

    @property
    def techniques(self) -> tuple[str, ...]:
        """IDs of MITRE ATT&CK techniques, such as T1098.001."""
        return tuple(tag.removeprefix("attack.").upper() for tag in self.tags if _is_technique(tag))

    @property
    def tactics(self) -> tuple[str, ...]:
        """Tactics of MITRE ATT&CK, such as persistence."""
        named = (tag.removeprefix("attack.") for tag in self.tags if tag.startswith("attack."))
        return tuple(name for name in named if not name[1:2].isdigit())

    def checked(self) -> Rule:
        """The rule itself.

        Raises: SigmaError when it is neither a detection nor a correlation, or both, or misses what its kind needs.
        """
        if (self.detection is None) == (self.correlation is None):
            raise SigmaError("give 'detection' with 'logsource', or 'correlation'; one of them, not both")
        if self.detection is not None and self.logsource is None:
            raise SigmaError(f"'logsource' is missing; write {{product: {PRODUCT}, service: {SERVICE}}}")
        if self.correlation is not None:
            _check(self.correlation)
            if self.raises:
                raise SigmaError("'raises' belongs to a rule with 'detection'; a correlation has its own level")
        return self


def _check(correlation: Correlated) -> None:
    least, kind = correlation.condition.least, correlation.type
    if not correlation.rules:
        raise SigmaError("name at least one rule", "correlation › rules")
    if kind in ("temporal", "temporal_ordered"):
        if len(set(correlation.rules)) < 2:
            raise SigmaError(f"'{kind}' needs two rules or more", "correlation › rules")
        if least is not None and not 1 <= least <= len(correlation.rules):
            raise SigmaError(f"must ask for 1 to {len(correlation.rules)} rules", "correlation › condition")
        if least is not None and kind == "temporal_ordered" and least != len(correlation.rules):
            raise SigmaError("a sequence is met when all its rules are; leave it out", "correlation › condition")
    elif least is None:
        raise SigmaError("say from how many on, such as {gte: 5}", "correlation › condition")
    if kind in ("value_count", "value_sum") and not correlation.condition.field:
        raise SigmaError(f"'{kind}' needs 'field': whose values?", "correlation › condition")


def _is_technique(tag: str) -> bool:
    name = tag.removeprefix("attack.t")
    return name != tag and name.replace(".", "").isdigit()
