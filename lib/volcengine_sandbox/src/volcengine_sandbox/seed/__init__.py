"""The world that a sandbox starts with: an enterprise, its keys and 90 days of audit events.

The same seed gives the same IDs, names and stories; all times are relative to the clock.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from volcengine_sandbox.clock import Clock
from volcengine_sandbox.identity import Identity
from volcengine_sandbox.seed.enterprise import found, issue_keys
from volcengine_sandbox.seed.stories import Stories, plant
from volcengine_sandbox.seed.traffic import background
from volcengine_sandbox.state import State

BACKGROUND_EVENTS: Final = 4_600
"""Ordinary events; the stories add about 450."""

__all__ = ["Stories", "World", "build"]


@dataclass(frozen=True, slots=True)
class World:
    """A seeded state, the identities that a user is given, and what is planted in the log."""

    state: State
    identities: dict[str, Identity]
    stories: Stories


def build(seed: int, clock: Clock) -> World:
    """Make a world. Nothing in it names a real person or company, and every address is for documentation."""
    # Time may pass between two readings of the clock, and the seed shall not depend on how fast it is read.
    now = clock()
    state = State(lambda: now, random.Random(seed))  # noqa: S311 - made-up data, not keys to anything
    enterprise = found(state)
    identities = issue_keys(state, enterprise)
    ordinary = background(state.rng, enterprise.accounts, now, BACKGROUND_EVENTS)
    stories, planted = plant(state, enterprise)
    state.events.fill([*ordinary, *planted])
    state.clock = clock
    return World(state, identities, stories)
