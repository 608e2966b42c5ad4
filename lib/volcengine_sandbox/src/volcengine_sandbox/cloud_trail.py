"""Cloud Trail: looking up audit events, and the trails that deliver them.

Versions 2021-09-01 and 2018-01-01 of the trail actions share state and differ in their fields; LookupEvents
exists in 2021-09-01 only. Sources: docs 7015/166045, 7015/1406530, 7015/1406533, 7015/1406236.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from typing import Final

from volcengine_sandbox import errors
from volcengine_sandbox.clock import DAY, MINUTE, compact
from volcengine_sandbox.events import CONDITIONS, Position
from volcengine_sandbox.parameters import Field, Flag, Integer, Objects, Text, Texts
from volcengine_sandbox.records import Trail, TrailSettings
from volcengine_sandbox.registry import EMPTY, Call, Effect, Handler, Result, action

SERVICE: Final = "cloud_trail"
CURRENT: Final = "2021-09-01"
FIRST: Final = "2018-01-01"

RETENTION: Final = 90 * DAY
"""Seconds that can be looked up. The default window is documented; that older is refused is an assumption."""
CLOCK_SLACK: Final = MINUTE
"""Seconds by which a client's idea of "90 days ago" may be older than ours."""
LARGEST_PAGE: Final = 50

TRAIL_QUOTA: Final = 10
"""Trails an account may have. Assumption: the number is not documented."""
TRAIL_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
"""Assumption: the naming rule is not documented."""
EVENT_SOURCE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{1,31}", re.ASCII)
"""Assumption: the list of valid sources is not documented, so only the shape of a service code is checked."""
BUCKET_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", re.ASCII)
TLS_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{1,61}[A-Za-z0-9]", re.ASCII)
LONGEST_PREFIX: Final = 512
ENABLED, DISABLED = "Enable", "Disable"
"""`LoggingStatus`: the first is in the documents' sample, the second an assumption."""
DELIVERY_LAG: Final = 5 * MINUTE

_BOTH: Final = {
    "EventRW": "event_rw",
    "EventSources": "event_sources",
    "TlsProjectName": "tls_project_name",
    "TlsProjectRegion": "tls_project_region",
    "TlsTopicName": "tls_topic_name",
    "TosBucketName": "tos_bucket_name",
    "TosBucketRegion": "tos_bucket_region",
    "TosKeyPrefix": "tos_key_prefix",
    "TrailType": "trail_type",
}
_NEWER: Final = {
    "IncludeAllEventSources": "include_all_event_sources",
    "TlsAccountId": "tls_account_id",
    "TlsWriteRoleTrn": "tls_write_role_trn",
    "TosAccountId": "tos_account_id",
    "TosSSEAlgorithm": "tos_sse_algorithm",
    "TosSSEKMSKeyID": "tos_sse_kms_key_id",
    "TosWriteRoleTrn": "tos_write_role_trn",
}
_SENT_ONLY: Final = {"TlsProjectTopicProject": "tls_project_topic_project", "TosBucketProject": "tos_bucket_project"}

_NAME: Final = Text("TrailName", required=True)
_BOTH_FIELDS: Final[tuple[Field, ...]] = (
    Text("EventRW", choices=("All", "Read", "Write")),
    Texts("EventSources"),
    Integer("TrailType", choices=(0, 1)),
    *(Text(name) for name in (*_BOTH, *_SENT_ONLY) if name.startswith("T") and name != "TrailType"),
)
_NEWER_FIELDS: Final[tuple[Field, ...]] = (
    Integer("TlsAccountId"),
    Integer("TosAccountId"),
    Text("TlsWriteRoleTrn"),
    Text("TosWriteRoleTrn"),
    Text("TosSSEAlgorithm", choices=("AES256", "kms")),
    Text("TosSSEKMSKeyID"),
)


@action(
    SERVICE,
    CURRENT,
    "LookupEvents",
    Effect.READ,
    Integer("StartTime"),
    Integer("EndTime"),
    Integer("MaxResults", least=0, most=LARGEST_PAGE),
    Text("NextToken"),
    Objects("LookupConditions", fields=(Text("LookupConditionKey"), Text("LookupConditionValue"))),
)
def lookup_events(call: Call) -> Result:
    """Events of a window that meet all conditions, newest first. Empty conditions are ignored."""
    conditions = _conditions(call)
    accounts = call.state.visible_accounts(call.account_id)
    window = (call.parameters.values.get("StartTime"), call.parameters.values.get("EndTime"))
    filters = repr((call.account_id, sorted(conditions), window))
    token = call.text("NextToken")
    if token:
        start, end, before = _read_token(token, filters)
    else:
        (start, end), before = _window(call), None
    size = call.integer("MaxResults") or LARGEST_PAGE
    found = call.state.events.newest(accounts, conditions, start=start, end=end, before=before, limit=size + 1)
    page = found[:size]
    last = page[-1] if len(found) > size else None
    more = _write_token(start, end, (last.time, last.sequence), filters) if last else ""
    return {"NextToken": more, "Trails": [event.wire() for event in page]}


def _conditions(call: Call) -> list[tuple[str, str]]:
    conditions = []
    for condition in call.parameters.objects("LookupConditions"):
        key, value = condition.text("LookupConditionKey"), condition.text("LookupConditionValue")
        if key and key not in CONDITIONS:
            raise errors.cloud_trail("InvalidParameter", "LookupConditionKey")
        if key and value:
            conditions.append((key, value))
    return conditions


def _window(call: Call) -> tuple[int, int]:
    now = int(call.now)
    oldest = now - RETENTION
    start = call.integer("StartTime") or oldest
    end = call.integer("EndTime") or now
    if start < oldest - CLOCK_SLACK:
        raise errors.cloud_trail("InvalidParameterStartTime")
    if end < 0:
        raise errors.cloud_trail("InvalidParameterEndTime")
    if end <= start:
        raise errors.cloud_trail("InvalidTimeRange")
    return start, end


def _write_token(start: int, end: int, after: Position, filters: str) -> str:
    """An opaque token: the window and the last event given, sealed with the filters it belongs to."""
    text = f"{start:x}-{end:x}-{after[0]:x}-{after[1]:x}"
    return f"{text}-{_seal(text, filters)}"


def _read_token(token: str, filters: str) -> tuple[int, int, Position]:
    text, _, seal = token.rpartition("-")
    if seal != _seal(text, filters):
        raise errors.cloud_trail("InvalidParameter", "NextToken")
    start, end, time, sequence = (int(part, 16) for part in text.split("-"))
    return start, end, (time, sequence)


def _seal(text: str, filters: str) -> str:
    return hashlib.sha256(f"{text}\n{filters}".encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _named(call: Call) -> Trail:
    name = _valid_name(call.text("TrailName"))
    trail = call.state.trails.get((call.account_id, name))
    if trail is None:
        raise errors.cloud_trail("TrailNotExist", name)
    return trail


def _valid_name(name: str) -> str:
    if not TRAIL_NAME.fullmatch(name):
        raise errors.cloud_trail("InvalidTrailName", name)
    return name


def _changed(call: Call, settings: TrailSettings) -> TrailSettings:
    """The settings with what the caller sent."""
    changes: dict[str, object] = {}
    for wire, attribute in (_BOTH | _NEWER | _SENT_ONLY).items():
        if call.parameters.given(wire):
            value = call.parameters.values[wire]
            if wire == "EventRW" and not value:
                continue
            changes[attribute] = str(value) if wire.endswith("AccountId") else value
    return replace(settings, **changes)  # type: ignore[arg-type]


def _validate(call: Call, settings: TrailSettings) -> None:
    for source in settings.event_sources:
        if not EVENT_SOURCE.fullmatch(source):
            raise errors.cloud_trail("InvalidEventSources", source)
    if not settings.tos_bucket_name and not settings.tls_project_name:
        raise errors.cloud_trail("InvalidTrailConfiguration")
    if settings.tos_bucket_name and not BUCKET_NAME.fullmatch(settings.tos_bucket_name):
        raise errors.cloud_trail("InvalidTosBucketName")
    if settings.tos_key_prefix.startswith("/") or len(settings.tos_key_prefix) > LONGEST_PREFIX:
        raise errors.cloud_trail("InvalidTosBucketPrefix")
    if settings.tls_project_name and not TLS_NAME.fullmatch(settings.tls_project_name):
        raise errors.cloud_trail("InvalidTlsProjectName")
    if settings.tls_project_name and not TLS_NAME.fullmatch(settings.tls_topic_name):
        raise errors.cloud_trail("InvalidTlsTopicName")
    if settings.tos_sse_algorithm == "kms" and not settings.tos_sse_kms_key_id:
        raise errors.cloud_trail("InvalidParameter", "TosSSEKMSKeyID")
    if settings.trail_type == 1:
        org = call.state.organization_of(call.account_id)
        if org is None or org.owner != call.account_id:
            raise errors.cloud_trail("AccessDenied")


def create_trail(call: Call) -> Result:
    """A new trail, switched off until StartLogging (assumption: its first state is not documented)."""
    name = _valid_name(call.text("TrailName"))
    settings = _changed(call, TrailSettings())
    _validate(call, settings)
    if (call.account_id, name) in call.state.trails:
        raise errors.cloud_trail("TrailAlreadyExists", name)
    if sum(account == call.account_id for account, _ in call.state.trails) >= TRAIL_QUOTA:
        raise errors.cloud_trail("TrailQuotaExceeded")
    org = call.state.organization_of(call.account_id)
    trail = Trail(name, call.account_id, settings, call.region, call.now, call.now)
    trail.organization_id = org.id if org is not None and settings.trail_type == 1 else "0"
    call.state.trails[call.account_id, name] = trail
    result = _configuration(call, trail)
    if call.version == CURRENT:
        result["IsEventSourceAll"] = int(not settings.event_sources or settings.include_all_event_sources)
    return result


def update_trail(call: Call) -> Result:
    """Change what is given, keep the rest."""
    trail = _named(call)
    settings = _changed(call, trail.settings)
    _validate(call, settings)
    trail.settings, trail.updated = settings, call.now
    return _configuration(call, trail) | ({"TrailRegion": trail.region} if call.version == CURRENT else {})


def delete_trail(call: Call) -> Result:
    """Drop a trail."""
    trail = _named(call)
    del call.state.trails[trail.account_id, trail.name]
    return EMPTY


def start_logging(call: Call) -> None:
    """Switch a trail on; one that is on stays on."""
    trail = _named(call)
    if not trail.logging:
        trail.logging, trail.started, trail.updated = True, call.now, call.now


def stop_logging(call: Call) -> None:
    """Switch a trail off; one that is off stays off."""
    trail = _named(call)
    if trail.logging:
        trail.logging, trail.stopped, trail.updated = False, call.now, call.now


def describe_trails(call: Call) -> Result:
    """The caller's trails, and with IncludeOrganizationTrail=1 its organization's. Unknown names are left out."""
    names = {_valid_name(name) for name in call.parameters.texts("TrailNames")}
    org = call.state.organization_of(call.account_id)
    include = org is not None and call.integer("IncludeOrganizationTrail") == 1
    trails = [
        trail
        for trail in call.state.trails.values()
        if (not names or trail.name in names)
        and (
            trail.account_id == call.account_id
            or (include and org is not None and trail.organization_id == org.id and trail.settings.trail_type == 1)
        )
    ]
    return {"Trails": [_described(call, trail) for trail in trails]}


def _configuration(call: Call, trail: Trail) -> Result:
    fields = _BOTH | _NEWER if call.version == CURRENT else _BOTH
    return {wire: getattr(trail.settings, attribute) for wire, attribute in fields.items()} | {"TrailName": trail.name}


def _described(call: Call, trail: Trail) -> Result:
    delivered = trail.delivered
    if trail.logging and not trail.delivery_error:
        delivered = max(trail.started or trail.created, call.now - DELIVERY_LAG)
    return _configuration(call, trail) | {
        "CreatedTime": compact(trail.created),
        "CreatorID": int(trail.account_id),
        "LatestDeliveryError": trail.delivery_error,
        "LatestDeliveryTime": compact(delivered),
        "LoggingStatus": ENABLED if trail.logging else DISABLED,
        "OrganizationID": int(trail.organization_id),
        "StartLoggingTime": compact(trail.started),
        "StopLoggingTime": compact(trail.stopped),
        "TrailRegion": trail.region,
        "UpdatedTime": compact(trail.updated),
    }


def _declare(name: str, effect: Effect, handler: Handler, fields: tuple[Field, ...], newer: tuple[Field, ...]) -> None:
    action(SERVICE, FIRST, name, effect, *fields)(handler)
    action(SERVICE, CURRENT, name, effect, *fields, *newer)(handler)


_DESCRIBE_FIELDS: Final[tuple[Field, ...]] = (Texts("TrailNames"), Integer("IncludeOrganizationTrail", choices=(0, 1)))
_SETTINGS: Final = (_NAME, *_BOTH_FIELDS)
_ALL: Final = Flag("IncludeAllEventSources")
_ALL_REQUIRED: Final = Flag("IncludeAllEventSources", required=True)

_declare("CreateTrail", Effect.WRITE, create_trail, _SETTINGS, (*_NEWER_FIELDS, _ALL_REQUIRED))
_declare("UpdateTrail", Effect.WRITE, update_trail, _SETTINGS, (*_NEWER_FIELDS, _ALL))
_declare("DescribeTrails", Effect.READ, describe_trails, _DESCRIBE_FIELDS, ())
_declare("DeleteTrail", Effect.DESTROY, delete_trail, (_NAME,), ())
_declare("StartLogging", Effect.WRITE, start_logging, (_NAME,), ())
_declare("StopLogging", Effect.DESTROY, stop_logging, (_NAME,), ())
