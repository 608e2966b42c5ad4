"""What is known of actions: which exist, how they are spelt, and which of them read.

`data/actions.json` has the actions of the typed SDK packages and is generated; `data/services.yaml` has what is judged
by hand.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache, lru_cache

from volcengine_policy.data import Entry, load
from volcengine_policy.matching import glob, split_action
from volcengine_policy.verbs import is_read


class Access(StrEnum):
    """Whether an action reads or writes."""

    READ = "read"
    WRITE = "write"


class Generated(Entry):
    """The actions of the typed SDK packages, by service, and the version that they were read from."""

    source: str
    services: dict[str, tuple[str, ...]]


class Judged(Entry):
    """What is judged by hand of services and actions."""

    actions: dict[str, tuple[str, ...]]
    spellings: dict[str, str]
    sensitive_reads: frozenset[str]
    honours_not: frozenset[str]
    ignores_not: frozenset[str]


@cache
def judged() -> Judged:
    """What is judged by hand."""
    return load("services.yaml", Judged)


@cache
def actions_by_service() -> dict[str, tuple[str, ...]]:
    """The known actions by service code; a service without actions is known by its code only."""
    found: dict[str, set[str]] = {}
    for known in (load("actions.json", Generated).services, judged().actions):
        for service, actions in known.items():
            found.setdefault(judged().spellings.get(service, service), set()).update(actions)
    return {service: tuple(sorted(found[service])) for service in sorted(found, key=str.casefold)}


@cache
def known_actions() -> tuple[str, ...]:
    """Every known action as `service:Name`, sorted."""
    return tuple(sorted(f"{service}:{name}" for service, names in actions_by_service().items() for name in names))


@cache
def _services() -> dict[str, str]:
    return {service.casefold(): service for service in actions_by_service()}


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
        for name in actions_by_service()[service]
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
    return tuple(service for service in actions_by_service() if glob(code, service, ignore_case=True))


def honours_not(service: str) -> bool | None:
    """Whether a service, in lower case, honours NotAction and NotResource; None when no page was seen that says."""
    if service in judged().honours_not:
        return True
    return False if service in judged().ignores_not else None


def is_sensitive(action: str) -> bool:
    """Whether an action hands out secrets, sessions or bulk copies although its name says that it reads."""
    return action in judged().sensitive_reads


def access(action: str) -> Access:
    """Whether an action reads, judged by its verb as the system policy ReadOnlyAccess does."""
    service, _, name = action.partition(":")
    return Access.READ if is_read(name, service) else Access.WRITE
