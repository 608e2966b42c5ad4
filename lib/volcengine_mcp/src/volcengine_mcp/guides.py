"""What a service offers besides tools: prompts for the jobs that people do, and resources to point at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from volcengine_mcp.declare import Operation


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


@dataclass(frozen=True)
class Resource:
    """A read operation under an address; `{Name}` in the address is an argument of the operation."""

    uri: str
    title: str
    operation: type[Operation]
