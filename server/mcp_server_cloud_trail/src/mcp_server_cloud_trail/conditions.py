"""What events must meet: what of it the service filters, what is evaluated after reading, and what to say of it.

An empty answer is taken for "it did not happen". So where nothing meets the conditions, the same window is looked at
without them, and the answer names what is near.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError
from volcengine_mcp.answers import Missing
from volcengine_mcp.compute import compute
from volcengine_mcp.declare import Account
from volcengine_mcp.errors import ArgumentsError, OverdueError, VolcengineError
from volcengine_mcp.windows import Span

from . import actions
from .events import NO_MATCH, EventsRead, Told, WhereCondition, read_parts, rule_book
from .past import Past, read_past
from .settings import CloudTrailSettings
from .source import PAGE, settings_of

if TYPE_CHECKING:
    from volcengine_audit import Event, Judged, Marks
    from volcengine_audit.models import Near
    from volcengine_audit.near import Nothing
    from volcengine_audit.where import Condition

AROUND = 20
"""Pages that are read of a window without its conditions when nothing meets them."""

MARKED = frozenset({"Severity", "Detection"})
"""Fields that depend on what the rules say."""

FOR_EVALUATING = 0.1
"""The part of a call's time that may go into evaluating after the time for reading is over."""

INFERRED = (
    "The service compares LookupConditions, and the values of Where that it filters, exactly and with case; that is "
    "inferred from how it answers, not documented."
)

_LABEL = re.compile(r"root|(?:root|(?:user|role|service|unknown)/.+)(?:@[0-9]+)?|[^@]+@[0-9]{10}")
"""How answers name callers, which the service does not know."""

T = TypeVar("T")


@dataclass(frozen=True)
class Question:
    """What events must meet.

    Attributes:
        sent: what the service filters.
        after: what is evaluated after reading.
        stated: what was asked for with LookupConditions, and is compared as it stands.
        asked: all that was asked for.
        widened: whether resources are looked for in requests as well, as none was listed so.
    """

    sent: tuple[actions.LookupCondition, ...] = ()
    after: tuple[Condition, ...] = ()
    stated: tuple[Condition, ...] = ()
    asked: tuple[Condition, ...] = ()
    widened: bool = False

    @property
    def marked(self) -> bool:
        """Whether it depends on what the rules say of an event."""
        return any(one.field in MARKED for one in self.after)

    def wider(self) -> Question | None:
        """The same with resources looked for in requests and responses; None where it names none to the service."""
        kept = tuple(one for one in self.sent if one.lookup_condition_key != "ResourceID")
        if len(kept) == len(self.sent):
            return None
        resources = tuple(one for one in self.stated if one.field == "ResourceID")
        return replace(self, sent=kept, after=(*self.after, *resources), widened=True)

    def matching(self, events: Sequence[Event], settings: CloudTrailSettings, past: Past | None) -> list[bool]:
        """Of each event, whether it meets what is evaluated after reading. Computes: for a worker thread."""
        from volcengine_audit import judge
        from volcengine_audit.where import Where

        marks: Sequence[Marks] = [()] * len(events)
        if self.marked and past is not None:
            book = rule_book(settings)
            marks = judge(events, book, past.baseline(book, events)).marks
        where = Where(self.after, settings.zone)
        return [where.matches(event, these) for event, these in zip(events, marks, strict=True)]


def question_of(
    lookup: Sequence[actions.LookupCondition] | None,
    where: Sequence[WhereCondition] | None,
    *,
    failures_only: bool = False,
) -> Question:
    """What the two arguments ask for.

    Raises:
        ArgumentsError: a field is not known, a value cannot be one of its field, or no event can meet it all.
    """
    from volcengine_audit.near import contradictions
    from volcengine_audit.where import pushed, remaining

    stated: list[Condition] = []
    wanted: list[Condition] = []
    for one in lookup or ():
        _refuse_second(one, lookup or ())
        condition, is_label = _of_lookup(one)
        if condition not in stated and condition not in wanted:
            (wanted if is_label else stated).append(condition)
    wanted += [_made(one.field, one.values, one.exclude, f"Where.{at}") for at, one in enumerate(where or ())]
    if clashes := contradictions([*stated, *wanted]):
        raise _refused(clashes[0], "Correct Where or LookupConditions.")
    sent = {one.field: one.values[0] for one in stated}
    for key, value in pushed(wanted):
        sent.setdefault(key, value)
    after = remaining(wanted) if dict(pushed(wanted)).get("ReadOnly") == sent.get("ReadOnly") else wanted
    failed = [_made("Result", ["failed"], False, "FailuresOnly")] if failures_only else []
    return Question(
        sent=tuple(
            actions.LookupCondition.model_validate({"LookupConditionKey": key, "LookupConditionValue": value})
            for key, value in sent.items()
        ),
        after=tuple(after),
        stated=tuple(stated),
        asked=(*stated, *wanted, *failed),
    )


def _refuse_second(one: actions.LookupCondition, lookup: Sequence[actions.LookupCondition]) -> None:
    """Refuse another value for the same key: the service wants both to hold, which hardly anybody means."""
    key = one.lookup_condition_key
    values = list(dict.fromkeys(each.lookup_condition_value for each in lookup if each.lookup_condition_key == key))
    if len(values) > 1:
        example = json.dumps({"Field": key, "Values": values}, ensure_ascii=False)
        raise _refused(
            f"LookupConditions must all hold, and {key} has {len(values)} values, so that no event would match",
            f"For any of several values, write them as Where: [{example}].",
        )


def _of_lookup(one: actions.LookupCondition) -> tuple[Condition, bool]:
    """A lookup condition as a condition, and whether its value is a label of ours that the service does not know."""
    from volcengine_audit.comparing import is_empty

    key, value = one.lookup_condition_key, one.lookup_condition_value
    place = f"LookupConditions {key}"
    if key == "IdentityName" and _LABEL.fullmatch(value):
        return _made("Who", [value], False, place), True
    if key == "EventName" and ":" in value:
        return _made("Action", [value], False, place), True
    return _made(key, [value], False, place), is_empty(value)


def _made(field: str, values: Sequence[str], exclude: bool, place: str) -> Condition:
    """A condition.

    Raises:
        ArgumentsError: it cannot be one.
    """
    from volcengine_audit.where import Condition

    try:
        return Condition(field=field, values=tuple(values), exclude=exclude)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        said = str(first["msg"]).removeprefix("Value error, ")
    except ValueError as error:
        said = str(error)
    raise _refused(f"{place}: {said}", "Correct the condition and call again.")


def _refused(message: str, hint: str) -> ArgumentsError:
    text = message.rstrip(".")
    return ArgumentsError("InvalidArguments", f"{text}.", hint=hint)


async def computed(account: Account, work: Callable[[], T]) -> T:
    """What takes computing while a tool reads: done in a worker thread.

    Raises:
        OverdueError: it was not over in time.
    """
    limit = account.deadline + FOR_EVALUATING * settings_of(account).call_timeout
    try:
        return await compute(work, deadline=limit)
    except TimeoutError as error:
        raise OverdueError(
            "Overdue",
            "The events could not be held against the conditions in time.",
            hint="Ask for a shorter window, or for fewer events.",
        ) from error


@dataclass(frozen=True)
class Found:
    """What was read for a question.

    Attributes:
        judged: the events that meet it, where it took the rules to know them.
        around: events of the window without any conditions, where none meets them.
    """

    question: Question
    read: EventsRead
    past: Past
    judged: Judged | None = None
    around: EventsRead | None = None

    def matched(self, settings: CloudTrailSettings, accounts: frozenset[str] = frozenset()) -> Judged:
        """The events that meet the question, with their marks. Computes: for a worker thread.

        Args:
            accounts: IDs of the accounts of one's own organization.
        """
        if self.judged is not None and not accounts:
            return self.judged
        return matched_of(self.question, self.read, self.past, settings, accounts)

    def nothing(self, settings: CloudTrailSettings) -> Nothing | None:
        """Why nothing meets the question, if so. Computes: for a worker thread."""
        return None if self.around is None else nothing_of(self.question, self.around, self.past, settings)

    def told(self, nothing: Nothing | None, *, matched: int) -> Told:
        """What an answer says of its conditions."""
        complete = not (self.read.unread or self.read.missing)
        return told(self.question, matched=matched, nothing=nothing, around=self.around, complete=complete)


def matched_of(
    question: Question,
    read: EventsRead,
    past: Past,
    settings: CloudTrailSettings,
    accounts: frozenset[str] = frozenset(),
) -> Judged:
    """The events that were read and meet a question, judged. Computes: for a worker thread.

    What does not need the marks is looked at first, as if the service had filtered it; so what several events mean
    together is told of these events, whoever filtered them.
    """
    from volcengine_audit import judge
    from volcengine_audit.where import Where, matching

    book, zone = rule_book(settings, accounts), settings.zone
    events = read.events()
    plain = Where((one for one in question.after if one.field not in MARKED), zone)
    kept = [event for event in events if plain.matches(event)] if question.after else events
    judged = judge(kept, book, past.baseline(book, events))
    return matching(judged, Where(question.after, zone)) if question.marked else judged


async def find(
    account: Account, parts: Sequence[Span], question: Question, *, most: int, whole: bool, own: bool = False
) -> Found:
    """The events of some parts of time that meet a question, and their past; where there are none, what is around.

    Args:
        whole: whether this is all that was asked for, and not the rest of it.
        own: whether the calls of this server itself are wanted as well.

    Raises:
        VolcengineError: the very first page could not be read.
    """
    settings = settings_of(account)
    read = await read_parts(account, parts, question.sent, most=most, own=own)
    wider = question.wider()
    if wider is not None and not read.rows:
        question, read = wider, await read_parts(account, parts, wider.sent, most=most, own=own)
    past = await read_past(account, read.window)
    judged = None
    empty = not read.rows
    if read.rows and question.marked:
        judged = await computed(account, lambda: matched_of(question, read, past, settings))
        empty = not judged.events
    elif read.rows and question.asked:
        empty = not await computed(account, lambda: _any_meets(question, read, settings))
    around = await read_around(account, question, read) if empty and whole else None
    return Found(question, read, past, judged, around)


def _any_meets(question: Question, read: EventsRead, settings: CloudTrailSettings) -> bool:
    """Whether any event that was read meets the question; ends at the first."""
    from volcengine_audit import event_of
    from volcengine_audit.where import Where

    failed = [one for one in question.asked if one.field == "Result"]
    where = Where((*question.after, *failed), settings.zone)
    return any(where.matches(event_of(item)) for item in read.items())


async def read_around(account: Account, question: Question, read: EventsRead) -> EventsRead | None:
    """Events of the same window without conditions, spread over it; None where there were no conditions."""
    if not question.asked:
        return None
    if not question.sent and read.rows:
        return read
    try:
        return await read_parts(account, [read.window], (), most=AROUND * PAGE, pages=AROUND)
    except VolcengineError:
        return EventsRead(read.window, (), 0, 0)


def nothing_of(question: Question, around: EventsRead, past: Past | None, settings: CloudTrailSettings) -> Nothing:
    """Why nothing meets a question. Computes: for a worker thread."""
    from volcengine_audit import judge
    from volcengine_audit.near import why_nothing

    events, marks = around.events(), None
    if question.marked and past is not None:
        book = rule_book(settings)
        marks = judge(events, book, past.baseline(book, events)).marks
    stated = [one for one in question.stated if not question.widened or one.field != "ResourceID"]
    return why_nothing(question.asked, events, marks, zone=settings.zone, sent=stated)


def told(
    question: Question,
    *,
    matched: int | None,
    nothing: Nothing | None = None,
    around: EventsRead | None = None,
    complete: bool = True,
) -> Told:
    """What an answer says of its conditions.

    Args:
        matched: how many events meet them.
        nothing, around: why none does, and by which events that is known.
        complete: whether the window was read to its end.
    """
    after = matched if question.after else None
    if nothing is None:
        return Told(after, _wider_said(question), instead=_instead(question))
    lines = [_nothing_said(question, complete=complete), *nothing.contradictions]
    if not nothing.searched:
        lines.append("The window has no events at all, as far as it could be read without the conditions.")
    elif around is not None and (around.unread or around.missing):
        lines.append(f"For what is near, {nothing.searched} events of the window were looked at, not all of them.")
    else:
        lines.append(f"For what is near, all {nothing.searched} events of the window were looked at.")
    lines += [
        f"{one.condition} matches {one.alone} events alone, and the other conditions match {one.without} without it."
        for one in nothing.alone
    ]
    lines += _globs_said(question)
    hints = [f"{one.field}: {one.hint}" for one in nothing.near if one.alike]
    doubt = (
        Missing(
            what="events",
            code=NO_MATCH,
            message=f"Nothing met the conditions, but something near them did happen. {' '.join(hints)}",
            hint="Correct the conditions by Near and call again.",
        ),
    )
    return Told(after, " ".join(lines), doubt if hints or _globs_said(question) else (), _instead(question))


def near_of(nothing: Nothing | None) -> list[Near] | None:
    """What an answer lists as near."""
    return (nothing.near or None) if nothing is not None else None


def _nothing_said(question: Question, *, complete: bool) -> str:
    from volcengine_audit.where import said

    shown = "; ".join(line.removesuffix(" (exact)") for line in said(question.asked))
    where = "in this window" if complete else "in the part of this window that was read"
    return f"No event {where} met these conditions ({shown}). That is no proof that it did not happen. {INFERRED}"


def _wider_said(question: Question) -> str | None:
    if not question.widened:
        return None
    names = " and ".join(one.values[0] for one in question.stated if one.field == "ResourceID")
    return (
        f"No event lists {names} as a resource. These events name it in their request or response, which was "
        "evaluated after reading."
    )


def _instead(question: Question) -> dict[str, Any]:
    """The arguments that ask for the same with what was widened as Where, so that the rest is read likewise."""
    if not question.widened:
        return {}
    where = [{"Field": one.field, "Values": list(one.values), "Exclude": one.exclude} for one in question.after]
    lookup = [one.model_dump(mode="json", by_alias=True) for one in question.sent]
    return {"LookupConditions": lookup or None, "Where": where}


def _globs_said(question: Question) -> list[str]:
    from volcengine_audit.comparing import is_glob

    found = []
    for one in question.stated:
        if is_glob(one.values[0]):
            example = json.dumps({"Field": one.field, "Values": list(one.values)}, ensure_ascii=False)
            found.append(f"LookupConditions have no wildcards; Where has them: [{example}].")
    return found
