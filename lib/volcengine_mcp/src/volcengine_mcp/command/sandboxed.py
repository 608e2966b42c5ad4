"""The variables that a command works with: those of the process, or those of a sandbox of its own (`--sandbox`)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from volcengine_mcp.errors import ConfigurationError

REPLACED = frozenset(
    {
        "VOLCENGINE_ACCESS_SESSION_TOKEN",
        "VOLCENGINE_SESSION_TOKEN",
        "VOLCENGINE_CREDENTIAL_TYPE",
        "VOLCENGINE_REGION",
        "VOLCENGINE_CA_BUNDLE",
    }
)
"""Variables that are meant for the real service."""


@contextmanager
def variables(*, sandbox: bool) -> Iterator[Mapping[str, str]]:
    """The process's environment; with a sandbox, the variables for one that runs as long as the block does."""
    if not sandbox:
        yield os.environ
        return
    from volcengine_sandbox import Sandbox

    try:
        box = Sandbox(pack=os.environ.get("VOLCENGINE_SANDBOX_PACK") or "default")
    except ValueError as error:
        raise ConfigurationError(f"VOLCENGINE_SANDBOX_PACK: {error}") from None
    with box as running:
        someone = running.administrator
        yield {
            **{name: value for name, value in os.environ.items() if name not in REPLACED},
            "VOLCENGINE_ENDPOINT": running.endpoint,
            "VOLCENGINE_ACCESS_KEY": someone.access_key,
            "VOLCENGINE_SECRET_KEY": someone.secret_key,
        }
