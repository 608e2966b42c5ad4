"""What one server declares of itself: its service, its operations and its texts. All machinery is the toolkit's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from volcengine_mcp.declare import Operation
from volcengine_mcp.guides import Prompt, Resource
from volcengine_mcp.settings.model import Settings


@dataclass(frozen=True)
class Service:
    """A Volcengine service as an MCP server offers it.

    Attributes:
        key: the server's key in client configurations, such as `cloud-trail`; its command is `mcp-server-<key>`.
        code: service code in the credential scope, such as `cloud_trail`.
        title: Chinese and English name.
        version: of the server's package.
        instructions: what a model should know before its first call.
        operations: what the server offers, as tools.
        config: the configuration file inside the package.
        example: a tool that is safe to call as a first try.
        settings: all settings; a subclass adds those of this service.
        prompts: jobs that people do with the tools.
        resources: addresses at which read operations can be had.
        columns: fields of results that a table on a terminal shows first.
        advice: how to get what an answer over the size budget leaves out.
    """

    key: str
    code: str
    title: str
    version: str
    instructions: str
    operations: Sequence[type[Operation]]
    config: Path
    example: str
    settings: type[Settings] = Settings
    prompts: Sequence[Prompt] = ()
    resources: Sequence[Resource] = ()
    columns: Sequence[str] = ()
    advice: str = "Ask for fewer items at once."

    @property
    def command(self) -> str:
        """The command that starts the server."""
        return f"mcp-server-{self.key}"

    @property
    def toolsets(self) -> tuple[str, ...]:
        """The groups of tools, in the order of declaration."""
        return tuple(dict.fromkeys(operation.toolset for operation in self.operations))
