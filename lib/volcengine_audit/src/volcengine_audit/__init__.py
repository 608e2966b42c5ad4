"""What audit events tell: times, typed events, masking, risk marks, summaries, timelines, and the health of trails.

Pure functions over values; only the rules of risk and the findings' words are read from files. Text inside events is
data that strangers may have written: secrets in it are masked here, and nothing else in it is changed.

A name is imported when it is first used, so that `import volcengine_audit` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from volcengine_audit.baseline import Baseline, Habit, Unusual, habit_of
    from volcengine_audit.detections import detect
    from volcengine_audit.events import Event, Resource, distinct, event_of, event_summary, full_record
    from volcengine_audit.identity import Identity, Kind, is_by
    from volcengine_audit.models import (
        Assessment,
        Detection,
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
        Session,
        Summary,
        Suspects,
        Timeline,
        Verdict,
    )
    from volcengine_audit.notable import highlights_of, keys_made
    from volcengine_audit.risk import Judged, Marks, judge, worst
    from volcengine_audit.secrets import mask, mask_text
    from volcengine_audit.sessions import Sessions, gives, keys_given, sessions_of, spread, stitched
    from volcengine_audit.severity import Severity
    from volcengine_audit.sigma import RuleBook, SigmaError, load_rules
    from volcengine_audit.summaries import KEYS, check_keys, summarize
    from volcengine_audit.timeline import role_links, timeline_of
    from volcengine_audit.times import RETENTION, Window, iso, parse_stamp, parse_time, zone_named
    from volcengine_audit.trails import assess_trails

_HOMES = {
    "baseline": ("Baseline", "Habit", "Unusual", "habit_of"),
    "detections": ("detect",),
    "sessions": ("Sessions", "gives", "keys_given", "sessions_of", "spread", "stitched"),
    "sigma": ("RuleBook", "SigmaError", "load_rules"),
    "events": ("Event", "Resource", "distinct", "event_of", "event_summary", "full_record"),
    "notable": ("highlights_of", "keys_made"),
    "identity": ("Identity", "Kind", "is_by"),
    "models": (
        *("Assessment", "EventSummary", "Finding", "First", "Group", "GroupKey", "Highlight", "Mark", "Other"),
        *("Detection", "Suspects"),
        *("Recovery", "RoleLink", "Run", "Session", "Summary", "Timeline", "Verdict"),
    ),
    "risk": ("Judged", "Marks", "judge", "worst"),
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
    "Baseline",
    "Detection",
    "Event",
    "EventSummary",
    "Finding",
    "First",
    "Group",
    "GroupKey",
    "Habit",
    "Highlight",
    "Identity",
    "Judged",
    "Kind",
    "Mark",
    "Marks",
    "Other",
    "Recovery",
    "Resource",
    "RoleLink",
    "RuleBook",
    "Run",
    "Session",
    "Sessions",
    "Severity",
    "SigmaError",
    "Summary",
    "Suspects",
    "Timeline",
    "Unusual",
    "Verdict",
    "Window",
    "assess_trails",
    "check_keys",
    "detect",
    "distinct",
    "event_of",
    "event_summary",
    "full_record",
    "gives",
    "habit_of",
    "highlights_of",
    "is_by",
    "iso",
    "judge",
    "keys_given",
    "keys_made",
    "load_rules",
    "mask",
    "mask_text",
    "parse_stamp",
    "parse_time",
    "role_links",
    "sessions_of",
    "spread",
    "stitched",
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
