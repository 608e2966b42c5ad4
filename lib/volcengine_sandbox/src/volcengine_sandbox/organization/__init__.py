"""The Organization service, API version 2022-01-01: importing it declares its actions."""

from volcengine_sandbox.organization import accounts, invitations, policies, quits, tags, tree, trusted

__all__ = ["accounts", "invitations", "policies", "quits", "tags", "tree", "trusted"]
