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
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

from volcengine_audit.events import Event
from volcengine_audit.identity import TEMPORARY
from volcengine_audit.lenient import Fields

MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 86400

LOOK_BACK: Final = 14 * DAY
"""Seconds before an event that count as its caller's past."""
FRESH: Final = 6 * HOUR
"""Seconds for which something new stays new."""
KNOWN: Final = 3 * DAY
"""Seconds for which a caller must have been seen before a first use says anything."""
TOGETHER: Final = 10 * MINUTE
"""Seconds within which the amounts of one action add up, and within which one key cannot be in two places."""
ROUTINE_DAYS: Final = 3
"""Different days in the look-back on which the same was done, for it to be routine."""
BULK: Final = 10
"""Amounts below this are never beyond the usual."""
BEYOND: Final = 5
"""How many times the usual an amount must be to be beyond it."""

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
        other_place: the network from which the same key was used some minutes before; empty if it was not.
        amount, usual_amount: what was asked for together within some minutes, and the most of it before; only where it
            is beyond the usual, else 0.
        routine: the caller did the same on several days before, as much at once and from the same address.
    """

    new_address: bool = False
    new_region: bool = False
    new_agent: bool = False
    first_use: bool = False
    new_caller: bool = False
    woken_key: bool = False
    other_place: str = ""
    amount: int = 0
    usual_amount: int = 0
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
            (bool(self.amount), f"{self.amount} at once, where {self.usual_amount} is the most before"),
        )
        return tuple(reason for holds, reason in said if holds)

    def derived(self) -> dict[str, object]:
        """As derived fields of rules."""
        return {
            "NewAddress": self.new_address,
            "NewRegion": self.new_region,
            "NewUserAgent": self.new_agent,
            "FirstUse": self.first_use,
            "NewCaller": self.new_caller,
            "WokenKey": self.woken_key,
            "OtherPlace": self.other_place,
            "BeyondUsual": bool(self.amount),
            "Routine": self.routine,
        }


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


def habit_of(event: Event) -> Habit | None:
    """What the baseline remembers of an event; None without a time. Only what succeeded and changed has an amount."""
    if event.time is None:
        return None
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
        0 if event.failed or event.read_only else amount_of(event),
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
        moment, caller, account, key, address, region, agent, action, work, amount = habit
        self.events += 1
        times = self._times
        times["caller", caller, ""].add(moment)
        times["account", account, ""].add(moment)
        times["address", caller, address].add(moment)
        times["region", account, region].add(moment)
        times["agent", caller, agent].add(moment)
        times["action", caller, action].add(moment)
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
            return ORDINARY
        caller, account, key = event.actor, event.identity.account, event.identity.access_key

        def new(kind: str, owner: str, value: str) -> bool:
            """Whether a value that the event states is not in its owner's past."""
            return bool(value) and not self._seen(kind, owner, value, start, before)

        known = self._seen("caller", caller, "", start, before)
        known_long = self._seen("caller", caller, "", start, moment - KNOWN)
        account_known = self._seen("account", account, "", start, moment - KNOWN)
        amount, usual = self._amount(event, start, before)
        return Unusual(
            new_address=known and new("address", caller, event.address),
            new_region=account_known and new("region", account, event.region),
            new_agent=known_long and new("agent", caller, program(event.user_agent)),
            first_use=known_long and new("action", caller, event.action),
            new_caller=account_known and not known,
            woken_key=account_known and self._is_woken(key, start, before),
            other_place=self._other_place(event, start, before),
            amount=amount,
            usual_amount=usual,
            routine=not amount and self._is_routine(event, start, before),
        )

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
