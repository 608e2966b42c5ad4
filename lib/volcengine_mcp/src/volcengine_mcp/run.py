"""The way of every call: check, read, answer, escape, fit the budget. Errors become results here, and only here."""

from __future__ import annotations

import logging
from collections.abc import Callable, Container, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from time import monotonic
from typing import Any, Protocol, TypeVar, cast

import anyio
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from mcp_types import Tool as Definition
from pydantic import BaseModel, ValidationError

from volcengine_mcp.answers import NOTICE
from volcengine_mcp.api.client import OpenAPI
from volcengine_mcp.api.credentials import AnyCredential
from volcengine_mcp.budget import KEPT, compact, fitted
from volcengine_mcp.compute import compute
from volcengine_mcp.declare import Answers, Document, Effect, Operation, Record, Tool
from volcengine_mcp.errors import AbandonedError, ArgumentsError, OverdueError, VolcengineError
from volcengine_mcp.memory import Memory
from volcengine_mcp.schema import input_schema, output_schema
from volcengine_mcp.settings.model import Settings
from volcengine_mcp.untrusted import visible
from volcengine_mcp.validation import nearest, sentences, shown

logger = logging.getLogger(__name__)

R = TypeVar("R", bound=BaseModel)
T = TypeVar("T")

COMPUTING_AT_ONCE = 4
"""Answers that are computed at the same time; more would only share the same processor."""

FOR_READING = 0.8
"""The part of a call's time that reading may take, so that what was read in it can still be answered."""


class Progress(Protocol):
    """Tells whoever waits how far a call has come."""

    async def __call__(self, done: float, total: float | None = None, message: str | None = None) -> None:
        """Report that `done` of `total` steps are over."""


@dataclass(frozen=True)
class Asked:
    """One call as it came in.

    Attributes:
        credential: what signs for whoever asks; looked up when something is sent, not before.
    """

    name: str
    arguments: dict[str, Any]
    credential: Callable[[], AnyCredential]
    progress: Progress


@dataclass
class Ended:
    """How a call ended: its result, the error if it was one, and the ID of the service's last answer."""

    result: CallToolResult
    error: VolcengineError | None = None
    request_id: str | None = None


class ToolOf:
    """One operation as MCP clients see it, under its own name."""

    def __init__(self, operation: type[Operation]) -> None:
        self.operation = operation
        self.name = operation.wire_name()
        self.effect = operation.effect
        self.toolset = operation.toolset

    @cached_property
    def definition(self) -> Definition:
        """What `tools/list` says of the tool; the annotations follow from the operation's effect."""
        operation = self.operation
        read = operation.effect is Effect.READ
        return Definition(
            name=self.name,
            title=f"{operation.zh} · {operation.en}",
            description=" ".join((operation.__doc__ or "").split()),
            input_schema=input_schema(operation),
            output_schema=output_schema(operation.result),
            annotations=ToolAnnotations(
                read_only_hint=read,
                destructive_hint=operation.effect is Effect.DESTROY,
                idempotent_hint=read,
                open_world_hint=True,
            ),
        )

    def request(self, arguments: dict[str, Any]) -> Operation:
        """The operation with its arguments.

        Raises:
            ArgumentsError: they do not fit; nothing was sent.
        """
        try:
            return self.operation.model_validate(arguments, by_alias=True, by_name=False)
        except ValidationError as error:
            message = " ".join(sentences(error, self.operation.wire_fields()))
            hint = f"Correct the arguments and call {self.name} again; nothing was sent."
            raise ArgumentsError("InvalidArguments", message, hint=hint) from error


def only(operations: Iterable[type[Operation]], settings: Settings) -> dict[str, ToolOf]:
    """The tools that a configuration leaves: read-only wins over every choice of toolsets; no toolsets means all."""
    chosen = frozenset(settings.toolsets)
    return {
        operation.wire_name(): ToolOf(operation)
        for operation in operations
        if (not settings.read_only or operation.effect is Effect.READ) and (not chosen or operation.toolset in chosen)
    }


@dataclass
class _Account:
    """The account of whoever asks, as one call of one tool may use it."""

    settings: Settings
    deadline: float
    progress: Progress
    _api: OpenAPI
    _credential: Callable[[], AnyCredential]
    _tool: type[Operation]
    _memory: Memory
    request_ids: list[str] = field(default_factory=list)

    async def send(self, action: Answers[R]) -> R:
        """Send an action that the tool declares, and wait for its result."""
        uses: tuple[type, ...] = self._tool.uses if issubclass(self._tool, Tool) else (self._tool,)
        if type(action) not in uses:
            raise TypeError(f"{self._tool.wire_name()} does not declare that it uses {type(action).__name__}")
        credential = self._credential()
        try:
            reply = await self._api.send(action, credential, deadline=self.deadline)
        except VolcengineError as error:
            self._remember(credential, error.request_id)
            raise
        if reply.request_id:
            self.request_ids.append(reply.request_id)
        self._remember(credential, reply.request_id)
        return reply.result

    def _remember(self, credential: AnyCredential, request_id: str | None) -> None:
        if request_id:
            self._memory.requests(credential.digest).add(request_id)

    @property
    def own_requests(self) -> Container[object]:
        """The IDs of requests that this process has made with the same credential."""
        return self._memory.requests(self._credential().digest)

    def kept(self, key: Hashable) -> Any:
        """What an earlier call with the same credential kept under this key; None when there is nothing."""
        return self._memory.get(self._credential().digest, key)

    def keep(self, key: Hashable, value: Any, *, seconds: float) -> None:
        """Keep a value for later calls with the same credential, for some seconds."""
        self._memory.keep(self._credential().digest, key, value, seconds=seconds)


class Pipeline:
    """Runs the calls of one server.

    Args:
        advice: how to get what an answer over the budget leaves out.
    """

    def __init__(self, api: OpenAPI, settings: Settings, advice: str) -> None:
        self._api = api
        self._settings = settings
        self._advice = advice
        self._memory = Memory()
        self._limiter: anyio.CapacityLimiter | None = None

    def account(
        self, operation: type[Operation], credential: Callable[[], AnyCredential], progress: Progress
    ) -> _Account:
        """The account of whoever asks, as one operation may use it for as long as a call may take."""
        return _Account(
            settings=self._settings,
            deadline=monotonic() + self._settings.call_timeout,
            progress=progress,
            _api=self._api,
            _credential=credential,
            _tool=operation,
            _memory=self._memory,
        )

    async def run(self, asked: Asked, offered: Mapping[str, ToolOf]) -> Ended:
        """Make a call of one of the tools that are offered to whoever asks.

        Never raises but when the call is cancelled.
        """
        started = monotonic()
        account: _Account | None = None
        try:
            tool = _find(asked.name, offered)
            account = self.account(tool.operation, asked.credential, asked.progress)
            request = tool.request(asked.arguments)
            if isinstance(request, Tool):
                answer = await self._answer(request, account, started)
            else:
                answer = self._written(await account.send(cast("Answers[BaseModel]", request)))
        except VolcengineError as error:
            return Ended(_failure(error), error, error.request_id or _last(account))
        except Exception:
            logger.exception("%s failed in a way that should not happen", asked.name if account else "A call")
            return Ended(_failure(_UNFORESEEN), _UNFORESEEN, _last(account))
        request_id = _last(account)
        return Ended(_success(*answer, request_id, by_strangers=tool.effect is Effect.READ), None, request_id)

    async def _answer(self, tool: Tool, account: _Account, started: float) -> tuple[dict[str, Any], str]:
        """What a tool answers. What takes computing is done beside the event loop."""
        if type(tool).check is not Tool.check:
            await self._compute(partial(tool.check, self._settings), account.deadline)
        whole, account.deadline = account.deadline, started + FOR_READING * self._settings.call_timeout
        read = await tool.read(account)
        return await self._compute(lambda: self._written(tool.answer(read, self._settings)), whole)

    async def _compute(self, work: Callable[[], T], deadline: float) -> T:
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(COMPUTING_AT_ONCE)
        try:
            return await compute(work, deadline=deadline, limiter=self._limiter)
        except TimeoutError as error:
            raise OverdueError(
                "Overdue",
                f"The answer was not worked out within {self._settings.call_timeout:g} seconds.",
                hint="Ask for less at once: a shorter window, a part of the tree, fewer events. An administrator can "
                "raise call_timeout.",
            ) from error

    def _written(self, result: BaseModel) -> tuple[dict[str, Any], str]:
        """A result as JSON clients get it, and its text: strangers' text escaped, and no larger than the budget."""
        if isinstance(result, Document):
            return result.about, result.text
        if isinstance(result, Record):
            plain = result.model_dump(mode="json", by_alias=True, exclude_unset=True)
        else:
            plain = result.model_dump(mode="json", by_alias=True, exclude_none=True)
            # What was asked for comes first, and what it rests on after it.
            plain |= {name: plain.pop(name) for name in KEPT if name in plain}
        return fitted(visible(plain), self._settings.answer_budget, self._advice)


def _find(name: str, offered: Mapping[str, ToolOf]) -> ToolOf:
    if name in offered:
        return offered[name]
    suggestion = nearest(name, offered)
    hint = f"Did you mean {suggestion}?" if suggestion else f"Offered are {', '.join(offered)}."
    raise ArgumentsError("UnknownTool", f"There is no tool {shown(name)}.", hint=hint)


def _last(account: _Account | None) -> str | None:
    """The ID of the service's last answer, by which its support finds the call."""
    return visible(account.request_ids[-1]) if account and account.request_ids else None


def _success(result: dict[str, Any], text: str, request_id: str | None, *, by_strangers: bool) -> CallToolResult:
    """A result as structured content and, for clients that read text only, as the same compact JSON.

    Where names and texts in it were written by others and it does not say so itself, its metadata does, so that what
    the API answered stays as it was.
    """
    meta = {"RequestId": request_id} if request_id else {}
    if by_strangers and "Notice" not in result:
        meta["Notice"] = NOTICE
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=result, _meta=meta or None)


def _failure(error: VolcengineError) -> CallToolResult:
    """An error as one JSON object, marked as an error."""
    said = error.as_dict()
    meta = {"RequestId": error.request_id} if error.request_id else None
    return CallToolResult(
        content=[TextContent(type="text", text=compact(said))], structured_content=said, is_error=True, _meta=meta
    )


CANCELLED = AbandonedError("Cancelled", "The client gave the call up.")

_UNFORESEEN = VolcengineError(
    "InternalError",
    "The server failed in a way that should not happen.",
    hint="The server's log on stderr has the details; please report them.",
)
