"""What is known of actions: which exist, how they are spelt, and which of them read."""

from __future__ import annotations

from enum import StrEnum
from functools import cache, lru_cache

from volcengine_policy.catalogue_data import ACTIONS_BY_SERVICE
from volcengine_policy.matching import glob, match_action, split_action


class Access(StrEnum):
    """Whether an action reads or writes."""

    READ = "read"
    WRITE = "write"


# The verbs of the system policy ReadOnlyAccess (Volcengine docs 6257/1253730).
READ_PATTERNS = (
    "*:*Describe*",
    "*:List*",
    "*:Get*",
    "*:Query*",
    "*:Check*",
    "*:Read*",
    "*:Desc*",
    "*:Search*",
    "tos:Head*",
    "rms:*Get*",
    "rtc:Find*",
    "cloud_trail:Lookup*",
)

# They read by name, yet hand out secrets, sessions or bulk copies (a judgement of ours, from their names).
SENSITIVE_READS = frozenset(
    {
        "kms:GetSecretValue",
        "kms:BatchGetSecretValue",
        "ecs:DescribeUserData",
        "ecs:DescribeInstanceVncUrl",
        "ecs:DescribeInstanceECSTerminalUrl",
        "rds_mysql:GetBackupDownloadLink",
        "sts:AssumeRole",
    }
)

# Services that honour NotAction and NotResource (Volcengine docs 6257/1505229); the table there was only seen in part.
HONOURS_NOT = frozenset(
    {
        "alb",
        "auto_scaling",
        "cen",
        "clb",
        "directconnect",
        "nat64gateway",
        "natgateway",
        "smc",
        "transitrouter",
        "velinux",
        "vpc",
        "vpn",
    }
)
# The same page names this one as not honouring them.
IGNORES_NOT = frozenset({"ecs"})


@cache
def known_actions() -> tuple[str, ...]:
    """Every known action as `service:Name`, sorted."""
    return tuple(sorted(f"{service}:{name}" for service, names in ACTIONS_BY_SERVICE.items() for name in names.split()))


@cache
def _services() -> dict[str, str]:
    return {service.casefold(): service for service in ACTIONS_BY_SERVICE}


@cache
def _spellings() -> dict[str, str]:
    return {action.casefold(): action for action in known_actions()}


def known_service(code: str) -> str | None:
    """The service code as it is spelt, whatever the case of the argument, or None when it is not known."""
    return _services().get(code.casefold())


def known_spelling(action: str) -> str | None:
    """The action as the SDK spells it, whatever the case of the argument, or None when it is not known."""
    return _spellings().get(action.casefold())


@lru_cache(maxsize=1024)
def matching_actions(pattern: str) -> frozenset[str]:
    """The known actions that a pattern matches when case is ignored."""
    if "*" not in pattern and "?" not in pattern:
        spelling = known_spelling(pattern)
        return frozenset({spelling} if spelling else ())
    split = split_action(pattern)
    if split is None:
        return frozenset()
    return frozenset(
        f"{service}:{name}"
        for service in services_matching(pattern)
        for name in ACTIONS_BY_SERVICE[service].split()
        if glob(split[1], name, ignore_case=True)
    )


def services_matching(pattern: str) -> tuple[str, ...]:
    """The known services that an action pattern can concern."""
    split = split_action(pattern)
    if split is None:
        return ()
    code = split[0]
    if "*" not in code and "?" not in code:
        service = known_service(code)
        return (service,) if service else ()
    return tuple(service for service in ACTIONS_BY_SERVICE if glob(code, service, ignore_case=True))


def access(action: str) -> Access:
    """Whether an action reads, judged by its verb as the system policy ReadOnlyAccess does."""
    reads = any(match_action(pattern, action, ignore_case=False) for pattern in READ_PATTERNS)
    return Access.READ if reads else Access.WRITE
