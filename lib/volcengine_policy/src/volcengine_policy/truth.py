"""Three-valued judgements: yes, no, or unknown for reasons that are named."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

from volcengine_policy.kinds import CauseKind


class Truth(Enum):
    """Kleene's three values."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something is unknown: its kind, the name of what is missing, a sentence, and where it was met."""

    kind: CauseKind
    name: str
    reason: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A truth; an unknown one has its causes, the others none."""

    truth: Truth
    causes: tuple[Cause, ...] = ()

    @property
    def is_true(self) -> bool:
        """Whether it is certainly so."""
        return self.truth is Truth.TRUE

    @property
    def is_false(self) -> bool:
        """Whether it is certainly not so."""
        return self.truth is Truth.FALSE

    @property
    def is_unknown(self) -> bool:
        """Whether it depends on its causes."""
        return self.truth is Truth.UNKNOWN

    def at(self, where: str) -> Judgement:
        """The same with the place set on causes that have none."""
        return Judgement(self.truth, tuple(c if c.where else replace(c, where=where) for c in self.causes))


YES = Judgement(Truth.TRUE)
NO = Judgement(Truth.FALSE)


def known(value: bool) -> Judgement:
    """A judgement that is certain."""
    return YES if value else NO


def unknown(*causes: Cause) -> Judgement:
    """A judgement that depends on the causes."""
    return Judgement(Truth.UNKNOWN, causes)


def every(judgements: Iterable[Judgement]) -> Judgement:
    """Whether all hold; one that does not decides at once, whatever is unknown of the others."""
    return _fold(judgements, decisive=NO, otherwise=YES)


def some(judgements: Iterable[Judgement]) -> Judgement:
    """Whether any holds; one that does decides at once, whatever is unknown of the others."""
    return _fold(judgements, decisive=YES, otherwise=NO)


def negate(judgement: Judgement) -> Judgement:
    """The contrary; unknown stays unknown."""
    if judgement.is_unknown:
        return judgement
    return NO if judgement.is_true else YES


def _fold(judgements: Iterable[Judgement], *, decisive: Judgement, otherwise: Judgement) -> Judgement:
    causes: list[Cause] = []
    for judgement in judgements:
        if judgement.truth is decisive.truth:
            return decisive
        causes.extend(judgement.causes)
    return unknown(*dict.fromkeys(causes)) if causes else otherwise
