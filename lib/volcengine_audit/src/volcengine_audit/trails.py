"""Whether the trails of an account keep its audit events: findings and a verdict over DescribeTrails items.

Without a trail, events can only be looked up for the retention of the service. The documented sample has a
LoggingStatus of `Enable` and times such as `20241210T1000Z`; the other values are read leniently, and what cannot be
read is reported as unknown rather than as good.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from volcengine_audit import jsons
from volcengine_audit.rules import Severity
from volcengine_audit.secrets import mask_text
from volcengine_audit.times import DAY, HOUR, iso, parse_stamp

STALE: Final = DAY
"""Seconds without a delivery after which it counts as stale. The usual delay is not documented."""

_ON: Final = frozenset({"enable", "enabled", "on", "true", "1", "start", "started", "logging", "running"})
_OFF: Final = frozenset({"disable", "disabled", "off", "false", "0", "stop", "stopped"})
_LONGEST_ERROR: Final = 200
_NOTHING: Final = frozenset[str]()
_BOTH: Final = frozenset({"read", "write"})
_SCOPES: Final = {"all": _BOTH, "read": frozenset({"read"}), "write": frozenset({"write"})}


_Find = Callable[[str, Severity, str], None]
"""Notes a finding: its ID, severity and reason."""


class Verdict(StrEnum):
    """How the trails do as a whole."""

    HEALTHY = "healthy"
    ATTENTION = "attention"
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a trail that should be known. `trail` is empty when it is about all of them."""

    id: str
    severity: Severity
    trail: str
    reason: str

    def record(self) -> dict[str, str]:
        """As a tool answers it."""
        about = {"TrailName": self.trail} if self.trail else {}
        return {"Id": self.id, "Severity": self.severity.label, **about, "Reason": self.reason}


@dataclass(frozen=True, slots=True)
class Trail:
    """A trail as far as its health goes.

    logging: None when the status cannot be told. delivered, started: Unix seconds, None if never or unreadable.
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


@dataclass(frozen=True, slots=True)
class Assessment:
    """The verdict, and the findings with the worst first."""

    verdict: Verdict
    trails: int
    findings: tuple[Finding, ...]

    def record(self) -> dict[str, object]:
        """As a tool answers it."""
        return {
            "Verdict": self.verdict.value,
            "Trails": self.trails,
            "Findings": [finding.record() for finding in self.findings],
        }


def assess_trails(items: Sequence[object], *, now: float, stale: int = STALE) -> Assessment:
    """Findings over DescribeTrails items; null items are ignored.

    The verdict is failing from a high finding on, attention from a low one on, else healthy. A trail that is off or
    broken weighs less while others keep its events.

    Args:
        now: the present, in Unix seconds.
        stale: seconds without a delivery after which it counts as stale.
    """
    trails = [trail_of(item) for item in items if isinstance(item, Mapping)]
    if not trails:
        found = [
            Finding(
                "no-trail",
                Severity.HIGH,
                "",
                "there is no trail: events are only kept as long as they can be looked up, and an intruder's traces "
                "are lost after that; CreateTrail adds one",
            )
        ]
    else:
        found = []
        for trail in trails:
            others = [_kept(other, now, stale) for other in trails if other is not trail]
            found += _findings(trail, now, stale, frozenset[str]().union(*others))
        if not any(trail.organization for trail in trails):
            found.append(
                Finding(
                    "single-account",
                    Severity.INFO,
                    "",
                    "no trail covers the whole organization: in an organization, member accounts need trails of their "
                    "own or one with TrailType 1",
                )
            )
    found.sort(key=lambda one: (-one.severity, one.trail, one.id))
    gravest = max(one.severity for one in found) if found else Severity.INFO
    verdict = (
        Verdict.FAILING
        if gravest >= Severity.HIGH
        else Verdict.ATTENTION
        if gravest >= Severity.LOW
        else Verdict.HEALTHY
    )
    return Assessment(verdict, len(trails), tuple(found))


def trail_of(item: Mapping[str, object]) -> Trail:
    """The trail of one DescribeTrails item. Never fails."""
    stated = jsons.field(item, "LoggingStatus")
    status = str(stated).lower() if isinstance(stated, bool) else jsons.text(item, "LoggingStatus")
    listed = jsons.unwrapped(jsons.field(item, "EventSources"))
    names = [listed] if isinstance(listed, str) else listed if isinstance(listed, list) else []
    sources = tuple(name.strip() for name in names if isinstance(name, str) and name.strip())
    wide = any(name.casefold() in ("*", "all") for name in sources)
    flags = (jsons.field(item, "IncludeAllEventSources"), jsons.field(item, "IsEventSourceAll"))
    stated_all = wide or any(str(flag).casefold() in ("true", "1") for flag in flags)
    return Trail(
        name=jsons.text(item, "TrailName") or "(unnamed)",
        logging=True if status.casefold() in _ON else False if status.casefold() in _OFF else None,
        status=status,
        error=jsons.text(item, "LatestDeliveryError"),
        delivered=parse_stamp(jsons.field(item, "LatestDeliveryTime")),
        started=parse_stamp(jsons.field(item, "StartLoggingTime")),
        event_rw=jsons.text(item, "EventRW"),
        sources=() if stated_all else sources,
        all_sources_stated=stated_all,
        organization=jsons.text(item, "TrailType") == "1",
        has_target=bool(jsons.text(item, "TosBucketName") or jsons.text(item, "TlsProjectName")),
    )


def _kept(trail: Trail, now: float, stale: int) -> frozenset[str]:
    """Which events, reads and writes, a trail surely delivers for all services."""
    works = trail.logging is True and trail.has_target and not trail.error and not trail.sources
    fresh = trail.delivered is not None and now - trail.delivered <= stale
    return _SCOPES.get(trail.event_rw.casefold(), _NOTHING) if works and fresh else _NOTHING


def _findings(trail: Trail, now: float, stale: int, kept: frozenset[str]) -> list[Finding]:
    """The findings on one trail; what weighs heavy is low when other trails keep the events in question."""
    found: list[Finding] = []
    own = _SCOPES.get(trail.event_rw.casefold(), _BOTH)

    def find(name: str, severity: Severity, reason: str) -> None:
        missing = _BOTH - own if name in ("changes-missing", "reads-missing") else own
        spared = missing <= kept
        found.append(Finding(name, min(severity, Severity.LOW) if spared else severity, trail.name, reason))

    if trail.logging is False:
        find("logging-off", Severity.CRITICAL, f"delivery is switched off (LoggingStatus {trail.status})")
    elif trail.logging is None:
        shown = f"is {trail.status!r}" if trail.status else "is missing"
        find("logging-unknown", Severity.LOW, f"LoggingStatus {shown}, so it is not known whether it delivers")
    if not trail.has_target:
        find("no-target", Severity.HIGH, "it names neither a TOS bucket nor a TLS project to deliver to")
    if trail.logging is not False:
        _delivery(trail, now, stale, find)
    _scope(trail, find)
    return found


def _delivery(trail: Trail, now: float, stale: int, find: _Find) -> None:
    if trail.error:
        find("delivery-failing", Severity.HIGH, f"the latest delivery failed: {_shortened(mask_text(trail.error))}")
    if trail.delivered is not None:
        if now - trail.delivered > stale:
            find(
                "delivery-stale",
                Severity.MEDIUM,
                f"the latest delivery was {iso(trail.delivered)}, {_hours(now - trail.delivered)} ago",
            )
    elif trail.logging and not trail.error and (trail.started is None or now - trail.started > stale):
        since = "" if trail.started is None else f" since it was switched on {iso(trail.started)}"
        find("never-delivered", Severity.MEDIUM, f"no delivery is recorded{since}")


def _scope(trail: Trail, find: _Find) -> None:
    scope = trail.event_rw.casefold()
    if scope == "read":
        find("changes-missing", Severity.HIGH, "it delivers reads only (EventRW Read): no change is kept")
    elif scope == "write":
        find("reads-missing", Severity.LOW, "it delivers changes only (EventRW Write): reads of data are not kept")
    elif scope != "all":
        shown = f"is {trail.event_rw!r}" if trail.event_rw else "is missing"
        find("scope-unknown", Severity.LOW, f"EventRW {shown}, so it is not known whether all events are delivered")
    if trail.sources:
        listed = ", ".join(trail.sources[:5]) + (", …" if len(trail.sources) > 5 else "")
        find(
            "sources-missing",
            Severity.MEDIUM,
            f"it delivers events of {len(trail.sources)} services only ({listed}): all others are not kept",
        )
    elif not trail.all_sources_stated:
        find(
            "sources-unstated",
            Severity.INFO,
            "it names no services and does not say that it covers all; taken to mean all",
        )


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_ERROR else f"{text[:_LONGEST_ERROR]}…"


def _hours(seconds: float) -> str:
    return f"{int(seconds // DAY)} days" if seconds >= 2 * DAY else f"{int(seconds // HOUR)} hours"
