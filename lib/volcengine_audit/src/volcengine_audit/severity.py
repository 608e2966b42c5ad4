"""How much a mark or a finding matters."""

from __future__ import annotations

from enum import StrEnum


class Severity(StrEnum):
    """How much something matters; compares by gravity, not by the alphabet."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """The place in the order, 0 for info."""
        return _RANKS[self]

    def raised(self, steps: int) -> Severity:
        """The severity some steps up, or down where there are fewer than none; at most critical, at least info."""
        return _ORDER[max(min(self.rank + steps, len(_ORDER) - 1), 0)]

    def __lt__(self, other: str) -> bool:
        return self.rank < Severity(other).rank

    def __le__(self, other: str) -> bool:
        return self.rank <= Severity(other).rank

    def __gt__(self, other: str) -> bool:
        return self.rank > Severity(other).rank

    def __ge__(self, other: str) -> bool:
        return self.rank >= Severity(other).rank


_ORDER = tuple(Severity)
_RANKS = {severity: rank for rank, severity in enumerate(_ORDER)}
