"""Assembles an MCP server from a service and its settings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from threading import Thread
from time import monotonic
from typing import Any

import anyio
from mcp.server.auth.provider import TokenVerifier
from mcp.server.auth.settings import AuthSettings
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, CallToolResult, GetPromptResult, ResourceTemplate, TextContent
from mcp_types import Prompt as PromptDefinition
from mcp_types import Resource as ResourceDefinition
from mcp_types import Tool as Definition
from pydantic import AnyUrl

from volcengine_mcp.api.client import OpenAPI
from volcengine_mcp.api.credentials import from_environment
from volcengine_mcp.api.endpoint import Endpoint
from volcengine_mcp.declare import Account, Document, Effect, Operation, Service
from volcengine_mcp.errors import ArgumentsError, CredentialsError, VolcengineError
from volcengine_mcp.mcp import stdio
from volcengine_mcp.mcp.prompts import filled, prompt_definition, resource_arguments, resource_definition
from volcengine_mcp.observe import Metrics, log_call
from volcengine_mcp.run import CANCELLED, Asked, Pipeline, ToolOf, only
from volcengine_mcp.settings.model import Settings
from volcengine_mcp.signin.access import Access
from volcengine_mcp.validation import shown


class Server(MCPServer[Any]):
    """An MCP server whose tools are the operations of a service.

    Args:
        access: who asks, and whose keys sign.
        metrics: where calls are counted, if anywhere.
        auth, token_verifier: what guards the HTTP transports, if anything.
    """

    def __init__(
        self,
        service: Service,
        settings: Settings,
        access: Access,
        *,
        metrics: Metrics | None = None,
        auth: AuthSettings | None = None,
        token_verifier: TokenVerifier | None = None,
    ) -> None:
        super().__init__(
            f"volcengine-{service.key}",
            title=service.title,
            version=service.version,
            instructions=service.instructions,
            auth=auth,
            token_verifier=token_verifier,
            lifespan=self._serving,
        )
        self.openapi = OpenAPI(endpoint(settings))
        self.draining = False
        self._tools = only(service.operations, settings)
        self._readable = self._tools | only((resource.operation for resource in service.resources), settings)
        self._pipeline = Pipeline(self.openapi, settings, service.advice)
        self._access = access
        self._prompts = {prompt.name: prompt for prompt in service.prompts}
        self._resources = service.resources
        self._metrics = metrics
        self._in_flight = 0
        self._idle = anyio.Event()
        self._warm = False
        self._served = 0

    @asynccontextmanager
    async def _serving(self, _server: MCPServer[Any]) -> AsyncIterator[None]:
        """Close the connections to Volcengine when nobody is served any more. SSE serves each session by itself."""
        self._served += 1
        try:
            yield
        finally:
            self._served -= 1
            if not self._served:
                await self.openapi.close()

    async def list_tools(self) -> list[Definition]:
        """The tools that the settings and the visitor's role leave."""
        if not self._warm:
            # A client that lists tools is about to call one: import the SDK meanwhile, after this answer is out.
            self._warm = True
            warm_up = Thread(target=self.openapi.warm_up, name="warm-up", daemon=True)
            asyncio.get_running_loop().call_later(0.1, warm_up.start)
        return [tool.definition for tool in self._offered(self._tools).values()]

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult:
        """Make a call, and record how it ended."""
        return await self._call(name, arguments, context, self._offered(self._tools))

    async def _call(
        self,
        name: str,
        arguments: dict[str, Any],
        context: Context[Any, Any] | None,
        offered: Mapping[str, ToolOf],
    ) -> CallToolResult:
        started = monotonic()
        error: VolcengineError | None = CANCELLED
        request_id: str | None = None
        self._count(+1)
        try:
            asked = Asked(name, arguments, self._access.credential, _Progress(context))
            ended = await self._pipeline.run(asked, offered)
            error, request_id = ended.error, ended.request_id
        finally:
            self._count(-1)
            self._record(name, arguments, error, request_id, monotonic() - started)
        return ended.result

    async def list_prompts(self) -> list[PromptDefinition]:
        """The jobs that the service describes."""
        return [prompt_definition(prompt) for prompt in self._prompts.values()]

    async def get_prompt(
        self, name: str, arguments: dict[str, Any] | None = None, context: Context[Any, Any] | None = None
    ) -> GetPromptResult:
        """A job with its arguments filled in."""
        try:
            return filled(self._prompts[name], arguments or {})
        except KeyError:
            raise MCPError(code=INVALID_PARAMS, message=f"There is no prompt {shown(name)}.") from None
        except ArgumentsError as error:
            raise MCPError(code=INVALID_PARAMS, message=error.message) from None

    async def list_resources(self) -> list[ResourceDefinition]:
        """The addresses without parameters."""
        return [listed for listed in self._listed_resources() if isinstance(listed, ResourceDefinition)]

    async def list_resource_templates(self) -> list[ResourceTemplate]:
        """The addresses with parameters."""
        return [listed for listed in self._listed_resources() if isinstance(listed, ResourceTemplate)]

    async def read_resource(
        self, uri: AnyUrl | str, context: Context[Any, Any] | None = None
    ) -> list[ReadResourceContents]:
        """What the operation behind an address answers."""
        for resource in self._resources:
            arguments = resource_arguments(resource, str(uri))
            if arguments is None:
                continue
            offered = self._offered(self._readable)
            result = await self._call(resource.operation.wire_name(), arguments, context, offered)
            text = next(block.text for block in result.content if isinstance(block, TextContent))
            if result.is_error:
                raise ResourceError(text)
            about = result.structured_content if issubclass(resource.operation.result, Document) else None
            return [ReadResourceContents(text, mime_type=resource.mime_type, meta=about)]
        raise ResourceNotFoundError(f"There is no resource {shown(str(uri))}.")

    def _listed_resources(self) -> list[ResourceDefinition | ResourceTemplate]:
        offered = self._offered(self._readable)
        return [
            resource_definition(resource) for resource in self._resources if resource.operation.wire_name() in offered
        ]

    def account(self, operation: type[Operation]) -> Account:
        """The account of whoever asks, as an operation may use it, for work that no client called."""
        return self._pipeline.account(operation, self._access.credential, _Progress(None))

    async def run_stdio_async(self) -> None:
        """Serve over stdin and stdout until stdin closes.

        Raises:
            ConnectionError: in a group; the client does not read any more.
        """
        server = self._lowlevel_server
        async with stdio.streams() as (read, write):
            await server.run(read, write, server.create_initialization_options())

    async def idle(self) -> None:
        """Wait until no call is in flight."""
        while self._in_flight:
            await self._idle.wait()

    def _offered(self, tools: dict[str, ToolOf]) -> dict[str, ToolOf]:
        if not self._access.visitor().read_only:
            return tools
        return {name: tool for name, tool in tools.items() if tool.effect is Effect.READ}

    def _count(self, change: int) -> None:
        self._in_flight += change
        if self._metrics:
            self._metrics.in_flight.set(self._in_flight)
        if self._in_flight == 0:
            self._idle.set()
            self._idle = anyio.Event()

    def _record(
        self,
        name: str,
        arguments: dict[str, Any],
        error: VolcengineError | None,
        request_id: str | None,
        seconds: float,
    ) -> None:
        # Names that strangers make up have no place in logs and labels.
        tool = name if name in self._readable else "unknown"
        if self._metrics:
            outcome, status = (error.outcome, error.http_status) if error else ("ok", None)
            self._metrics.count(tool, outcome, seconds, status)
        log_call(
            identity=self._access.visitor().name,
            tool=tool,
            effect=self._readable[name].effect if name in self._readable else "none",
            outcome=error.code if error else "ok",
            request_id=request_id,
            seconds=seconds,
            arguments=arguments,
        )


@dataclass(frozen=True)
class _Progress:
    """Progress notifications to the client of one call, if it wants any."""

    context: Context[Any, Any] | None

    async def __call__(self, done: float, total: float | None = None, message: str | None = None) -> None:
        if self.context is not None:
            await self.context.report_progress(done, total, message)


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


def missing_credentials(settings: Settings, environment: Mapping[str, str]) -> CredentialsError | None:
    """What every call will answer, when the environment lacks the keys that the settings count on."""
    if settings.credential != "env":
        return None
    try:
        from_environment(environment)
    except CredentialsError as error:
        return error
    return None
