"""A failed validation in plain sentences: which field, what was given, what is allowed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

LONGEST_SHOWN = 60
"""Characters of a refused value that are repeated in the message."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like the given one, ignoring case; None when none is like it."""
    by_folded = {item.casefold().replace("_", "").replace("-", ""): item for item in known}
    folded = name.casefold().replace("_", "").replace("-", "")
    matches = get_close_matches(folded, by_folded, n=1, cutoff=0.7)
    return by_folded[matches[0]] if matches else None


def shown(value: object) -> str:
    """A value as JSON writes it, shortened."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, TypeError, RecursionError):
        # YAML can hold a list that contains itself, or a key that is no text.
        text = f"a {type(value).__name__}"
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def sentences(error: ValidationError, fields: Iterable[str]) -> list[str]:
    """One sentence for each problem.

    Args:
        fields: the known names at the top level, to suggest one for an unknown name.
    """
    known = tuple(fields)
    return [_sentence(problem, known) for problem in error.errors(include_url=False)]


_KINDS = {
    "int_type": "an integer",
    "int_parsing": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "float_parsing": "a number",
    "string_type": "a string",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
}


def _sentence(problem: ErrorDetails, known: tuple[str, ...]) -> str:
    path = ".".join(str(step) for step in problem["loc"])
    context: dict[str, Any] = problem.get("ctx", {})
    match problem["type"]:
        case "missing":
            return f"{path} is required."
        case "extra_forbidden" if len(problem["loc"]) > 1:
            return f"{path} is not known."
        case "extra_forbidden":
            suggestion = nearest(path, known)
            advice = f"did you mean {suggestion}?" if suggestion else f"known are {', '.join(known) or 'none'}."
            return f"{path} is not known; {advice}"
        case "value_error":
            said = str(context["error"]).rstrip(".")
            return f"{path} is {shown(problem['input'])}: {said}." if path else f"{said}."
        case "literal_error" | "enum":
            allowed = f"be {context['expected'].replace(chr(39), '')}"
        case "too_short" | "string_too_short":
            unit = "character" if problem["type"].startswith("string") else "item"
            allowed = f"have at least {context['min_length']} {unit}{'s' * (context['min_length'] != 1)}"
        case "string_pattern_mismatch":
            allowed = f"match the pattern {context['pattern']}"
        case kind if kind in _KINDS:
            allowed = f"be {_KINDS[kind]}"
        case _:
            allowed = problem["msg"].removeprefix("Input should ").removeprefix("Value should ")
    return f"{path} is {shown(problem['input'])}, but must {allowed}."
