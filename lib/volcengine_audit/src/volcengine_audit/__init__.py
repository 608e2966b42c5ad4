"""What audit events tell: times, typed events, masking, risk marks, summaries, timelines, and the health of trails.

Pure functions over values; only the rules of risk are read from a file. Text inside events is data that strangers may
have written: secrets in it are masked here, invisible characters are made visible where a tool answers.
"""

from volcengine_audit.events import Event, Resource, distinct, event_of, full_record, summary_record
from volcengine_audit.identity import Identity, Kind
from volcengine_audit.risk import Marks, RiskMark, load_rules, mark_event, mark_events, worst
from volcengine_audit.rules import RulesError, RuleSet, Severity
from volcengine_audit.secrets import mask, mask_text
from volcengine_audit.summarize import KEYS, Group, Summary, summary_of
from volcengine_audit.timeline import RoleLink, Run, Timeline, is_by, role_links, timeline_of
from volcengine_audit.times import RETENTION, Window, iso, parse_stamp, parse_time, zone_named
from volcengine_audit.trails import Assessment, Finding, Verdict, assess_trails

__all__ = [
    "KEYS",
    "RETENTION",
    "Assessment",
    "Event",
    "Finding",
    "Group",
    "Identity",
    "Kind",
    "Marks",
    "Resource",
    "RiskMark",
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
    "distinct",
    "event_of",
    "full_record",
    "is_by",
    "iso",
    "load_rules",
    "mark_event",
    "mark_events",
    "mask",
    "mask_text",
    "parse_stamp",
    "parse_time",
    "role_links",
    "summary_of",
    "summary_record",
    "timeline_of",
    "worst",
    "zone_named",
]
