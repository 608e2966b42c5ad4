"""CompareEvents: what changed from one window of events to another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field
from volcengine_audit.models import Change, Comparison
from volcengine_mcp.answers import Answered, Call, Coverage, together
from volcengine_mcp.declare import Account, Answers, Effect, Tool
from volcengine_mcp.errors import ArgumentsError, VolcengineError
from volcengine_mcp.windows import Span

from .. import actions
from ..accounts import AccountName, Accounts, accounts_in, with_accounts
from ..events import TIMES, Conditions, EventCoverage, EventsRead, Moment, read_parts, window_of
from ..events import rule_book as rules_in_force
from ..past import Past, PastCoverage, read_past
from ..settings import CloudTrailSettings
from ..source import PAGE, settings_of
from ..subjects import subject_of, trace

if TYPE_CHECKING:
    from volcengine_audit import Event, Judged

Key = Literal[
    "actor",
    "action",
    "source",
    "address",
    "access_key",
    "error",
    "resource",
    "region",
    "user_agent",
    "session",
    "account",
    "detection",
]
"""What windows can be compared by: the keys of volcengine_audit.compare."""

MOST_NEXT = 8
"""Calls that are suggested; the answer says how many more there would be."""

_TRACED: dict[Key, str] = {"address": "address", "access_key": "access_key", "resource": "resource"}
"""Values that TraceIdentity follows as they stand, and what kind they are to it."""

_COUNTED: dict[Key, tuple[str, ...]] = {
    "action": ("EventSource", "EventName"),
    "source": ("EventSource",),
    "error": ("ErrorCode",),
    "region": ("Region",),
}
"""Values that the API can look for, and by which conditions: who is behind them is counted."""


class ComparisonCoverage(Coverage):
    """What a comparison rests on; complete only when both windows were read whole."""

    before: EventCoverage = Field(description="The window before.")
    after: EventCoverage = Field(description="The window after.")
    accounts: str | None = Field(None, description="What could not be read of the names of accounts.")


class CompareEventsAnswer(Answered, Comparison):
    """What changed."""

    next: list[Call] = Field(description="Calls worth making next about what changed most, as they stand.")
    more_next: int | None = Field(None, description="Calls of this kind beyond those in Next.")
    accounts: dict[str, AccountName] | None = Field(
        None, description="Accounts behind the changes by ID, and those outside the organization that requests name."
    )
    past: PastCoverage = Field(description="What the marks of events are judged by.")
    coverage: ComparisonCoverage | None = Field(None, description="What was read of both windows.")


class CompareEvents(
    Tool,
    Answers[CompareEventsAnswer],
    effect=Effect.READ,
    toolset="events",
    uses=(actions.LookupEvents, actions.ListAccounts),
    zh="比较两段时间的审计事件",
    en="Compare two windows of events",
):
    """Compare two windows of audit events: which callers, actions, addresses, errors or detections are new, gone, more
    or less, the most surprising first, with rates, failures and EventIDs as evidence. For "what changed since
    yesterday?" and for before and after a release or an incident."""

    by: Key = Field("action", description="What to compare by.")
    start_time: Moment | None = Field(
        None, description=f"Start of the window after: {TIMES}; default one day before its end."
    )
    end_time: Moment | None = Field(None, description="Its end, written likewise; default now.")
    base_start_time: Moment | None = Field(
        None, description="Start of the window before, written likewise; default as long before its end as the other."
    )
    base_end_time: Moment | None = Field(None, description="Its end; default right before the window after.")
    lookup_conditions: Conditions | None = Field(None, description="Conditions that must all match, in both windows.")
    top: Annotated[int, Field(ge=1, le=100)] = Field(20, description="Changes shown; the rest is counted.")
    max_events: Annotated[int, Field(ge=100, le=50_000)] = Field(
        20_000, description="Events read of both windows together, more or less."
    )

    def check(self, settings: CloudTrailSettings) -> None:
        """Refuse windows that cannot be searched or compared."""
        self._windows(settings)

    async def read(self, account: Account) -> tuple[EventsRead, EventsRead, Past, Accounts]:
        """The events of both windows, what came before them, and whose accounts they are about."""
        settings = settings_of(account)
        before, after = self._windows(settings)
        # What one answer may read is shared by the windows, so that neither is known better than the other.
        most = min(self.max_events, settings.page_budget * PAGE) // 2
        conditions = self.lookup_conditions or ()

        async def both() -> tuple[EventsRead, EventsRead]:
            works = (partial(read_parts, account, (span,), conditions, most=most) for span in (before, after))
            old, new = await together(works, at_once=1)
            if isinstance(old, VolcengineError):
                raise old
            if isinstance(new, VolcengineError):
                raise new
            return old, new

        (old, new), accounts = await with_accounts(account, both)
        return old, new, await read_past(account, Span(before.start, after.end)), accounts

    def answer(
        self, asked: tuple[EventsRead, EventsRead, Past, Accounts], settings: CloudTrailSettings
    ) -> CompareEventsAnswer:
        """The changes, and what to look at next."""
        from volcengine_audit.compare import Side, comparison_of

        old, new, past, accounts = asked
        judged = [read.judged(settings, past, accounts.ids) for read in (old, new)]
        before, after = (
            Side(of_side.events, _seconds(read), of_side.marks)
            for of_side, read in zip(judged, (old, new), strict=True)
        )
        compared = comparison_of(before, after, self.by, top=self.top, changed=True, zone=settings.zone)
        calls = list(self._next(compared.changes, judged, old.window, new.window))
        return CompareEventsAnswer(
            **dict(compared),
            next=calls[:MOST_NEXT],
            more_next=max(len(calls) - MOST_NEXT, 0) or None,
            accounts=self._accounts(compared.changes, judged, accounts, settings),
            past=past.coverage(settings),
            coverage=self._coverage((old, new), judged, accounts, settings),
        )

    def _windows(self, settings: CloudTrailSettings) -> tuple[Span, Span]:
        """The window before and the window after."""
        after = window_of(self.start_time, self.end_time, settings, days=1)
        end = self.base_end_time if self.base_end_time is not None else after.start - 1
        length = after.end - after.start
        if self.base_start_time is None and self.base_end_time is None:
            oldest = window_of(f"{settings.retention_days} days ago", None, settings, days=1).start
            if after.start - 1 <= oldest:
                raise ArgumentsError(
                    "InvalidWindow",
                    "Nothing is kept of the time right before StartTime, so that there is nothing to compare with.",
                    hint="Give BaseStartTime and BaseEndTime, or a later StartTime.",
                )
            before = window_of(max(after.start - 1 - length, oldest), end, settings, days=1)
        else:
            before = window_of(self.base_start_time, end, settings, days=length / 86400)
        if before.start <= after.end and after.start <= before.end:
            raise ArgumentsError(
                "InvalidWindow",
                "The two windows overlap, so that some events would be before and after.",
                hint="End one of them before the other begins: BaseEndTime before StartTime.",
            )
        return Span(before.start, before.end), Span(after.start, after.end)

    def _coverage(
        self,
        reads: Sequence[EventsRead],
        judged: Sequence[Judged],
        accounts: Accounts,
        settings: CloudTrailSettings,
    ) -> ComparisonCoverage:
        how = "Compare shorter windows, add conditions, or raise MaxEvents (the setting page_budget bounds it)."
        # A token could go on with one window, but its counts could not be compared with what was counted here.
        before, after = (
            read.coverage(settings, self, returned=len(of_side.events), how_to_go_on=how).model_copy(
                update={"next": None, "asked": None}
            )
            for read, of_side in zip(reads, judged, strict=True)
        )
        missing = [one for read in reads for one in read.missing]
        return ComparisonCoverage(
            asked=self.model_dump(mode="json", by_alias=True, exclude_defaults=True),
            complete=before.complete and after.complete,
            missing=missing or None,
            before=before,
            after=after,
            accounts=accounts.unread,
        )

    def _accounts(
        self, changes: Iterable[Change], judged: Sequence[Judged], accounts: Accounts, settings: CloudTrailSettings
    ) -> dict[str, AccountName] | None:
        shown = list(changes)
        evidence = {event_id for one in shown for event_id in one.evidence}
        events = [event for side in judged for event in side.events if event.id in evidence]
        own = [one.value for one in shown if self.by == "account" and one.value.isdecimal()]
        return accounts.named([*own, *accounts_in(events, rules_in_force(settings, accounts.ids))])

    def _next(self, changes: Iterable[Change], judged: Sequence[Judged], old: Span, new: Span) -> Iterator[Call]:
        """A call about each change, in the window after where it is there at all."""
        by_id = {event.id: event for side in judged for event in side.events}
        made = set()
        for one in changes:
            evidence = next((by_id[event_id] for event_id in one.evidence if event_id in by_id), None)
            if evidence is None:
                continue
            window = new if one.after else old
            call = self._call(one.value, evidence, window)
            if call is not None and (said := repr(call)) not in made:
                made.add(said)
                yield call

    def _call(self, value: str, event: Event, window: Span) -> Call | None:
        if self.by in _TRACED and not value.startswith("("):
            return trace({"Kind": _TRACED[self.by], "Value": value}, window)
        keys = _COUNTED.get(self.by, ())
        values = value.partition(":")[::2] if self.by == "action" else (value,)
        if keys and all(values) and not value.startswith("("):
            found = zip(keys, values, strict=True)
            conditions = [
                *(self.model_dump(mode="json", by_alias=True)["LookupConditions"] or ()),
                *({"LookupConditionKey": key, "LookupConditionValue": one} for key, one in found),
            ]
            times = {"StartTime": window.start, "EndTime": window.end}
            arguments = {"GroupBy": ["actor"], "LookupConditions": conditions, **times}
            return Call(tool="SummarizeEvents", arguments=arguments)
        subject = subject_of(event)
        return trace(subject, window) if subject else None


def _seconds(read: EventsRead) -> float:
    """How long the part of a window is that was read."""
    unread = sum(span.end - span.start for span in read.unread)
    return float(max(read.window.end - read.window.start + 1 - unread, 1))
