"""The command `export`: writes all matching events as lines of JSON, to stdout or to a file of its own.

Unlike an answer it has no page budget: a window is read day by day, oldest first, and written as it is read. What it
covers is said on stderr and by the exit status, so that the lines are nothing but events.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from volcengine_mcp.declare import Command, Service
from volcengine_mcp.errors import ArgumentsError, ConfigurationError, VolcengineError

if TYPE_CHECKING:
    from volcengine_audit import Marks
    from volcengine_audit.where import Condition
    from volcengine_mcp.declare import Account
    from volcengine_mcp.mcp.server import Server
    from volcengine_mcp.settings.load import Loaded
    from volcengine_mcp.windows import Span

    from ..actions import LookupCondition
    from ..events import EventsRead
    from ..settings import CloudTrailSettings

INCOMPLETE = 3
"""Exit status when not all of what was asked for was written."""

DAY = 86400


def _arguments(parser: argparse.ArgumentParser) -> None:
    times = "Unix seconds, ISO 8601 or words such as 'yesterday 9pm'"
    parser.add_argument(
        "--format", choices=("jsonl", "ocsf"), default="jsonl", help="full records (default), or OCSF API Activity"
    )
    parser.add_argument("--start", metavar="TIME", help=f"{times}; default one day before the end")
    parser.add_argument("--end", metavar="TIME", help="written likewise; default now")
    parser.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="a condition, such as EventName=Delete* or 'Who!=user/alice'; several fields must all match, several "
        "values of one field are alternatives",
    )
    parser.add_argument("--out", metavar="FILE", help="write a new file that only you can read, instead of stdout")
    parser.add_argument("--force", action="store_true", help="replace FILE when it exists")
    parser.add_argument(
        "--no-marks",
        action="store_true",
        help="leave out risk marks, for which the days before the window are read as well",
    )


def _run(service: Service, options: argparse.Namespace, loaded: Loaded, environment: Mapping[str, str]) -> int:
    """Write the events; 3 when some are missing, 1 when not even the first could be read.

    Raises:
        ArgumentsError: the window or a condition cannot be used.
        ConfigurationError: the file cannot be written.
    """
    import anyio
    from volcengine_mcp.command.serve import local_server

    from ..events import window_of
    from ..settings import CloudTrailSettings

    settings = loaded.settings
    assert isinstance(settings, CloudTrailSettings)  # noqa: S101 - the service declares them
    conditions = _conditions(options.where, marked=not options.no_marks)
    window = window_of(_moment(options.start), _moment(options.end), settings, days=1)
    server = local_server(service, settings, environment)
    try:
        with _target(options.out, force=options.force) as out:
            marked = not options.no_marks
            export = _Export(server, settings, conditions, out, ocsf=options.format == "ocsf", marked=marked)
            anyio.run(export.write, window.start, window.end)
    except (ArgumentsError, ConfigurationError):
        raise
    except VolcengineError as error:
        print(f"{error.code}: {error.message}{' ' + error.hint if error.hint else ''}", file=sys.stderr)
        return 1
    export.say(window.start, window.end)
    return INCOMPLETE if export.unread else 0


EXPORT = Command(
    name="export",
    about="write all matching events as lines of JSON, for other programs",
    arguments=_arguments,
    run=_run,
)


@dataclass
class _Export:
    """One export, as far as it has come."""

    server: Server
    settings: CloudTrailSettings
    conditions: Sequence[Condition]
    out: TextIO
    ocsf: bool
    marked: bool
    count: int = 0
    read: int = 0
    unread: list[Span] = field(default_factory=list)
    why: dict[str, None] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)

    async def write(self, start: int, end: int) -> None:
        """Read and write a day after the other."""
        from volcengine_mcp.windows import Span

        try:
            for day in range(start // DAY, end // DAY + 1):
                span = Span(max(day * DAY, start), min(day * DAY + DAY - 1, end))
                if span.start == span.end:  # the service wants a start before the end
                    span = Span(span.start - 1, span.end)
                if not await self._day(span):
                    if span.end < end:
                        self.unread.append(Span(span.end + 1, end))
                    return
        finally:
            await self.server.openapi.close()

    async def _day(self, span: Span) -> bool:
        """Write the events of a day; whether to go on."""
        from ..events import ENDED, read_parts
        from ..source import PAGE

        parts: Sequence[Span] = (span,)
        written: set[str] = set()
        before = self.count
        while parts:
            account = self._account()
            try:
                read = await read_parts(account, parts, self._sent(), most=self.settings.page_budget * PAGE)
            except VolcengineError as error:
                if not self.read:
                    raise
                self._stop(parts, f"{error.code}: {error.message}")
                return False
            new = await self._write(account, read, written)
            failed = next((one for one in read.missing if one.code not in ENDED), None)
            # Without anything new the same would be asked for ever.
            if failed is not None or (read.unread and not new):
                reason = failed or read.missing[0]
                self._stop(read.unread, f"{reason.code}: {reason.message}")
                return False
            parts = read.unread
        self._tell(span, self.count - before)
        return True

    async def _write(self, account: Account, read: EventsRead, written: set[str]) -> int:
        """Write what was read and matches, oldest first, and answer how many events were new."""
        from volcengine_audit import distinct, event_of, judge
        from volcengine_audit.export import exported
        from volcengine_audit.where import Where, remaining

        from ..accounts import read_accounts
        from ..events import rule_book
        from ..past import read_past

        events = [event for event in distinct(map(event_of, read.items())) if event.id not in written]
        written.update(event.id for event in events if event.id)
        self.read += len(events)
        events.sort(key=lambda event: (event.time is None, event.time or 0))
        marks: Sequence[Marks] = [()] * len(events)
        if self.marked and events:
            accounts = await read_accounts(account)
            past = await read_past(self._account(), read.window)
            book = rule_book(self.settings, accounts.ids)
            judged = judge(events, book, past.baseline(book, events))
            marks = judged.marks
            if accounts.unread:
                self.notes[accounts.unread] = None
            if past.missing:
                self.notes["Not all of the days before was read, so that more may be usual than the marks say."] = None
        where = Where(remaining(self.conditions), self.settings.zone)
        pairs = [pair for pair in zip(events, marks, strict=True) if where.matches(*pair)]
        lines = exported(
            [event for event, _ in pairs], [these for _, these in pairs], ocsf=self.ocsf, zone=self.settings.zone
        )
        for line in lines:
            self.out.write(line)
        self.out.flush()
        self.count += len(pairs)
        return len(events)

    def _account(self) -> Account:
        """The account, with the time of one call for what is read by it."""
        from ..tools.export_events import ExportEvents

        return self.server.account(ExportEvents)

    def _sent(self) -> list[LookupCondition]:
        from volcengine_audit.where import pushed

        from ..actions import LookupCondition

        return [
            LookupCondition.model_validate({"LookupConditionKey": one.key, "LookupConditionValue": one.value})
            for one in pushed(self.conditions)
        ]

    def _stop(self, parts: Sequence[Span], why: str) -> None:
        self.unread += parts
        self.why[why] = None

    def _tell(self, span: Span, count: int) -> None:
        from volcengine_audit import iso

        print(f"From {iso(span.start, self.settings.zone)}: {count:,} events", file=sys.stderr)

    def say(self, start: int, end: int) -> None:
        """Say on stderr what the export covers."""
        from time import time

        from volcengine_audit import iso
        from volcengine_audit.where import said

        from ..events import LATE

        def at(moment: int) -> str:
            return iso(moment, self.settings.zone)

        of = f" with {'; '.join(said(self.conditions))}" if self.conditions else ""
        print(
            f"{'Incomplete' if self.unread else 'Complete'}: {self.count:,} events{of} from {at(start)} to {at(end)}, "
            f"region {self.settings.region}, out of {self.read:,} that were read.",
            file=sys.stderr,
        )
        for span in self.unread:
            print(f"Not read: {at(span.start)} to {at(span.end)}.", file=sys.stderr)
        for line in (*self.why, *self.notes, *([LATE] if end > time() - 900 else [])):
            print(line, file=sys.stderr)


def _moment(text: str | None) -> int | str | None:
    return int(text) if text is not None and text.isdecimal() else text


def _conditions(given: Sequence[str], *, marked: bool) -> list[Condition]:
    """The conditions as they were typed; several values of one field are alternatives.

    Raises:
        ArgumentsError: one cannot be understood.
    """
    from pydantic import ValidationError
    from volcengine_audit.where import Condition

    values: dict[tuple[str, bool], list[str]] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.strip("! "):
            raise ArgumentsError("InvalidArguments", f"--where {text} is not FIELD=VALUE or FIELD!=VALUE.")
        values.setdefault((name.rstrip("! "), name.rstrip().endswith("!")), []).append(value)
    try:
        found = [
            Condition(field=name, values=tuple(listed), exclude=exclude) for (name, exclude), listed in values.items()
        ]
    except ValidationError as error:
        why = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        raise ArgumentsError("InvalidArguments", f"--where: {why}.") from error
    if not marked and any(one.field in ("Severity", "Detection") for one in found):
        raise ArgumentsError("InvalidArguments", "--where Severity and Detection need the marks that --no-marks omits.")
    return found


@contextmanager
def _target(name: str | None, *, force: bool) -> Iterator[TextIO]:
    """Where the lines go. A file is new, belongs to one person, and does not stay when nothing could be written.

    Raises:
        ConfigurationError: the file cannot be made.
    """
    if name is None:
        yield sys.stdout
        return
    path = Path(name)
    try:
        if force and not path.is_dir():
            path.unlink(missing_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConfigurationError(f"{name} exists. Name another file, or replace it with --force.") from None
    except OSError as error:
        raise ConfigurationError(f"{name} cannot be written: {error.strerror}.") from None
    with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as out:
        try:
            yield out
        except BaseException:
            if not out.tell():
                path.unlink(missing_ok=True)
            raise
