"""What a server offers besides tools: prompts for the jobs that people do, and resources to point at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .action import Operation
from .errors import ArgumentsError

if TYPE_CHECKING:
    from mcp_types import GetPromptResult, ResourceTemplate
    from mcp_types import Prompt as PromptDefinition
    from mcp_types import Resource as ResourceDefinition


@dataclass(frozen=True)
class Argument:
    """What a prompt needs to know."""

    name: str
    description: str
    required: bool = True


@dataclass(frozen=True)
class Prompt:
    """A job in words that a person can start; `{name}` in the text stands for an argument."""

    name: str
    title: str
    description: str
    text: str
    arguments: Sequence[Argument] = ()

    def definition(self) -> PromptDefinition:
        """What `prompts/list` says of it."""
        arguments = [
            PromptArgument(name=argument.name, description=argument.description, required=argument.required)
            for argument in self.arguments
        ]
        return PromptDefinition(name=self.name, title=self.title, description=self.description, arguments=arguments)

    def filled(self, given: Mapping[str, str]) -> GetPromptResult:
        """The text with the arguments in place; an optional one that is not given reads `not given`.

        Raises:
            ArgumentsError: a required argument is missing.
        """
        missing = [argument.name for argument in self.arguments if argument.required and not given.get(argument.name)]
        if missing:
            raise ArgumentsError("InvalidArguments", f"The prompt {self.name} needs {', '.join(missing)}.")
        values = {argument.name: given.get(argument.name) or "not given" for argument in self.arguments}
        message = PromptMessage(role="user", content=TextContent(type="text", text=self.text.format_map(values)))
        return GetPromptResult(description=self.description, messages=[message])


@dataclass(frozen=True)
class Resource:
    """A read operation under an address; `{Name}` in the address is an argument of the operation."""

    uri: str
    title: str
    operation: type[Operation]

    def arguments(self, uri: str) -> dict[str, object] | None:
        """The operation's arguments if the address is one of this resource's, or None."""
        matched = UriTemplate.parse(self.uri).match(uri)
        return dict(matched) if matched is not None else None

    def listed(self) -> ResourceDefinition | ResourceTemplate:
        """What `resources/list` or `resources/templates/list` says of it."""
        name = self.operation.wire_name()
        if UriTemplate.is_template(self.uri):
            return ResourceTemplate(name=name, title=self.title, uri_template=self.uri, mime_type="application/json")
        return ResourceDefinition(name=name, title=self.title, uri=self.uri, mime_type="application/json")
