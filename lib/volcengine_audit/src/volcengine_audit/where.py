"""Conditions on events, the same for every tool: checked once, evaluated after reading, sent to the API where it can.

A value of a condition is text without regard to case, in which `*` stands for any characters and `?` for one; an
address may also be a network, and `(none)` or an empty text means that the field is empty. `comparing` says the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, tzinfo
from typing import Annotated, Final, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, model_validator
from pydantic import Field as Described
from pydantic.alias_generators import to_pascal

from volcengine_audit.comparing import is_empty, test_of
from volcengine_audit.event_fields import NAMES, field_named
from volcengine_audit.events import Event
from volcengine_audit.risk import Judged, Marks

LOOKUP_KEYS: Final = (
    *("EventID", "RequestID", "EventSource", "EventName", "ApiVersion", "ReadOnly", "IdentityType", "IdentityName"),
    *("AccessKeyID", "Region", "ResourceType", "ResourceID", "ErrorCode"),
)
"""The LookupConditionKeys of LookupEvents 2021-09-01, as the SDK lists them."""


def _listed(value: object) -> object:
    """One value stands for a list of one; numbers and truth values are written out, as in `ReadOnly: true`."""
    several = value if isinstance(value, list | tuple) else [value]
    return [str(one).lower() if isinstance(one, bool) else str(one) if isinstance(one, int) else one for one in several]


Value = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1024)]


class Condition(BaseModel):
    """What a field of an event must be, or must not be."""

    model_config = ConfigDict(
        alias_generator=to_pascal, populate_by_name=True, frozen=True, extra="forbid", defer_build=True
    )

    field: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=256)] = Described(
        description=f"One of {', '.join(NAMES)}, or RequestParameters.<path>, ResponseElements.<path>."
    )
    values: Annotated[tuple[Value, ...], Described(min_length=1, max_length=100), BeforeValidator(_listed)] = Described(
        description="Any of these; * and ? are wildcards, (none) is an empty field. SourceIPAddress takes networks, "
        "Result OK, failed or an error code, Severity the least one, TimeOfDay 22:00-06:00, Weekday sat-sun."
    )
    exclude: bool = Described(False, description="True for events that match none of the values.")

    @model_validator(mode="before")
    @classmethod
    def _canonical(cls, given: object) -> object:
        """Spell the field as answers spell it."""
        if not isinstance(given, dict):
            return given
        return {
            key: field_named(value).name if key in ("field", "Field") and isinstance(value, str) and value else value
            for key, value in given.items()
        }

    @model_validator(mode="after")
    def _understood(self) -> Condition:
        test_of(self.field, self.values, UTC)
        return self


class Where:
    """Conditions that must all hold, ready to be asked of many events.

    Args:
        zone: where the hours and days of TimeOfDay and Weekday are told, unless a value names its own zone.
    """

    def __init__(self, conditions: Iterable[Condition], zone: tzinfo = UTC) -> None:
        # What is looked for inside requests takes the longest and is therefore asked last.
        ordered = sorted(conditions, key=lambda one: field_named(one.field).safe is not None)
        self._tests = tuple((test_of(one.field, one.values, zone), not one.exclude) for one in ordered)

    def matches(self, event: Event, marks: Marks = ()) -> bool:
        """Whether all conditions hold for an event with these marks. Never fails."""
        return all(test(event, marks) is wanted for test, wanted in self._tests)


def matching(judged: Judged, where: Where) -> Judged:
    """Only the events for which conditions hold, and of what several events mean together only their part."""
    kept = [
        at
        for at, (event, marks) in enumerate(zip(judged.events, judged.marks, strict=True))
        if where.matches(event, marks)
    ]
    ids = {judged.events[at].id for at in kept}
    sequences = []
    for one in judged.sequences:
        mine = tuple(event_id for event_id in one.event_ids if event_id in ids)
        if mine:
            dropped = len(one.event_ids) - len(mine)
            sequences.append(replace(one, event_ids=mine, count=one.count - dropped))
    return Judged(
        [judged.events[at] for at in kept],
        [judged.marks[at] for at in kept],
        [judged.unusual[at] for at in kept],
        sequences,
    )


def said(conditions: Iterable[Condition]) -> list[str]:
    """The conditions in words. What the API looks up is exact, and said to be."""
    lines = []
    for one in conditions:
        values = " or ".join("(none)" if is_empty(value) else value for value in one.values)
        asked = " (exact)" if pushed([one]) else ""
        lines.append(f"{one.field} is {'not ' if one.exclude else ''}{values}{asked}")
    return lines


_NAME: Final = re.compile(r"(?=.*[a-z])[A-Z][A-Za-z0-9]*")
_ERROR: Final = re.compile(r"(?=.*[a-z])[A-Z][A-Za-z0-9]*(?:\.[A-Z][A-Za-z0-9]*)*")
_USER: Final = re.compile(r"(?![0-9]+$|AK(?:LT|TP))[A-Za-z0-9+=,._-]{1,64}")
_LABEL: Final = re.compile(r"user/(?P<name>[^/@]+)(?:@[0-9]{10})?")
_KEY: Final = re.compile(r"AK(?:LT|TP)[A-Za-z0-9+/=_-]+")
_CAPITALS: Final = "TLS|CDN|Kafka|RocketMQ|RabbitMQ|Redis|ESCloud|FileNAS"
"""The service codes that have capitals (docs of the services, and their SDK packages); all others have none."""
_SOURCE: Final = re.compile(rf"(?!(?i:{_CAPITALS})$)[a-z][a-z0-9_]*|{_CAPITALS}")
_CANONICAL: Final = {
    "EventID": re.compile(r"(?![0-9A-Fa-f-]*[A-F][0-9A-Fa-f-]*$)[\w.:-]+", re.ASCII),
    "RequestID": re.compile(r"[\w.:-]+", re.ASCII),
    "EventSource": _SOURCE,
    "EventName": _NAME,
    "ApiVersion": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
    "ReadOnly": re.compile(r"true|false"),
    "IdentityType": _NAME,
    "IdentityName": _USER,
    "AccessKeyID": _KEY,
    "Region": re.compile(r"[a-z]+(?:-[a-z0-9]+)+"),
    "ErrorCode": _ERROR,
}
"""How values are spelt. ResourceType is missing, as services spell it differently; so is ResourceID, as an ID may stand
in a request or response alone."""


class Pushed(NamedTuple):
    """A condition that the API filters: LookupConditionKey and LookupConditionValue."""

    key: str
    value: str


def pushed(conditions: Iterable[Condition]) -> list[Pushed]:
    """What of some conditions the API can filter, so that less is read; `remaining` says what to evaluate after that.

    The API compares exactly. A condition is sent only if it has one value without wildcards, is no exclusion, and is
    spelt as such values are: a service in lower case, an action, error or type with a capital, a key with its prefix.
    So `deleteinstances` is evaluated here only. A well-formed value that differs from the recorded one in case, such as
    `Deleteinstances` or a user name, is sent and finds nothing: `said` says that it is exact, and `near` names the
    other spelling. But for that, no event is lost, because what is asked is:

    - EventID, RequestID, AccessKeyID: identifiers; an ID in hexadecimal is sent in lower case only.
    - EventSource, EventName, ApiVersion, Region, IdentityType, ErrorCode: the field itself. `Action` is the first two,
      `Result` with an error code is the last.
    - ReadOnly: the service's own record; ours falls back on the verb only where an event does not say it.
    - IdentityName: the name of a user and nothing else; digits or a key are how a label names a user without a name.
    - `Who` with `user/alice` or `user/alice@2100000001`: every such caller is a user called alice; the account is
      compared here. `Who` with an access key is that key. Other labels, addresses, and resources are not keys.

    Each key is sent once, as what the API makes of two values is not documented.
    """
    found: dict[str, str] = {}
    for one in conditions:
        for key, value in _asked(one):
            found.setdefault(key, value)
    return [Pushed(key, value) for key, value in found.items()]


def remaining(conditions: Iterable[Condition]) -> list[Condition]:
    """What to evaluate after reading what `pushed` filtered: all but ReadOnly, of which the API knows more than events.

    The others are evaluated again, which loses nothing and does not depend on what the API does with them.
    """
    listed = list(conditions)
    sent = dict(pushed(listed)).get("ReadOnly")
    return [one for one in listed if one.field != "ReadOnly" or _asked(one) != [("ReadOnly", sent)]]


def _asked(condition: Condition) -> list[tuple[str, str]]:
    """Keys and values by which the API finds all events that match and are spelt so; no such spelling has wildcards."""
    name, value = condition.field, condition.values[0]
    if condition.exclude or len(condition.values) > 1:
        return []
    wanted = [(name, value)]
    if name == "Action":
        source, _, action = value.partition(":")
        wanted = [("EventSource", source), ("EventName", action)]
    elif name == "Result":
        wanted = [] if value.casefold() in ("ok", "success", "succeeded", "failed", "failure", "error") else wanted
        wanted = [("ErrorCode", value) for _ in wanted]
    elif name == "ReadOnly":
        wanted = [(name, value.casefold())]
    elif name == "Who":
        label = _LABEL.fullmatch(value)
        wanted = [("IdentityName", label["name"])] if label else [("AccessKeyID", value)]
    known = [(key, text) for key, text in wanted if key in _CANONICAL and _CANONICAL[key].fullmatch(text)]
    return known if len(known) == len(wanted) else []
