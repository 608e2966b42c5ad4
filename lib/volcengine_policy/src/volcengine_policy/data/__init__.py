"""Facts and texts of this library as files, read once when they are first needed and checked by a model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter


class Entry(BaseModel):
    """A part of a data file. Strict: a field that is not declared is a mistake in the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


T = TypeVar("T")


def load(name: str, shape: type[T]) -> T:
    """What a file of this folder says, in the shape given. Raises `pydantic.ValidationError` for a wrong file."""
    text = Path(__file__).with_name(name).read_text(encoding="utf-8")
    if name.endswith(".json"):
        return TypeAdapter(shape).validate_python(json.loads(text))
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return TypeAdapter(shape).validate_python(yaml.load(text, Loader=loader))  # noqa: S506 - both loaders are safe
