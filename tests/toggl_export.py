"""An export of Toggl Track for tests: one good row, and ways to change and to read it."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from tasks_platform.services.books.toggl import EntryRow, RowError, read_toggl

BERLIN = ZoneInfo("Europe/Berlin")
CLASSIC = "User,Email,Client,Project,Task,Description,Billable,Start date,Start time,End date,End time,Duration,Tags"
PRESENT = "Description,Billable,Duration,Member,Email,Client,Project,Tags,Start date,Start time,Stop date,Stop time"
GOOD = "Ana,ana@x.example,Acme,Web,,Review,Yes,2026-10-05,09:00:00,2026-10-05,10:30:00,01:30:00,"


def read(text: str | bytes, zone: ZoneInfo = BERLIN, **options) -> list[EntryRow | RowError]:
    """Read an export."""
    content = text if isinstance(text, bytes) else text.encode()
    return list(read_toggl(io.BytesIO(content), zone=zone, **options))


def read_row(row: str, header: str = CLASSIC, **options) -> EntryRow | RowError:
    """Read an export of one row."""
    (only,) = read(f"{header}\n{row}\n", **options)
    return only


def entry(row: str, header: str = CLASSIC, **options) -> EntryRow:
    """Read an export of one good row."""
    found = read_row(row, header, **options)
    assert isinstance(found, EntryRow), found
    return found


def changed(column: str, value: str) -> str:
    """Return the good row with another value."""
    fields = dict(zip(CLASSIC.split(","), GOOD.split(","), strict=True))
    fields[column] = value
    return ",".join(fields.values())


def utc(text: str) -> datetime:
    """Return a moment."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def row_at(start: str, end: str, duration: str) -> str:
    """Return a row with these clock times."""
    return f"Ana,a@x.example,Acme,Web,,Night,Yes,{start.replace(' ', ',')},{end.replace(' ', ',')},{duration},"
