"""The shapes in which this library answers: marks, short events, summaries, timelines, findings.

Python spells the fields in snake_case; `model_dump(by_alias=True)` spells them as the OpenAPI does. A field that is
None has nothing to say. Times are ISO 8601 in the zone that was asked for.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_pascal

from volcengine_audit.severity import Severity

GroupKey = Literal[
    "actor",
    "action",
    "source",
    "address",
    "access_key",
    "error",
    "resource",
    "region",
    "hour",
    "day",
    "detection",
    "account",
    "user_agent",
    "session",
]
"""What events can be grouped by."""


class Model(BaseModel):
    """A value that does not change, and that costs nothing before it is first used."""

    model_config = ConfigDict(alias_generator=to_pascal, populate_by_name=True, frozen=True, defer_build=True)


class Mark(Model):
    """One reason to look at an event: a hint from a rule, not a verdict."""

    id: str = Field(description="Name of the rule, explained in docs/detections.md.")
    severity: Severity = Field(description="How much it matters.")
    reason: str = Field(description="Why, in words.")
    techniques: tuple[str, ...] | None = Field(None, description="Techniques of MITRE ATT&CK.")


class CountedMark(Mark):
    """A mark, and how many events of the same action have it."""

    count: int = Field(description="Events of this action with this mark.")


class EventSummary(Model):
    """Who did what, when, where from, on what and how it ended. What is unknown is left out."""

    event_id: str | None = Field(None, alias="EventID", description="ID of the event; GetEvent shows it whole.")
    event_time: str | None = Field(None, description="When it happened, ISO 8601 with offset.")
    who: str = Field(description="The caller: user/alice@2100000001, role/Name@account, root@account.")
    session: str | None = Field(None, description="Session of a role.")
    access_key_id: str | None = Field(None, alias="AccessKeyID", description="Access key that signed the call.")
    event_source: str | None = Field(None, description="Service code, such as iam.")
    event_name: str | None = Field(None, description="API action that was called.")
    read_only: bool | None = Field(None, description="Whether it only reads.")
    region: str | None = Field(None, description="Region of the call.")
    source_ip_address: str | None = Field(None, alias="SourceIPAddress", description="Address the call came from.")
    user_agent: str | None = Field(None, description="Program that called.")
    resources: list[str] | None = Field(None, description="What it touched, at most five.")
    result: str = Field(description="OK, or the error code.")
    error_message: str | None = Field(None, description="The error in words, secrets masked.")


class Highlight(CountedMark):
    """A mark, and the first event that has it and succeeded; where none did, the first that failed."""

    count: int = Field(description="Events with this mark: of one action, or of a sequence of several.")
    succeeded: int = Field(description="Events among them that succeeded.")
    failed: int = Field(description="Events among them that were refused or failed.")
    unusual: list[str] | None = Field(None, description="Why it is unusual for the caller, by the look-back.")
    routine: bool | None = Field(None, description="True where the caller did the same on several days before.")
    event_id: str | None = Field(None, alias="EventID", description="ID of the event; GetEvent shows it whole.")
    event_time: str | None = Field(None, description="When it happened, ISO 8601 with offset.")
    last: str | None = Field(None, description="Time of the last event with the mark, if there are several.")
    who: str = Field(description="The caller: user/alice@2100000001, role/Name@account, root@account.")
    in_session: int | None = Field(None, description="Number of its session; left out where there is only one.")
    event_source: str | None = Field(None, description="Service code, such as iam.")
    event_name: str | None = Field(None, description="API action that was called.")
    source_ip_address: str | None = Field(None, alias="SourceIPAddress", description="Address the call came from.")
    resources: list[str] | None = Field(None, description="What it touched, at most five.")
    result: str = Field(description="OK, or the error code.")
    error_message: str | None = Field(None, description="The error in words, secrets masked.")
    event_ids: list[str] | None = Field(
        None, alias="EventIDs", description="More evidence: the first that failed, and the last."
    )


class Group(Model):
    """Events that have the same values; of the keys, it has those that events are grouped by."""

    actor: str | None = Field(None, alias="actor", description="The caller.")
    action: str | None = Field(None, alias="action", description="The action, such as iam:CreateUser.")
    source: str | None = Field(None, alias="source", description="Service code.")
    address: str | None = Field(None, alias="address", description="Source address.")
    access_key: str | None = Field(None, alias="access_key", description="Access key ID.")
    error: str | None = Field(None, alias="error", description="Error code, or (success).")
    resource: str | None = Field(None, alias="resource", description="What was touched.")
    region: str | None = Field(None, alias="region", description="Region of the call.")
    hour: str | None = Field(None, alias="hour", description="Hour in the server's time zone.")
    day: str | None = Field(None, alias="day", description="Day in the server's time zone.")
    detection: str | None = Field(None, alias="detection", description="Rule that marked them.")
    account: str | None = Field(None, alias="account", description="The caller's account.")
    user_agent: str | None = Field(None, alias="user_agent", description="Program that called.")
    session: str | None = Field(None, alias="session", description="Session of a role.")
    count: int = Field(description="Events in the group.")
    succeeded: int = Field(description="Events among them that succeeded.")
    failures: int | None = Field(None, description="Events among them that ended with an error; left out for none.")
    first: str | None = Field(None, description="Time of the first.")
    last: str | None = Field(None, description="Time of the last.")
    severity: Severity | None = Field(None, description="Worst risk mark among them.")
    event_ids: list[str] = Field(
        alias="EventIDs",
        description="Evidence: the riskiest, the first success, the first failure, the first, the last.",
    )


class Hidden(Model):
    """A group that is not shown."""

    values: list[str] = Field(description="What its events have in common, by the keys of GroupedBy.")
    count: int = Field(description="Events in it.")
    severity: Severity | None = Field(None, description="Worst risk mark among them.")


class Other(Model):
    """What the groups shown leave out; its events are in none of them."""

    groups: int = Field(description="Groups not shown.")
    events: int = Field(description="Events that are in no group shown.")
    failures: int = Field(description="Failures among them.")
    severity: Severity | None = Field(None, description="Worst risk mark in the groups not shown.")
    gravest: Hidden | None = Field(None, description="The group not shown that has it.")
    largest: list[Hidden] = Field(description="The largest groups not shown, at most five.")


class Summary(Model):
    """Groups of events. An event that touched several resources is in the group of each."""

    grouped_by: list[GroupKey] = Field(description="What they are grouped by.")
    events: int = Field(description="Events counted.")
    failures: int = Field(description="Events among them that ended with an error.")
    groups: list[Group] = Field(description="The largest groups, each with EventIDs as evidence.")
    other: Other | None = Field(None, description="What the groups shown leave out.")


class Run(Model):
    """Calls of one action in one session without a long gap, with the same notable marks."""

    action: str = Field(description="The action, such as iam:CreateUser.")
    in_session: int | None = Field(None, description="Number of its session; left out where there is only one.")
    count: int = Field(description="Calls.")
    runs: int | None = Field(None, description="Runs told as one, where usual calls came again and again.")
    succeeded: int | None = Field(None, description="Calls that succeeded; left out where all did.")
    failed: int | None = Field(None, description="Calls that were refused or failed; left out where none did.")
    first: str = Field(description="Time of the first call.")
    last: str = Field(description="Time of the last call.")
    read_only: bool | None = Field(None, description="Whether the action only reads.")
    errors: dict[str, int] | None = Field(None, description="Error codes and how often each came.")
    addresses: list[str] | None = Field(None, description="Source addresses, at most five.")
    resources: list[str] | None = Field(None, description="What was touched, at most five.")
    marks: list[Mark] | None = Field(None, description="Risk marks, the worst first; of calls that succeeded, if any.")
    event_ids: list[str] | None = Field(
        None, alias="EventIDs", description="Evidence: the first that succeeded, the first that failed, the last."
    )


class First(Model):
    """The first sighting of a value in the events read."""

    kind: Literal["address", "action", "region", "user_agent"] = Field(description="What the value is.")
    value: str = Field(description="The value.")
    time: str = Field(description="When it was first seen.")
    event_id: str = Field(alias="EventID", description="The event that shows it.")
    new: bool | None = Field(None, description="True where the look-back before it does not have it either.")


class Recovery(Model):
    """An action that failed and then succeeded, for the same caller."""

    action: str = Field(description="The action.")
    who: str = Field(description="The caller.")
    failures: int = Field(description="Failures before the success.")
    successes: int = Field(description="Successes from then on, until it failed again.")
    errors: list[str] = Field(description="The error codes.")
    failing_since: str = Field(description="Time of the first failure.")
    succeeded: str = Field(description="Time of the first success.")
    event_ids: list[str] = Field(alias="EventIDs", description="The first failure, the last, and the first success.")


class Session(Model):
    """What was done with one key, and how the key was obtained."""

    number: int = Field(description="Number of the session in this answer; runs and highlights name it.")
    access_key_id: str | None = Field(None, alias="AccessKeyID", description="The key; left out for a console session.")
    who: str = Field(description="Whose calls they are.")
    obtained_by: str | None = Field(None, description="The key or caller that obtained this key.")
    obtained_with: str | None = Field(None, description="The action that gave it, such as sts:AssumeRole.")
    event_id: str | None = Field(None, alias="EventID", description="The event that gave it.")
    depth: int | None = Field(None, description="Keys between the subject and it; left out for the subject itself.")
    succeeded: int = Field(description="Events read of it that succeeded.")
    failed: int = Field(description="Events read of it that were refused or failed.")
    first: str | None = Field(None, description="Time of the first.")
    last: str | None = Field(None, description="Time of the last.")
    addresses: list[str] | None = Field(None, description="Source addresses, at most five.")
    actions: dict[str, int] = Field(description="Actions and how often, the most frequent first, at most five.")
    severity: Severity | None = Field(None, description="The worst mark among its events.")
    unusual: list[str] | None = Field(None, description="What is unusual about it for its caller.")


class RoleLink(Model):
    """A temporary key that a caller was given, and what was done with it as far as that was read."""

    caller: str = Field(description="Who took the role.")
    role: str | None = Field(None, description="The role, by TRN or name.")
    session: str | None = Field(None, description="Name of the session.")
    access_key_id: str = Field(alias="AccessKeyID", description="The temporary key.")
    event_id: str | None = Field(None, alias="EventID", description="The call that returned it.")
    time: str | None = Field(None, description="When it was returned.")
    uses: int | None = Field(None, description="Calls with the key; left out where those were not read.")
    first_use: str | None = Field(None, description="Time of the first of them.")
    last_use: str | None = Field(None, description="Time of the last of them.")


class Timeline(Model):
    """What one caller did, in order."""

    events: int = Field(description="Events that it is made from.")
    undated: int | None = Field(None, description="Events without a readable time, which are in no run.")
    runs: list[Run] = Field(description="Runs of calls, by their first call.")
    first_sightings: list[First] | None = Field(
        None, description="Values that came up after the first event, in which everything is new."
    )
    recoveries: list[Recovery] | None = Field(None, description="Failures that turned to success.")
    caveat: str | None = Field(None, description="What first does not mean.")


ChangeKind = Literal["new", "gone", "more", "less", "same"]
"""How a value changed."""


class Change(Model):
    """How one value changed from the window before to the window after."""

    value: str = Field(description="The caller, action, address… that is compared.")
    kind: ChangeKind = Field(description="new, gone, more, less, or same where chance explains the difference.")
    before: int = Field(description="Events in the window before.")
    after: int = Field(description="Events in the window after.")
    rate_before: float = Field(description="Events an hour before.")
    rate_after: float = Field(description="Events an hour after.")
    failures_before: int = Field(description="Failed events among those before.")
    failures_after: int = Field(description="Failed events among those after.")
    first_after: str | None = Field(description="When it was first seen in the window after.")
    surprise: float = Field(description="G-test of the change; above 3.84 chance is unlikely to be the reason.")
    why: str = Field(description="What is surprising, in words.")
    evidence: list[str] = Field(
        alias="EventIDs", description="The riskiest, the first failed, the first and the last event, three at most."
    )


class Comparison(Model):
    """Two windows compared by one key. What the rows leave out is counted."""

    by: str = Field(description="What is compared.")
    events_before: int = Field(description="Events in the window before.")
    events_after: int = Field(description="Events in the window after.")
    hours_before: float = Field(description="Length of the window before in hours.")
    hours_after: float = Field(description="Length of the window after in hours.")
    changes: list[Change] = Field(description="The most surprising values, the most surprising first.")
    other_values: int = Field(description="Values that are not shown.")
    other_changed: int = Field(description="Values that are not shown and are new, gone, more or less.")
    other_before: int = Field(description="Events before that only values not shown have.")
    other_after: int = Field(description="Events after that only values not shown have.")


class Verdict(StrEnum):
    """How the trails do as a whole."""

    HEALTHY = "healthy"
    ATTENTION = "attention"
    FAILING = "failing"


class Finding(Model):
    """Something about a trail, or about all of them, that should be known."""

    id: str = Field(description="ID of the finding.")
    severity: Severity = Field(description="How much it matters.")
    trail_name: str | None = Field(None, description="The trail; left out when it is about all of them.")
    reason: str = Field(description="What is wrong, in words.")


class Assessment(Model):
    """How well the audit log is kept."""

    verdict: Verdict = Field(description="healthy, attention or failing.")
    trails: int = Field(description="Trails looked at.")
    findings: list[Finding] = Field(description="Findings, the worst first.")


class Detection(Model):
    """What one rule found in the events of one caller."""

    detection: str = Field(description="Name of the rule; docs/detections.md explains it.")
    severity: Severity = Field(description="How grave it is for this caller.")
    who: str = Field(description="The caller, such as user/alice@2100000001.")
    reason: str = Field(description="What the rule means, in words.")
    unusual: list[str] | None = Field(None, description="Why it is unusual for this caller.")
    weighed: list[str] | None = Field(None, description="What raised or lowered the severity of the rule.")
    count: int = Field(description="Events.")
    succeeded: int = Field(description="Events that succeeded.")
    failed: int = Field(description="Events that were refused or failed.")
    first: str | None = Field(None, description="Time of the first.")
    last: str | None = Field(None, description="Time of the last.")
    actions: dict[str, int] = Field(description="Actions and how often, the most frequent first, at most five.")
    addresses: list[str] | None = Field(None, description="Source addresses, at most five.")
    access_key_ids: list[str] | None = Field(None, alias="AccessKeyIDs", description="Access keys, at most five.")
    event_ids: list[str] = Field(
        alias="EventIDs", description="Evidence: the first that succeeded, the first that failed, the last."
    )


class Suspects(Model):
    """Detections of all callers."""

    detections: list[Detection] = Field(description="The gravest first.")
    left_out: int | None = Field(None, description="Rows beyond those shown.")
    lowered: int | None = Field(None, description="Rows whose severity was lowered, because they are routine.")


class Seen(Model):
    """A value and how many events have it."""

    value: str = Field(description="The value, as it stands in events.")
    count: int = Field(description="How many events have it.")


class Near(Model):
    """A condition that alone excludes every event, and what stands in its field."""

    field: str = Field(description="The field of the condition.")
    given: list[str] = Field(description="The values that were asked for.")
    seen: list[Seen] = Field(description="The nearest values in the same window, the nearest first.")
    alike: bool = Field(description="Whether they resemble the values given, or these stand in another field.")
    hint: str = Field(description="What to make of it, in a sentence.")
