"""Scripts: what a data file says about a story or a routine, read into steps.

A script is a TOML table with `by = { from, agent, region }` for all who call, `cast.<role> = { is, key, log }` (and
another `from`, `agent`, `region`), and one row an event:

    { at = "1:30", who = "thief", do = "iam:CreateUser", ask = { UserName = "x" }, on = ["user/x"], decides = true }

- `at`: minutes and seconds, or hours, minutes and seconds, after the start.
- `who`: a role of the cast, or a label: `user/name@account`, `role/name/session@account`, `root@account`.
- `do`: service and action; a list is gone through in turn. `times` and `every` (seconds) repeat the row.
- `ask`, `answer`, `on`, `error`, `region`: parameters, response, resources (`type/id`), error code, region.
- `give`: the role of the cast whose key the answer of an AssumeRole or a CreateAccessKey carries.
- `decides = true`: an event that decides what this is.

In texts, `<name>` is the ID of an account (also `<outside>` and `<outside-2>`, which are in no organization), `<n>` the
number of the repetition, `<run>` and `<run-7>` that of a routine's run and of the seventh before it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from volcengine_sandbox.clock import HOUR, MINUTE
from volcengine_sandbox.seed.traffic import CONSOLE, GO_SDK, PYTHON_SDK, TERRAFORM

AGENTS: Final = {"console": CONSOLE, "python-sdk": PYTHON_SDK, "go-sdk": GO_SDK, "terraform": TERRAFORM}
"""User agents that files name in short; any other text stands for itself."""

Table = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """A role of the cast.

    labels: whom it stands for; several are gone through in turn.
    key: the name of one of the principal's keys, empty for its usual one.
    log: the account whose log holds the calls, where that is not the caller's own.
    """

    labels: tuple[str, ...]
    address: str
    agent: str
    region: str
    key: str = ""
    log: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A row of a script. `at` and `every` are seconds; texts may hold `<words>`."""

    at: int
    part: Part
    actions: tuple[str, ...]
    region: str
    ask: str
    answer: str
    on: tuple[str, ...]
    error: str
    give: Part | None
    times: int
    every: int
    decisive: bool


@dataclass(frozen=True, slots=True)
class Script:
    """The steps of a story or of one run of a routine."""

    steps: tuple[Step, ...]

    @property
    def duration(self) -> int:
        """Seconds from the start to the last event."""
        return max(step.at + (step.times - 1) * step.every for step in self.steps)


def read(table: Table) -> Script:
    """The script of a table. Raises KeyError for a part that is neither in the cast nor a label."""
    by, cast = table["by"], table.get("cast", {})

    def part(name: str) -> Part:
        return _part(by | ({"is": name} if "@" in name else cast[name]))

    steps = []
    for row in table["events"]:
        actions, who = _texts(row["do"]), part(row["who"])
        steps.append(
            Step(
                at=seconds(row["at"]),
                part=who,
                actions=actions,
                region=row.get("region", who.region),
                ask=_json(row.get("ask", "")),
                answer=_json(row.get("answer", "")),
                on=_texts(row.get("on", ())),
                error=row.get("error", ""),
                give=part(row["give"]) if "give" in row else None,
                times=row.get("times", len(actions)),
                every=row.get("every", 1),
                decisive=row.get("decides", False),
            )
        )
    return Script(tuple(steps))


def seconds(text: str) -> int:
    """Of `4:10` (minutes) or `49:00:00` (hours)."""
    *hours, minutes, rest = (int(part) for part in text.split(":"))
    return sum(hours) * HOUR + minutes * MINUTE + rest


def _part(table: Table) -> Part:
    agent: str = table["agent"]
    return Part(
        labels=_texts(table["is"]),
        address=table["from"],
        agent=AGENTS.get(agent, agent),
        region=table.get("region", "cn-beijing"),
        key=table.get("key", ""),
        log=table.get("log", ""),
    )


def _texts(value: str | Sequence[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":")) if value else ""
