"""One audit event: typed, as a short record that answers who, what, where from, on what and how it ended, or in full.

Shape: the LookupEvents page of the API documents, whose only sample is a root user's call. Every field is optional, and
what the page does not show is read in all the spellings that are likely.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Final

from volcengine_audit import jsons
from volcengine_audit.identity import Identity, identity_of
from volcengine_audit.secrets import mask, mask_text
from volcengine_audit.times import iso, parse_stamp

RAW: Final = "Raw"
"""Field under which a detail that is not a JSON object is kept."""

_READS: Final = re.compile(r"(?:Describe|List|Get|Query|Check|Read|Desc|Search)(?![a-z])|.*Describe")
_READS_OF: Final = {
    "tos": re.compile(r"Head"),
    "rms": re.compile(r".*Get"),
    "rtc": re.compile(r"Find"),
    "cloud_trail": re.compile(r"Lookup"),
}
_PAYLOADS: Final = frozenset({"requestparameters", "responseelements"})
_MOST_SHOWN: Final = 5
_LONGEST_MESSAGE: Final = 300


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource that an event touched."""

    type: str = ""
    id: str = ""
    service: str = ""
    trn: str = ""

    @property
    def label(self) -> str:
        """`ecs instance/i-123`, or as much of it as is known."""
        own = "/".join(part for part in (self.type, self.id) if part)
        return " ".join(part for part in (self.service, own) if part) or self.trn


@dataclass(frozen=True, slots=True)
class Event:
    """One API call, as it was recorded. Empty text is unknown, an empty `error_code` is success.

    time: Unix seconds, None if it cannot be read.
    read_only: as the event says, else by the name's verb (`read_only_stated` tells which); None without a name.
    parameters, response: whatever they were, JSON text read.
    """

    id: str = ""
    request_id: str = ""
    time: int | None = None
    identity: Identity = field(default_factory=Identity)
    source: str = ""
    name: str = ""
    version: str = ""
    type: str = ""
    read_only: bool | None = None
    read_only_stated: bool = False
    region: str = ""
    address: str = ""
    user_agent: str = ""
    resources: tuple[Resource, ...] = ()
    error_code: str = ""
    error_message: str = ""
    parameters: object = field(default=None, hash=False, repr=False)
    response: object = field(default=None, hash=False, repr=False)

    @property
    def action(self) -> str:
        """`iam:CreateUser`."""
        return f"{self.source}:{self.name}"

    @property
    def actor(self) -> str:
        """The caller's label, such as `user/alice@2100000001`."""
        return self.identity.label

    @property
    def failed(self) -> bool:
        """Whether the call ended with an error."""
        return bool(self.error_code)


def event_of(item: Mapping[str, object]) -> Event:
    """The event of one LookupEvents item. Never fails: what cannot be read is left empty."""
    detail = _detail_of(item)
    said = detail if isinstance(detail, Mapping) else {}

    def either(*names: str) -> str:
        return jsons.text(item, *names) or jsons.text(said, *names)

    name, source = either("EventName"), either("EventSource")
    read_only = _flag(jsons.field(said, "ReadOnly"))
    if read_only is None:
        read_only = _flag(jsons.field(item, "ReadOnly"))
    moment = parse_stamp(jsons.field(item, "EventTime"))
    return Event(
        id=either("EventID"),
        request_id=either("RequestID"),
        time=parse_stamp(jsons.field(said, "EventTime")) if moment is None else moment,
        identity=identity_of(
            jsons.unwrapped(jsons.field(said, "UserIdentity")),
            jsons.text(item, "UserName"),
            jsons.text(item, "AccessKeyID"),
        ),
        source=source,
        name=name,
        version=either("ApiVersion"),
        type=either("EventType"),
        read_only=is_read(source, name) if read_only is None else read_only,
        read_only_stated=read_only is not None,
        region=either("Region"),
        address=either("SourceIPAddress"),
        user_agent=either("UserAgent"),
        resources=_resources_of(jsons.field(item, "RelatedResources") or jsons.field(said, "RelatedResources")),
        error_code=either("ErrorCode"),
        error_message=either("ErrorMessage"),
        parameters=_payload(jsons.field(said, "RequestParameters")),
        response=_payload(jsons.field(said, "ResponseElements")),
    )


def is_read(source: str, name: str) -> bool | None:
    """Whether an action only reads, by the verbs of the system policy ReadOnlyAccess; None without a name.

    A verb must end where a word ends, so that `CheckoutCart` or `ListenPort` is no read.
    """
    if not name:
        return None
    special = _READS_OF.get(source.casefold())
    return bool(_READS.match(name) or (special and special.match(name)))


def distinct(events: Iterable[Event]) -> list[Event]:
    """The events without those whose ID came before, as pages may overlap."""
    seen: set[str] = set()
    kept = []
    for event in events:
        if not event.id or event.id not in seen:
            kept.append(event)
            seen.add(event.id)
    return kept


def summary_record(event: Event, zone: tzinfo = UTC) -> dict[str, object]:
    """The event in a few fields, spelt as the API spells them, empty ones left out; EventID finds the full record."""
    shown = [resource.label for resource in event.resources[:_MOST_SHOWN]]
    more = len(event.resources) - len(shown)
    message = mask_text(event.error_message)
    record: dict[str, object] = {
        "EventID": event.id,
        "EventTime": "" if event.time is None else iso(event.time, zone),
        "Who": event.actor,
        "Session": event.identity.session,
        "AccessKeyID": event.identity.access_key,
        "EventSource": event.source,
        "EventName": event.name,
        "ReadOnly": event.read_only,
        "Region": event.region,
        "SourceIPAddress": event.address,
        "UserAgent": event.user_agent,
        "Resources": [*shown, f"and {more} more"] if more else shown,
        "Result": event.error_code or "OK",
        "ErrorMessage": message if len(message) <= _LONGEST_MESSAGE else f"{message[:_LONGEST_MESSAGE]}…",
    }
    return {key: value for key, value in record.items() if value not in ("", None, [])}


def full_record(item: Mapping[str, object]) -> dict[str, object]:
    """The item with EventDetail as an object and secrets masked; nothing else is lost or changed.

    A detail that is not a JSON object stands as text under `Raw`.
    """
    record: dict[str, object] = {}
    for key, value in item.items():
        if jsons.spelling(str(key)) == "eventdetail":
            detail = _detail_of(item)
            if isinstance(detail, Mapping):
                record[key] = {inner: _opened(inner, of) for inner, of in detail.items()}
            else:
                record[key] = {RAW: detail} if detail else {}
        else:
            record[key] = value
    masked = mask(record)
    assert isinstance(masked, dict)  # noqa: S101 - an object stays one
    return masked


def _detail_of(item: Mapping[str, object]) -> object:
    """EventDetail as an object, else as it came."""
    stated = jsons.field(item, "EventDetail")
    detail = jsons.unwrapped(stated)
    return detail if isinstance(detail, Mapping) else stated


def _opened(name: str, value: object) -> object:
    if jsons.spelling(name) not in _PAYLOADS:
        return value
    opened = jsons.unwrapped(value)
    return opened if isinstance(opened, Mapping | list) else value


def _payload(value: object) -> object:
    opened = jsons.unwrapped(value)
    return None if opened in ("", {}, []) else opened


def _resources_of(listed: object) -> tuple[Resource, ...]:
    listed = jsons.unwrapped(listed)
    if not isinstance(listed, list):
        return ()
    found = (
        Resource(
            type=jsons.text(one, "ResourceType"),
            id=jsons.text(one, "ResourceID"),
            service=jsons.text(one, "ServiceCode"),
            trn=jsons.text(one, "IntegratedTrn", "Trn"),
        )
        for one in listed
    )
    return tuple(dict.fromkeys(resource for resource in found if resource.label))


def _flag(value: object) -> bool | None:
    if isinstance(value, str):
        return {"true": True, "false": False, "1": True, "0": False}.get(value.strip().casefold())
    return bool(value) if isinstance(value, bool | int) else None
