"""The events of a subject and of the keys that its calls gave, and that these gave: one story, read step by step."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from volcengine_mcp.answers import Missing, together
from volcengine_mcp.declare import Account
from volcengine_mcp.errors import VolcengineError
from volcengine_mcp.windows import Span

from . import actions
from .events import EventsRead, condition, read_parts
from .source import PAGE, settings_of

if TYPE_CHECKING:
    from volcengine_audit import Event
    from volcengine_audit.sessions import Given

MOST_KEYS = 20
"""Keys of one story that are followed by asking for their events."""

MOST_STEPS = 5
"""Keys that may lie between the subject and what is still told."""

MOST_GIVERS = 500
"""Events that are read to learn who gave the subject its key."""

MOST_AROUND = 1000
"""Events that are read to say what is near, where nothing was found."""

UNKNOWN = "AssumeRole"
"""Stands for the name of an action that is only said inside an event, so that the event is looked into."""


@dataclass(frozen=True)
class Subject:
    """Whom or what a story is about.

    Attributes:
        looked_up: what the API is asked for; none for all events of the window.
        whole: whether the window is read as well, as the API does not find all that match.
        otherwise: whether the window is read where the API found nothing.
        trusted: whether all that the API finds belongs to the subject.
        matches: whether an event belongs to it.
        narrowed: what the API is asked for when the window is read.
        key: the access key that the story is about, if it is about one.
    """

    looked_up: tuple[actions.LookupCondition, ...]
    whole: bool
    otherwise: bool
    trusted: bool
    matches: Callable[[Event], bool]
    narrowed: tuple[actions.LookupCondition, ...] = ()
    key: str | None = None


@dataclass(frozen=True)
class StoryRead:
    """What was read of a story.

    Attributes:
        read: all of it, with what is missing.
        looked_up: IDs of events that the API found for the subject, where that is enough to belong to it.
        exactly: whether only what the API found was read.
        everybody: whether all events of the window were read, so that every key in them is followed.
        followed: keys of which the events were asked for.
        givers: events that may have given the subject its key.
        around: events of the window, where nothing else was found.
    """

    read: EventsRead
    looked_up: frozenset[str] = frozenset()
    exactly: bool = False
    everybody: bool = False
    followed: frozenset[str] = frozenset()
    givers: tuple[actions.Event, ...] = ()
    around: EventsRead | None = None


async def read_story(
    account: Account, parts: Sequence[Span], subject: Subject, *, most: int, own: bool = False
) -> StoryRead:
    """The events of the subject, of the keys that it gave, and who gave it its own.

    Args:
        own: whether the calls of this server itself are wanted as well.

    Raises:
        VolcengineError: not even the first page could be read.
    """
    exact: EventsRead | None = None
    if subject.looked_up:
        exact = await read_parts(account, parts, subject.looked_up, most=most, own=own)
    ids = frozenset(row.event_id or "" for row in exact.rows) if exact and subject.trusted else frozenset()
    exactly = everybody = False
    if exact is None or subject.whole or (subject.otherwise and not exact.rows):
        window = await read_parts(account, parts, subject.narrowed, most=most, own=own)
        read = window if exact is None else _joined(window, exact)
        everybody = not (window.unread or window.missing or subject.narrowed)
    else:
        read, exactly = exact, True
    story = StoryRead(read, looked_up=ids, exactly=exactly, everybody=everybody)
    if not everybody and not read.rows:
        around = await _or_none(partial(read_parts, account, parts, (), most=MOST_AROUND, own=own))
        return replace(story, around=around)
    if not everybody:
        story = await _Follower(account, subject, story, most).follow()
    if subject.key and not everybody:
        story = replace(story, givers=await _givers(account, read.window, subject.key))
    return story


def _joined(read: EventsRead, *others: EventsRead) -> EventsRead:
    """All rows, each once; what was not read is told of the first only."""
    rows = {row.event_id or f"#{at}": row for at, row in enumerate(read.rows)}
    for other in others:
        for row in other.rows:
            rows.setdefault(row.event_id or f"#{len(rows)}", row)
    pages = read.pages + sum(other.pages for other in others)
    return replace(read, rows=tuple(rows.values()), count=len(rows), pages=pages)


async def _or_none(ask: Callable[[], Awaitable[EventsRead]]) -> EventsRead | None:
    """What adds to an answer that can do without it."""
    try:
        return await ask()
    except VolcengineError:
        return None


async def _givers(account: Account, window: Span, key: str) -> tuple[actions.Event, ...]:
    """The calls that may have given a key, and before it the key of its giver, and so on."""
    from volcengine_audit.identity import TEMPORARY

    name = "AssumeRole" if key.startswith(TEMPORARY) else "CreateAccessKey"
    asked = [condition("EventName", name)]
    read = await _or_none(partial(read_parts, account, [window], asked, most=MOST_GIVERS))
    return read.rows if read else ()


@dataclass
class _Follower:
    """Follows keys from step to step, within what one call may read."""

    account: Account
    subject: Subject
    story: StoryRead
    most: int
    known: set[str] = field(default_factory=set)
    followed: set[str] = field(default_factory=set)
    missing: list[Missing] = field(default_factory=list)

    async def follow(self) -> StoryRead:
        read = self.story.read
        given = self._given(read.rows, own=True)
        for _ in range(MOST_STEPS):
            if not given:
                break
            batch = given[: MOST_KEYS - len(self.followed)]
            room = self._room(read)
            if not batch or room < PAGE:
                break
            share = max(room // len(batch), PAGE)
            reads = await together(
                [partial(self._events_of, one, read.window, share) for one in batch],
                at_once=settings_of(self.account).parallel_reads,
            )
            found = []
            for one, outcome in zip(batch, reads, strict=True):
                if isinstance(outcome, VolcengineError):
                    self.missing.append(Missing.because(f"events of the key {one.key}", outcome))
                    continue
                self.followed.add(one.key)
                found.append(outcome)
                if outcome.unread:
                    self.missing.append(self._cut(one.key, outcome))
            read = _joined(read, *found)
            given = [*given[len(batch) :], *self._given([row for one in found for row in one.rows], own=False)]
        if given:
            self.missing.append(_not_followed(given))
        read = replace(read, missing=(*read.missing, *self.missing))
        return replace(self.story, read=read, followed=frozenset(self.followed))

    def _given(self, rows: Sequence[actions.Event], *, own: bool) -> list[Given]:
        """The keys that some events gave and that are not known yet, in the order in which to follow them.

        Only events of actions that give keys are looked into, as this is done on the event loop.
        """
        from volcengine_audit import event_of, gives, keys_given, spread

        events = []
        for row in rows:
            if gives(row.event_name or UNKNOWN):
                event = event_of(row.model_dump(by_alias=True, exclude_unset=True))
                if not own or row.event_id in self.story.looked_up or self.subject.matches(event):
                    events.append(event)
        new = [one for one in keys_given(events) if one.key not in self.known and one.key != self.subject.key]
        self.known |= {one.key for one in new}
        return spread(new)

    def _room(self, read: EventsRead) -> int:
        """How many more events may be read."""
        if monotonic() >= self.account.deadline:
            return 0
        budget = (settings_of(self.account).page_budget - read.pages) * PAGE
        return min(self.most - read.count, budget)

    async def _events_of(self, one: Given, window: Span, most: int) -> EventsRead:
        asked = [condition("AccessKeyID", one.key)]
        return await read_parts(self.account, [window], asked, most=most, at_once=1)

    def _cut(self, key: str, read: EventsRead) -> Missing:
        code = read.missing[0].code if read.missing else "TooMany"
        message = f"{read.count} events of the key {key} were read; there are more."
        return Missing(what=f"events of the key {key}", code=code, message=message, hint=_HINT)


_HINT = "Trace the key itself: TraceIdentity with Kind access_key."


def _not_followed(given: Sequence[Given]) -> Missing:
    """That the events of some keys were not asked for."""
    named = ", ".join(one.key for one in given[:3])
    more = f" and {len(given) - 3} more" if len(given) > 3 else ""
    message = (
        f"The events of {len(given)} keys that were given were not read, as one call follows {MOST_KEYS} keys over "
        f"{MOST_STEPS} steps within MaxEvents, page_budget and call_timeout: {named}{more}."
    )
    return Missing(what="events of keys that were given", code="TooMany", message=message, hint=_HINT)
