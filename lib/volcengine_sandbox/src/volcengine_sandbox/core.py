"""The heart of one sandbox, shared by its server, its control endpoint and its Python face."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import Final

from volcengine_sandbox.clock import Clock
from volcengine_sandbox.faults import FaultRules
from volcengine_sandbox.gateway import Gateway
from volcengine_sandbox.seed import World, build

REQUESTS_KEPT: Final = 100_000


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """A request that reached the sandbox.

    attempt: from `X-Sdk-Request`, 1 when there is none.
    time: epoch seconds, by the sandbox's clock.
    status: of the answer, 0 when none was sent.
    code: of the error, "" on success.
    """

    action: str
    version: str
    service: str
    method: str
    access_key: str
    attempt: int
    time: float
    status: int
    code: str


class Core:
    """Seeded world, gateway, faults and the list of requests."""

    def __init__(self, seed: int, clock: Clock | None, pack: str = "default") -> None:
        self.seed, self.pack = seed, pack
        self.clock: Clock = clock or time.time
        self.faults = FaultRules()
        self.requests: deque[RequestRecord] = deque(maxlen=REQUESTS_KEPT)
        self.connections = 0
        self.world: World = build(seed, self.clock, pack)
        self.gateway = Gateway(self.world.state)

    def reset(self, seed: int | None = None) -> None:
        """Begin again: a freshly seeded state, no faults, no requests."""
        self.seed = self.seed if seed is None else seed
        self.faults.clear()
        self.requests.clear()
        self.world = build(self.seed, self.clock, self.pack)
        self.gateway = Gateway(self.world.state)
