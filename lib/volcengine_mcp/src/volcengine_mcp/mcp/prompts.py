"""Prompts and resources as MCP lists and reads them."""

from __future__ import annotations

from collections.abc import Mapping

from mcp.shared.uri_template import UriTemplate
from mcp_types import GetPromptResult, PromptArgument, PromptMessage, ResourceTemplate, TextContent
from mcp_types import Prompt as PromptDefinition
from mcp_types import Resource as ResourceDefinition

from volcengine_mcp.declare import Prompt, Resource
from volcengine_mcp.errors import ArgumentsError


def prompt_definition(prompt: Prompt) -> PromptDefinition:
    """What `prompts/list` says of a prompt."""
    arguments = [
        PromptArgument(name=argument.name, description=argument.description, required=argument.required)
        for argument in prompt.arguments
    ]
    return PromptDefinition(name=prompt.name, title=prompt.title, description=prompt.description, arguments=arguments)


def filled(prompt: Prompt, given: Mapping[str, str]) -> GetPromptResult:
    """A prompt with its arguments in place; an optional one that is not given reads `not given`.

    Raises:
        ArgumentsError: a required argument is missing.
    """
    missing = [argument.name for argument in prompt.arguments if argument.required and not given.get(argument.name)]
    if missing:
        raise ArgumentsError("InvalidArguments", f"The prompt {prompt.name} needs {', '.join(missing)}.")
    values = {argument.name: given.get(argument.name) or "not given" for argument in prompt.arguments}
    message = PromptMessage(role="user", content=TextContent(type="text", text=prompt.text.format_map(values)))
    return GetPromptResult(description=prompt.description, messages=[message])


def resource_definition(resource: Resource) -> ResourceDefinition | ResourceTemplate:
    """What `resources/list` or `resources/templates/list` says of a resource."""
    name = resource.operation.wire_name()
    if UriTemplate.is_template(resource.uri):
        return ResourceTemplate(
            name=name, title=resource.title, uri_template=resource.uri, mime_type=resource.mime_type
        )
    return ResourceDefinition(name=name, title=resource.title, uri=resource.uri, mime_type=resource.mime_type)


def resource_arguments(resource: Resource, uri: str) -> dict[str, object] | None:
    """The operation's arguments if the address is one of this resource's, or None."""
    matched = UriTemplate.parse(resource.uri).match(uri)
    return dict(matched) if matched is not None else None
