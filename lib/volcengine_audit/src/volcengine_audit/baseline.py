"""What each caller normally does, and what is unusual about an event beside it.

Everything is judged by the look-back before the event itself, never by the question: an event is unusual or not in
every answer alike, as long as the look-back was read. What began less than `FRESH` seconds ago is still new.
"""

from __future__ import annotations

import ipaddress
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final, NamedTuple

from volcengine_audit.events import Event
from volcengine_audit.identity import TEMPORARY
from volcengine_audit.lenient import Fields
from volcengine_audit.sigma.derived import COMPUTED
from volcengine_audit.sigma.surroundings import Surroundings

MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 86400

LOOK_BACK: Final = 14 * DAY
"""Seconds before an event that count as its caller's past."""
FRESH: Final = 6 * HOUR
"""Seconds for which something new stays new."""
KNOWN: Final = 3 * DAY
"""Seconds for which a caller must have been seen before a first use says anything."""
MATURE: Final = 8 * DAY
"""Seconds for which an account must have been seen before a new caller or a large amount says anything: some things
are done once a week."""
TOGETHER: Final = 10 * MINUTE
"""Seconds within which the amounts of one action add up, and within which one key cannot be in two places."""
ROUTINE_DAYS: Final = 3
"""Different days in the look-back on which the same was done, for it to be routine."""
FAILURES: Final = 3
"""Failures of the same after which a success says something."""
FAILURES_WITHIN: Final = 15 * MINUTE
"""Seconds within which they come."""
BULK: Final = 10
"""Amounts below this are never beyond the usual."""
BEYOND: Final = 5
"""How many times the usual an amount must be to be beyond it."""

USUAL: Final = Surroundings()
_AMOUNTS: Final = ("Count", "Amount", "MaxCount", "InstanceCount", "Number", "Quantity")
_DESTROYING: Final = ("Delete", "Terminate", "Release", "Remove", "Destroy", "Purge", "Schedule")


@dataclass(frozen=True, slots=True)
class Unusual:
    """What is unusual about an event. Each field is also a derived field of rules, such as `Derived.NewAddress`.

    Attributes:
        new_address: the caller is known, but not from this address.
        new_region: the account is known, but not in this region.
        new_agent: the caller is known, but not with this program.
        first_use: the caller has been seen for a while, but never with this action.
        new_caller: nothing of the caller is in the look-back.
        woken_key: a long-term key that was not used in the look-back, while its account was.
        waking: this is the call that woke the key.
        other_place: the network from which the same key was used some minutes before; empty if it was not.
        amount, usual_amount: what was asked for together within some minutes, and the most of it before; only where it
            is beyond the usual, else 0.
        new_hour: the caller has been seen for a while, but never near this hour of the day.
        after_failures: the call succeeded after repeated failures of the same, some minutes before.
        ordinary: the caller is known, and nothing of the above holds.
        routine: the caller did the same on several days before, as much at once and from the same address.
    """

    new_address: bool = False
    new_region: bool = False
    new_agent: bool = False
    first_use: bool = False
    new_caller: bool = False
    woken_key: bool = False
    waking: bool = False
    other_place: str = ""
    amount: int = 0
    usual_amount: int = 0
    new_hour: bool = False
    after_failures: bool = False
    ordinary: bool = False
    routine: bool = False

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is unusual for this caller, in words."""
        said = (
            (self.new_address, "the caller has not used this address before"),
            (self.new_region, "the account has not used this region before"),
            (self.new_agent, "the caller has not used this program before"),
            (self.first_use, "the caller has not used this action before"),
            (self.new_caller, "the caller was not seen before"),
            (self.woken_key, "the key was not used before, although its account was active"),
            (bool(self.other_place), f"the key was used from {self.other_place} minutes before"),
            (self.new_hour, "the caller is not active at this hour of the day"),
            (bool(self.amount), f"{self.amount} at once, where {self.usual_amount} is the most before"),
        )
        return tuple(reason for holds, reason in said if holds)

    @property
    def weighs(self) -> bool:
        """Whether it is so unusual that what the caller does weighs more: a first use alone happens every day."""
        strong = self.new_address, self.new_region, self.woken_key, bool(self.other_place), bool(self.amount)
        weak = self.first_use, self.new_caller, self.new_agent, self.new_hour
        return any(strong) or sum(weak) >= 3

    def derived(self) -> dict[str, object]:
        """As derived fields of rules, which are there only where they hold."""
        fields = {
            "NewAddress": self.new_address,
            "NewRegion": self.new_region,
            "NewUserAgent": self.new_agent,
            "FirstUse": self.first_use,
            "DormantKey": self.waking,
            "TwoPlaces": bool(self.other_place),
            "UnusualAmount": bool(self.amount),
            "UnusualHour": self.new_hour,
            "AfterFailures": self.after_failures,
        }
        return {name: True for name, holds in fields.items() if holds}


ORDINARY: Final = Unusual()


@dataclass(slots=True)
class _Times:
    """Moments in order, and amounts at them."""

    moments: array[int] = field(default_factory=lambda: array("q"))
    amounts: array[int] = field(default_factory=lambda: array("q"))

    def add(self, moment: int, amount: int = 1) -> None:
        self.moments.append(moment)
        self.amounts.append(amount)

    def within(self, since: int, until: int) -> tuple[int, int]:
        """The places of the moments from `since` up to, not including, `until`."""
        return bisect_left(self.moments, since), bisect_left(self.moments, until)

    def any_within(self, since: int, until: int) -> bool:
        low, high = self.within(since, until)
        return low < high

    def most_together(self, since: int, until: int) -> int:
        """The largest sum of amounts that came within `TOGETHER` seconds."""
        low, high = self.within(since, until)
        most = total = 0
        first = low
        for place in range(low, high):
            total += self.amounts[place]
            while self.moments[place] - self.moments[first] > TOGETHER:
                total -= self.amounts[first]
                first += 1
            most = max(most, total)
        return most

    def days(self, since: int, until: int) -> int:
        """How many different days have a moment."""
        low, high = self.within(since, until)
        return len({moment // DAY for moment in self.moments[low:high]})


class Habit(NamedTuple):
    """What the baseline remembers of one event: about 300 bytes, whatever the event holds."""

    time: int
    caller: str
    account: str
    key: str
    address: str
    region: str
    program: str
    action: str
    work: str
    amount: int
    attempt: str
    failed: bool


def habit_of(event: Event, surroundings: Surroundings = USUAL) -> Habit | None:
    """What the baseline remembers of an event; None without a time. Only what succeeded and changed has an amount."""
    if event.time is None:
        return None
    login = bool(COMPUTED["IsLogin"](event, surroundings))
    failed = not COMPUTED["Succeeded"](event, surroundings)
    return Habit(
        event.time,
        event.actor,
        event.identity.account,
        event.identity.access_key,
        event.address,
        event.region,
        program(event.user_agent),
        event.action,
        kind_of_work(event),
        0 if failed or event.read_only else amount_of(event),
        "login" if login else event.action,
        failed,
    )


class Baseline:
    """The past of an account, by caller, key and feature.

    Args:
        habits: in any order, each once. They should reach `LOOK_BACK` before the events that are asked about, and
            include these events.
        since: where they begin, Unix seconds. What lies before is not known, so nothing is called new unless at least
            `KNOWN` seconds before it are known.
    """

    def __init__(self, habits: Iterable[Habit], *, since: int) -> None:
        self.since = since
        self._times: defaultdict[tuple[str, str, str], _Times] = defaultdict(_Times)
        self._places: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
        self.events = 0
        for habit in sorted(habits):
            self._add(habit)

    def _add(self, habit: Habit) -> None:
        moment, caller, account, key, address, region, agent, action, work, amount, attempt, failed = habit
        self.events += 1
        times = self._times
        times["caller", caller, ""].add(moment)
        times["account", account, ""].add(moment)
        times["address", caller, address].add(moment)
        times["region", account, region].add(moment)
        times["agent", caller, agent].add(moment)
        times["action", caller, action].add(moment)
        times["hour", caller, str(moment % DAY // HOUR)].add(moment)
        times["failure" if failed else "success", caller, attempt].add(moment)
        if key:
            times["key", key, ""].add(moment)
            if place := network(address):
                self._places[key].append((moment, place))
        if amount:
            times["amount", caller, work].add(moment, amount)
            times["from", f"{caller} {work}", address].add(moment)

    def unusual(self, event: Event) -> Unusual:
        """What is unusual about an event, by what came before it. An event without a time is ordinary."""
        moment = event.time
        if moment is None:
            return ORDINARY
        start, before = max(moment - LOOK_BACK, self.since), moment - FRESH
        if before - start < KNOWN - FRESH:
            return replace(ORDINARY, after_failures=self._after_failures(event))
        caller, account, key = event.actor, event.identity.account, event.identity.access_key

        def new(kind: str, owner: str, value: str) -> bool:
            """Whether a value that the event states is not in its owner's past."""
            return bool(value) and not self._seen(kind, owner, value, start, before)

        known = self._seen("caller", caller, "", start, before)
        known_long = self._seen("caller", caller, "", start, moment - KNOWN)
        account_known = self._seen("account", account, "", start, moment - MATURE)
        amount, usual = self._amount(event, start, before)
        found = Unusual(
            new_address=known and new("address", caller, event.address),
            new_region=account_known and new("region", account, event.region),
            new_agent=known_long and new("agent", caller, program(event.user_agent)),
            first_use=known_long and new("action", caller, event.action),
            new_caller=account_known and not known,
            woken_key=account_known and self._is_woken(key, start, before),
            waking=account_known and self._is_woken(key, start, moment),
            other_place=self._other_place(event, start, before),
            amount=amount,
            usual_amount=usual,
            new_hour=known_long and self._is_new_hour(caller, moment, start, before),
            after_failures=self._after_failures(event),
            routine=not amount and self._is_routine(event, start, before),
        )
        return replace(found, ordinary=known and not found.reasons and not found.after_failures)

    def _seen(self, kind: str, owner: str, value: str, since: int, until: int) -> bool:
        times = self._times.get((kind, owner, value))
        return times is not None and times.any_within(since, until)

    def _is_woken(self, key: str, start: int, before: int) -> bool:
        return bool(key) and not key.startswith(TEMPORARY) and not self._seen("key", key, "", start, before)

    def _amount(self, event: Event, start: int, before: int) -> tuple[int, int]:
        """What was asked for together with this event and the most before, where the first is beyond the usual."""
        times = self._times.get(("amount", event.actor, kind_of_work(event)))
        if times is None or event.failed or event.read_only or event.time is None:
            return 0, 0
        if not self._seen("account", event.identity.account, "", start, event.time - MATURE):
            return 0, 0
        low, high = times.within(event.time - TOGETHER, event.time + 1)
        together = sum(times.amounts[low:high])
        if together < BULK:
            return 0, 0
        usual = times.most_together(start, before)
        return (together, usual) if together >= BEYOND * max(usual, 1) else (0, 0)

    def _other_place(self, event: Event, start: int, before: int) -> str:
        """Where else the key was minutes before, unless being in several places is usual for it."""
        key, here = event.identity.access_key, network(event.address)
        places = self._places.get(key)
        if not places or not here or event.time is None:
            return ""
        low = bisect_left(places, (event.time - TOGETHER, ""))
        high = bisect_left(places, (event.time + 1, ""))
        elsewhere = {place for _, place in places[low:high]} - {here}
        if not elsewhere:
            return ""
        past = {place for _, place in places[bisect_left(places, (start, "")) : bisect_left(places, (before, ""))]}
        return "" if here in past and elsewhere <= past else min(elsewhere)

    def _is_new_hour(self, caller: str, moment: int, start: int, before: int) -> bool:
        """Whether the caller was active neither in this hour of any day nor in the hours beside it."""
        hour = moment % DAY // HOUR
        return not any(self._seen("hour", caller, str((hour + by) % 24), start, before) for by in (-1, 0, 1))

    def _after_failures(self, event: Event) -> bool:
        """Whether enough failures of the same came right before, since the success before them."""
        habit = habit_of(event)
        if habit is None or habit.failed:
            return False
        failures = self._times.get(("failure", habit.caller, habit.attempt))
        if failures is None:
            return False
        since = habit.time - FAILURES_WITHIN
        successes = self._times.get(("success", habit.caller, habit.attempt))
        if successes is not None:
            low, high = successes.within(since, habit.time)
            since = successes.moments[high - 1] if low < high else since
        low, high = failures.within(since, habit.time + 1)
        return high - low >= FAILURES

    def _is_routine(self, event: Event, start: int, before: int) -> bool:
        times = self._times.get(("from", f"{event.actor} {kind_of_work(event)}", event.address))
        return times is not None and times.days(start, before) >= ROUTINE_DAYS


def kind_of_work(event: Event) -> str:
    """What adds up: deletions of any kind are one, everything else is counted by its action."""
    return "deletions" if event.name.startswith(_DESTROYING) else event.action


def amount_of(event: Event) -> int:
    """How many things a call asks for: what its request says, else its resources, at least one."""
    request = event.parameters
    if isinstance(request, Mapping):
        fields = Fields(request)
        for name in _AMOUNTS:
            stated = fields.text(name)
            if stated.isdecimal() and len(stated) < 7:
                return max(int(stated), 1)
        lists = [
            len(value) for name, value in request.items() if isinstance(value, list) and name.casefold().endswith("ids")
        ]
        if lists:
            return max(*lists, 1)
    return max(len(event.resources), 1) if event.name.startswith(_DESTROYING) else 1


@lru_cache(maxsize=4096)
def network(address: str) -> str:
    """The network of one place: the /16 of an IPv4 address, the /48 of an IPv6 address, empty for anything else."""
    try:
        host = ipaddress.ip_address(address)
    except ValueError:
        return ""
    return str(ipaddress.ip_network((host, 16 if host.version == 4 else 48), strict=False))


@lru_cache(maxsize=4096)
def program(user_agent: str) -> str:
    """A user agent without its versions, as programs are updated all the time."""
    return user_agent.partition("/")[0].partition(" ")[0].casefold()


def unusual_of(events: Sequence[Event], baseline: Baseline) -> list[Unusual]:
    """What is unusual about each event, in the order given."""
    return [baseline.unusual(event) for event in events]
