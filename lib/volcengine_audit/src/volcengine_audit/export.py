"""Events for other programs: one JSON object a line, as our own full record or as OCSF API Activity.

OCSF is the Open Cybersecurity Schema Framework; API Activity is class 6003 of category 6, here of version 1.6.0. That
version is chosen although newer ones exist, because in it `metadata.uid` is the identifier that the source gave to the
event, while 1.7.0 moved that to `metadata.original_event_uid`. Sources of what the attributes mean and may be: the
schema's own files (github.com/ocsf/ocsf-schema: events/application/api_activity.json and objects/api, request,
response, user, actor, session, account, cloud, network_endpoint, resource_details, metadata), and the pages generated
from it (docs.tenzir.com/reference/ocsf). What follows from them here:

- A required attribute that is not known is said to be unknown: an endpoint without an address has that name. Only
  `time` is left out when it cannot be read, because any number would be untrue; a validator then rightly complains.
- `api.request` must have a `uid`; the request stands in `unmapped` when its ID is not known.
- `user.type_id` has no kind for a role: it is 99 (other), with the type in words beside it.

Secrets are masked in both forms. Every function is pure.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, tzinfo
from typing import Final

from volcengine_audit.comparing import address_of
from volcengine_audit.events import Event, Resource
from volcengine_audit.identity import Identity, Kind
from volcengine_audit.risk import Marks, worst
from volcengine_audit.secrets import mask, mask_text
from volcengine_audit.severity import Severity
from volcengine_audit.times import iso

OCSF_VERSION: Final = "1.6.0"
CLASS_UID: Final = 6003
CATEGORY_UID: Final = 6
PROVIDER: Final = "Volcengine"
PRODUCT: Final = "Cloud Trail"

ACTIVITIES: Final = {0: "Unknown", 1: "Create", 2: "Read", 3: "Update", 4: "Delete", 99: "Other"}
_SEVERITIES: Final = {
    None: (1, "Informational"),
    Severity.INFO: (1, "Informational"),
    Severity.LOW: (2, "Low"),
    Severity.MEDIUM: (3, "Medium"),
    Severity.HIGH: (4, "High"),
    Severity.CRITICAL: (5, "Critical"),
}
_USER_TYPES: Final = {
    Kind.ROOT: (2, "Admin"),
    Kind.USER: (1, "User"),
    Kind.SERVICE: (3, "System"),
    Kind.ROLE: (99, "Role"),
    Kind.UNKNOWN: (0, "Unknown"),
}
_VERBS: Final = {
    verb: activity
    for activity, verbs in (
        (
            1,
            "Create Run Allocate Import Register Upload Issue Generate Apply Purchase Clone Copy Launch Restore Invite",
        ),
        (3, "Update Modify Set Change Edit Enable Disable Attach Detach Associate Disassociate Bind Unbind Authorize"),
        (
            3,
            "Revoke Grant Start Stop Reboot Restart Reset Rotate Tag Untag Resize Renew Rename Replace Add Remove Move",
        ),
        (3, "Put Archive"),
        (4, "Delete Destroy Terminate Release Purge Drop Deregister Erase"),
    )
    for verb in verbs.split()
}
"""What the first word of an action says that it does. Our own judgement; every other action that is no read is 99."""
_FIRST_WORD: Final = re.compile(r"[A-Z][a-z]+")
_BREAKING: Final = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Characters that JSON allows as they are, but that some programs take for the end of a line, that rule a terminal,
or that no UTF-8 text can hold."""


class _Safe:
    """The parts of an event that may hold secrets, without them; the others are identifiers, names and times."""

    def __init__(self, event: Event) -> None:
        self.parameters, self.response = _plain(mask(event.parameters)), _plain(mask(event.response))
        self.error_message, self.user_agent = mask_text(event.error_message), mask_text(event.user_agent)
        # A signed link may name an object.
        self.resources = [
            Resource(service=one.service, type=one.type, id=mask_text(one.id), trn=mask_text(one.trn))
            for one in event.resources
        ]


def full_event(event: Event, marks: Marks = (), zone: tzinfo = UTC) -> dict[str, object]:
    """All that is known of an event, spelt as the API spells it, secrets masked, empty fields left out.

    zone: in which EventTime is told.
    """
    identity, safe = event.identity, _Safe(event)
    caller = {
        "Type": identity.type,
        "Kind": str(identity.kind),
        "AccountID": identity.account,
        "UserName": identity.name,
        "PrincipalID": identity.principal,
        "SessionName": identity.session,
        "AccessKeyID": identity.access_key,
        "TRN": identity.trn,
    }
    resources = [
        _filled({"ServiceCode": one.service, "ResourceType": one.type, "ResourceID": one.id, "IntegratedTrn": one.trn})
        for one in safe.resources
    ]
    return _filled(
        {
            "EventID": event.id,
            "RequestID": event.request_id,
            "EventTime": "" if event.time is None else iso(event.time, zone),
            "EventType": event.type,
            "EventSource": event.source,
            "EventName": event.name,
            "ApiVersion": event.version,
            "ReadOnly": event.read_only,
            "Who": event.actor,
            "UserIdentity": _filled(caller),
            "Region": event.region,
            "SourceIPAddress": event.address,
            "UserAgent": safe.user_agent,
            "RelatedResources": resources,
            "ErrorCode": event.error_code,
            "ErrorMessage": safe.error_message,
            "RequestParameters": safe.parameters,
            "ResponseElements": safe.response,
            "RiskMarks": _written(marks),
        }
    )


def ocsf_event(event: Event, marks: Marks = ()) -> dict[str, object]:
    """An event as OCSF API Activity 1.6.0, secrets masked, attributes that are not known left out."""
    activity, safe = activity_of(event), _Safe(event)
    severity_id, severity = _SEVERITIES[worst(marks)]
    account = _filled({"uid": event.identity.account})
    unmapped: dict[str, object] = {"EventType": event.type, "ReadOnly": event.read_only}
    if not event.request_id:
        unmapped["RequestParameters"] = safe.parameters
    api = {
        "operation": event.name or "Unknown",
        "service": _filled({"name": event.source}),
        "version": event.version,
        "request": _filled({"uid": event.request_id, "data": _object(safe.parameters)}) if event.request_id else {},
        "response": _filled(
            {"error": event.error_code, "error_message": safe.error_message, "data": _object(safe.response)}
        ),
    }
    resources = [
        _filled({"uid": one.id or one.trn, "name": one.id and one.trn, "type": one.type, "region": event.region})
        | ({"group": {"name": one.service}} if one.service else {})
        for one in safe.resources
    ]
    return _filled(
        {
            "activity_id": activity,
            "activity_name": ACTIVITIES[activity],
            "category_uid": CATEGORY_UID,
            "category_name": "Application Activity",
            "class_uid": CLASS_UID,
            "class_name": "API Activity",
            "type_uid": CLASS_UID * 100 + activity,
            "type_name": f"API Activity: {ACTIVITIES[activity]}",
            "time": None if event.time is None else event.time * 1000,
            "severity_id": severity_id,
            "severity": severity,
            "status_id": 2 if event.failed else 1,
            "status": "Failure" if event.failed else "Success",
            "status_code": event.error_code,
            "status_detail": safe.error_message,
            "message": f"{event.actor} called {event.action}",
            "actor": _filled({"user": _user(event.identity), "session": _filled({"uid": event.identity.session})}),
            "api": _filled(api),
            "src_endpoint": _endpoint(event.address),
            "http_request": _filled({"user_agent": safe.user_agent}),
            "resources": resources,
            "cloud": _filled({"provider": PROVIDER, "account": account, "region": event.region}),
            "metadata": _filled(
                {
                    "version": OCSF_VERSION,
                    "uid": event.id,
                    "product": {"name": PRODUCT, "vendor_name": PROVIDER},
                    "profiles": ["cloud"],
                    "original_time": "" if event.time is None else iso(event.time, UTC),
                }
            ),
            "unmapped": _filled(
                {
                    **unmapped,
                    "RiskMarks": _written(marks),
                }
            ),
        }
    )


def _written(marks: Marks) -> list[dict[str, object]]:
    return [mark.model_dump(mode="json", by_alias=True, exclude_none=True) for mark in marks]


def activity_of(event: Event) -> int:
    """activity_id of API Activity: 1 create, 2 read, 3 update, 4 delete, 99 other, 0 without a name."""
    if not event.name:
        return 0
    word = _FIRST_WORD.match(event.name)
    return _VERBS.get(word.group() if word else "") or (2 if event.read_only else 99)


def json_lines(records: Iterable[Mapping[str, object]]) -> Iterator[str]:
    """Each record as one line of JSON with its line feed, readable by any program that splits text into lines."""
    for record in records:
        text = json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        yield _BREAKING.sub(lambda match: f"\\u{ord(match.group()):04x}", text) + "\n"


def exported(
    events: Iterable[Event], marks: Sequence[Marks] | None = None, *, ocsf: bool = False, zone: tzinfo = UTC
) -> Iterator[str]:
    """Events as lines of JSON, in the order given.

    Args:
        marks: the marks of each event, as `judge` gives them.
        ocsf: as OCSF API Activity rather than as our full record.
        zone: in which EventTime of the full record is told.

    Raises: ValueError when there are not as many marks as events.
    """
    listed = list(events)
    pairs = zip(listed, marks if marks is not None else [()] * len(listed), strict=True)
    return json_lines(ocsf_event(one, these) if ocsf else full_event(one, these, zone) for one, these in pairs)


def _user(identity: Identity) -> dict[str, object]:
    type_id, kind = _USER_TYPES[identity.kind]
    name = "root" if identity.kind is Kind.ROOT else identity.name
    user = {
        "name": name,
        "uid": identity.trn or identity.principal,
        "uid_alt": identity.principal if identity.trn else "",
        "type_id": type_id,
        "type": (identity.type or kind) if type_id == 99 else kind,
        "account": _filled({"uid": identity.account}),
        "credential_uid": identity.access_key,
    }
    known = _filled(user)
    return known if known.keys() & {"name", "uid", "account"} else known | {"name": "Unknown"}


def _endpoint(address: str) -> dict[str, object]:
    """The source of a call; what is no address is the name of a service or console."""
    if address_of(address) is not None:
        return {"ip": address.strip()}
    return {"name": address or "Unknown"}


def _object(value: object) -> object:
    """A payload as `json_t` wants it; OCSF consumers read objects, so that other values get a name."""
    return value if isinstance(value, Mapping) or value is None else {"value": value}


def _plain(value: object) -> object:
    """A masked value without numbers that JSON cannot write, which a log entry spells `1e999`."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _filled(record: Mapping[str, object]) -> dict[str, object]:
    """A record without what is empty."""
    return {key: value for key, value in record.items() if value not in ("", None, [], {})}
