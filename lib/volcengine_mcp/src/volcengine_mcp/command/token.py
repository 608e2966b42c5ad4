"""The command `token`: makes the Authorization header for a server that signs with each person's own keys."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping

from volcengine_mcp.declare import Service
from volcengine_mcp.settings.load import Loaded


def run(service: Service, options: argparse.Namespace, loaded: Loaded, environment: Mapping[str, str]) -> int:
    """Print the header, with the keys of the environment or those that a person types.

    Raises:
        CredentialsError: there are no keys.
    """
    from volcengine_mcp.api.credentials import from_environment
    from volcengine_mcp.mcp.server import missing_credentials
    from volcengine_mcp.signin.header import to_header

    if missing_credentials(loaded.settings.model_copy(update={"credential": "env"}), environment):
        environment = {**environment, **_typed()}
    print(f"Authorization: {to_header(from_environment(environment))}")
    return 0


def _typed() -> dict[str, str]:
    """The keys as a person types them, without echo; none where nobody sits at a terminal."""
    from getpass import getpass

    from volcengine_mcp.api.credentials import ACCESS_KEY, SECRET_KEY, SESSION_TOKENS

    if not sys.stdin.isatty():
        return {}
    return {
        ACCESS_KEY: getpass("Access key: "),
        SECRET_KEY: getpass("Secret key: "),
        SESSION_TOKENS[0]: getpass("Session token (empty if none): "),
    }
