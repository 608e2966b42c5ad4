"""What the service answered, in the declared shape, with nothing lost."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)


def fit(model: type[M], data: dict[str, Any]) -> M:
    """The data as an instance of the model, nothing lost.

    A value of another type than declared is converted where that is exact (an integer ID to a string); one that
    cannot be is moved to `Unexpected`, keyed by its path, so that the rest still satisfies the model's schema.
    """
    moved: dict[str, Any] = {}
    while True:
        try:
            return model.model_validate(data | {"Unexpected": moved} if moved else data)
        except ValidationError as error:
            problems = error.errors(include_url=False, include_context=False, include_input=False)
            data = json.loads(json.dumps(data))
            for problem in problems:
                _move(data, problem["loc"], moved)


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
