"""Whether the trails of an account keep its audit events: findings and a verdict over DescribeTrails items.

Without a trail, events can only be looked up for the retention of the service. The documented sample has a
LoggingStatus of `Enable` and times such as `20241210T1000Z`; the other values are read leniently, and what cannot be
read is reported as unknown rather than as good. What is found is told in the words of `trail_findings.yaml`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict

from volcengine_audit.lenient import Fields, unwrapped
from volcengine_audit.models import Assessment, Finding, Verdict
from volcengine_audit.secrets import mask_text
from volcengine_audit.severity import Severity
from volcengine_audit.times import DAY, HOUR, iso, parse_stamp

STALE: Final = DAY
"""Seconds without a delivery after which it counts as stale. The usual delay is not documented."""

_ON: Final = frozenset({"enable", "enabled", "on", "true", "1", "start", "started", "logging", "running"})
_OFF: Final = frozenset({"disable", "disabled", "off", "false", "0", "stop", "stopped"})
_LONGEST_ERROR: Final = 200
_MOST_SOURCES: Final = 5
_BOTH: Final = frozenset({"reads", "changes"})
_SCOPES: Final = {"all": _BOTH, "read": frozenset({"reads"}), "write": frozenset({"changes"})}

_Found = tuple[str, dict[str, object]]
"""The ID of a finding, and what its words are filled with."""


class FindingText(BaseModel):
    """A finding as the data file has it.

    Attributes:
        loses: the events that are in danger; None for all that the trail is to deliver.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    severity: Severity
    reason: str
    loses: Literal["reads", "changes"] | None = None


@lru_cache(maxsize=1)
def finding_texts() -> Mapping[str, FindingText]:
    """The findings that there can be, by ID."""
    listed = yaml.safe_load(Path(__file__).with_name("trail_findings.yaml").read_text("utf-8"))
    return {one.id: one for one in map(FindingText.model_validate, listed)}


@dataclass(frozen=True, slots=True)
class Trail:
    """A trail as far as its health goes.

    Attributes:
        logging: None when the status cannot be told.
        delivered, started: Unix seconds, None if never or unreadable.
        sources: empty for all.
    """

    name: str
    logging: bool | None
    status: str
    error: str
    delivered: int | None
    started: int | None
    event_rw: str
    sources: tuple[str, ...]
    all_sources_stated: bool
    organization: bool
    has_target: bool

    @property
    def scope(self) -> str:
        """All, read or write; anything else is unknown."""
        return self.event_rw.casefold()


def assess_trails(items: Sequence[object], *, now: float, stale: int = STALE) -> Assessment:
    """Findings over DescribeTrails items, the worst first; null items are ignored.

    The verdict is failing from a high finding on, attention from a low one on, else healthy. A trail that is off or
    broken weighs less while others keep its events.

    Args:
        now: the present, in Unix seconds.
        stale: seconds without a delivery after which it counts as stale.
    """
    trails = [trail_of(item) for item in items if isinstance(item, Mapping)]
    found = []
    for trail in trails:
        others = (_kept(other, now, stale) for other in trails if other is not trail)
        kept = frozenset[str]().union(*others)
        found += [_finding(one, trail, kept) for one in _found(trail, now, stale)]
    if not trails:
        found.append(_finding(("no-trail", {})))
    elif not any(trail.organization for trail in trails):
        found.append(_finding(("single-account", {})))
    found.sort(key=lambda one: (-one.severity.rank, one.trail_name or "", one.id))
    gravest = max((one.severity for one in found), default=Severity.INFO)
    grave, slight = gravest >= Severity.HIGH, gravest >= Severity.LOW
    verdict = Verdict.FAILING if grave else Verdict.ATTENTION if slight else Verdict.HEALTHY
    return Assessment(verdict=verdict, trails=len(trails), findings=found)


def trail_of(item: Mapping[str, object]) -> Trail:
    """The trail of one DescribeTrails item. Never fails."""
    fields = Fields(item)
    stated = fields.get("LoggingStatus")
    status = str(stated).lower() if isinstance(stated, bool) else fields.text("LoggingStatus")
    listed = unwrapped(fields.get("EventSources"))
    names = [listed] if isinstance(listed, str) else listed if isinstance(listed, list) else []
    sources = tuple(name.strip() for name in names if isinstance(name, str) and name.strip())
    wide = any(name.casefold() in ("*", "all") for name in sources)
    flags = (fields.get("IncludeAllEventSources"), fields.get("IsEventSourceAll"))
    stated_all = wide or any(str(flag).casefold() in ("true", "1") for flag in flags)
    return Trail(
        name=fields.text("TrailName") or "(unnamed)",
        logging=True if status.casefold() in _ON else False if status.casefold() in _OFF else None,
        status=status,
        error=fields.text("LatestDeliveryError"),
        delivered=parse_stamp(fields.get("LatestDeliveryTime")),
        started=parse_stamp(fields.get("StartLoggingTime")),
        event_rw=fields.text("EventRW"),
        sources=() if stated_all else sources,
        all_sources_stated=stated_all,
        organization=fields.text("TrailType") == "1",
        has_target=bool(fields.text("TosBucketName") or fields.text("TlsProjectName")),
    )


def _finding(found: _Found, trail: Trail | None = None, kept: frozenset[str] = frozenset()) -> Finding:
    """A finding in words; what weighs heavy is low when other trails keep the events in question."""
    text = finding_texts()[found[0]]
    severity = text.severity
    if trail is not None:
        endangered = frozenset({text.loses}) if text.loses else _SCOPES.get(trail.scope, _BOTH)
        severity = min(severity, Severity.LOW) if endangered <= kept else severity
    reason = text.reason.format(**found[1])
    return Finding(id=text.id, severity=severity, trail_name=trail.name if trail else None, reason=reason)


def _kept(trail: Trail, now: float, stale: int) -> frozenset[str]:
    """Which events, reads and changes, a trail surely delivers for all services."""
    works = trail.logging is True and trail.has_target and not trail.error and not trail.sources
    fresh = trail.delivered is not None and now - trail.delivered <= stale
    return _SCOPES.get(trail.scope, frozenset()) if works and fresh else frozenset()


def _found(trail: Trail, now: float, stale: int) -> Iterator[_Found]:
    if trail.logging is False:
        yield "logging-off", {"status": trail.status}
    elif trail.logging is None:
        yield "logging-unknown", {"stated": _stated(trail.status)}
    if not trail.has_target:
        yield "no-target", {}
    if trail.logging is not False:
        yield from _delivery(trail, now, stale)
    yield from _coverage(trail)


def _delivery(trail: Trail, now: float, stale: int) -> Iterator[_Found]:
    if trail.error:
        error = mask_text(trail.error)
        yield "delivery-failing", {"error": error[:_LONGEST_ERROR] + ("…" if len(error) > _LONGEST_ERROR else "")}
    if trail.delivered is not None:
        if now - trail.delivered > stale:
            yield "delivery-stale", {"time": iso(trail.delivered), "age": _age(now - trail.delivered)}
    elif trail.logging and not trail.error and (trail.started is None or now - trail.started > stale):
        since = "" if trail.started is None else f" since it was switched on {iso(trail.started)}"
        yield "never-delivered", {"since": since}


def _coverage(trail: Trail) -> Iterator[_Found]:
    if trail.scope == "read":
        yield "changes-missing", {}
    elif trail.scope == "write":
        yield "reads-missing", {}
    elif trail.scope != "all":
        yield "scope-unknown", {"stated": _stated(trail.event_rw)}
    if trail.sources:
        listed = ", ".join(trail.sources[:_MOST_SOURCES]) + (", …" if len(trail.sources) > _MOST_SOURCES else "")
        yield "sources-missing", {"count": len(trail.sources), "sources": listed}
    elif not trail.all_sources_stated:
        yield "sources-unstated", {}


def _stated(value: str) -> str:
    return f"is {value!r}" if value else "is missing"


def _age(seconds: float) -> str:
    return f"{int(seconds // DAY)} days" if seconds >= 2 * DAY else f"{int(seconds // HOUR)} hours"
