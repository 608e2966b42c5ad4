"""An operation that the toolkit answers from several calls of the OpenAPI."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from .action import Action, Operation
from .openapi import Answer
from .settings import Settings


class Progress(Protocol):
    """Tells whoever waits how far a call has come."""

    async def __call__(self, done: float, total: float | None = None, message: str | None = None) -> None:
        """Report that `done` of `total` steps are over."""


class Send(Protocol):
    """Calls an action of the OpenAPI with the credential of whoever asked."""

    async def __call__(self, action: Action) -> Answer:
        """Send the action and wait for its answer. Raises `VolcengineError`."""


@dataclass(frozen=True)
class Caller:
    """What an operation needs while it runs: the service, signed for by the right person, and how it is set up."""

    send: Send
    progress: Progress
    settings: Settings


class Inquiry(Operation):
    """An operation that makes several calls; subclasses declare arguments and say how to answer."""

    @abstractmethod
    async def answer(self, caller: Caller) -> Mapping[str, Any]:
        """The result in the shape of `result`. Raises `VolcengineError`."""
