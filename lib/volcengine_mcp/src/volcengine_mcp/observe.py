"""What operators see: a log line and metrics for each tool call, and traces where an exporter is configured.

Threat: personal data or secrets in logs and labels. A line names an identity by fingerprint or login and arguments by
digest; labels are tool names and outcomes only.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

CALLS = logging.getLogger("volcengine_mcp.calls")
"""One JSON object a line, for each tool call."""

logger = logging.getLogger(__name__)

LATENCIES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Bucket bounds in seconds."""


class Metrics:
    """Counters in Prometheus's form."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        self.registry: CollectorRegistry = CollectorRegistry()
        self.calls = Counter(
            "mcp_tool_calls", "Tool calls by tool and outcome.", ["tool", "outcome"], registry=self.registry
        )
        self.seconds = Histogram(
            "mcp_tool_call_seconds", "Duration of tool calls.", ["tool"], buckets=LATENCIES, registry=self.registry
        )
        self.upstream_errors = Counter(
            "mcp_upstream_errors", "Calls that the OpenAPI refused or did not answer.", ["tool"], registry=self.registry
        )
        self.throttles = Counter(
            "mcp_upstream_throttles", "Calls that the OpenAPI throttled.", ["tool"], registry=self.registry
        )
        self.in_flight = Gauge("mcp_tool_calls_in_flight", "Tool calls being served.", registry=self.registry)
        self.sessions = Gauge("mcp_sse_sessions", "Open SSE sessions.", registry=self.registry)

    def count(self, tool: str, outcome: str, seconds: float, status: int | None) -> None:
        """Record a call that has ended."""
        self.calls.labels(tool, outcome).inc()
        self.seconds.labels(tool).observe(seconds)
        if outcome in ("refused", "no_answer"):
            self.upstream_errors.labels(tool).inc()
        if status == 429:
            self.throttles.labels(tool).inc()

    def text(self) -> bytes:
        """All metrics in the text exposition format."""
        from prometheus_client import generate_latest

        return generate_latest(self.registry)


def log_call(
    *,
    identity: str,
    tool: str,
    effect: str,
    outcome: str,
    request_id: str | None,
    seconds: float,
    arguments: Mapping[str, Any],
) -> None:
    """Write the line of a call that has ended."""
    if not CALLS.isEnabledFor(logging.INFO):
        return
    canonical = json.dumps(arguments, sort_keys=True, default=str).encode()
    line = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "identity": identity,
        "tool": tool,
        "effect": effect,
        "outcome": outcome,
        "request_id": request_id,
        "duration_ms": round(seconds * 1000, 1),
        "arguments_sha256": hashlib.sha256(canonical).hexdigest()[:16],
    }
    CALLS.info("%s", json.dumps(line, ensure_ascii=False))


FLUSH_TIMEOUT = 500
"""Milliseconds that the last traces may take on their way when the process ends."""


def start_tracing(service_name: str, environment: Mapping[str, str] = os.environ) -> Callable[[], None]:
    """Send traces where the standard OTEL variables say; does nothing when they say nothing.

    Answers with what sends the traces that are still held, to be called before the process ends.
    """
    if not (environment.get("OTEL_EXPORTER_OTLP_ENDPOINT") or environment.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")):
        return _nothing
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        logger.warning("OTEL_EXPORTER_OTLP_ENDPOINT is set, but the extra `otel` is not installed: no traces are sent.")
        return _nothing
    provider = TracerProvider(resource=Resource.create({"service.name": service_name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)

    def flush() -> None:
        provider.force_flush(FLUSH_TIMEOUT)

    return flush


def _nothing() -> None:
    pass
