"""Audit events: one event, its wire form, and the log that finds events newest first.

Shape: docs 7015/166045. Lookup parses nothing: an event keeps its condition values as attributes, and its
`EventDetail` is made once, when it is first answered.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from volcengine_sandbox.clock import rfc3339

LONGEST_LOG: Final = 200_000
"""Events kept; past that the oldest tenth is dropped, so that a sandbox under load stays bounded."""

CHUNK: Final = 1_000
"""Events that a lookup filters at a time: whole lists are quicker than one by one, the whole log is too much."""

SOURCE_LABELS: Final = {
    "TLS": "日志服务",
    "auto_scaling": "弹性伸缩",
    "billing": "费用中心",
    "cbr": "云备份",
    "cloud_trail": "云审计",
    "cloudmonitor": "云监控",
    "cr": "镜像仓库",
    "ecs": "云服务器",
    "iam": "访问控制",
    "kms": "密钥管理系统",
    "organization": "企业组织",
    "rds_mysql": "云数据库 MySQL 版",
    "signin": "控制台登录",
    "storage_ebs": "弹性块存储",
    "sts": "安全凭证服务",
    "tos": "对象存储",
    "vefaas": "函数服务",
    "vke": "容器服务",
    "vpc": "私有网络",
}
EVENT_LABELS: Final = {
    "AttachUserPolicy": "为用户添加权限策略",
    "ConsoleLogin": "控制台登录",
    "CreateAccessKey": "创建访问密钥",
    "CreateTrail": "创建跟踪",
    "CreateUser": "创建用户",
    "DescribeInstances": "查询实例列表",
    "DescribeTrails": "列出跟踪列表",
    "DetachServiceControlPolicy": "解绑管控策略",
    "GetCallerIdentity": "查询调用者身份",
    "ListAccounts": "获取企业组织内账号列表",
    "LookupEvents": "查询审计事件列表",
    "RunInstances": "创建实例",
    "StopLogging": "停用跟踪",
    "UpdateServiceControlPolicy": "修改管控策略",
}
RESOURCE_LABELS: Final = {
    "account": "账号",
    "bucket": "存储桶",
    "cluster": "集群",
    "instance": "实例",
    "key": "密钥",
    "policy": "策略",
    "repository": "镜像仓库",
    "role": "角色",
    "securitygroup": "安全组",
    "trail": "跟踪",
    "user": "用户",
}


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource that an event touched. `origin` says where it was read; its literal values are assumed."""

    service: str
    type: str
    id: str
    account_id: str
    origin: str = "Request"

    def wire(self) -> dict[str, str]:
        """As `RelatedResources` has it."""
        return {
            "IntegratedTrn": f"trn:{self.service}::{self.account_id}:{self.type}/{self.id}",
            "ResourceID": self.id,
            "ResourceType": self.type,
            "ResourceTypeDisplay": RESOURCE_LABELS.get(self.type, self.type),
            "ServiceCode": self.service,
            "SourceType": self.origin,
        }


@dataclass(frozen=True, slots=True)
class Actor:
    """The principal of an event, in the event's own terms."""

    account_id: str
    kind: str
    principal_id: str
    trn: str
    user_name: str
    access_key: str


@dataclass(slots=True)
class Event:
    """One audit event. `time` is epoch seconds; parameters and response are JSON text.

    recipient: the account whose log holds it where that is not the caller's own, as when an outsider assumes a role
    (assumption: how Cloud Trail records that is not documented).
    """

    time: int
    event_id: str
    request_id: str
    actor: Actor
    source: str
    name: str
    version: str
    region: str
    read_only: bool
    source_ip: str
    user_agent: str
    error_code: str = ""
    error_message: str = ""
    request_parameters: str = ""
    response_elements: str = ""
    resources: tuple[Resource, ...] = ()
    event_type: str = "ApiCall"
    recipient: str = ""
    sequence: int = 0
    _detail: str = field(default="", repr=False)

    @property
    def detail(self) -> str:
        """`EventDetail`: JSON as text."""
        if not self._detail:
            self._detail = json.dumps(self._detailed(), ensure_ascii=False, separators=(",", ":"))
        return self._detail

    def wire(self) -> dict[str, object]:
        """As LookupEvents answers it."""
        return {
            "AccessKeyID": self.actor.access_key,
            "ErrorCode": self.error_code,
            "EventDetail": self.detail,
            "EventID": self.event_id,
            "EventName": self.name,
            "EventNameDisplay": EVENT_LABELS.get(self.name, self.name),
            "EventSource": self.source,
            "EventSourceDisplay": SOURCE_LABELS.get(self.source, self.source),
            "EventTime": rfc3339(self.time),
            "Region": self.region,
            "RelatedResources": [resource.wire() for resource in self.resources],
            "RequestID": self.request_id,
            "SourceIPAddress": self.source_ip,
            "UserName": self.actor.user_name,
        }

    def _detailed(self) -> dict[str, object]:
        identity = {
            "AccountID": self.actor.account_id,
            "Type": self.actor.kind,
            "PrincipalID": self.actor.principal_id,
            "TRN": self.actor.trn,
            "AccessKeyID": self.actor.access_key,
        }
        if self.actor.user_name:
            identity["UserName"] = self.actor.user_name
        return {
            "EventVersion": "v1.0",
            "EventID": self.event_id,
            "RequestID": self.request_id,
            "EventTime": rfc3339(self.time),
            "EventType": self.event_type,
            "UserIdentity": identity,
            "EventSource": self.source,
            "EventName": self.name,
            "Region": self.region,
            "SourceIPAddress": self.source_ip,
            "UserAgent": self.user_agent,
            "RequestParameters": self.request_parameters,
            "ResponseElements": self.response_elements,
            "ApiVersion": self.version,
            "ErrorCode": self.error_code,
            "ErrorMessage": self.error_message,
            "ReadOnly": self.read_only,
        }


def _once(events: Iterable[Event]) -> list[Event]:
    return list({event.sequence: event for event in events}.values())


Condition = Callable[[list[Event], str], list[Event]]

CONDITIONS: Final[dict[str, Condition]] = {
    "EventID": lambda events, value: [event for event in events if event.event_id == value],
    "RequestID": lambda events, value: [event for event in events if event.request_id == value],
    "EventSource": lambda events, value: [event for event in events if event.source == value],
    "EventName": lambda events, value: [event for event in events if event.name == value],
    "ApiVersion": lambda events, value: [event for event in events if event.version == value],
    "ReadOnly": lambda events, value: [event for event in events if value == ("true" if event.read_only else "false")],
    "IdentityType": lambda events, value: [event for event in events if event.actor.kind == value],
    "IdentityName": lambda events, value: [event for event in events if event.actor.user_name == value],
    "AccessKeyID": lambda events, value: [event for event in events if event.actor.access_key == value],
    "Region": lambda events, value: [event for event in events if event.region == value],
    "ResourceType": lambda events, value: _once(
        event for event in events for resource in event.resources if resource.type == value
    ),
    "ResourceID": lambda events, value: _once(
        event for event in events for resource in event.resources if resource.id == value
    ),
    "ErrorCode": lambda events, value: [event for event in events if event.error_code == value],
}
"""The 13 lookup keys, exact and case-sensitive: of many events at a time, for a call each would be slow."""

Position = tuple[int, int]
"""An event's place in the log: its time and its sequence number."""


def position(event: Event) -> Position:
    """The place that orders an event."""
    return (event.time, event.sequence)


class EventLog:
    """Events in order of time."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._next = 1

    def __len__(self) -> int:
        return len(self._events)

    def __iter__(self) -> Iterator[Event]:
        return iter(list(self._events))

    def fill(self, events: Iterable[Event]) -> None:
        """Add many events at once, in any order."""
        ordered = sorted(events, key=lambda event: event.time)
        for event in ordered:
            event.sequence = self._next
            self._next += 1
        self._events = sorted([*self._events, *ordered], key=position)

    def add(self, event: Event) -> None:
        """Add one event."""
        event.sequence = self._next
        self._next += 1
        insort(self._events, event, key=position)
        if len(self._events) > LONGEST_LOG:
            del self._events[: LONGEST_LOG // 10]

    def get(self, event_id: str) -> Event | None:
        """The event of an ID, or None."""
        return next((event for event in self._events if event.event_id == event_id), None)

    def newest(
        self,
        accounts: frozenset[str],
        conditions: Iterable[tuple[str, str]],
        *,
        start: int,
        end: int,
        before: Position | None,
        limit: int,
    ) -> list[Event]:
        """Up to `limit` events of a window, newest first.

        start, end: epoch seconds; events at either second are in.
        before: only events placed before this one, for the next page.
        """
        low = bisect_left(self._events, (start, 0), key=position)
        high = bisect_right(self._events, (end, self._next), key=position)
        if before is not None:
            high = min(high, bisect_left(self._events, before, key=position))
        tests = [(CONDITIONS[key], value) for key, value in conditions]
        found: list[Event] = []
        while high > low and len(found) < limit:
            chunk = self._events[max(low, high - CHUNK) : high]
            high -= CHUNK
            for test, value in tests:
                chunk = test(chunk, value)
            found += [event for event in reversed(chunk) if (event.recipient or event.actor.account_id) in accounts]
        return found[:limit]
