"""The world that a sandbox starts with: an enterprise, its keys and its audit events.

The same seed gives the same IDs, names and stories; all times are relative to the clock. The pack says what the log
holds: `default` has 90 days with a few stories, `incidents` a month of attacks and of harmless things that look alike.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from volcengine_sandbox.clock import Clock
from volcengine_sandbox.identity import Identity
from volcengine_sandbox.seed.enterprise import found, issue_keys
from volcengine_sandbox.seed.stories import Stories, plant
from volcengine_sandbox.seed.traffic import background
from volcengine_sandbox.state import State

if TYPE_CHECKING:
    from volcengine_sandbox.seed.incidents import Incident

PACKS: Final = ("default", "incidents")

BACKGROUND_EVENTS: Final = 4_600
"""Ordinary events; the stories add about 450."""

__all__ = ["PACKS", "Stories", "World", "build"]


@dataclass(frozen=True, slots=True)
class World:
    """A seeded state, the identities that a user is given, and what is planted in the log.

    stories: of the pack `default`, None with another. incidents: of the pack `incidents`, none with another.
    """

    state: State
    identities: dict[str, Identity]
    stories: Stories | None
    incidents: tuple[Incident, ...] = ()


def build(seed: int, clock: Clock, pack: str = "default") -> World:
    """Make a world. Nothing in it names a real person or company, and every address is for documentation.

    Raises ValueError for a pack that does not exist.
    """
    if pack not in PACKS:
        raise ValueError(f"There is no pack {pack!r} of events: choose {' or '.join(PACKS)}.")
    # Time may pass between two readings of the clock, and the seed shall not depend on how fast it is read.
    now = clock()
    state = State(lambda: now, random.Random(seed))  # noqa: S311 - made-up data, not keys to anything
    enterprise = found(state)
    identities = issue_keys(state, enterprise)
    stories: Stories | None = None
    incidents: tuple[Incident, ...] = ()
    if pack == "incidents":
        # Loaded when chosen, so that the default starts as fast as without it.
        from volcengine_sandbox.seed.incidents import plant as plant_incidents

        incidents = plant_incidents(state, enterprise)
    else:
        ordinary = background(state.rng, enterprise.accounts, now, BACKGROUND_EVENTS)
        stories, planted = plant(state, enterprise)
        state.events.fill([*ordinary, *planted])
    state.clock = clock
    return World(state, identities, stories, incidents)
