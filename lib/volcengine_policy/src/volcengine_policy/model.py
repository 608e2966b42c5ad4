"""The base of what this library answers with."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_pascal


class Model(BaseModel):
    """An answer: cannot be changed, and is written with the OpenAPI's spelling (`PolicyName`) by `by_alias=True`."""

    model_config = ConfigDict(alias_generator=to_pascal, populate_by_name=True, frozen=True, defer_build=True)
