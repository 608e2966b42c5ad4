"""Types of arguments that several services share."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from volcengine_mcp.untrusted import LARGEST_EXACT_NUMBER


def identifier(value: object) -> object:
    """Accept a number where the API wants an ID in digits, unless a client may have rounded it."""
    if isinstance(value, int) and not isinstance(value, bool):
        if abs(value) > LARGEST_EXACT_NUMBER:
            raise ValueError('an ID this long must be a string in quotes, "…", because clients round such numbers')
        return str(value)
    return value


def unquoted(value: object) -> object:
    """Accept "1" for 1, as models often quote numbers, but not true, which Python takes for 1."""
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")  # noqa: TRY004 - pydantic reports ValueError
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def flag(value: object) -> object:
    """Accept true and false where the API wants 1 and 0."""
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return int(value.lower() == "true")
    return int(value) if isinstance(value, bool) else unquoted(value)


Text = Annotated[str, Field(min_length=1)]
"""Text that is not empty."""

Texts = Annotated[list[Text], Field(min_length=1)]
"""At least one text: an empty list cannot be sent over GET, so it is refused rather than dropped."""

Identifier = Annotated[str, Field(min_length=1), BeforeValidator(identifier)]
"""An ID that the API spells as a string, mostly of digits."""
