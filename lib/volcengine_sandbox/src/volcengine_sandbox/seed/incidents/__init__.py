"""The pack `incidents`: a month of ordinary events, ten attacks, and for each something harmless that looks alike.

It replaces the default background and stories rather than adding to them, so that what is found in it can be counted:
everything outside of its incidents is ordinary. The enterprise and the keys to call with are those of the default.

Stories are data (`stories/*.toml`, an attack and its twins a file; `company.toml` for the background), told by a small
interpreter. A harmless story with `claims` tells nothing of its own: it is the newest run of that routine.
"""

from __future__ import annotations

import json
import random
import re
import tomllib
from collections.abc import Iterable
from dataclasses import replace
from importlib import resources
from typing import Final, Literal

from volcengine_sandbox.events import Actor
from volcengine_sandbox.seed.enterprise import Enterprise
from volcengine_sandbox.seed.incidents.company import background
from volcengine_sandbox.seed.incidents.days import Days
from volcengine_sandbox.seed.incidents.script import Table, read
from volcengine_sandbox.seed.incidents.teller import Teller, Told
from volcengine_sandbox.seed.incidents.truth import Incident, dump
from volcengine_sandbox.state import State

BACKGROUND_EVENTS: Final = 20_000
KEY: Final = re.compile(r"AK(?:LT|TP)\w{43}")

__all__ = ["Incident", "dump", "plant"]


def plant(state: State, enterprise: Enterprise) -> tuple[Incident, ...]:
    """Fill the log and leave the stories' traces in the state. Returns the ground truth."""
    outside = {name: state.new_account_id() for name in ("outside", "outside-2")}
    accounts = enterprise.accounts | outside
    days = Days(state.now)
    # A generator of its own, so that no ID of an event is also one of the default's.
    rng = random.Random(state.rng.getrandbits(64))  # noqa: S311 - made-up data, not keys to anything
    teller = Teller(rng, accounts, state.now)
    folder = resources.files(__package__)
    company = tomllib.loads((folder / "company.toml").read_text("utf-8"))
    events, routines = background(teller, days, company, BACKGROUND_EVENTS)
    incidents = []
    for file in sorted((folder / "stories").iterdir(), key=lambda file: file.name):
        tables = tomllib.loads(file.read_text("utf-8"))
        attack = tables["attack"]
        for table in (attack, *tables["harmless"]):
            if "claims" in table:
                told = routines[table["claims"]]
            else:
                told = teller.perform(read(table), days.moment(table["start"], table.get("workday", False)))
                events += [item.event for item in told]
                _leave_traces(state, told)
            incidents.append(_truth(table, attack["name"] if table is not attack else "", told, accounts))
    state.events.fill(events)
    return tuple(incidents)


def _truth(table: Table, resembles: str, told: list[Told], accounts: dict[str, str]) -> Incident:
    told = sorted(told, key=lambda item: item.event.time)
    events = [item.event for item in told]
    texts = [f"{event.request_parameters}{event.response_elements}" for event in events]
    keys = [event.actor.access_key for event in events] + [key for text in texts for key in KEY.findall(text)]
    named = [event.actor.account_id for event in events] + [event.recipient for event in events]
    named += [account for text in texts for account in accounts.values() if account in text]
    kind: Literal["attack", "harmless"] = "harmless" if resembles else "attack"
    return Incident(
        name=table["name"],
        kind=kind,
        story=table["story"],
        resembles=resembles,
        actors=_distinct(_label(event.actor) for event in events),
        access_keys=_distinct(keys),
        addresses=_distinct(event.source_ip for event in events),
        accounts=_distinct(named),
        event_ids=tuple(event.event_id for event in events),
        key_event_ids=tuple(item.event.event_id for item in told if item.decisive),
        techniques=tuple(table.get("techniques", ())),
        first=events[0].time,
        last=events[-1].time,
    )


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))


def _label(actor: Actor) -> str:
    if actor.kind == "Root":
        return f"root@{actor.account_id}"
    name, kind = (actor.user_name, "user") if actor.kind == "IAMUser" else (actor.user_name.partition("/")[0], "role")
    return f"{kind}/{name}@{actor.account_id}"


def _leave_traces(state: State, told: list[Told]) -> None:
    """Change the trails as the events say that they were changed."""
    for event in (item.event for item in told if item.event.source == "cloud_trail" and not item.event.read_only):
        place = (event.actor.account_id, event.resources[0].id)
        if event.name == "DeleteTrail":
            del state.trails[place]
        elif event.name == "UpdateTrail":
            trail, asked = state.trails[place], json.loads(event.request_parameters)
            trail.settings = replace(
                trail.settings,
                event_rw=asked["EventRW"],
                event_sources=asked["EventSources"],
                include_all_event_sources=asked["IncludeAllEventSources"],
            )
            trail.updated = event.time
