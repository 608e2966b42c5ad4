"""Ordinary audit events: people who work by day, automation that never sleeps, and a few mistakes."""

from __future__ import annotations

import random
import string
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from volcengine_sandbox.clock import BEIJING, DAY, HOUR
from volcengine_sandbox.envelope import request_id
from volcengine_sandbox.events import Actor, Event, Resource
from volcengine_sandbox.gateway import event_id
from volcengine_sandbox.identity import access_key

DAYS: Final = 89
"""Days before now that events are spread over; one less than can be looked up, so that none falls out."""

CONSOLE: Final = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0"
PYTHON_SDK: Final = "volcstack-python-sdk/5.0.54"
GO_SDK: Final = "volcstack-go-sdk/1.2.9"
TERRAFORM: Final = "terraform-provider-volcengine/0.0.190"

HUMAN_HOURS: Final = (0, 0, 0, 0, 0, 0, 0, 1, 4, 12, 16, 15, 7, 8, 14, 15, 14, 12, 8, 4, 3, 2, 1, 0)
MACHINE_HOURS: Final = (5, 5, 8, 6, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 8, 6)
"""Weights of the hours of a day, Beijing time."""
WEEKEND_OFF: Final = 0.9
MISTAKES: Final = 0.02

Deed = tuple[str, str, str, bool, str, int]
"""Service, action, version, read-only, resource type, weight."""

ECS: Final[tuple[Deed, ...]] = (
    ("ecs", "DescribeInstances", "2020-04-01", True, "", 10),
    ("ecs", "DescribeImages", "2020-04-01", True, "", 3),
    ("ecs", "RunInstances", "2020-04-01", False, "instance", 2),
    ("ecs", "StopInstances", "2020-04-01", False, "instance", 1),
    ("ecs", "StartInstances", "2020-04-01", False, "instance", 1),
)
NETWORK: Final[tuple[Deed, ...]] = (
    ("vpc", "DescribeVpcs", "2020-04-01", True, "", 6),
    ("vpc", "DescribeSecurityGroups", "2020-04-01", True, "", 5),
    ("vpc", "AuthorizeSecurityGroupIngress", "2020-04-01", False, "securitygroup", 2),
    ("vpc", "RevokeSecurityGroupIngress", "2020-04-01", False, "securitygroup", 1),
)
IDENTITY: Final[tuple[Deed, ...]] = (
    ("iam", "ListUsers", "2018-01-01", True, "", 6),
    ("iam", "ListPolicies", "2018-01-01", True, "", 4),
    ("iam", "GetUser", "2018-01-01", True, "user", 4),
    ("iam", "UpdateUser", "2018-01-01", False, "user", 1),
)
AUDIT: Final[tuple[Deed, ...]] = (
    ("cloud_trail", "LookupEvents", "2021-09-01", True, "", 8),
    ("cloud_trail", "DescribeTrails", "2021-09-01", True, "", 4),
    ("organization", "ListAccounts", "2022-01-01", True, "", 5),
    ("organization", "ListServiceControlPolicies", "2022-01-01", True, "", 2),
)
DELIVERY: Final[tuple[Deed, ...]] = (
    ("vke", "ListClusters", "2022-05-12", True, "", 5),
    ("vke", "UpdateNodePoolConfig", "2022-05-12", False, "cluster", 2),
    ("cr", "ListRepositories", "2022-05-12", True, "", 6),
    ("cr", "GetAuthorizationToken", "2022-05-12", False, "repository", 6),
    ("tos", "PutBucketLifecycle", "", False, "bucket", 1),
    ("sts", "AssumeRole", "2018-01-01", False, "role", 4),
)
DATABASE: Final[tuple[Deed, ...]] = (
    ("rds_mysql", "DescribeDBInstances", "2022-01-01", True, "", 8),
    ("rds_mysql", "CreateBackup", "2022-01-01", False, "instance", 5),
    ("tos", "ListBuckets", "", True, "", 5),
    ("kms", "GenerateDataKey", "2021-02-18", False, "key", 3),
)
MONEY: Final[tuple[Deed, ...]] = (("billing", "ListBill", "2022-01-01", True, "", 8),)
LOGIN: Final[tuple[Deed, ...]] = (("signin", "ConsoleLogin", "", False, "", 3),)


@dataclass(frozen=True, slots=True)
class Worker:
    """A principal with habits. `name` is empty for a root user, `Role/Session` for a role."""

    account: str
    name: str
    kind: str
    source_ip: str
    agent: str
    weight: int
    deeds: tuple[Deed, ...]

    @property
    def human(self) -> bool:
        """Whether it sleeps."""
        return self.agent == CONSOLE


WORKERS: Final = (
    Worker("group-management", "wang.min", "IAMUser", "192.0.2.21", CONSOLE, 5, LOGIN + AUDIT + IDENTITY),
    Worker("group-management", "", "Root", "192.0.2.20", CONSOLE, 1, LOGIN + MONEY),
    Worker("group-management", "inventory-sync", "IAMUser", "10.20.0.8", PYTHON_SDK, 14, AUDIT[2:] + IDENTITY[:2]),
    Worker("platform-network", "li.jing", "IAMUser", "192.0.2.34", CONSOLE, 7, LOGIN + NETWORK),
    Worker("platform-network", "terraform-apply", "IAMUser", "10.20.4.11", TERRAFORM, 8, NETWORK + ECS),
    Worker("platform-ci", "ci-runner", "IAMUser", "10.30.1.15", GO_SDK, 18, DELIVERY),
    Worker("prod-web", "ops-deploy", "IAMUser", "10.30.2.7", GO_SDK, 14, DELIVERY[:4] + ECS),
    Worker("prod-web", "zhang.wei", "IAMUser", "192.0.2.45", CONSOLE, 8, LOGIN + ECS + NETWORK[:2]),
    Worker("prod-data", "backup-job", "IAMUser", "10.40.0.5", PYTHON_SDK, 12, DATABASE),
    Worker("prod-data", "chen.jie", "IAMUser", "192.0.2.52", CONSOLE, 5, LOGIN + DATABASE[:3]),
    Worker(
        "prod-payment", "OrganizationAccessControlRole/ops-session", "AssumedRole", "198.51.100.20", CONSOLE, 2, ECS
    ),
    Worker("dev-web", "autoscaler", "IAMUser", "10.50.3.3", PYTHON_SDK, 10, ECS),
    Worker("dev-web", "liu.yang", "IAMUser", "192.0.2.63", CONSOLE, 8, LOGIN + ECS),
    Worker("dev-data", "notebook-role/train-job", "AssumedRole", "10.50.7.9", PYTHON_SDK, 6, DATABASE[2:] + ECS[:1]),
    Worker("security-audit", "zhao.lei", "IAMUser", "192.0.2.71", CONSOLE, 6, LOGIN + AUDIT),
    Worker("sandbox-lab", "intern-lab", "IAMUser", "192.0.2.88", CONSOLE, 4, LOGIN + ECS),
)


def person(rng: random.Random, account_id: str, kind: str, name: str, key: str | None = None) -> Actor:
    """A principal in an event's terms. A role's `UserName` is `Role/Session` (assumption)."""
    number = str(rng.randrange(10**7, 10**8))
    prefix = "AKTP" if kind == "AssumedRole" else "AKLT"
    key = access_key(rng, prefix) if key is None else key
    if kind == "Root":
        return Actor(account_id, kind, account_id, f"trn:iam::{account_id}:root", "", key)
    if kind == "AssumedRole":
        session = name.partition("/")[2]
        trn = f"trn:sts::{account_id}:assumed-role/{name}"
        return Actor(account_id, kind, f"{number}:{session}", trn, name, key)
    return Actor(account_id, kind, number, f"trn:iam::{account_id}:user/{name}", name, key)


def background(rng: random.Random, accounts: Mapping[str, str], now: float, count: int) -> list[Event]:
    """Ordinary events of the last `DAYS` days, in no order.

    The generator is used the same number of times whatever the clock says, so that a seed stays a seed.
    """
    actors = {worker: person(rng, accounts[worker.account], worker.kind, worker.name) for worker in WORKERS}
    pools: dict[tuple[str, str], list[str]] = {}
    midnight = _midnight(now)
    events = []
    for worker in rng.choices(WORKERS, [worker.weight for worker in WORKERS], k=count):
        source, name, version, read_only, kind, _ = rng.choices(worker.deeds, [deed[5] for deed in worker.deeds])[0]
        hours = HUMAN_HOURS if worker.human else MACHINE_HOURS
        hour, rest = rng.choices(range(24), hours)[0], rng.randrange(HOUR)
        time = _when(
            now, midnight, rng.randrange(DAYS), hour * HOUR + rest, worker.human and rng.random() < WEEKEND_OFF
        )
        pool = pools.get((worker.account, kind)) or pools.setdefault((worker.account, kind), _pool(rng, kind))
        resource, mistake = rng.choice(pool), rng.random() < MISTAKES
        actor = actors[worker]
        events.append(
            Event(
                time=time,
                event_id=event_id(rng.getrandbits(128)),
                request_id=request_id(time, rng),
                actor=actor,
                source=source,
                name=name,
                version=version,
                region="cn-shanghai" if worker.account == "dev-web" and source == "ecs" else "cn-beijing",
                read_only=read_only,
                source_ip=worker.source_ip,
                user_agent=worker.agent,
                error_code="AccessDenied" if mistake else "",
                error_message=f"User is not authorized to perform: {source}:{name} on resource: " if mistake else "",
                request_parameters=f'{{"ResourceId":"{resource}"}}' if kind else '{"MaxResults":20}',
                response_elements="",
                resources=(Resource(source, kind, resource, actor.account_id),) if kind else (),
                event_type="ConsoleLogin" if source == "signin" else "ApiCall",
            )
        )
    return events


def at(now: float, days_ago: int, hour: int, minute: int, second: int = 0) -> int:
    """The last time that a clock in Beijing showed this, and then some days before."""
    return _when(now, _midnight(now), days_ago, hour * HOUR + minute * 60 + second, False)


def _midnight(now: float) -> int:
    today = datetime.fromtimestamp(now, BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)
    return int(today.timestamp())


def _when(now: float, midnight: int, days_ago: int, second: int, off_at_weekends: bool) -> int:
    time = midnight + second - days_ago * DAY
    if midnight + second >= now:
        time -= DAY
    if off_at_weekends:
        # 1 January 1970 was a Thursday: day 2 is a Saturday.
        weekday = ((time + 8 * HOUR) // DAY + 3) % 7
        time -= max(0, weekday - 4) * DAY
    return time if time > now - (DAYS + 1) * DAY else time + 7 * DAY


def _pool(rng: random.Random, kind: str) -> list[str]:
    """A few resource IDs of a kind; one empty ID for no kind."""
    if not kind:
        return [""]
    letters = string.ascii_lowercase + string.digits
    prefix = {"instance": "i-", "securitygroup": "sg-", "cluster": "cc"}.get(kind, f"example-{kind}-")
    return [prefix + "".join(rng.choices(letters, k=12)) for _ in range(6)]
