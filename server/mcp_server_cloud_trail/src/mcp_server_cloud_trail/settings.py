"""The settings that only this server has."""

from __future__ import annotations

from datetime import tzinfo
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field
from volcengine_mcp.settings.model import Names, Settings, Variable


def _zone(value: str) -> str:
    from volcengine_audit import zone_named

    zone_named(value)
    return value


def _rules(value: str) -> str:
    from volcengine_audit.sigma import SigmaError, load_rules

    path = Path(value).expanduser()
    if not path.is_dir():
        raise ValueError("it must be a folder with Sigma rules; docs/detections.md says how to write one")
    try:
        load_rules([path])
    except SigmaError as error:
        raise ValueError(str(error)) from error
    return value


def _networks(value: tuple[str, ...]) -> tuple[str, ...]:
    for one in value:
        ip_network(one, strict=False)
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
        Field(ge=1, le=2000, description="Pages of 50 events that one answer may read."),
    ] = 600
    parallel_reads: Annotated[
        int,
        Variable("MCP_SERVER_PARALLEL_READS"),
        Field(ge=1, le=16, description="Requests that one answer over a long window may have under way at once."),
    ] = 4
    risk_rules: Annotated[
        str | None,
        AfterValidator(lambda value: value and _rules(value)),
        Variable("MCP_SERVER_RISK_RULES"),
        Field(description="Folder of Sigma rules that add to, change or switch off detections (docs/detections.md)."),
    ] = None
    own_networks: Annotated[
        Names,
        AfterValidator(_networks),
        Variable("MCP_SERVER_OWN_NETWORKS"),
        Field(description="Your own addresses, such as 203.0.113.0/24; a public address elsewhere raises a detection."),
    ] = ()
    baseline_days: Annotated[
        int,
        Variable("MCP_SERVER_BASELINE_DAYS"),
        Field(ge=4, le=60, description="Days before an event by which what is usual for its caller is judged."),
    ] = 14
    baseline_pages: Annotated[
        int,
        Variable("MCP_SERVER_BASELINE_PAGES"),
        Field(ge=1, le=2000, description="Pages of 50 events that may be read for that; what was read is kept."),
    ] = 400

    @property
    def networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """One's own networks."""
        return tuple(ip_network(one, strict=False) for one in self.own_networks)

    @property
    def zone(self) -> tzinfo:
        """The time zone."""
        from volcengine_audit import zone_named

        return zone_named(self.timezone)
