"""Assembling an MCP server from a service and its settings, and serving it over stdio."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from functools import partial
from threading import Thread
from typing import Any

import anyio
from mcp.server.mcpserver import Context, MCPServer
from mcp_types import CallToolResult
from mcp_types import Tool as Definition

from .action import Action
from .credentials import CredentialSource, ProviderChain, from_environment
from .errors import ArgumentsError, CredentialsError, VolcengineError
from .inquiry import Caller
from .openapi import Answer, Endpoint, OpenAPI
from .service import Service
from .settings import Settings
from .tools import OperationTool, failure, only
from .validation import nearest

logger = logging.getLogger(__name__)


class Server(MCPServer[Any]):
    """An MCP server whose tools are the operations of a service."""

    def __init__(self, service: Service, settings: Settings, openapi: OpenAPI, credentials: CredentialSource) -> None:
        super().__init__(
            f"volcengine-{service.key}",
            title=service.title,
            version=service.version,
            instructions=service.instructions,
        )
        every = (OperationTool(operation) for operation in service.operations)
        offered = only(every, read_only=settings.read_only, toolsets=settings.toolsets)
        self._tools = {tool.name: tool for tool in offered}
        self._volcengine_settings = settings
        self._openapi = openapi
        self._credentials = credentials
        self._warm = False

    async def list_tools(self) -> list[Definition]:
        """The tools that the settings leave."""
        if not self._warm:
            # A client that lists tools is about to call one: import the SDK meanwhile, after this answer is out.
            self._warm = True
            warm_up = Thread(target=self._openapi.warm_up, name="warm-up", daemon=True)
            _after_this_answer(warm_up.start)
        return [tool.definition for tool in self._tools.values()]

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult:
        """Run a tool. Every failure is an error result; one that nobody foresaw is also logged."""
        tool = self._tools.get(name)
        if tool is None:
            return failure(self._unknown(name))
        try:
            return await tool.run(arguments, self._caller(context))
        except Exception:
            logger.exception("%s failed in a way that should not happen", name)
            return failure(_UNFORESEEN)

    def _caller(self, context: Context[Any, Any] | None) -> Caller:
        """What this call may use. The credential is looked up when something is sent, not before."""

        async def send(action: Action) -> Answer:
            return await self._openapi.call(action, self._credentials())

        async def progress(done: float, total: float | None = None, message: str | None = None) -> None:
            if context is not None:
                await context.report_progress(done, total, message)

        return Caller(send, progress, self._volcengine_settings)

    def _unknown(self, name: str) -> ArgumentsError:
        suggestion = nearest(name, self._tools)
        hint = f"Did you mean {suggestion}?" if suggestion else f"Offered are {', '.join(self._tools)}."
        return ArgumentsError("UnknownTool", f"There is no tool {name[:80]}.", hint=hint)


_UNFORESEEN = VolcengineError(
    "InternalError",
    "The server failed in a way that should not happen.",
    hint="The server's log on stderr has the details; please report them.",
)


def _after_this_answer(work: Any) -> None:
    """Run something on the event loop a moment later, so that the answer being made is sent first."""
    import asyncio

    asyncio.get_running_loop().call_later(0.1, work)


def endpoint(settings: Settings) -> Endpoint:
    """Where the settings say that the OpenAPI is."""
    scheme, _, host = settings.endpoint.partition("://") if settings.endpoint else ("https", "", "")
    return Endpoint(
        host=host or None,
        scheme=scheme,
        region=settings.region,
        ca_bundle=settings.ca_bundle,
        attempt_timeout=min(settings.request_timeout, settings.call_timeout),
        deadline=settings.call_timeout,
        workers=settings.max_concurrent_calls,
    )


def credential_source(settings: Settings, environment: Mapping[str, str]) -> CredentialSource:
    """Whose keys sign. The environment is read now, so that a later change in it changes nothing."""
    if settings.credential == "chain":
        return ProviderChain
    frozen = dict(environment)
    return partial(from_environment, frozen)


def build(service: Service, settings: Settings, environment: Mapping[str, str]) -> Server:
    """The server that the settings describe, ready to serve or to be connected to in the same process."""
    return Server(service, settings, OpenAPI(endpoint(settings)), credential_source(settings, environment))


def missing_credentials(settings: Settings, environment: Mapping[str, str]) -> CredentialsError | None:
    """What every call will answer, when the environment lacks the keys that the settings count on."""
    if settings.credential != "env":
        return None
    try:
        from_environment(environment)
    except CredentialsError as error:
        return error
    return None


def serve_stdio(server: Server) -> None:
    """Serve until stdin closes.

    Ends the process rather than return: a worker thread may still wait for the network, and Python would wait
    for it.
    """
    anyio.run(server.run_stdio_async)
    logging.shutdown()
    os._exit(0)
