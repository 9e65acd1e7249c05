"""Cut a CSV file into records, one bad line at a time.

A quote that is opened and never closed makes a CSV reader swallow the rest of the file. Here it costs its own line:
when the lines that a quote holds together are no record, the first one is reported and the next is read afresh.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from tasks_platform.errors import BooksError

#: Bytes of the longest line; a longer one means that this is no CSV file.
LONGEST_LINE: Final = 1 << 20
#: Lines of the longest record: descriptions with line breaks in them.
MOST_LINES: Final = 100


@dataclass(frozen=True, kw_only=True)
class Record:
    """The fields of a row, or why it has none."""

    #: As a spreadsheet numbers it: a record with line breaks in it is one row.
    row: int
    fields: tuple[str, ...] = ()
    #: In words; empty for a good record.
    problem: str = ""
    #: The line as it stands in the file, unreadable bytes escaped.
    raw: str


@dataclass(frozen=True)
class _Line:
    text: str
    readable: bool


def read_records(file: BinaryIO, *, width: int, first_row: int) -> Iterator[Record]:
    """Yield the records from where *file* stands; blank rows are counted and left out.

    A record whose number of fields is not *width* has a problem. Memory holds one record, or `MOST_LINES` lines
    while a quote is open.

    Raises:
        BooksError: if a line is longer than `LONGEST_LINE`.

    """
    waiting: deque[_Line] = deque()
    row = first_row - 1
    while (line := _next_line(file, waiting)) is not None:
        row += 1
        if not line.readable:
            yield Record(row=row, problem="bytes that are no text in UTF-8", raw=line.text)
            continue
        held = [line]
        while _is_open(held) and len(held) < MOST_LINES and (more := _next_line(file, waiting)) is not None:
            held.append(more)
        fields = _split("\n".join(part.text for part in held), width) if all(part.readable for part in held) else None
        if fields is None and len(held) > 1:
            waiting.extendleft(reversed(held[1:]))
            fields = _split(line.text, width)
        if fields is None:
            yield Record(row=row, problem=_describe(line.text, width), raw=line.text)
        elif any(field.strip() for field in fields):
            yield Record(row=row, fields=fields, raw=line.text)


def _next_line(file: BinaryIO, waiting: deque[_Line]) -> _Line | None:
    if waiting:
        return waiting.popleft()
    data = file.readline(LONGEST_LINE + 1)
    if not data:
        return None
    if len(data) > LONGEST_LINE:
        raise BooksError(f"a line is longer than {LONGEST_LINE} bytes: this is no CSV file of time entries")
    data = data.removesuffix(b"\n").removesuffix(b"\r")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return _Line(data.decode(errors="backslashreplace"), readable=False)
    return _Line(text, readable="\0" not in text)


def _is_open(held: list[_Line]) -> bool:
    return held[-1].readable and sum(line.text.count('"') for line in held) % 2 == 1


def _split(text: str, width: int) -> tuple[str, ...] | None:
    """Return the fields of one record, or nothing if it is not a record of *width* fields."""
    if not text.strip():
        return ("",)
    fields = _fields(text)
    return fields if fields is not None and len(fields) == width else None


def _fields(text: str) -> tuple[str, ...] | None:
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error:
        return None
    return tuple(rows[0]) if len(rows) == 1 else None


def _describe(text: str, width: int) -> str:
    fields = _fields(text)
    if fields is None:
        return "quotes that do not match"
    return f"{len(fields)} fields where the header has {width}"
