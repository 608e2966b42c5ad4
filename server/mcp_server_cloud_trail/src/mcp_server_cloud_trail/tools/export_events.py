"""ExportEvents: all events of a window as lines of JSON, for other programs; offered as a resource only."""

from __future__ import annotations

from functools import partial
from typing import Literal

from pydantic import Field
from volcengine_mcp.answers import NOTICE
from volcengine_mcp.budget import compact
from volcengine_mcp.declare import Account, Answers, Document, Effect, Tool
from volcengine_mcp.windows import Span

from .. import actions
from ..accounts import Accounts, with_accounts
from ..events import TIMES, EventsRead, Moment, read_parts, window_of
from ..past import Past, read_past
from ..settings import CloudTrailSettings
from ..source import PAGE, settings_of


class ExportEvents(
    Tool,
    Answers[Document],
    effect=Effect.READ,
    toolset="events",
    uses=(actions.LookupEvents, actions.ListAccounts),
    zh="导出审计事件",
    en="Export audit events",
):
    """All audit events of a window, oldest first, one JSON object a line: our full record or OCSF API Activity.

    The last line says what the export covers.
    """

    format: Literal["jsonl", "ocsf"] = Field(description="jsonl is the full record, ocsf is OCSF API Activity (6003).")
    start_time: Moment = Field(description=f"Start: {TIMES}.")
    end_time: Moment = Field(description="End, written likewise.")

    def check(self, settings: CloudTrailSettings) -> None:
        """Refuse a window that cannot be searched."""
        self._window(settings)

    async def read(self, account: Account) -> tuple[EventsRead, Past, Accounts]:
        """The events, as many as one answer may read, and what their marks rest on."""
        settings = settings_of(account)
        most = settings.page_budget * PAGE
        read, accounts = await with_accounts(
            account, partial(read_parts, account, (self._window(settings),), (), most=most, own=True)
        )
        return read, await read_past(account, read.window), accounts

    def answer(self, asked: tuple[EventsRead, Past, Accounts], settings: CloudTrailSettings) -> Document:
        """The lines, and what they cover."""
        from volcengine_audit.export import exported

        read, past, accounts = asked
        judged = read.judged(settings, past, accounts.ids)
        oldest_first = sorted(
            zip(judged.events, judged.marks, strict=True), key=lambda pair: (pair[0].time is None, pair[0].time or 0)
        )
        lines = exported(
            [event for event, _ in oldest_first],
            [marks for _, marks in oldest_first],
            ocsf=self.format == "ocsf",
            zone=settings.zone,
        )
        how = "Ask for the parts in Unread by an address each, or use the command export, which has no page budget."
        coverage = read.coverage(settings, self, returned=len(judged.events), how_to_go_on=how).model_copy(
            update={"next": None}
        )
        about = {
            "Coverage": coverage.model_dump(mode="json", by_alias=True, exclude_none=True),
            "Past": past.coverage(settings).model_dump(mode="json", by_alias=True, exclude_none=True),
            "Notice": NOTICE,
        }
        # Many clients do not show metadata to whoever reads the text.
        return Document(text="".join(lines) + compact({"Coverage": about["Coverage"]}) + "\n", about=about)

    def _window(self, settings: CloudTrailSettings) -> Span:
        window = window_of(self.start_time, self.end_time, settings, days=1)
        return Span(window.start, window.end)
