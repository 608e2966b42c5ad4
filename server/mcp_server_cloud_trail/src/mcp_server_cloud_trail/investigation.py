"""Answering the inquiries over audit events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set
from functools import lru_cache
from time import time
from typing import TYPE_CHECKING, Any, Literal

from volcengine_audit import (
    Event,
    Kind,
    Marks,
    RuleSet,
    Severity,
    Window,
    assess_trails,
    distinct,
    event_of,
    full_record,
    jsons,
    load_rules,
    mark_event,
    mark_events,
    role_links,
    summary_of,
    summary_record,
    timeline_of,
    worst,
)
from volcengine_audit.identity import LONG_TERM
from volcengine_mcp.api.client import Answer
from volcengine_mcp.budget import size
from volcengine_mcp.errors import ArgumentsError, ServiceError
from volcengine_mcp.inquiry import NOTICE, Caller

from . import actions
from .lookup import fitting, read_events, resumed, settings_of, window_of, zone_of
from .settings import CloudTrailSettings

if TYPE_CHECKING:
    from .inquiries import CheckTrailCoverage, GetEvent, LookupEvents, SummarizeEvents, TraceIdentity

_SUBJECTS: dict[str, Literal["AccessKeyID", "IdentityName", "ResourceID"]] = {
    "access_key": "AccessKeyID",
    "user": "IdentityName",
    "resource": "ResourceID",
}


async def look_up(inquiry: LookupEvents, caller: Caller) -> Answer:
    """The events and what they cover."""
    settings = settings_of(caller)
    window, asked = window_of(inquiry.start_time, inquiry.end_time, settings, days=settings.retention_days)
    place = None
    if inquiry.next_token:
        kept, place = resumed(inquiry.next_token)
        window = kept or window
        asked["NextToken"] = inquiry.next_token

    def shown(items: Sequence[dict[str, Any]]) -> list[dict[str, object]]:
        if inquiry.detail == "full":
            return [full_record(item) for item in items]
        return [summary_record(event_of(item), settings.zone) for item in items]

    read = await read_events(
        caller,
        window,
        inquiry.lookup_conditions or (),
        most=inquiry.max_results,
        asked=asked,
        place=place,
        enough=lambda items: size(shown(items)) > settings.answer_budget,
    )
    rows = shown(read.items)
    go_on = "Call again with this NextToken and the same conditions, or narrow the window."
    answer = {
        "Trails": rows,
        "NextToken": read.next_token,
        "Coverage": read.coverage(settings, returned=len(rows), go_on=go_on),
        "Notice": NOTICE,
    }
    return Answer(fitting(answer, read, settings))


async def show_event(inquiry: GetEvent, caller: Caller) -> Answer:
    """The event, or that there is none."""
    settings = settings_of(caller)
    window, asked = window_of(None, None, settings, days=settings.retention_days)
    key: Literal["EventID", "RequestID"] = "EventID" if inquiry.event_id else "RequestID"
    value = inquiry.event_id or inquiry.request_id or ""
    read = await read_events(caller, window, [_condition(key, value)], most=50, asked={**asked, key: value})
    coverage = read.coverage(settings, returned=len(read.items), go_on="Look the rest up with LookupEvents.")
    if not read.items:
        raise ServiceError(
            "EventNotFound",
            f"No event has the {key} {value}.",
            hint=f"{coverage['Horizon']} {coverage['Recent']} Check the ID, the account and the region.",
        )
    events = [event_of(item) for item in read.items]
    # One event shows nothing about what went before it, so only the marks that it earns by itself are given.
    marks = [mark_event(event, _rules(settings)) for event in events]
    return Answer(
        {
            "Events": [full_record(item) for item in read.items],
            "RiskMarks": {
                event.id: [mark.record() for mark in these] for event, these in zip(events, marks, strict=True)
            },
            "Coverage": coverage,
            "Notice": NOTICE,
        }
    )


async def summarize(inquiry: SummarizeEvents, caller: Caller) -> Answer:
    """The groups and what they cover."""
    settings = settings_of(caller)
    window, asked = window_of(inquiry.start_time, inquiry.end_time, settings, days=1)
    read = await read_events(caller, window, inquiry.lookup_conditions or (), most=inquiry.max_events, asked=asked)
    events, marks = _marked(read.items, settings)
    every = list(zip(events, marks, strict=True))
    pairs = [pair for pair in every if pair[0].failed or not inquiry.failures_only]
    try:
        summary = summary_of(
            [event for event, _ in pairs],
            inquiry.group_by,
            zone=settings.zone,
            top=inquiry.top,
            marks=[these for _, these in pairs],
        )
    except ValueError as error:
        raise ArgumentsError("InvalidArguments", f"GroupBy: {error}.", hint="Correct GroupBy.") from error
    go_on = "Ask for a shorter window, add conditions, or raise MaxEvents (the setting page_budget bounds it)."
    return Answer(
        {
            **summary.record(settings.zone),
            "Next": _next(every, {event.actor for event, _ in pairs}, window.start, window.end),
            "Coverage": read.coverage(settings, returned=len(pairs), go_on=go_on),
            "Notice": NOTICE,
        }
    )


async def trace(inquiry: TraceIdentity, caller: Caller) -> Answer:
    """The story and what it covers."""
    settings = settings_of(caller)
    window, asked = window_of(inquiry.start_time, inquiry.end_time, settings, days=7)
    # The API cannot search by address, so those events are found by reading the whole window.
    conditions = [_condition(_SUBJECTS[inquiry.kind], inquiry.value)] if inquiry.kind in _SUBJECTS else []
    read = await read_events(caller, window, conditions, most=inquiry.max_events, asked=asked)
    events, marks = _marked(read.items, settings)
    pairs = [
        pair
        for pair in zip(events, marks, strict=True)
        if inquiry.kind != "address" or pair[0].address == inquiry.value
    ]
    timeline = timeline_of([event for event, _ in pairs], [these for _, these in pairs])
    links = role_links([event for event, _ in pairs], events)
    go_on = "Ask for a shorter window or raise MaxEvents (the setting page_budget bounds it)."
    return Answer(
        {
            "Subject": f"{inquiry.kind} {inquiry.value}",
            "Highlights": _highlights(pairs, zone_of(caller)),
            "Timeline": timeline.record(settings.zone),
            "RoleLinks": [_link(inquiry, link.record(settings.zone)) for link in links],
            "Next": _follow(
                pairs, links_to=[*_made([event for event, _ in pairs]), *(link.access_key for link in links)]
            )
            if pairs
            else _longer(inquiry, window, settings),
            "Coverage": read.coverage(settings, returned=len(pairs), go_on=go_on),
            "Notice": NOTICE,
        }
    )


def _link(inquiry: TraceIdentity, record: dict[str, object]) -> dict[str, object]:
    """A link without its uses where they were not read: only by address come the events of other keys as well."""
    unread = () if inquiry.kind == "address" else ("Uses", "FirstUse", "LastUse")
    return {name: value for name, value in record.items() if name not in unread}


def _longer(inquiry: TraceIdentity, window: Window, settings: CloudTrailSettings) -> list[dict[str, Any]]:
    """The same question over all that is kept, when nothing was found in less."""
    days = settings.retention_days
    if window.seconds >= (days - 1) * 86400:
        return []
    arguments = {"Kind": inquiry.kind, "Value": inquiry.value, "StartTime": f"{days} days ago"}
    return [{"Tool": "TraceIdentity", "Arguments": arguments}]


async def check_trails(inquiry: CheckTrailCoverage, caller: Caller) -> Answer:
    """The findings."""
    result = (await caller.send(actions.DescribeTrails(include_organization_trail=1))).result
    settings = settings_of(caller)
    coverage = {
        "Complete": True,
        "Region": settings.region,
        "Looked": "The trails that DescribeTrails tells this key of, those of the organization included.",
    }
    found = assess_trails(result.get("Trails") or (), now=time()).record()
    return Answer({**found, "Coverage": coverage, "Notice": NOTICE})


@lru_cache(maxsize=4)
def _rules_of(path: str | None) -> RuleSet:
    return load_rules() if path is None else CloudTrailSettings.model_construct(risk_rules=path).rules


def _rules(settings: CloudTrailSettings) -> RuleSet:
    """The risk marks in force, read once."""
    return _rules_of(settings.risk_rules)


def _condition(
    key: Literal["EventID", "RequestID", "AccessKeyID", "IdentityName", "ResourceID"], value: str
) -> actions.LookupCondition:
    return actions.LookupCondition(lookup_condition_key=key, lookup_condition_value=value)


def _marked(items: Sequence[dict[str, Any]], settings: CloudTrailSettings) -> tuple[list[Event], list[Marks]]:
    events = distinct(event_of(item) for item in items)
    return events, mark_events(events, _rules(settings))


def _highlights(pairs: Sequence[tuple[Event, Marks]], zone: Any) -> list[dict[str, Any]]:
    """What was marked medium or worse, once for each action, the worst and earliest first."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    marked = [(mark, event) for event, marks in pairs for mark in marks if mark.severity >= Severity.MEDIUM]
    marked.sort(key=lambda pair: (-pair[0].severity, pair[1].time or 0))
    for mark, event in marked:
        row = found.setdefault(
            (mark.id, event.action),
            {**mark.record(), "Count": 0, **summary_record(event, zone)},
        )
        row["Count"] += 1
    return list(found.values())[:25]


def _next(pairs: Sequence[tuple[Event, Marks]], actors: Set[str], start: int, end: int) -> list[dict[str, Any]]:
    """Who of these to trace: the identities behind the gravest marks, of equals the one with most failures."""
    failures = Counter(event.actor for event, _ in pairs if event.failed)
    graded = [(worst(marks) or 0, event) for event, marks in pairs if event.actor in actors]
    graded = [pair for pair in graded if pair[0] >= Severity.HIGH and _subject(pair[1])["Value"]]
    graded.sort(key=lambda pair: (-pair[0], -failures[pair[1].actor], pair[1].time or 0))
    gravest: dict[str, Event] = {}
    for _, event in graded:
        gravest.setdefault(event.actor, event)
    return [
        {"Tool": "TraceIdentity", "Arguments": {**_subject(event), "StartTime": start, "EndTime": end}}
        for event in list(gravest.values())[:3]
    ]


def _subject(event: Event) -> dict[str, str]:
    """Whom to trace for an event: its key; a console session has none, and the root user has no name either."""
    if event.identity.access_key:
        return {"Kind": "access_key", "Value": event.identity.access_key}
    if event.identity.kind is Kind.USER and event.identity.name:
        return {"Kind": "user", "Value": event.identity.name}
    return {"Kind": "address", "Value": event.address}


def _follow(pairs: Sequence[tuple[Event, Marks]], *, links_to: Sequence[str]) -> list[dict[str, Any]]:
    """What to look at next: the gravest event whole, and the keys that were made or obtained."""
    graded = [(worst(marks), event) for event, marks in pairs if marks and event.id]
    graded.sort(key=lambda pair: (-(pair[0] or 0), pair[1].time or 0))
    calls: list[dict[str, Any]] = [{"Tool": "GetEvent", "Arguments": {"EventID": event.id}} for _, event in graded[:1]]
    calls += [{"Tool": "TraceIdentity", "Arguments": {"Kind": "access_key", "Value": key}} for key in links_to[:2]]
    return calls


def _made(events: Sequence[Event]) -> list[str]:
    """The long-term keys that these calls created."""
    made = (event for event in events if event.name == "CreateAccessKey" and not event.failed)
    leaves = (
        leaf for event in sorted(made, key=lambda event: event.time or 0) for leaf in jsons.leaves(event.response)
    )
    return list(dict.fromkeys(leaf for leaf in leaves if isinstance(leaf, str) and leaf.startswith(LONG_TERM)))
