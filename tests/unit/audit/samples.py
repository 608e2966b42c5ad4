"""Audit events as LookupEvents answers them, with invented values; events.py says what of their shape is documented."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel
from volcengine_audit import Event, event_of, iso

NOW = int(datetime(2026, 11, 21, 4, 0, tzinfo=UTC).timestamp())
"""Noon of Saturday, 21 November 2026, in Beijing."""
ACCOUNT = "2100000001"

ROOT = {
    "AccountID": ACCOUNT,
    "Type": "Root",
    "PrincipalID": ACCOUNT,
    "TRN": f"trn:iam::{ACCOUNT}:root",
    "AccessKeyID": "",
}
ALICE = {
    "AccountID": ACCOUNT,
    "Type": "IAMUser",
    "PrincipalID": "30001",
    "TRN": f"trn:iam::{ACCOUNT}:user/alice",
    "UserName": "alice",
    "AccessKeyID": "AKLTexample0000000000000000000000000000000000001",
}
OPS = {
    "AccountID": "2100000002",
    "Type": "AssumedRole",
    "PrincipalID": "40001:ops-session",
    "TRN": "trn:sts::2100000002:assumed-role/OrganizationAccessControlRole/ops-session",
    "AccessKeyID": "AKTPexample0000000000000000000000000000000000001",
}


def item(
    action: str = "ecs:DescribeInstances",
    identity: dict[str, str] | None = None,
    *,
    at: int = NOW,
    id: str = "e1",  # noqa: A002 - as the field is called
    address: str = "203.0.113.9",
    error: str = "",
    parameters: object = "",
    response: object = "",
    detail: dict[str, Any] | None = None,
    **top: object,
) -> dict[str, object]:
    """One LookupEvents item; `detail` changes fields of EventDetail, `top` those of the item."""
    source, name = action.split(":")
    identity = ALICE if identity is None else identity
    said: dict[str, object] = {
        "EventVersion": "v1.0",
        "EventID": id,
        "RequestID": f"r-{id}",
        "EventTime": iso(at),
        "EventType": "ApiCall",
        "UserIdentity": identity,
        "EventSource": source,
        "EventName": name,
        "Region": "cn-beijing",
        "SourceIPAddress": address,
        "UserAgent": "volcengine-cli/1.0",
        "RequestParameters": parameters,
        "ResponseElements": response,
        "ApiVersion": "2018-01-01",
        "ErrorCode": error,
        "ErrorMessage": "",
    } | (detail or {})
    return {
        "AccessKeyID": identity.get("AccessKeyID", ""),
        "ErrorCode": error,
        "EventDetail": json.dumps(said),
        "EventID": id,
        "EventName": name,
        "EventSource": source,
        "EventTime": iso(at),
        "Region": "cn-beijing",
        "RelatedResources": [],
        "RequestID": f"r-{id}",
        "SourceIPAddress": address,
        "UserName": identity.get("UserName", ""),
    } | top


def event(*args: Any, **kwargs: Any) -> Event:
    """The typed event of such an item."""
    return event_of(item(*args, **kwargs))


def wire(answer: BaseModel) -> dict[str, Any]:
    """An answer as it is written: the OpenAPI's spelling, and nothing that has nothing to say."""
    return answer.model_dump(mode="json", by_alias=True, exclude_none=True)
