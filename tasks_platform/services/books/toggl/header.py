"""What the columns of an export are.

Two layouts exist: "User ... End date, End time" of the classic detailed report and of the data export, and "Member ...
Stop date, Stop time" of the present one, where columns are switched on and off. Names decide, not positions.
"""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from typing import BinaryIO, Final

from tasks_platform.errors import BooksError
from tasks_platform.services.books.toggl.records import LONGEST_LINE

#: Other names of a column.
_SYNONYMS: Final = {"member": "user", "stop date": "end date", "stop time": "end time"}
#: Without these nobody knows what to bill to whom. Everything else may be missing.
_REQUIRED: Final = ("client", "project", "billable", "start date", "start time", "duration")
_OPTIONAL: Final = ("user", "email", "task", "description", "end date", "end time")
_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, kw_only=True)
class Header:
    """Where the columns are."""

    #: Number of columns, those included that nobody reads.
    width: int
    #: Position of every known column.
    positions: dict[str, int]
    #: Every known column as the file calls it.
    names: dict[str, str]


def read_header(file: BinaryIO) -> Header:
    """Read the first line of an export and leave *file* at the second.

    Raises:
        BooksError: if this is no detailed export of Toggl Track; the message says what it seems to be, and what to do.

    """
    line = file.readline(LONGEST_LINE + 1)
    _refuse_other_formats(line)
    try:
        text = line.removeprefix(_BOM).decode().rstrip("\r\n")
        rows = list(csv.reader([text], strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise BooksError(f"the first line is no header of a CSV file in UTF-8: {error}") from None
    return parse_header(rows[0] if rows else [])


def parse_header(cells: list[str]) -> Header:
    """Find the columns among the *cells* of the first line.

    Raises:
        BooksError: if a needed column is missing, or a known one is there twice.

    """
    names = [cell.strip().casefold() for cell in cells]
    known = [_SYNONYMS.get(name, name) for name in names]
    if len(cells) == 1 and (";" in cells[0] or "\t" in cells[0]):
        raise BooksError(
            "the columns are not separated by commas: the file was saved again by another program; "
            "import the file as Toggl Track exported it"
        )
    positions: dict[str, int] = {name: known.index(name) for name in (*_REQUIRED, *_OPTIONAL) if name in known}
    missing = [name for name in _REQUIRED if name not in positions]
    if "user" not in positions and "email" not in positions:
        missing.append("user (or member, or email)")
    if ("end date" in positions) != ("end time" in positions):
        missing.append("end date and end time (or neither)")
    if missing:
        found = ", ".join(cells[:30]) or "nothing"
        raise BooksError(
            f"columns are missing: {', '.join(missing)}; found: {found}. Export the *detailed* report of Toggl Track "
            "as CSV, in English, with these columns switched on"
        )
    twice = [name for name, count in Counter(known).items() if count > 1 and name in positions]
    if twice:
        raise BooksError(f"columns are there twice: {', '.join(twice)}")
    return Header(
        width=len(cells),
        positions=positions,
        names={name: cells[position].strip() for name, position in positions.items()},
    )


def _refuse_other_formats(line: bytes) -> None:
    if not line.strip():
        raise BooksError("the file is empty, or its first line is: the header is expected there")
    if line.startswith(b"PK\x03\x04"):
        raise BooksError("this is an Excel workbook or a ZIP archive: export the detailed report as CSV")
    if line.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BooksError("the file is in UTF-16: save it as CSV in UTF-8, as Toggl Track exports it")
    if line.startswith(b"%PDF") or b"\0" in line:
        raise BooksError("this is no text: export the detailed report as CSV")
    if len(line) > LONGEST_LINE or b"\r" in line.rstrip(b"\r\n"):
        raise BooksError("the first line does not end where a header ends: save the file with the line ends LF or CRLF")
