"""The ground truth: what each incident of the pack is, and by which of its events one may know it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Incident:
    """A story in the log, of an attack or of something that only looks like one.

    story: one sentence.
    resembles: the attack that a harmless story looks like; empty for an attack.
    actors: callers, as the audit library labels them (`user/name@account`, `role/name@account`, `root@account`).
    access_keys: keys that called, and keys that were handed out.
    addresses: where the calls came from.
    accounts: IDs of the accounts that called or were named.
    event_ids: all events, oldest first. key_event_ids: those that decide.
    techniques: IDs of MITRE ATT&CK for cloud platforms.
    first, last: epoch seconds of the first and the last event.
    """

    name: str
    kind: Literal["attack", "harmless"]
    story: str
    resembles: str
    actors: tuple[str, ...]
    access_keys: tuple[str, ...]
    addresses: tuple[str, ...]
    accounts: tuple[str, ...]
    event_ids: tuple[str, ...]
    key_event_ids: tuple[str, ...]
    techniques: tuple[str, ...]
    first: int
    last: int


def dump(incidents: Iterable[Incident], seed: int, now: float) -> str:
    """The ground truth as JSON text."""
    told = [asdict(incident) for incident in incidents]
    return json.dumps({"pack": "incidents", "seed": seed, "now": int(now), "incidents": told}, indent=2) + "\n"
