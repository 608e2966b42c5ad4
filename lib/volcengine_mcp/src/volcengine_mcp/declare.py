"""What a service can be asked: an operation's arguments and result, typed, and the facts about it.

Most operations are actions of the OpenAPI, declared as subclasses of `Action`: the fields are the request, the
docstring is what a model reads, the class arguments are the facts. Nothing here knows MCP or HTTP.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_pascal


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
    """A result, or a nested object of one.

    Lenient out: declare every field optional and nullable; a field that the API adds is kept.
    """

    model_config = ConfigDict(extra="allow", coerce_numbers_to_str=True)


def _declare(cls: type, **facts: object) -> None:
    """Set the facts that are given; the others are inherited."""
    for name, value in facts.items():
        if value is not None:
            setattr(cls, name, value)


class Operation(Part):
    """What a tool does: a subclass declares its arguments as fields and tells its purpose in its docstring.

    Class arguments (inherited by subclasses that do not give their own):
        effect: what a call does; decides annotations and retries.
        toolset: the group that a user can switch on or off.
        result: the `Record` that is answered.
        zh, en: the title in Chinese and English.
    """

    effect: ClassVar[Effect]
    toolset: ClassVar[str]
    result: ClassVar[type[Record]]
    zh: ClassVar[str]
    en: ClassVar[str]

    def __init_subclass__(
        cls,
        *,
        effect: Effect | None = None,
        toolset: str | None = None,
        result: type[Record] | None = None,
        zh: str | None = None,
        en: str | None = None,
        **config: Any,
    ) -> None:
        super().__init_subclass__(**config)
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
    """A request to one action of a service; a subclass is the action itself.

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


def fit(model: type[Record], data: dict[str, Any]) -> dict[str, Any]:
    """The data in the declared shape, nothing lost.

    A value of another type than declared is converted where that is exact (an integer ID to a string); one that
    cannot be is moved to `Unexpected`, keyed by its path, so that the rest still satisfies the model's schema.
    """
    moved: dict[str, Any] = {}
    while True:
        try:
            fitted = model.model_validate(data)
        except ValidationError as error:
            problems = error.errors(include_url=False, include_context=False, include_input=False)
            data = json.loads(json.dumps(data))
            for problem in problems:
                _move(data, problem["loc"], moved)
        else:
            dumped = fitted.model_dump(mode="json", by_alias=True, exclude_unset=True)
            return dumped | {"Unexpected": moved} if moved else dumped


def _move(data: dict[str, Any], path: tuple[int | str, ...], moved: dict[str, Any]) -> None:
    """Put null where the path leads, or where its nearest non-null holder stands; keep the value in `moved`."""
    holders: list[Any] = [data]
    for step in path[:-1]:
        holders.append(holders[-1][step])
    for depth in reversed(range(len(path))):
        value = holders[depth][path[depth]]
        if value is not None:
            moved[".".join(str(step) for step in path[: depth + 1])] = value
            holders[depth][path[depth]] = None
            return
    raise ValueError(f"a result model must accept null at {path}")
