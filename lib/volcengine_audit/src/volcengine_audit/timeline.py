"""What one caller did, in order: runs of calls, first sightings, failures that turned into success, roles taken on."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Final

from volcengine_audit.events import Event
from volcengine_audit.lenient import Fields, leaves
from volcengine_audit.models import First, Mark, Recovery, RoleLink, Run, Timeline
from volcengine_audit.risk import Marks
from volcengine_audit.severity import Severity
from volcengine_audit.times import iso

RUN_GAP: Final = 600
"""Seconds without a call after which the same action begins a new run."""
CAVEAT: Final = (
    '"First" means first in the events read here. What the caller did before the window, and events that are not '
    "recorded, are not known."
)
_TEMPORARY_KEY: Final = re.compile(r"AKTP[A-Za-z0-9+/=_-]{8,}")
_ASSUMING: Final = re.compile(r"AssumeRole", re.IGNORECASE)
_MOST_SHOWN: Final = 5


def timeline_of(
    events: Iterable[Event],
    marks: Sequence[Marks] | None = None,
    *,
    zone: tzinfo = UTC,
    gap: int = RUN_GAP,
    complete: bool = False,
) -> Timeline:
    """The story of one caller's events, which may come in any order; an event whose ID came before is left out.

    Args:
        marks: the marks of each event, as `mark_events` gives them.
        zone: in which times are written.
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
        undated=len(seen) - len(ordered) or None,
        runs=_runs(ordered, gap, zone),
        first_sightings=_firsts(ordered, zone) or None,
        recoveries=_recoveries(ordered, zone) or None,
        caveat=None if complete else CAVEAT,
    )


def role_links(
    callers: Iterable[Event], activity: Iterable[Event] | None = None, *, zone: tzinfo = UTC
) -> list[RoleLink]:
    """The temporary keys that AssumeRole calls returned, by time, with their use in `activity` where that is given.

    That a response carries the key's ID is not documented; when it does not, there is no link.
    """
    uses: dict[str, dict[str, Event]] = {}
    for index, event in enumerate(activity or ()):
        if event.identity.access_key:
            uses.setdefault(event.identity.access_key, {})[event.id or f"#{index}"] = event
    found: list[tuple[tuple[int, str, str], RoleLink]] = []
    for caller in callers:
        if caller.failed or not _ASSUMING.match(caller.name):
            continue
        keys = {key for leaf in leaves(caller.response) for key in _TEMPORARY_KEY.findall(str(leaf))}
        asked = Fields(caller.parameters)
        for key in keys - {caller.identity.access_key}:
            used = uses.get(key, {}).values()
            times = [event.time for event in used if event.time is not None]
            link = RoleLink(
                caller=caller.actor,
                role=asked.text("RoleTrn", "RoleName") or None,
                session=asked.text("RoleSessionName") or None,
                access_key_id=key,
                event_id=caller.id or None,
                time=None if caller.time is None else iso(caller.time, zone),
                uses=None if activity is None else len(used),
                first_use=iso(min(times), zone) if times else None,
                last_use=iso(max(times), zone) if times else None,
            )
            found.append(((caller.time or 0, caller.id, key), link))
    return [link for _, link in sorted(found, key=lambda one: one[0])]


Dated = Sequence[tuple[int, Event, Marks]]


@dataclass(slots=True)
class _OpenRun:
    """A run that may still grow."""

    first: int
    last: int
    events: list[Event] = field(default_factory=list)
    marks: dict[Mark, None] = field(default_factory=dict)

    def closed(self, zone: tzinfo) -> Run:
        codes = Counter(event.error_code for event in self.events if event.failed)
        failure = next((event.id for event in self.events if event.failed), "")
        wanted = (self.events[0].id, failure, self.events[-1].id)
        addresses = dict.fromkeys(event.address for event in self.events if event.address)
        resources = dict.fromkeys(one.label for event in self.events for one in event.resources)
        return Run(
            action=self.events[0].action,
            count=len(self.events),
            first=iso(self.first, zone),
            last=iso(self.last, zone),
            read_only=self.events[0].read_only,
            errors=dict(sorted(codes.items(), key=lambda item: (-item[1], item[0]))) or None,
            addresses=list(addresses)[:_MOST_SHOWN] or None,
            resources=list(resources)[:_MOST_SHOWN] or None,
            marks=_strongest(self.marks) or None,
            event_ids=list(dict.fromkeys(one for one in wanted if one)) or None,
        )


def _runs(ordered: Dated, gap: int, zone: tzinfo) -> list[Run]:
    """Runs by their first call. Calls of other actions do not end a run, as people and consoles mix them."""
    growing: dict[object, _OpenRun] = {}
    runs: list[_OpenRun] = []
    for moment, event, marks in ordered:
        notable = frozenset(mark.id for mark in marks if mark.severity >= Severity.MEDIUM) if marks else None
        key = (event.action, event.read_only, notable or None)
        run = growing.get(key)
        if run is None or moment - run.last > gap:
            run = growing[key] = _OpenRun(moment, moment)
            runs.append(run)
        run.events.append(event)
        run.last = moment
        for mark in marks:
            run.marks.setdefault(mark)
    return [run.closed(zone) for run in runs]


def _strongest(marks: Iterable[Mark]) -> list[Mark]:
    """One mark per rule, the worst of it, the worst rule first."""
    best: dict[str, Mark] = {}
    for mark in marks:
        if mark.id not in best or mark.severity > best[mark.id].severity:
            best[mark.id] = mark
    return sorted(best.values(), key=lambda mark: (-mark.severity.rank, mark.id))


def _firsts(ordered: Dated, zone: tzinfo) -> list[First]:
    """The sightings after the first event, in which everything is new."""
    seen: set[tuple[str, str]] = set()
    firsts = []
    for index, (moment, event, _) in enumerate(ordered):
        for kind, value in (
            ("address", event.address),
            ("action", event.action),
            ("region", event.region),
            ("user_agent", event.user_agent),
        ):
            if value and (kind, value) not in seen:
                seen.add((kind, value))
                if index:
                    fields = {"kind": kind, "value": value, "time": iso(moment, zone), "event_id": event.id}
                    firsts.append(First.model_validate(fields))
    return firsts


def _recoveries(ordered: Dated, zone: tzinfo) -> list[Recovery]:
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
                    errors=list(dict.fromkeys(failure.error_code for _, failure in failures)),
                    failing_since=iso(failures[0][0], zone),
                    succeeded=iso(moment, zone),
                    event_ids=list(dict.fromkeys(one for one in wanted if one)),
                )
            )
    return found
