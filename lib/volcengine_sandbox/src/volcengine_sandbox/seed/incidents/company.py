"""The background of the incidents: an ordinary month of the company in `company.toml`."""

from __future__ import annotations

from typing import Any, Final

from volcengine_sandbox.clock import DAY, HOUR, MINUTE
from volcengine_sandbox.events import Event, Resource
from volcengine_sandbox.seed import traffic
from volcengine_sandbox.seed.incidents.days import WORKDAYS, Days, clock, same_day
from volcengine_sandbox.seed.incidents.script import Part, Table, read
from volcengine_sandbox.seed.incidents.teller import Teller, Told

DEEDS: Final = {
    "audit": traffic.AUDIT,
    "compute": traffic.ECS,
    "data": traffic.DATABASE,
    "identity": traffic.IDENTITY,
    "network": traffic.NETWORK,
}
OVERTIME: Final = 0.03
"""Share of people's calls that come on any of `OVERTIME_DAYS` days, at any hour."""
OVERTIME_DAYS: Final = 28
FIRST_RUN: Final = 1001
"""Number of a routine's oldest run."""


def background(teller: Teller, days: Days, company: Table, count: int) -> tuple[list[Event], dict[str, list[Told]]]:
    """`count` ordinary events in no order, and the newest run of each routine."""
    events: list[Event] = []
    newest: dict[str, list[Told]] = {}
    for routine in company["routines"]:
        script = read(routine)
        for number, start in enumerate(starts(days, routine["rhythm"], script.duration), FIRST_RUN):
            newest[routine["name"]] = told = teller.perform(script, start, number)
            events += [item.event for item in told]
    people = company["people"]
    events += [_login(teller, days, person, rank) for person in people for rank in range(WORKDAYS)]
    weights = [person["weight"] for person in people]
    events += [_deed(teller, days, person) for person in teller.rng.choices(people, weights, k=count - len(events))]
    return events, newest


def starts(days: Days, rhythm: Table, duration: int) -> list[int]:
    """When the runs of a routine begin, oldest first; the newest ends before now."""
    every, unit, runs = int(rhythm["every"][:-1]), rhythm["every"][-1], rhythm["runs"]
    hour, minute = clock(rhythm["time"])
    second = hour * HOUR + minute * MINUTE
    if unit == "w":
        return [days.workday(back * every, second, duration) for back in reversed(range(runs))]
    step = every * {"h": HOUR, "d": DAY}[unit]
    newest = days.newest(step, second, rhythm.get("ago", 0), duration)
    return [newest - back * step for back in reversed(range(runs))]


def _part(person: Table) -> Part:
    return Part((person["is"],), person["from"], traffic.CONSOLE, person.get("region", "cn-beijing"))


def _login(teller: Teller, days: Days, person: Table, rank: int) -> Event:
    """A person comes to work, between half past eight and half past nine."""
    time = days.workday(rank, 8 * HOUR + 30 * MINUTE + teller.rng.randrange(HOUR))
    actor, part = teller.actor(person["is"]), _part(person)
    return teller.tell(_present(days, person, time), actor, part, "signin:ConsoleLogin", part.region)


def _deed(teller: Teller, days: Days, person: Table) -> Event:
    """One call of a person: by day, on a workday, and seldom at another time."""
    rng = teller.rng
    deeds = [deed for name in person["deeds"] for deed in DEEDS[name]]
    source, name, _, _, kind, _ = rng.choices(deeds, [deed[5] for deed in deeds])[0]
    hour = rng.choices(range(24), traffic.HUMAN_HOURS)[0]
    second, rank = hour * HOUR + rng.randrange(HOUR), rng.randrange(WORKDAYS)
    odd, back = rng.random(), rng.randrange(HOUR, OVERTIME_DAYS * DAY)
    time = int(days.now) - back if odd < OVERTIME else days.workday(rank, second)
    part, actor = _part(person), teller.actor(person["is"])
    resource, mistake = f"example-{kind}-{rng.randrange(6)}", rng.random() < traffic.MISTAKES
    parts: dict[str, Any] = {"request_parameters": '{"MaxResults":20}'}
    if kind:
        parts["request_parameters"] = f'{{"ResourceId":"{resource}"}}'
        parts["resources"] = (Resource(source, kind, resource, actor.account_id),)
    if mistake:
        parts["error_code"] = "AccessDenied"
    return teller.tell(_present(days, person, time), actor, part, f"{source}:{name}", part.region, **parts)


def _present(days: Days, person: Table, time: int) -> int:
    """The time, or a week earlier where it falls on the day that a person is travelling."""
    away = "away" in person and same_day(time, days.moment(person["away"], workday=True))
    return time - 7 * DAY if away else time
