"""TraceIdentity: the story of one access key, user, address or resource, and of the keys that it gave."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, ValidationError
from volcengine_audit.models import Highlight, RoleLink, Session, Timeline
from volcengine_mcp.answers import Answered, Call
from volcengine_mcp.declare import Account, Answers, Effect, Part, Tool
from volcengine_mcp.errors import ArgumentsError
from volcengine_mcp.fields import Text
from volcengine_mcp.windows import Span

from .. import actions
from ..events import TIMES, EventCoverage, Moment, Name, parts_of, rest_of
from ..past import Past, PastCoverage, read_past
from ..settings import CloudTrailSettings
from ..source import settings_of
from ..stories import MOST_STEPS, StoryRead, Subject, read_story

if TYPE_CHECKING:
    from volcengine_audit import Event, Judged
    from volcengine_audit.near import Nothing
    from volcengine_audit.where import Condition

MOST_NEXT = 8
"""Calls that are suggested; the answer says how many more there would be."""

MOST_LINKS = 20
"""Keys that were given and are listed one by one."""

MOST_GRAVEST = 2
"""Highlights whose event is suggested to be shown whole."""

_PLAIN_NAME = re.compile(r"(?!AK(?:LT|TP)|root$)[^/@*?:]*[^/@*?:0-9][^/@*?:]*")
"""A name that the API may know as IdentityName: no label, no pattern, no key, and no principal, which is a number."""

_FIELD = {"access_key": "AccessKeyID", "user": "Who", "address": "SourceIPAddress", "resource": "ResourceID"}


class EventCondition(Part):
    """What a field of an event must be, or must not be."""

    field: Name = Field(description="Field of an event, such as EventName, UserAgent or RequestParameters.UserName.")
    values: Annotated[list[str], Field(min_length=1, max_length=100)] = Field(
        description="Any of these; * and ? are wildcards, (none) is an empty field, addresses may be networks."
    )
    exclude: bool = Field(False, description="True for events that match none of the values.")


class TraceIdentityAnswer(Answered):
    """The story of one identity, address or resource, and of the keys that it gave."""

    subject: str = Field(description="What was traced.")
    matched: list[str] = Field(description="What events of the subject had to match, in words.")
    highlights: list[Highlight] = Field(description="Risk marks and sequences, the worst first.")
    highlights_left_out: int | None = Field(None, description="Highlights beyond those shown.")
    sessions: list[Session] = Field(
        description="One for each key and caller of the story, also of keys that calls in it gave, the oddest first."
    )
    sessions_left_out: int | None = Field(None, description="Sessions beyond those shown.")
    timeline: Timeline = Field(
        description="All sessions in order: runs of calls, first sightings, and failures that turned to success."
    )
    role_links: list[RoleLink] = Field(description="Temporary keys that calls in the story gave.")
    role_links_left_out: int | None = Field(None, description="Temporary keys beyond those shown.")
    near: list[str] | None = Field(
        None, description="Where no event matched: what is near in the same window, and which conditions do not fit."
    )
    next: list[Call] = Field(description="Calls worth making next, as they stand.")
    more_next: int | None = Field(None, description="Calls worth making beyond those in Next.")
    past: PastCoverage | None = Field(None, description="What is judged as usual by.")
    coverage: EventCoverage | None = Field(None, description="Window, pages and events read, and whether more exists.")


class TraceIdentity(
    Tool,
    Answers[TraceIdentityAnswer],
    effect=Effect.READ,
    toolset="events",
    uses=(actions.LookupEvents,),
    zh="追踪身份活动时间线",
    en="Trace identity",
):
    """Tell the story of one access key, user, role, address or resource: its sessions and those of every key that it
    obtained or created, step by step; runs of calls in order, failures that turned to success, and risk marks with
    reasons. The tool for "what did this key do?"."""

    kind: Literal["access_key", "user", "address", "resource"] = Field(description="What Value is.")
    value: Name = Field(
        description="The access key ID; the caller as answers print it (user/name@account, role/Name, root) or the "
        "name of a user, role or session; the IP address or network; the resource ID."
    )
    where: Annotated[list[EventCondition], Field(min_length=1)] | None = Field(
        None, description="Conditions that events of the story must meet as well, all of them."
    )
    start_time: Moment | None = Field(None, description=f"Start: {TIMES}; default 7 days before the end.")
    end_time: Moment | None = Field(None, description="End, written likewise; default now.")
    include_own: bool = Field(False, description="True to tell of calls that this server made itself, too.")
    max_events: Annotated[int, Field(ge=50, le=50_000)] = Field(3000, description="Events read, more or less.")
    next_token: Text | None = Field(None, description="Token from Coverage.Next: tells what was not read before.")

    def check(self, settings: CloudTrailSettings) -> None:
        """Refuse a window that cannot be searched, a token that is none, and conditions that cannot be understood."""
        self._parts(settings)
        self._conditions()

    async def read(self, account: Account) -> tuple[StoryRead, Past]:
        """The events of the subject and of the keys that it gave, and what came before."""
        settings = settings_of(account)
        story = await read_story(
            account, self._parts(settings), self._subject(settings), most=self.max_events, own=self.include_own
        )
        return story, await read_past(account, story.read.window)

    def answer(self, asked: tuple[StoryRead, Past], settings: CloudTrailSettings) -> TraceIdentityAnswer:
        """The story, and what to look at next."""
        from volcengine_audit import highlights_of, role_links, sessions_of, timeline_of
        from volcengine_audit.where import said

        story, past = asked
        read, zone = story.read, settings.zone
        told = self._told(story, past, settings)
        judged = told.judged
        sessions = sessions_of(
            judged.events, judged.marks, judged.unusual, subjects=told.keys, givers=told.givers, zone=zone
        )
        several = sessions.numbers if len(sessions.numbers) > 1 else {}
        numbers = [several.get((event.identity.access_key, event.actor)) for event in judged.events]
        highlights, more = highlights_of(judged, sessions=several, zone=zone)
        links = role_links(judged.events, judged.events, unread=told.unfollowed, zone=zone)
        conditions = self._conditions()
        nothing = [] if judged.events else self._nothing(story, past, settings)
        if not nothing:
            calls = [*_gravest(highlights), *self._worth_tracing(told, sessions.shown, read.window)]
        else:
            calls = [*self._longer(read.window, settings), *self._near(nothing, read.window)]
        return TraceIdentityAnswer(
            subject=f"{self.kind} {self.value}",
            matched=said([*self._matched_by(story), *conditions[1:]]),
            highlights=highlights,
            highlights_left_out=more or None,
            sessions=sessions.shown,
            sessions_left_out=sessions.left_out or None,
            timeline=timeline_of(
                judged.events, judged.marks, unusual=judged.unusual, sessions=numbers if several else None, zone=zone
            ),
            role_links=links[:MOST_LINKS],
            role_links_left_out=max(len(links) - MOST_LINKS, 0) or None,
            near=_in_words(nothing) or None,
            next=calls[:MOST_NEXT],
            more_next=max(len(calls) - MOST_NEXT, 0) or None,
            past=past.coverage(settings),
            coverage=read.coverage(settings, self, returned=len(judged.events), how_to_go_on=rest_of(read)),
        )

    def _parts(self, settings: CloudTrailSettings) -> tuple[Span, ...]:
        return parts_of(self.next_token, self.start_time, self.end_time, settings, days=7)

    def _conditions(self) -> list[Condition]:
        """The subject and Where as conditions.

        Raises:
            ArgumentsError: one of them cannot be understood.
        """
        from volcengine_audit.where import Condition

        asked = [(_FIELD[self.kind], [self.value], False, "Value")]
        asked += [(one.field, one.values, one.exclude, "Where") for one in self.where or ()]
        conditions = []
        for field, values, exclude, argument in asked:
            try:
                conditions.append(Condition(field=field, values=tuple(values), exclude=exclude))
            except ValidationError as error:
                message = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
                raise ArgumentsError(
                    "InvalidArguments", f"{argument}: {message}.", hint=f"Correct {argument}; nothing was sent."
                ) from error
        return conditions

    def _matched_by(self, story: StoryRead) -> list[Condition]:
        """By what the events of the subject were found."""
        from volcengine_audit.where import Condition

        own = self._conditions()[0]
        named = self.kind == "user" and story.exactly and bool(_PLAIN_NAME.fullmatch(self.value))
        return [Condition(field="IdentityName", values=own.values) if named else own]

    def _subject(self, settings: CloudTrailSettings) -> Subject:
        """How the events of the subject are asked for."""
        from volcengine_audit.where import Where, pushed

        own, *where = self._conditions()
        matches = Where([own], settings.zone).matches
        plain = self.kind == "user" and bool(_PLAIN_NAME.fullmatch(self.value))
        if plain:
            looked_up = _lookups([("IdentityName", self.value)])
        elif self.kind == "resource":
            looked_up = _lookups([("ResourceID", self.value)])
        else:
            looked_up = _lookups(pushed([own]))
        return Subject(
            looked_up=looked_up,
            whole=self.kind == "resource",
            otherwise=plain,
            trusted=plain or self.kind in ("access_key", "resource"),
            matches=matches,
            narrowed=_lookups(pushed(where)),
            key=self.value if self.kind == "access_key" else None,
        )

    def _told(self, story: StoryRead, past: Past, settings: CloudTrailSettings) -> _Told:
        """What the story tells: the subject's events and those of the keys that they gave, as far as Where goes."""
        from volcengine_audit import event_of, keys_given, stitched
        from volcengine_audit.where import Where

        conditions = self._conditions()
        subject, where = Where(conditions[:1], settings.zone), Where(conditions[1:], settings.zone)
        judged = story.read.judged(settings, past)
        own = [
            at for at, event in enumerate(judged.events) if event.id in story.looked_up or subject.matches(event, ())
        ]
        places, known = stitched(judged.events, own, steps=MOST_STEPS)
        kept = judged.only(at for at in places if where.matches(judged.events[at], judged.marks[at]))
        givers = [event_of(row.model_dump(by_alias=True, exclude_unset=True)) for row in story.givers]
        followed = known if story.everybody else story.followed
        given = keys_given(kept.events)
        keys = frozenset(judged.events[at].identity.access_key for at in own)
        return _Told(
            judged=kept,
            keys=keys,
            givers=[*givers, *judged.events],
            given={one.key: one.by for one in given},
            unfollowed=frozenset(one.key for one in given if one.key not in followed and one.key not in keys),
        )

    def _nothing(self, story: StoryRead, past: Past, settings: CloudTrailSettings) -> list[Nothing]:
        """What is near, in the events of the window. The name of a user may be meant for that of a session."""
        from volcengine_audit.near import why_nothing
        from volcengine_audit.where import Condition

        around = story.around or story.read
        judged = around.judged(settings, past)
        asked = [self._conditions()]
        if self.kind == "user":
            asked.append([Condition(field="Session", values=(self.value,))])
        return [why_nothing(one, judged.events, judged.marks, zone=settings.zone) for one in asked]

    def _longer(self, window: Span, settings: CloudTrailSettings) -> list[Call]:
        """The same question over all that is kept, when nothing was found in less."""
        days = settings.retention_days
        if window.end - window.start >= (days - 1) * 86400:
            return []
        same = self.model_dump(
            mode="json", by_alias=True, exclude_defaults=True, exclude={"start_time", "end_time", "next_token"}
        )
        return [Call(tool="TraceIdentity", arguments={**same, "StartTime": f"{days} days ago", "EndTime": window.end})]

    def _near(self, nothing: Sequence[Nothing], window: Span) -> list[Call]:
        """The same question about what is spelt almost alike."""
        fields = (_FIELD[self.kind], "Session")
        seen = [one.value for each in nothing for near in each.near if near.field in fields for one in near.seen]
        spelt = {name.casefold(): value for value in reversed(seen) for name in (_own_name(value), value)}
        mine = self.value.casefold()
        alike = difflib.get_close_matches(mine, spelt, n=3, cutoff=0.6)
        alike += [name for name in spelt if mine in name]
        return [_trace(self.kind, value, window) for value in dict.fromkeys(spelt[name] for name in alike)]

    def _worth_tracing(self, told: _Told, sessions: Sequence[Session], window: Span) -> list[Call]:
        """Who gave the subject its key, what it made, what was not followed, and where it came from."""
        from volcengine_audit import keys_made
        from volcengine_audit.identity import LONG_TERM

        begun = [one for one in sessions if one.depth is None]
        wanted: list[tuple[str, str]] = []
        if self.kind == "access_key":
            wanted += [_caller(one.obtained_by) for one in begun if one.obtained_by]
        wanted += [("access_key", key) for key in keys_made(told.judged.events)]
        wanted += [("access_key", key) for key in told.given if key in told.unfollowed]
        if self.kind != "access_key":
            odd = [one for one in begun if one.severity or one.unusual]
            wanted += [("access_key", one.access_key_id) for one in odd if one.access_key_id]
        if self.kind != "address":
            beside = zip(told.judged.events, told.judged.unusual, strict=True)
            odd_places = [event.address for event, one in beside if one.new_address or one.other_place]
            wanted += [("address", address) for address in odd_places if address]
        if self.kind == "access_key":
            users = [one.who for one in begun if (one.access_key_id or "").startswith(LONG_TERM)]
            wanted += [("user", who) for who in users if who.startswith("user/")]
        mine = (self.kind, self.value)
        return [_trace(kind, value, window) for kind, value in dict.fromkeys(wanted) if (kind, value) != mine]


@dataclass(frozen=True)
class _Told:
    """The events of a story.

    Attributes:
        keys: of the subject itself.
        givers: events among which is who gave the subject its key.
        given: the keys that calls of the story gave, and these calls.
        unfollowed: of these, the keys whose events were not asked for.
    """

    judged: Judged
    keys: frozenset[str]
    givers: Sequence[Event]
    given: Mapping[str, Event]
    unfollowed: frozenset[str]


def _lookups(asked: Iterable[tuple[str, str]]) -> tuple[actions.LookupCondition, ...]:
    return tuple(
        actions.LookupCondition.model_validate({"LookupConditionKey": key, "LookupConditionValue": value})
        for key, value in asked
    )


def _own_name(label: str) -> str:
    """`alice` of `user/alice@2100000001`; anything else as it is."""
    return label.partition("/")[2].rpartition("@")[0] or label


def _caller(name: str) -> tuple[str, str]:
    """A key or the label of a caller, as a subject."""
    return ("user" if "/" in name or "@" in name else "access_key", name)


def _trace(kind: str, value: str, window: Span) -> Call:
    arguments: dict[str, Any] = {"Kind": kind, "Value": value, "StartTime": window.start, "EndTime": window.end}
    return Call(tool="TraceIdentity", arguments=arguments)


def _in_words(nothing: Sequence[Nothing]) -> list[str]:
    """Why no event matched, a sentence for each reason; of what else may be meant, only where it is near."""
    if not nothing:
        return []
    asked, *others = nothing
    alone = (
        f"{one.condition} matches {one.alone} events alone; without it, the others match {one.without}."
        for one in asked.alone
    )
    meant = (one.hint for other in others for one in other.near if "seen here" in one.hint)
    lines = [*(one.hint for one in asked.near), *meant, *alone, *asked.contradictions]
    return [*lines, f"{asked.searched} events of the window were looked at for this."]


def _gravest(highlights: Sequence[Highlight]) -> list[Call]:
    """The events of the gravest highlights, whole."""
    ids = dict.fromkeys(one.event_id for one in highlights if one.event_id)
    return [Call(tool="GetEvent", arguments={"EventID": event_id}) for event_id in list(ids)[:MOST_GRAVEST]]
