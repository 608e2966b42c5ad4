"""What one caller did, in order: runs of calls, first sightings, failures that turned into success, roles taken on."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Final

from volcengine_audit.baseline import Unusual
from volcengine_audit.events import Event
from volcengine_audit.lenient import Fields, leaves
from volcengine_audit.models import First, Mark, Recovery, RoleLink, Run, Timeline
from volcengine_audit.risk import Marks
from volcengine_audit.severity import Severity
from volcengine_audit.times import iso

RUN_GAP: Final = 600
"""Seconds without a call after which the same action begins a new run."""
AGAIN_AND_AGAIN: Final = 5
"""Runs of the same usual calls above which they are told as one, so that an hourly job does not hide what is odd."""
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
    unusual: Sequence[Unusual] | None = None,
    sessions: Sequence[int | None] | None = None,
    zone: tzinfo = UTC,
    gap: int = RUN_GAP,
    complete: bool = False,
) -> Timeline:
    """The story of some events, which may come in any order; an event whose ID came before is left out.

    Args:
        marks, unusual: of each event, as `judge` gives them. With `unusual`, first sightings say what is new against
            the look-back, and those of actions are told only where they are: in the events read, runs show them.
        sessions: the number of each event's session, if there are several; a run is in one of them.
        zone: in which times are written.
        gap: seconds without a call after which the same action begins a new run.
        complete: whether the events are the caller's whole history, which a window hardly ever is.
    """
    listed = list(events)
    none: Sequence[None] = [None] * len(listed)
    rows = zip(
        listed,
        marks if marks is not None else [()] * len(listed),
        unusual if unusual is not None else none,
        sessions if sessions is not None else none,
        strict=True,
    )
    seen: dict[object, _Told] = {}
    for index, (event, these, beside, session) in enumerate(rows):
        seen.setdefault(event.id or index, _Told(event.time or 0, event, these, beside, session))
    ordered = [told for told in seen.values() if told.event.time is not None]
    ordered.sort(key=lambda told: (told.time, told.event.id))
    return Timeline(
        events=len(seen),
        undated=len(seen) - len(ordered) or None,
        runs=_runs(ordered, gap, zone),
        first_sightings=_firsts(ordered, zone) or None,
        recoveries=_recoveries(ordered, zone) or None,
        caveat=None if complete else CAVEAT,
    )


def role_links(
    callers: Iterable[Event],
    activity: Iterable[Event] | None = None,
    *,
    unread: Collection[str] = (),
    zone: tzinfo = UTC,
) -> list[RoleLink]:
    """The temporary keys that AssumeRole calls returned, by time, with their use in `activity` where that is given.

    That a response carries the key's ID is not documented; when it does not, there is no link.

    Args:
        unread: keys whose use is not in `activity`, as it was not read.
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
                uses=None if activity is None or key in unread else len(used),
                first_use=iso(min(times), zone) if times else None,
                last_use=iso(max(times), zone) if times else None,
            )
            found.append(((caller.time or 0, caller.id, key), link))
    return [link for _, link in sorted(found, key=lambda one: one[0])]


@dataclass(frozen=True, slots=True)
class _Told:
    """An event at its place in the story."""

    time: int
    event: Event
    marks: Marks
    unusual: Unusual | None
    session: int | None


@dataclass(slots=True)
class _OpenRun:
    """A run that may still grow."""

    told: list[_Told] = field(default_factory=list)
    marks: dict[tuple[str, bool], Mark] = field(default_factory=dict)
    """The worst mark of each rule, for calls that failed and for others."""
    runs: int = 1

    @property
    def usual(self) -> bool:
        """Whether the look-back knows such calls, and no rule asks to look at them."""
        return all(
            told.unusual is not None
            and not told.unusual.reasons
            and (told.unusual.routine or all(mark.severity < Severity.MEDIUM for mark in told.marks))
            for told in self.told
        )

    def add(self, told: _Told) -> None:
        self.told.append(told)
        for mark in told.marks:
            best = self.marks.setdefault((mark.id, told.event.failed), mark)
            if mark.severity > best.severity:
                self.marks[mark.id, told.event.failed] = mark

    def closed(self, zone: tzinfo) -> Run:
        events = [told.event for told in self.told]
        codes = Counter(event.error_code for event in events if event.failed)
        failed = codes.total()
        addresses = dict.fromkeys(event.address for event in events if event.address)
        resources = dict.fromkeys(one.label for event in events for one in event.resources)
        return Run(
            action=events[0].action,
            in_session=sessions.pop() if len(sessions := {told.session for told in self.told}) == 1 else None,
            count=len(events),
            runs=self.runs if self.runs > 1 else None,
            succeeded=len(events) - failed if failed else None,
            failed=failed or None,
            first=iso(self.told[0].time, zone),
            last=iso(self.told[-1].time, zone),
            read_only=events[0].read_only,
            errors=dict(sorted(codes.items(), key=lambda item: (-item[1], item[0]))) or None,
            addresses=list(addresses)[:_MOST_SHOWN] or None,
            resources=list(resources)[:_MOST_SHOWN] or None,
            marks=outranked(self.marks) or None,
            event_ids=evidence(events) or None,
        )


def outranked(marks: Mapping[tuple[str, bool], Mark]) -> list[Mark]:
    """One mark for each rule, the worst rule first: of what succeeded, if anything did, as gravely as any of them.

    Args:
        marks: by the name of the rule, and whether the call failed.
    """
    best: dict[str, Mark] = {}
    for name, failed in sorted(marks, key=lambda one: one[1]):
        mark, worst = best.get(name), marks[name, failed]
        best[name] = worst if mark is None else mark.model_copy(update={"severity": max(mark.severity, worst.severity)})
    return sorted(best.values(), key=lambda mark: (-mark.severity.rank, mark.id))


def evidence(events: Sequence[Event]) -> list[str]:
    """The IDs of the first event that succeeded, the first that failed, and the last; the events come in order."""
    succeeded = next((event.id for event in events if not event.failed), "")
    failed = next((event.id for event in events if event.failed), "")
    return list(dict.fromkeys(one for one in (succeeded, failed, events[-1].id) if one))


def _runs(ordered: Sequence[_Told], gap: int, zone: tzinfo) -> list[Run]:
    """Runs by their first call. Calls of other actions do not end a run, as people and consoles mix them."""
    growing: dict[object, _OpenRun] = {}
    runs: list[tuple[object, _OpenRun]] = []  # with what they are alike in, whatever the session
    for told in ordered:
        notable = frozenset(mark.id for mark in told.marks if mark.severity >= Severity.MEDIUM) if told.marks else None
        kind = (told.event.action, told.event.read_only, notable or None)
        run = growing.get((kind, told.session))
        if run is None or told.time - run.told[-1].time > gap:
            run = growing[kind, told.session] = _OpenRun()
            runs.append(((kind, told.event.actor), run))
        run.add(told)
    return [run.closed(zone) for run in _as_one(runs)]


def _as_one(runs: Iterable[tuple[object, _OpenRun]]) -> list[_OpenRun]:
    """The runs, in which the same usual calls that came again and again are one, at the place of the first."""
    alike: dict[object, list[_OpenRun]] = {}
    for kind, run in runs:
        alike.setdefault(kind if run.usual else id(run), []).append(run)
    left = []
    for same in alike.values():
        if len(same) <= AGAIN_AND_AGAIN:
            left += same
            continue
        one = _OpenRun(runs=len(same))
        for run in same:
            for told in run.told:
                one.add(told)
        one.told.sort(key=lambda told: (told.time, told.event.id))
        left.append(one)
    return sorted(left, key=lambda run: (run.told[0].time, run.told[0].event.id))


def _firsts(ordered: Sequence[_Told], zone: tzinfo) -> list[First]:
    """The sightings after the first event, in which everything is new unless the look-back says otherwise."""
    seen: set[tuple[str, str]] = set()
    firsts = []
    for index, told in enumerate(ordered):
        event, past = told.event, told.unusual
        for kind, value, new in (
            ("address", event.address, past and past.new_address),
            ("action", event.action, past and past.first_use),
            ("region", event.region, past and past.new_region),
            ("user_agent", event.user_agent, past and past.new_agent),
        ):
            if not value or (kind, value) in seen:
                continue
            seen.add((kind, value))
            if new or (index and not (past and kind == "action")):
                fields = {"kind": kind, "value": value, "time": iso(told.time, zone), "event_id": event.id}
                firsts.append(First.model_validate({**fields, "new": new or None}))
    return firsts


@dataclass(slots=True)
class _Turn:
    """Failures of an action, and the successes after them."""

    failures: list[_Told] = field(default_factory=list)
    successes: list[_Told] = field(default_factory=list)


def _recoveries(ordered: Sequence[_Told], zone: tzinfo) -> list[Recovery]:
    turns: dict[tuple[str, str], _Turn] = {}
    over: list[_Turn] = []
    for told in ordered:
        owner = (told.event.actor, told.event.action)
        turn = turns.get(owner)
        if told.event.failed:
            if turn is None or turn.successes:
                turn = turns[owner] = _Turn()
            turn.failures.append(told)
        elif turn is not None:
            if not turn.successes:
                over.append(turn)
            turn.successes.append(told)
    return [_recovery(turn, zone) for turn in over]


def _recovery(turn: _Turn, zone: tzinfo) -> Recovery:
    event = turn.successes[0].event
    wanted = (turn.failures[0].event.id, turn.failures[-1].event.id, event.id)
    return Recovery(
        action=event.action,
        who=event.actor,
        failures=len(turn.failures),
        successes=len(turn.successes),
        errors=list(dict.fromkeys(told.event.error_code for told in turn.failures)),
        failing_since=iso(turn.failures[0].time, zone),
        succeeded=iso(turn.successes[0].time, zone),
        event_ids=list(dict.fromkeys(one for one in wanted if one)),
    )
