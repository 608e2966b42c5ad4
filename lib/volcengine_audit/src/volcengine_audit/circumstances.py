"""What only a sequence of events shows: new addresses, first uses, failures before a success, bursts.

"New" and "first" mean: in the events given. A caller whose first event this is has no past to compare with and gets
neither; a first use counts only for a caller who has been seen for a while (`known_seconds`).
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import replace

from volcengine_audit.events import Event
from volcengine_audit.globs import like
from volcengine_audit.matching import Seen, seen
from volcengine_audit.rules import Circumstance, Limits, Logins


def seen_in_sequence(events: Sequence[Event], logins: Logins, limits: Limits) -> list[Seen]:
    """Each event with its circumstances, in the order given. Events without a time have none.

    - `new-address`: this caller was seen before, from other addresses only.
    - `first-use`: this caller has been seen for `known_seconds`, but never with this action.
    - `after-failures`: a success after at least `failures` failures of the same within `failures_seconds`; for a
      login, failed logins of the caller, else the same action.
    - `denied-burst`: the call that completes `denied_count` refusals of a caller within `denied_seconds`.
    - `burst`: the call that completes `burst_count` successes of one action by a caller within `burst_seconds`.
    """
    watch = _Watch(limits)
    found = [seen(event, logins) for event in events]
    order = sorted((event.time, event.id, index) for index, event in enumerate(events) if event.time is not None)
    for moment, _, index in order:
        if held := watch.see(found[index], moment):
            found[index] = replace(found[index], held=frozenset(held))
    return found


class _Watch:
    """What has been seen so far, by caller."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._since: dict[str, int] = {}
        self._addresses: defaultdict[str, set[str]] = defaultdict(set)
        self._actions: defaultdict[str, set[str]] = defaultdict(set)
        self._failures: defaultdict[tuple[str, str], deque[int]] = defaultdict(deque)
        self._denied: defaultdict[str, deque[int]] = defaultdict(deque)
        self._successes: defaultdict[tuple[str, str], deque[int]] = defaultdict(deque)

    def see(self, one: Seen, now: int) -> set[Circumstance]:
        """The circumstances of the next event."""
        event, limits = one.event, self._limits
        actor, action = event.actor, event.action.casefold()
        found: set[Circumstance] = set()
        if event.address:
            if self._addresses[actor] and event.address not in self._addresses[actor]:
                found.add("new-address")
            self._addresses[actor].add(event.address)
        if now - self._since.setdefault(actor, now) >= limits.known_seconds and action not in self._actions[actor]:
            found.add("first-use")
        self._actions[actor].add(action)

        failures = self._failures[actor, "login" if one.login else action]
        if one.failed:
            failures.append(now)
            if like(event.error_code, limits.denied_errors) and _completes(
                self._denied[actor], now, limits.denied_count, limits.denied_seconds
            ):
                found.add("denied-burst")
            return found
        recent = sum(now - failure <= limits.failures_seconds for failure in failures)
        failures.clear()
        if recent >= limits.failures:
            found.add("after-failures")
        if _completes(self._successes[actor, action], now, limits.burst_count, limits.burst_seconds):
            found.add("burst")
        return found


def _completes(times: deque[int], now: int, count: int, seconds: int) -> bool:
    """Note a time; true when it makes `count` within `seconds`, after which counting starts anew."""
    times.append(now)
    while now - times[0] > seconds:
        times.popleft()
    if len(times) < count:
        return False
    times.clear()
    return True
