"""An operation as an MCP tool: its definition, a call's result, and an error's result."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from typing import Any

from mcp_types import CallToolResult, TextContent, ToolAnnotations
from mcp_types import Tool as Definition
from pydantic import ValidationError

from volcengine_mcp.api.client import Answer
from volcengine_mcp.budget import compact, shortened
from volcengine_mcp.declare import Action, Effect, Operation
from volcengine_mcp.errors import ArgumentsError, VolcengineError
from volcengine_mcp.inquiry import NOTICE, Caller, Inquiry
from volcengine_mcp.schema import input_schema, output_schema
from volcengine_mcp.untrusted import visible
from volcengine_mcp.validation import sentences


class OperationTool:
    """One operation, offered to MCP clients under its own name."""

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

    async def run(self, arguments: dict[str, Any], caller: Caller) -> Answer:
        """Check the arguments, do what they ask, and answer.

        Raises:
            VolcengineError: the arguments do not fit, or the service refused or did not answer.
        """
        request = self._request(arguments)
        if isinstance(request, Action):
            return await caller.send(request)
        if isinstance(request, Inquiry):
            answer = await request.answer(caller)
            return replace(answer, result=visible(answer.result))
        raise TypeError(f"{self.name} is neither an action nor an inquiry")

    def _request(self, arguments: dict[str, Any]) -> Operation:
        try:
            return self.operation.model_validate(arguments, by_alias=True, by_name=False)
        except ValidationError as error:
            message = " ".join(sentences(error, self.operation.wire_fields()))
            hint = f"Correct the arguments and call {self.name} again; nothing was sent."
            raise ArgumentsError("InvalidArguments", message, hint=hint) from error


def only(tools: Iterable[OperationTool], *, read_only: bool, toolsets: Iterable[str]) -> list[OperationTool]:
    """The tools that a configuration leaves: read-only wins over every choice of toolsets; no toolsets means all."""
    chosen = frozenset(toolsets)
    return [
        tool
        for tool in tools
        if (not read_only or tool.effect is Effect.READ) and (not chosen or tool.toolset in chosen)
    ]


def success(answer: Answer, *, most: int, advice: str, by_strangers: bool) -> CallToolResult:
    """A result as structured content and, for clients that read text only, as the same compact JSON.

    Args:
        most: bytes of JSON that the answer may take; a longer one is shortened.
        advice: how to get what a shortened answer leaves out.
        by_strangers: whether names and texts in it were written by others; where the answer does not say so itself,
            its metadata does, so that what the API answered stays as it was.
    """
    result, text = answer.result, compact(answer.result)
    if len(text) > most or len(text.encode()) > most:
        result = shortened(result, most, advice)
        text = compact(result)
    meta = {"RequestId": answer.request_id} if answer.request_id else {}
    if by_strangers and "Notice" not in result:
        meta["Notice"] = NOTICE
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=result, _meta=meta or None)


def failure(error: VolcengineError) -> CallToolResult:
    """An error as one JSON object, marked as an error."""
    said = error.as_dict()
    meta = {"RequestId": error.request_id} if error.request_id else None
    return CallToolResult(
        content=[TextContent(type="text", text=compact(said))], structured_content=said, is_error=True, _meta=meta
    )
