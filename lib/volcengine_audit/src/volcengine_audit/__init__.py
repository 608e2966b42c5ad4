"""What audit events tell: times, typed events, masking, risk marks, summaries, timelines, and the health of trails.

Pure functions over values; only the rules of risk and the findings' words are read from files. Text inside events is
data that strangers may have written: secrets in it are masked here, and nothing else in it is changed.

A name is imported when it is first used, so that `import volcengine_audit` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from volcengine_audit.datafile import RulesError
    from volcengine_audit.events import Event, Resource, distinct, event_of, event_summary, full_record
    from volcengine_audit.identity import Identity, Kind, is_by
    from volcengine_audit.models import (
        Assessment,
        EventSummary,
        Finding,
        First,
        Group,
        GroupKey,
        Highlight,
        Mark,
        Other,
        Recovery,
        RoleLink,
        Run,
        Summary,
        Timeline,
        Verdict,
    )
    from volcengine_audit.notable import highlights_of, keys_made
    from volcengine_audit.risk import Marks, mark_event, mark_events, worst
    from volcengine_audit.rules import RuleSet, load_rules
    from volcengine_audit.secrets import mask, mask_text
    from volcengine_audit.severity import Severity
    from volcengine_audit.summaries import KEYS, check_keys, summarize
    from volcengine_audit.timeline import role_links, timeline_of
    from volcengine_audit.times import RETENTION, Window, iso, parse_stamp, parse_time, zone_named
    from volcengine_audit.trails import assess_trails

_HOMES = {
    "datafile": ("RulesError",),
    "events": ("Event", "Resource", "distinct", "event_of", "event_summary", "full_record"),
    "notable": ("highlights_of", "keys_made"),
    "identity": ("Identity", "Kind", "is_by"),
    "models": (
        *("Assessment", "EventSummary", "Finding", "First", "Group", "GroupKey", "Highlight", "Mark", "Other"),
        *("Recovery", "RoleLink", "Run", "Summary", "Timeline", "Verdict"),
    ),
    "risk": ("Marks", "mark_event", "mark_events", "worst"),
    "rules": ("RuleSet", "load_rules"),
    "secrets": ("mask", "mask_text"),
    "severity": ("Severity",),
    "summaries": ("KEYS", "check_keys", "summarize"),
    "timeline": ("role_links", "timeline_of"),
    "times": ("RETENTION", "Window", "iso", "parse_stamp", "parse_time", "zone_named"),
    "trails": ("assess_trails",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "KEYS",
    "RETENTION",
    "Assessment",
    "Event",
    "EventSummary",
    "Finding",
    "First",
    "Group",
    "GroupKey",
    "Highlight",
    "Identity",
    "Kind",
    "Mark",
    "Marks",
    "Other",
    "Recovery",
    "Resource",
    "RoleLink",
    "RuleSet",
    "RulesError",
    "Run",
    "Severity",
    "Summary",
    "Timeline",
    "Verdict",
    "Window",
    "assess_trails",
    "check_keys",
    "distinct",
    "event_of",
    "event_summary",
    "full_record",
    "highlights_of",
    "is_by",
    "iso",
    "keys_made",
    "load_rules",
    "mark_event",
    "mark_events",
    "mask",
    "mask_text",
    "parse_stamp",
    "parse_time",
    "role_links",
    "summarize",
    "timeline_of",
    "worst",
    "zone_named",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
