"""Read the detailed export of Toggl Track.

Read are both layouts (see `header`); dates as 2026-10-31 or 31.10.2026, and with slashes or dashes if the caller says
which of day and month comes first; times on a clock of 24 hours, or of 12 with AM and PM; durations in the formats
Improved and Classic. Decimal durations are refused: they are not exact.

The export gives clock times without a zone: those of the profile that exported it. A time that the zone's clocks never
showed is an error (the zone is probably the wrong one); of a time they showed twice, `clock.span_of` finds the one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import BinaryIO, Final, TypeVar
from zoneinfo import ZoneInfo

from tasks_platform.errors import BooksError
from tasks_platform.services.books.names import plain_name
from tasks_platform.services.books.toggl.clock import (
    DateOrder,
    Span,
    WrittenOrder,
    moments,
    parse_date,
    parse_duration,
    parse_time,
    span_of,
    written_order,
)
from tasks_platform.services.books.toggl.header import Header, read_header
from tasks_platform.services.books.toggl.records import Record, read_records
from tasks_platform.services.books.toggl.rows import EntryRow, RowError, row_error

Parsed = TypeVar("Parsed")

#: Rows that are looked at to tell how dates are written.
_LOOK_AHEAD: Final = 100
#: A minute is how far a clock without seconds and an exact duration may be apart.
_WITHOUT_SECONDS: Final = 59


def read_toggl(
    file: BinaryIO, *, zone: ZoneInfo, dates: DateOrder | None = None, rounded: bool = False
) -> Iterator[EntryRow | RowError]:
    """Yield the entries and the errors of an export, in the order of its rows; memory does not grow with the file.

    *zone* is the one the clock times are in. *dates* says how dates are written where the file does not (see above).
    *rounded* says that the report was exported with Toggl's rounding on: what is billed is the column Duration, which
    then need not be the time between start and end.

    Raises:
        BooksError: at once if this is no such export, or if dates can be read in two ways and *dates* is not given;
            while reading, if a line is absurdly long.

    """
    header = read_header(file)
    records = read_records(file, width=header.width, first_row=2)
    first = list(islice(records, _LOOK_AHEAD))
    layout = _Layout(header=header, zone=zone, dates=dates or _find_order(first, header), rounded=rounded)
    return (layout.read(record) for record in chain(first, records))


def _find_order(records: list[Record], header: Header) -> WrittenOrder:
    position = header.positions["start date"]
    written = [record.fields[position].strip() for record in records if record.fields]
    orders = {written_order(text): text for text in reversed(written)}
    if "unclear" in orders and "YMD" not in orders and "D.M.Y" not in orders:
        raise BooksError(
            f"the date {orders['unclear']!r} can be read in two ways: say with the option `dates` whether the day "
            "comes first (DMY) or the month (MDY), or set the profile's date format to YYYY-MM-DD and export again"
        )
    return "D.M.Y" if "D.M.Y" in orders and "YMD" not in orders else "YMD"


class _WrongFieldError(Exception):
    """A field cannot be read."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class _Layout:
    """How this file is written."""

    header: Header
    zone: ZoneInfo
    dates: WrittenOrder
    rounded: bool

    def read(self, record: Record) -> EntryRow | RowError:
        if record.problem:
            return row_error(record.row, "", record.problem, record.raw)
        try:
            return self._entry(record)
        except _WrongFieldError as error:
            name = self.header.names.get(error.column, error.column)
            return row_error(record.row, name, error.reason, self._text(record, error.column))

    def _text(self, record: Record, column: str) -> str:
        """Return a field; a lone dash stands for nothing in the present layout."""
        position = self.header.positions.get(column)
        text = "" if position is None else record.fields[position].strip()
        return "" if text == "-" else text

    def _entry(self, record: Record) -> EntryRow:
        texts = {column: self._text(record, column) for column in self.header.positions}
        if not texts.get("email") and not texts.get("user"):
            raise _WrongFieldError("user" if "user" in texts else "email", "is empty: nobody did this work")
        billable = {"yes": True, "no": False}.get(texts["billable"].casefold())
        if billable is None:
            raise _WrongFieldError("billable", "is neither Yes nor No")
        for column in ("client", "project"):
            if billable and not texts[column]:
                raise _WrongFieldError(column, "is empty: billable work needs a client and a project")
        span, seconds = self._span(texts)
        return EntryRow(
            row=record.row,
            user=texts.get("user") or texts.get("email", ""),
            email=texts.get("email", ""),
            client=plain_name(texts["client"]),
            project=plain_name(texts["project"]),
            task=texts.get("task", ""),
            description=texts.get("description", ""),
            billable=billable,
            start=span.start,
            end=span.end,
            seconds=seconds,
        )

    def _span(self, texts: dict[str, str]) -> tuple[Span, int]:
        starts, exact = self._moments("start", texts)
        seconds = _parsed("duration", parse_duration, texts["duration"])
        if "end time" not in texts:
            return Span(start=starts[0], end=starts[0] + timedelta(seconds=seconds)), seconds
        if not texts["end date"] and not texts["end time"]:
            raise _WrongFieldError("end time", "is empty: the entry was still running; stop it and export again")
        ends, also_exact = self._moments("end", texts)
        if ends[-1] < starts[0]:
            raise _WrongFieldError("end time", "lies before the start")
        span = span_of(starts, ends, seconds, tolerance=0 if exact and also_exact else _WITHOUT_SECONDS)
        if span is None and self.rounded:
            span = Span(start=starts[0], end=ends[-1])
        if span is None:
            between = ends[0] - starts[0]
            raise _WrongFieldError(
                "duration",
                f"does not match start and end, which are {between} apart; correct the row, or if the report was "
                "exported with rounding on, import it with the option `rounded`",
            )
        return span, seconds

    def _moments(self, which: str, texts: dict[str, str]) -> tuple[tuple[datetime, ...], bool]:
        day = _parsed(f"{which} date", lambda text: parse_date(text, self.dates), texts[f"{which} date"])
        clock, exact = _parsed(f"{which} time", parse_time, texts[f"{which} time"])
        found = moments(day, clock, self.zone)
        if not found:
            raise _WrongFieldError(
                f"{which} time",
                f"is a time that clocks in {self.zone.key} skipped on {day} (daylight saving began): is this the time "
                "zone of the profile that exported the file?",
            )
        return found, exact


def _parsed(column: str, parse: Callable[[str], Parsed], text: str) -> Parsed:
    try:
        return parse(text)
    except ValueError as error:
        raise _WrongFieldError(column, str(error)) from None
