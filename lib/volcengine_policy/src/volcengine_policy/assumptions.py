"""What the vendor's pages leave open about control policies: named assumptions, each with values to choose from.

Their texts are in `data/assumptions.yaml`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache

from volcengine_policy.data import Entry, load
from volcengine_policy.kinds import CauseKind
from volcengine_policy.truth import Cause, Judgement, unknown

DEPENDS = "depends"


class Assumption(Entry):
    """One open point: the values it can have, each with what it says, and why it is open.

    Every assumption can also be `depends`: then nothing is assumed, and a verdict that needs it says so.
    """

    id: str
    default: str
    values: dict[str, str]
    why: str

    @property
    def field(self) -> str:
        """Its name in `Assumptions`."""
        return self.id.lower().replace("-", "_")


@cache
def assumption_texts() -> dict[str, Assumption]:
    """Every open point by its ID."""
    return {point.id: point for point in load("assumptions.yaml", list[Assumption])}


@dataclass(frozen=True, slots=True)
class Assumptions:
    """A choice for every open point. Raises ValueError for a value that the open point does not have."""

    a_mgmt: str = "exempt"
    a_root: str = DEPENDS
    a_level: str = "each"
    a_default: str = "everywhere"
    a_slr: str = "exempt"
    a_off: str = "no restriction"
    a_se: str = "wildcard"
    a_case: str = "ignore"
    a_missing: str = DEPENDS
    a_notaction: str = "subtract"

    def __post_init__(self) -> None:
        for key in ASSUMPTION_IDS:
            value = self.value(key)
            if value != DEPENDS and value not in assumption(key).values:
                allowed = ", ".join((*assumption(key).values, DEPENDS))
                raise ValueError(f"{key} cannot be {value!r}; it is one of {allowed}")

    @classmethod
    def from_mapping(cls, values: Mapping[str, str]) -> Assumptions:
        """The defaults with some IDs changed, such as `{"A-ROOT": "bound"}`; raises ValueError for an unknown ID."""
        for key in values:
            if key not in _FIELDS:
                raise ValueError(f"there is no assumption {key!r}; the IDs are {', '.join(ASSUMPTION_IDS)}")
        return cls(**{_FIELDS[key]: value for key, value in values.items()})

    def value(self, assumption_id: str) -> str:
        """The value that is chosen for an ID."""
        value: str = getattr(self, _FIELDS.get(assumption_id) or assumption(assumption_id).field)
        return value

    def describe(self, assumption_id: str) -> str:
        """The chosen value as a sentence."""
        found = assumption(assumption_id)
        value = self.value(assumption_id)
        return found.values.get(value) or f"Nothing is assumed here. {found.why}"

    def changed(self, assumption_id: str, value: str) -> Assumptions:
        """The same with one value changed."""
        return replace(self, **{assumption(assumption_id).field: value})

    def without(self, assumption_ids: Iterable[str]) -> Assumptions:
        """The same with nothing assumed for these IDs."""
        return replace(self, **{assumption(key).field: DEPENDS for key in assumption_ids})

    def choose(self, assumption_id: str, by_value: Mapping[str, Judgement]) -> Judgement:
        """The judgement under the chosen value; with `depends`, the one that all values agree on, else unknown."""
        value = self.value(assumption_id)
        if value != DEPENDS:
            return by_value[value]
        first, *others = by_value.values()
        if not first.is_unknown and all(other.truth is first.truth for other in others):
            return first
        carried = [cause for judgement in (first, *others) for cause in judgement.causes]
        return unknown(undecided(assumption_id), *dict.fromkeys(carried))


_FIELDS = {field.name.upper().replace("_", "-"): field.name for field in fields(Assumptions)}
ASSUMPTION_IDS = tuple(_FIELDS)
"""The IDs of the open points."""


def assumption(assumption_id: str) -> Assumption:
    """The open point of that ID; raises ValueError when there is none."""
    try:
        return assumption_texts()[assumption_id]
    except KeyError:
        raise ValueError(f"there is no assumption {assumption_id!r}; the IDs are {', '.join(ASSUMPTION_IDS)}") from None


def undecided(assumption_id: str) -> Cause:
    """The cause of an unknown that this open point would settle."""
    return Cause(CauseKind.ASSUMPTION, assumption_id, assumption(assumption_id).why)
