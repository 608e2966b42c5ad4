"""What a server declares: its actions, its tools, its prompts and resources, and the service that holds them.

A declaration is a class whose fields are the arguments, whose docstring is what a model reads, and whose class
arguments are the facts. Nothing here knows MCP or HTTP, and nothing here does anything.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Protocol, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_pascal

from volcengine_mcp.settings.model import Settings

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from volcengine_mcp.settings.load import Loaded


class Effect(StrEnum):
    """What a call does to the account."""

    READ = "read"
    WRITE = "write"
    DESTROY = "destroy"


class Wire(BaseModel):
    """A part of a request or result, spelt on the wire as the OpenAPI spells it (`OrgUnitId`)."""

    model_config = ConfigDict(alias_generator=to_pascal, populate_by_name=True, frozen=True, defer_build=True)


class Part(Wire):
    """A nested object of a request. Strict in: an unknown field is refused."""

    model_config = ConfigDict(extra="forbid")


class Record(Wire):
    """A result of the OpenAPI, or a nested object of one.

    Lenient out: declare every field optional and nullable; a field that the API adds is kept.
    """

    model_config = ConfigDict(extra="allow", coerce_numbers_to_str=True)


class Document(BaseModel):
    """What an operation answers that hands out a text of its own format, such as a file of JSON lines.

    Only a resource can show it, and the budget of answers does not bound it: the operation itself does. Text of
    strangers must be escaped by its format.

    Attributes:
        about: what stands beside the text, in the metadata of the resource.
    """

    text: str
    about: dict[str, Any]


R = TypeVar("R", bound=BaseModel)


class Answers(Generic[R]):
    """States what an operation answers with: `class ListAccounts(OrganizationAction, Answers[ListAccountsResult], …)`.

    Whoever sends the action then gets an instance of that model, and the tool's output schema is read off it.
    """

    result: ClassVar[type[BaseModel]]


def _declare(cls: type, **facts: object) -> None:
    """Set the facts that are given; the others are inherited."""
    for name, value in facts.items():
        if value is not None:
            setattr(cls, name, value)


class Operation(Part):
    """What an MCP tool does: a subclass declares its arguments as fields and tells its purpose in its docstring.

    Class arguments (inherited by subclasses that do not give their own):
        effect: what a call does; decides annotations and retries.
        toolset: the group that a user can switch on or off.
        zh, en: the title in Chinese and English.
    """

    effect: ClassVar[Effect]
    toolset: ClassVar[str]
    result: ClassVar[type[BaseModel]]
    zh: ClassVar[str]
    en: ClassVar[str]

    def __init_subclass__(
        cls,
        *,
        effect: Effect | None = None,
        toolset: str | None = None,
        zh: str | None = None,
        en: str | None = None,
        **config: Any,
    ) -> None:
        super().__init_subclass__(**config)
        stated = (base for base in cls.__dict__.get("__orig_bases__", ()) if get_origin(base) is Answers)
        result = next((get_args(base)[0] for base in stated), None)
        _declare(cls, effect=effect, toolset=toolset, result=result, zh=zh, en=en)

    @classmethod
    def wire_name(cls) -> str:
        """The name of the tool, and of the action on the wire: the class's own."""
        return cls.__name__

    @classmethod
    def wire_fields(cls) -> list[str]:
        """The names of the arguments as a caller spells them."""
        return [field.alias or name for name, field in cls.model_fields.items()]


class Action(Operation):
    """A request to one action of a service; a subclass is the action itself, and a tool as it stands.

    Class arguments besides those of an operation:
        service: service code in the credential scope, such as `cloud_trail`.
        version: API version, such as `2021-09-01`.
        method: `GET` sends the parameters in the query, `POST` as a JSON body.
        verify: for a write, the read action that tells whether it happened.
    """

    service: ClassVar[str]
    version: ClassVar[str]
    method: ClassVar[Literal["GET", "POST"]]
    verify: ClassVar[str | None] = None

    def __init_subclass__(
        cls,
        *,
        service: str | None = None,
        version: str | None = None,
        method: Literal["GET", "POST"] | None = None,
        verify: str | None = None,
        **operation: Any,
    ) -> None:
        super().__init_subclass__(**operation)
        _declare(cls, service=service, version=version, method=method, verify=verify)

    @classmethod
    def permission(cls) -> str:
        """The action as an IAM policy names it, such as `cloud_trail:LookupEvents`."""
        return f"{cls.service}:{cls.wire_name()}"

    @classmethod
    def content_type(cls) -> str:
        """The content type with which the SDK serialises parameters correctly for this method."""
        return "text/plain" if cls.method == "GET" else "application/json"

    def wire(self) -> dict[str, Any]:
        """The request as the SDK wants it: a plain dict, aliases as keys, unset fields left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class Account(Protocol):
    """An account of Volcengine as a tool may use it: what it declares in `uses`, signed for whoever asks.

    Attributes:
        settings: how this server is set up.
        deadline: when the call must be over, on the clock of `time.monotonic`.
        own_requests: IDs of requests that this process has made with the same credential, the latest 10,000.
    """

    @property
    def settings(self) -> Settings: ...

    @property
    def deadline(self) -> float: ...

    @property
    def own_requests(self) -> Container[object]: ...

    async def send(self, action: Answers[R]) -> R:
        """Send an action and wait for its answer, in its declared shape and with its text as the service sent it.

        Raises:
            VolcengineError: the service refused it, or no usable answer came.
        """

    async def progress(self, done: float, total: float | None = None, message: str | None = None) -> None:
        """Tell whoever waits that `done` of `total` steps are over."""

    def kept(self, key: Hashable) -> Any:
        """What an earlier call with the same credential kept under this key; None when there is nothing."""

    def keep(self, key: Hashable, value: Any, *, seconds: float) -> None:
        """Keep a value for later calls with the same credential, for some seconds."""


class Tool(Operation):
    """A tool that asks the API several times, or works on what it answers. One tool, one file.

    A call goes through `check`, `read` and `answer`, in this order. `check` and `answer` compute: they run in a worker
    thread, under the call's deadline, and may import what is heavy. `read` only asks: it runs on the event loop.

    Class arguments besides those of an operation:
        uses: the actions that it may send; any other is refused, and a tool that reads may declare none that writes.
            Permission tables come from it.
    """

    uses: ClassVar[tuple[type[Action], ...]] = ()

    def __init_subclass__(cls, *, uses: tuple[type[Action], ...] | None = None, **operation: Any) -> None:
        super().__init_subclass__(**operation)
        _declare(cls, uses=uses)
        changes = [action.wire_name() for action in cls.uses if action.effect is not Effect.READ]
        if changes and getattr(cls, "effect", None) is Effect.READ:
            raise TypeError(f"{cls.wire_name()} says that it reads, but uses {', '.join(changes)}")

    def check(self, settings: Any) -> None:
        """Refuse what the input schema cannot refuse, before anything is sent. Does nothing unless overridden.

        Raises:
            ArgumentsError: the arguments cannot be used.
        """

    async def read(self, account: Account) -> Any:
        """Ask the API for what the answer needs. What could not be read is part of what is returned.

        Raises:
            VolcengineError: without this, there is no answer.
        """
        raise NotImplementedError

    def answer(self, read: Any, settings: Any) -> BaseModel:
        """The answer, computed from what was read, as an instance of `result`.

        Raises:
            VolcengineError: there is no answer.
        """
        raise NotImplementedError


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
    """A read operation under an address; `{Name}` in the address is an argument of the operation.

    The operation may be one of the service's tools, or one that is offered as a resource only.

    Attributes:
        mime_type: of the text that it answers with.
    """

    uri: str
    title: str
    operation: type[Operation]
    mime_type: str = "application/json"


@dataclass(frozen=True)
class Command:
    """A command that a server adds to those which every server has on its command line.

    Attributes:
        about: one line of help.
        arguments: declares its options.
        run: does it and returns the exit status; whatever it needs is imported there, as other commands start faster
            without it. It gets the service, the options, the settings and the environment.
    """

    name: str
    about: str
    arguments: Callable[[ArgumentParser], None]
    run: Callable[[Service, Namespace, Loaded, Mapping[str, str]], int]


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
        commands: what its command line can do besides.
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
    commands: Sequence[Command] = ()
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
