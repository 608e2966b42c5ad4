"""Putting events and failures into a sandbox that its seed does not have."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from volcengine_sandbox import Fault, Sandbox
from volcengine_sandbox.events import Actor, Event


def plant(box: Sandbox, **parts: Any) -> Event:
    """An event of the administrator's account an hour ago, with whatever else is given."""
    account = box.administrator.account_id
    number = len(box.state.events)
    actor = Actor(account, "IAMUser", "1", f"trn:iam::{account}:user/planted", "planted", "AKLTplanted")
    event = Event(
        **{
            "time": int(time.time()) - 3600,
            "event_id": f"planted-{number}",
            "request_id": f"request-{number}",
            "actor": actor,
            "source": "ecs",
            "name": "RunInstances",
            "version": "2020-04-01",
            "region": "cn-beijing",
            "read_only": False,
            "source_ip": "203.0.113.200",
            "user_agent": "test",
            **parts,
        }
    )
    box.state.events.add(event)
    return event


@dataclass(frozen=True, slots=True)
class After(Fault):
    """A fault that lets the first requests pass."""

    passes: int = 0
    seen: list[object] = field(default_factory=list)

    def concerns(self, claim: Any) -> bool:
        """Whether a request is meant, and enough have passed."""
        if not Fault.concerns(self, claim):
            return False
        self.seen.append(claim)
        return len(self.seen) > self.passes
