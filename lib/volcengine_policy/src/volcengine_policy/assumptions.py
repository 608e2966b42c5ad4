"""What the vendor's pages leave open about control policies: named assumptions, each with values to choose from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from volcengine_policy.truth import Cause, CauseKind, Judgement, unknown

DEPENDS = "depends"


@dataclass(frozen=True, slots=True)
class Assumption:
    """One open point: the values it can have, each with what it says, and why it is open.

    Every assumption can also be `depends`: then nothing is assumed, and a verdict that needs it says so.
    """

    id: str
    default: str
    values: Mapping[str, str]
    why: str

    @property
    def field(self) -> str:
        """Its name in `Assumptions`."""
        return self.id.lower().replace("-", "_")


CATALOGUE: tuple[Assumption, ...] = (
    Assumption(
        "A-MGMT",
        "exempt",
        {
            "exempt": "Control policies never restrict the administrator account of the organization.",
            "restricted": "Control policies restrict the administrator account like any member.",
        },
        "The pages on permissions speak of member accounts only; AWS and Alibaba exempt the administrator account.",
    ),
    Assumption(
        "A-ROOT",
        DEPENDS,
        {
            "bound": "Control policies restrict the root user of a member account.",
            "exempt": "Control policies do not restrict the root user of a member account.",
        },
        "No page says it, and the analogues differ: AWS binds root users of members, Alibaba does not.",
    ),
    Assumption(
        "A-LEVEL",
        "each",
        {
            "each": "Every level from the root unit to the account must allow by a policy of its own.",
            "union": "It is enough that one policy anywhere on the path allows.",
        },
        "No page on inheritance was found; AWS wants an Allow on every level.",
    ),
    Assumption(
        "A-DEFAULT",
        "everywhere",
        {
            "everywhere": "The System policy is attached to every node and allows everything.",
            "as read": "A node has only the policies that were read, and a System policy says what was read of it.",
        },
        "That a preset full-access policy exists is documented, its name, content and attachment are not.",
    ),
    Assumption(
        "A-SLR",
        "exempt",
        {
            "exempt": "Control policies do not restrict service-linked roles.",
            "restricted": "Control policies restrict service-linked roles like other roles.",
        },
        "No page says it; AWS exempts service-linked roles.",
    ),
    Assumption(
        "A-OFF",
        "no restriction",
        {
            "no restriction": "While the feature is off, no control policy restricts anything.",
            "in force": "Attached control policies count as in force although the feature is not on.",
        },
        "No page says what attached policies do while the feature is off; `in force` previews switching it on.",
    ),
    Assumption(
        "A-SE",
        "wildcard",
        {
            "wildcard": "In values of StringEquals and StringNotEquals, * and ? are wildcards.",
            "literal": "In values of StringEquals and StringNotEquals, * and ? stand for themselves.",
        },
        "One vendor example explains such a value as a pattern; the table of operators could not be read.",
    ),
    Assumption(
        "A-CASE",
        "ignore",
        {
            "ignore": "Actions match whatever their case.",
            "exact": "Actions match only in the exact case.",
        },
        "Vendor sources spell the same action in different case, and no page says how they are compared.",
    ),
    Assumption(
        "A-MISSING",
        DEPENDS,
        {
            "aws": "A key that a request does not carry fails a positive operator and passes a negated one.",
        },
        "No page says it, and a third party calls it unpredictable; AWS has this rule.",
    ),
    Assumption(
        "A-NOTACTION",
        "subtract",
        {
            "subtract": "NotAction and NotResource take away from Action and Resource of the same statement.",
            "complement": "NotAction and NotResource may also stand alone and then mean everything else, as in AWS.",
            "ignored": "NotAction and NotResource have no effect.",
        },
        "Subtraction is documented, but for a list of services of which only a part was seen.",
    ),
)

_BY_ID = {assumption.id: assumption for assumption in CATALOGUE}
_FIELDS = {assumption.id: assumption.field for assumption in CATALOGUE}
ASSUMPTION_IDS = tuple(_BY_ID)


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
        for assumption in CATALOGUE:
            value = self.value(assumption.id)
            if value != DEPENDS and value not in assumption.values:
                allowed = ", ".join((*assumption.values, DEPENDS))
                raise ValueError(f"{assumption.id} cannot be {value!r}; it is one of {allowed}")

    @classmethod
    def from_mapping(cls, values: Mapping[str, str]) -> Assumptions:
        """The defaults with some IDs changed, such as `{"A-ROOT": "bound"}`; raises ValueError for an unknown ID."""
        for key in values:
            if key not in _BY_ID:
                raise ValueError(f"there is no assumption {key!r}; the IDs are {', '.join(ASSUMPTION_IDS)}")
        return cls(**{_BY_ID[key].field: value for key, value in values.items()})

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


def assumption(assumption_id: str) -> Assumption:
    """The open point of that ID; raises ValueError when there is none."""
    try:
        return _BY_ID[assumption_id]
    except KeyError:
        raise ValueError(f"there is no assumption {assumption_id!r}; the IDs are {', '.join(ASSUMPTION_IDS)}") from None


def undecided(assumption_id: str) -> Cause:
    """The cause of an unknown that this open point would settle."""
    return Cause(CauseKind.ASSUMPTION, assumption_id, assumption(assumption_id).why)
