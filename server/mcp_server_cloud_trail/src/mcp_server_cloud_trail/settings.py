"""The settings that only this server has."""

from __future__ import annotations

from datetime import tzinfo
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field
from volcengine_mcp.settings.model import Settings, Variable


def _zone(value: str) -> str:
    from volcengine_audit import zone_named

    zone_named(value)
    return value


def _rules(value: str) -> str:
    from volcengine_audit import RulesError, load_rules

    try:
        load_rules(Path(value).expanduser())
    except RulesError as error:
        raise ValueError(str(error)) from error
    return value


class CloudTrailSettings(Settings):
    """All settings of the Cloud Trail server."""

    timezone: Annotated[
        str,
        AfterValidator(_zone),
        Variable("MCP_SERVER_TIMEZONE"),
        Field(description="Time zone of times that are given without one, and of those in answers."),
    ] = "Asia/Shanghai"
    retention_days: Annotated[
        int,
        Variable("MCP_SERVER_RETENTION_DAYS"),
        Field(ge=1, le=3650, description="Days for which events can be looked up; older windows are refused."),
    ] = 90
    page_budget: Annotated[
        int,
        Variable("MCP_SERVER_PAGE_BUDGET"),
        Field(ge=1, le=1000, description="Pages of 50 events that one answer may read."),
    ] = 60
    parallel_reads: Annotated[
        int,
        Variable("MCP_SERVER_PARALLEL_READS"),
        Field(ge=1, le=16, description="Requests that one answer over a long window may have under way at once."),
    ] = 4
    risk_rules: Annotated[
        str | None,
        AfterValidator(lambda value: value and _rules(value)),
        Variable("MCP_SERVER_RISK_RULES"),
        Field(description="YAML file that adds to, changes or switches off risk marks; see docs/risk-marks.md."),
    ] = None

    @property
    def zone(self) -> tzinfo:
        """The time zone."""
        from volcengine_audit import zone_named

        return zone_named(self.timezone)
