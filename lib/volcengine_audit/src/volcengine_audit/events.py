"""One audit event: typed, as a short summary that answers who, what, where from, on what and how it ended, or in full.

Shape: the LookupEvents page of the API documents, whose only sample is a root user's call. Every field is optional, and
what the page does not show is read in all the spellings that are likely.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Final

from volcengine_policy.verbs import is_read

from volcengine_audit import lenient
from volcengine_audit.identity import Identity, identity_of
from volcengine_audit.lenient import as_text
from volcengine_audit.models import EventSummary
from volcengine_audit.secrets import mask, mask_text
from volcengine_audit.times import iso, parse_stamp

RAW: Final = "Raw"
"""Field under which a detail that is not a JSON object is kept."""

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

    Attributes:
        time: Unix seconds, None if it cannot be read.
        action: `iam:CreateUser`.
        actor: the caller's label, such as `user/alice@2100000001`.
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
    action: str = field(init=False, compare=False)
    actor: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "action", f"{self.source}:{self.name}")
        object.__setattr__(self, "actor", self.identity.label)

    @property
    def failed(self) -> bool:
        """Whether the call ended with an error."""
        return bool(self.error_code)


def event_of(item: Mapping[str, object]) -> Event:
    """The event of one LookupEvents item. Never fails: what cannot be read is left empty."""
    top = lenient.spelt(item)
    said = lenient.spelt(lenient.unwrapped(top.get("eventdetail")))

    def either(field: str) -> str:
        return as_text(top.get(field)) or as_text(said.get(field))

    name, source = either("eventname"), either("eventsource")
    read_only = _flag(said.get("readonly"))
    if read_only is None:
        read_only = _flag(top.get("readonly"))
    moment = parse_stamp(top.get("eventtime"))
    return Event(
        id=either("eventid"),
        request_id=either("requestid"),
        time=parse_stamp(said.get("eventtime")) if moment is None else moment,
        identity=identity_of(
            lenient.unwrapped(said.get("useridentity")), as_text(top.get("username")), as_text(top.get("accesskeyid"))
        ),
        source=source,
        name=name,
        version=either("apiversion"),
        type=either("eventtype"),
        read_only=is_read(name, source) if read_only is None else read_only,
        read_only_stated=read_only is not None,
        region=either("region"),
        address=either("sourceipaddress"),
        user_agent=either("useragent"),
        resources=_resources_of(top.get("relatedresources") or said.get("relatedresources")),
        error_code=either("errorcode"),
        error_message=either("errormessage"),
        parameters=_payload(said.get("requestparameters")),
        response=_payload(said.get("responseelements")),
    )


def distinct(events: Iterable[Event]) -> list[Event]:
    """The events without those whose ID came before, as pages may overlap."""
    seen: set[str] = set()
    kept = []
    for event in events:
        if not event.id or event.id not in seen:
            kept.append(event)
            seen.add(event.id)
    return kept


def summary_fields(event: Event, zone: tzinfo = UTC) -> dict[str, object]:
    """The fields of an `EventSummary` that have something to say."""
    shown = [resource.label for resource in event.resources[:_MOST_SHOWN]]
    if more := len(event.resources) - len(shown):
        shown.append(f"and {more} more")
    message = mask_text(event.error_message) if event.error_message else ""
    fields: dict[str, object] = {
        "event_id": event.id,
        "event_time": "" if event.time is None else iso(event.time, zone),
        "who": event.actor,
        "session": event.identity.session,
        "access_key_id": event.identity.access_key,
        "event_source": event.source,
        "event_name": event.name,
        "read_only": event.read_only,
        "region": event.region,
        "source_ip_address": event.address,
        "user_agent": event.user_agent,
        "resources": shown,
        "result": event.error_code or "OK",
        "error_message": message if len(message) <= _LONGEST_MESSAGE else f"{message[:_LONGEST_MESSAGE]}…",
    }
    return {name: value for name, value in fields.items() if value not in ("", None, [])}


def event_summary(event: Event, zone: tzinfo = UTC) -> EventSummary:
    """The event in a few fields; `EventID` finds it whole."""
    return EventSummary.model_validate(summary_fields(event, zone))


def full_record(item: Mapping[str, object]) -> dict[str, object]:
    """The item with EventDetail as an object and secrets masked; nothing else is lost or changed.

    A detail that is not a JSON object stands as text under `Raw`.
    """
    record: dict[str, object] = {}
    for key, value in item.items():
        if lenient.spelling(str(key)) != "eventdetail":
            record[key] = value
            continue
        detail = lenient.unwrapped(value)
        if isinstance(detail, Mapping):
            record[key] = {inner: _opened(inner, of) for inner, of in detail.items()}
        else:
            record[key] = {RAW: value} if value else {}
    masked = mask(record)
    assert isinstance(masked, dict)  # noqa: S101 - an object stays one
    return masked


def _opened(name: str, value: object) -> object:
    if lenient.spelling(name) not in _PAYLOADS:
        return value
    opened = lenient.unwrapped(value)
    return opened if isinstance(opened, Mapping | list) else value


def _payload(value: object) -> object:
    opened = lenient.unwrapped(value)
    return None if opened in ("", {}, []) else opened


def _resources_of(listed: object) -> tuple[Resource, ...]:
    listed = lenient.unwrapped(listed)
    if not isinstance(listed, list):
        return ()
    found = (
        Resource(
            type=as_text(one.get("resourcetype")),
            id=as_text(one.get("resourceid")),
            service=as_text(one.get("servicecode")),
            trn=as_text(one.get("integratedtrn") or one.get("trn")),
        )
        for one in map(lenient.spelt, listed)
    )
    return tuple(dict.fromkeys(resource for resource in found if resource.label))


def _flag(value: object) -> bool | None:
    if isinstance(value, str):
        return {"true": True, "false": False, "1": True, "0": False}.get(value.strip().casefold())
    return bool(value) if isinstance(value, bool | int) else None
