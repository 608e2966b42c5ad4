"""How the events of a window are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import cast

from volcengine_mcp.declare import Account
from volcengine_mcp.windows import Source, Span

from . import actions
from .settings import CloudTrailSettings

PAGE = 50
"""Events on a page at most (Volcengine docs 7015/166045)."""


def settings_of(account: Account) -> CloudTrailSettings:
    """This server's settings."""
    if not isinstance(account.settings, CloudTrailSettings):
        raise TypeError("the Cloud Trail server runs with CloudTrailSettings")
    return account.settings


def page_of(conditions: Sequence[actions.LookupCondition], span: Span, token: str | None) -> actions.LookupEvents:
    return actions.LookupEvents(
        start_time=span.start,
        end_time=span.end,
        lookup_conditions=list(conditions) or None,
        max_results=PAGE,
        next_token=token,
    )


def _moment(row: actions.Event) -> int | None:
    from volcengine_audit import parse_stamp

    return parse_stamp(row.event_time)


SOURCE: Source[actions.Event] = Source(
    page=partial(page_of, ()),
    rows=lambda result: cast("actions.LookupEventsResult", result).trails,
    token=lambda result: cast("actions.LookupEventsResult", result).next_token,
    key=lambda row: row.event_id,
    moment=_moment,
    what="events",
)
"""How the events of a window are asked for, all of them."""
