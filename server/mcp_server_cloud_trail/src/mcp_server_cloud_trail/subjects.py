"""Whom to trace because of an event: its key; a console session has none, and the root user has no name either."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from volcengine_mcp.answers import Call
from volcengine_mcp.windows import Span

if TYPE_CHECKING:
    from volcengine_audit import Event


def subject_of(event: Event) -> dict[str, Any] | None:
    """Kind and Value for TraceIdentity; None when the event names nobody."""
    from volcengine_audit import Kind

    identity = event.identity
    if identity.access_key:
        return {"Kind": "access_key", "Value": identity.access_key}
    if identity.kind is Kind.USER and identity.name:
        return {"Kind": "user", "Value": identity.name}
    return {"Kind": "address", "Value": event.address} if event.address else None


def trace(subject: dict[str, Any], window: Span) -> Call:
    """The call that traces it in a window."""
    return Call(tool="TraceIdentity", arguments={**subject, "StartTime": window.start, "EndTime": window.end})
