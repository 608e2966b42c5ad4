"""The command `python -m benchmarks`: run sections, print medians and ratios."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from . import analysis, install, local, marks, remote, report
from .report import Row

SECTIONS: dict[str, tuple[Callable[..., list[Row]], str]] = {
    "cold-start": (local.cold_start, "spawn to tools/list over stdio, against a bare MCPServer"),
    "call": (local.call, "a tool call over stdio, against the same SDK call made directly"),
    "lookup-cpu": (local.lookup_cpu, "processor time of a LookupEvents without arguments"),
    "memory": (local.memory, "resident memory after start and after many calls, against a bare MCPServer"),
    "http": (remote.http, "many sessions over SSE and streamable HTTP, against the ideal and a bare MCPServer"),
    "ping": (remote.ping, "a ping beside another session's slow call, against a bare MCPServer"),
    "analysis": (analysis.ping, "a ping beside another session's analysis of 3,000 events"),
    "pages": (analysis.pages, "5,000 events, read at 50 ms a page"),
    "idle-sessions": (remote.idle_sessions, "memory for each SSE session, open and after it left"),
    "marks": (marks.marks, "audit events against the detections"),
    "handshakes": (remote.handshakes, "TLS handshakes with the OpenAPI"),
    "install": (install.size, "what a server for stdio installs"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks and print what they measured; a missed goal is printed and is no error."""
    options = _parser().parse_args(arguments)
    facts = report.header()
    if not options.json:
        report.print_header(facts)
    rows: list[Row] = []
    for name in options.sections or SECTIONS:
        measured = SECTIONS[name][0](quick=options.quick)
        rows += measured
        if not options.json:
            report.print_section(f"{name}: {SECTIONS[name][1]}", measured)
    if options.json:
        print(report.as_json(facts, rows))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure the servers side by side with the least that could do the same.",
        epilog="sections: " + "; ".join(f"{name} ({what})" for name, (_, what) in SECTIONS.items()),
    )
    parser.add_argument("sections", nargs="*", metavar="SECTION", choices=[*SECTIONS, []], help="all if none is named")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    parser.add_argument("--quick", action="store_true", help="a few turns only: shows that it runs, measures nothing")
    return parser


if __name__ == "__main__":
    sys.exit(main())
