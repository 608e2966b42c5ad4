"""What one caller did, in order: runs of calls, first sightings, failures that turned into success, roles taken on."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Final

from volcengine_audit import jsons
from volcengine_audit.events import Event
from volcengine_audit.identity import Identity
from volcengine_audit.risk import Marks, RiskMark, Severity
from volcengine_audit.times import iso

RUN_GAP: Final = 600
"""Seconds without a call after which the same action begins a new run."""
FIRST_KINDS: Final = ("address", "action", "region", "user_agent")
CAVEAT: Final = (
    '"First" means first in the events read here. What the caller did before the window, and events that are not '
    "recorded, are not known."
)
_TEMPORARY_KEY: Final = re.compile(r"AKTP[A-Za-z0-9+/=_-]{8,}")
_ASSUMING: Final = re.compile(r"AssumeRole", re.IGNORECASE)
_MOST_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Run:
    """Calls of one action without a long gap, with the same notable marks. Times in Unix seconds.

    errors: error codes and how often each came. evidence: IDs of the first, the first failed and the last call.
    """

    action: str
    read_only: bool | None
    count: int
    first: int
    last: int
    errors: tuple[tuple[str, int], ...]
    addresses: tuple[str, ...]
    resources: tuple[str, ...]
    evidence: tuple[str, ...]
    marks: Marks

    def line(self, zone: tzinfo = UTC) -> str:
        """`2026-11-20 09:02–09:10 41 × ecs:DescribeInstances (2 × AccessDenied) from 203.0.113.9`."""
        first, last = (datetime.fromtimestamp(moment, zone) for moment in (self.first, self.last))
        span = first.strftime("%Y-%m-%d %H:%M")
        if first.date() != last.date():
            span += last.strftime("–%Y-%m-%d %H:%M")
        elif (first.hour, first.minute) != (last.hour, last.minute):
            span += last.strftime("–%H:%M")
        errors = ", ".join(f"{count} × {code}" for code, count in self.errors)
        calls = f"{self.count} × {self.action}" if self.count > 1 else self.action
        source = f" from {', '.join(self.addresses[:_MOST_SHOWN])}" if self.addresses else ""
        return f"{span} {calls}{f' ({errors})' if errors else ''}{source}"

    def record(self, zone: tzinfo = UTC) -> dict[str, object]:
        """As a tool answers it; empty fields left out."""
        record: dict[str, object] = {
            "Action": self.action,
            "Count": self.count,
            "First": iso(self.first, zone),
            "Last": iso(self.last, zone),
            "ReadOnly": self.read_only,
            "Errors": dict(self.errors),
            "Addresses": list(self.addresses[:_MOST_SHOWN]),
            "Resources": list(self.resources[:_MOST_SHOWN]),
            "Marks": [mark.record() for mark in self.marks],
            "EventIDs": list(self.evidence),
        }
        return {key: value for key, value in record.items() if value not in (None, [], {})}


@dataclass(frozen=True, slots=True)
class First:
    """The first sighting of a value in the events read. `opening` when it is of the very first event."""

    kind: str
    value: str
    time: int
    event_id: str
    opening: bool

    def record(self, zone: tzinfo = UTC) -> dict[str, object]:
        """As a tool answers it."""
        return {"Kind": self.kind, "Value": self.value, "Time": iso(self.time, zone), "EventID": self.event_id}


@dataclass(frozen=True, slots=True)
class Recovery:
    """An action that failed and then succeeded. evidence: IDs of the first failure, the last, and the success."""

    action: str
    failures: int
    errors: tuple[str, ...]
    failing_since: int
    succeeded: int
    evidence: tuple[str, ...]

    def record(self, zone: tzinfo = UTC) -> dict[str, object]:
        """As a tool answers it."""
        return {
            "Action": self.action,
            "Failures": self.failures,
            "Errors": list(self.errors),
            "FailingSince": iso(self.failing_since, zone),
            "Succeeded": iso(self.succeeded, zone),
            "EventIDs": list(self.evidence),
        }


@dataclass(frozen=True, slots=True)
class RoleLink:
    """A temporary key that a caller was given, and what was done with it. Times in Unix seconds, None if unknown."""

    caller: str
    role: str
    session: str
    access_key: str
    event_id: str
    time: int | None
    uses: int
    first_use: int | None
    last_use: int | None

    def record(self, zone: tzinfo = UTC) -> dict[str, object]:
        """As a tool answers it; empty fields left out."""
        record: dict[str, object] = {
            "Caller": self.caller,
            "Role": self.role,
            "Session": self.session,
            "AccessKeyID": self.access_key,
            "EventID": self.event_id,
            "Time": "" if self.time is None else iso(self.time, zone),
            "Uses": self.uses,
            "FirstUse": "" if self.first_use is None else iso(self.first_use, zone),
            "LastUse": "" if self.last_use is None else iso(self.last_use, zone),
        }
        return {key: value for key, value in record.items() if value != ""}


@dataclass(frozen=True, slots=True)
class Timeline:
    """The story of the events given. `undated` counts events without a readable time, which are in no other part.

    caveat: what "first" does not mean; empty only if the events are the whole history.
    """

    events: int
    undated: int
    runs: tuple[Run, ...]
    firsts: tuple[First, ...]
    recoveries: tuple[Recovery, ...]
    caveat: str

    def record(self, zone: tzinfo = UTC) -> dict[str, object]:
        """As a tool answers it. Sightings of the first event are left out, as everything in it is new."""
        record: dict[str, object] = {
            "Events": self.events,
            "Undated": self.undated,
            "Runs": [run.record(zone) for run in self.runs],
            "FirstSightings": [first.record(zone) for first in self.firsts if not first.opening],
            "Recoveries": [recovery.record(zone) for recovery in self.recoveries],
            "Caveat": self.caveat,
        }
        return {key: value for key, value in record.items() if value not in ("", 0, []) or key in ("Events", "Runs")}


def is_by(identity: Identity, who: str) -> bool:
    """Whether a caller is the one named: by label, user or role name, session, access key, principal, TRN or `root`."""
    names = (
        identity.label,
        identity.label.partition("@")[0],
        identity.name,
        identity.session,
        identity.access_key,
        identity.principal,
        identity.trn,
    )
    return bool(who) and who in names


def timeline_of(
    events: Iterable[Event], marks: Sequence[Marks] | None = None, *, gap: int = RUN_GAP, complete: bool = False
) -> Timeline:
    """The story of one caller's events, which may come in any order; an event whose ID came before is left out.

    Args:
        marks: the marks of each event, as `mark_events` gives them.
        gap: seconds without a call after which the same action begins a new run.
        complete: whether the events are the caller's whole history, which a window hardly ever is.
    """
    listed = list(events)
    paired = zip(listed, marks if marks is not None else [()] * len(listed), strict=True)
    seen: dict[object, tuple[Event, Marks]] = {}
    for index, (event, these) in enumerate(paired):
        seen.setdefault(event.id or index, (event, these))
    dated = [(event.time, event.id, event, these) for event, these in seen.values() if event.time is not None]
    dated.sort(key=lambda one: one[:2])
    ordered = [(moment, event, these) for moment, _, event, these in dated]
    return Timeline(
        events=len(seen),
        undated=len(seen) - len(ordered),
        runs=_runs(ordered, gap),
        firsts=_firsts(ordered),
        recoveries=_recoveries(ordered),
        caveat="" if complete else CAVEAT,
    )


def role_links(callers: Iterable[Event], activity: Iterable[Event]) -> tuple[RoleLink, ...]:
    """The temporary keys that AssumeRole calls returned, with their use in `activity`.

    That a response carries the key's ID is not documented; when it does not, there is no link.
    """
    uses: dict[str, dict[str, Event]] = {}
    for index, event in enumerate(activity):
        if event.identity.access_key:
            uses.setdefault(event.identity.access_key, {})[event.id or f"#{index}"] = event
    links = []
    for caller in callers:
        if not _ASSUMING.match(caller.name) or caller.failed:
            continue
        keys = {found for leaf in jsons.leaves(caller.response) for found in _TEMPORARY_KEY.findall(str(leaf))}
        for key in sorted(keys - {caller.identity.access_key}):
            used = uses.get(key, {}).values()
            times = [event.time for event in used if event.time is not None]
            links.append(
                RoleLink(
                    caller=caller.actor,
                    role=jsons.text(caller.parameters, "RoleTrn", "RoleName"),
                    session=jsons.text(caller.parameters, "RoleSessionName"),
                    access_key=key,
                    event_id=caller.id,
                    time=caller.time,
                    uses=len(used),
                    first_use=min(times, default=None),
                    last_use=max(times, default=None),
                )
            )
    return tuple(sorted(links, key=lambda link: (link.time or 0, link.event_id, link.access_key)))


Dated = Sequence[tuple[int, Event, Marks]]


@dataclass(slots=True)
class _OpenRun:
    """A run that may still grow."""

    events: list[Event] = field(default_factory=list)
    first: int = 0
    last: int = 0
    marks: dict[RiskMark, None] = field(default_factory=dict)

    def closed(self) -> Run:
        codes = Counter(event.error_code for event in self.events if event.failed)
        failure = next((event.id for event in self.events if event.failed), "")
        wanted = (self.events[0].id, failure, self.events[-1].id)
        return Run(
            action=self.events[0].action,
            read_only=self.events[0].read_only,
            count=len(self.events),
            first=self.first,
            last=self.last,
            errors=tuple(sorted(codes.items(), key=lambda item: (-item[1], item[0]))),
            addresses=tuple(dict.fromkeys(event.address for event in self.events if event.address)),
            resources=tuple(dict.fromkeys(one.label for event in self.events for one in event.resources)),
            evidence=tuple(dict.fromkeys(one for one in wanted if one)),
            marks=_strongest(self.marks),
        )


def _runs(ordered: Dated, gap: int) -> tuple[Run, ...]:
    """Runs by their first call. Calls of other actions do not end a run, as people and consoles mix them."""
    growing: dict[object, _OpenRun] = {}
    runs: list[_OpenRun] = []
    for moment, event, marks in ordered:
        notable = frozenset(mark.id for mark in marks if mark.severity >= Severity.MEDIUM)
        key = (event.action, event.read_only, notable)
        run = growing.get(key)
        if run is None or moment - run.last > gap:
            run = growing[key] = _OpenRun(first=moment)
            runs.append(run)
        run.events.append(event)
        run.last = moment
        run.marks |= dict.fromkeys(marks)
    return tuple(run.closed() for run in runs)


def _strongest(marks: Iterable[RiskMark]) -> Marks:
    """One mark per rule, the worst of it, the worst rule first."""
    best: dict[str, RiskMark] = {}
    for mark in marks:
        if mark.id not in best or mark.severity > best[mark.id].severity:
            best[mark.id] = mark
    return tuple(sorted(best.values(), key=lambda mark: (-mark.severity, mark.id)))


def _firsts(ordered: Dated) -> tuple[First, ...]:
    seen: set[tuple[str, str]] = set()
    firsts = []
    for index, (moment, event, _) in enumerate(ordered):
        values = (event.address, event.action, event.region, event.user_agent)
        for kind, value in zip(FIRST_KINDS, values, strict=True):
            if value and (kind, value) not in seen:
                seen.add((kind, value))
                firsts.append(First(kind, value, moment, event.id, opening=index == 0))
    return tuple(firsts)


def _recoveries(ordered: Dated) -> tuple[Recovery, ...]:
    failing: dict[str, list[tuple[int, Event]]] = {}
    found = []
    for moment, event, _ in ordered:
        if event.failed:
            failing.setdefault(event.action, []).append((moment, event))
        elif failures := failing.pop(event.action, None):
            wanted = (failures[0][1].id, failures[-1][1].id, event.id)
            found.append(
                Recovery(
                    action=event.action,
                    failures=len(failures),
                    errors=tuple(dict.fromkeys(failure.error_code for _, failure in failures)),
                    failing_since=failures[0][0],
                    succeeded=moment,
                    evidence=tuple(dict.fromkeys(one for one in wanted if one)),
                )
            )
    return tuple(found)
