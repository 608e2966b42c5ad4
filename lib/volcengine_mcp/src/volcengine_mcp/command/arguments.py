"""Arguments typed on a command line, as a tool takes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from volcengine_mcp.errors import ArgumentsError


def parse(given: Sequence[str], schema: Mapping[str, Any]) -> dict[str, Any]:
    """One JSON object, or `key=value` words; a key given twice, or whose schema is an array, becomes a list.

    Args:
        schema: the tool's input schema, which says what stays text.

    Raises:
        ArgumentsError: a word is neither.
    """
    if len(given) == 1 and given[0].lstrip().startswith("{"):
        return _object(given[0])
    arguments: dict[str, Any] = {}
    for word in given:
        key, equals, text = word.partition("=")
        if not equals or not key:
            raise ArgumentsError(
                "InvalidArguments",
                f"{word} is neither a JSON object nor key=value.",
                hint="Write MaxResults=5, or quote an object: '{\"MaxResults\": 5}'.",
            )
        _add(arguments, key, text, schema.get("properties", {}).get(key, {}))
    return arguments


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ArgumentsError("InvalidArguments", f"The arguments are not valid JSON: {error}.") from error
    if not isinstance(value, dict):
        raise ArgumentsError("InvalidArguments", "The arguments must be one JSON object.")
    return value


def _add(arguments: dict[str, Any], key: str, text: str, schema: Mapping[str, Any]) -> None:
    if schema.get("type") == "array":
        value = _value(text, {} if text.lstrip().startswith("[") else schema.get("items", {}))
        arguments.setdefault(key, []).extend(value if isinstance(value, list) else [value])
    elif key in arguments:
        raise ArgumentsError("InvalidArguments", f"{key} is given twice, but takes one value.")
    else:
        arguments[key] = _value(text, schema)


def _value(text: str, schema: Mapping[str, Any]) -> Any:
    """Text where the schema wants text; otherwise what the text says as JSON, or the text itself."""
    if schema.get("type") == "string":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
