"""Put time entries into the books, once each."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from tasks_platform.errors import BooksError
from tasks_platform.services.books.database import Database
from tasks_platform.services.books.import_chunk import import_chunk
from tasks_platform.services.books.import_report import ImportOptions, ImportReport, Tally
from tasks_platform.services.books.organizations import find_organization
from tasks_platform.services.books.toggl import EntryRow, RowError, read_toggl, without_repeats

#: Rows per transaction: the write lock is held for some ten milliseconds.
CHUNK: Final = 500
_DEFAULT: Final = ImportOptions()


def import_entries(  # noqa: PLR0913 - three say what goes where, the rest has names
    database: Database,
    organization: str,
    rows: Iterable[EntryRow | RowError],
    *,
    source: str,
    options: ImportOptions = _DEFAULT,
    after_chunk: Callable[[], None] | None = None,
) -> ImportReport:
    """Add the entries that are not in the books yet; importing the same rows again adds nothing.

    Rows are written in chunks, each in its own transaction: what was imported before a crash is found again.

    The export has no entry ids, so an entry that was edited in the tracker after it was imported comes as another
    one. It is not billed beside the old one: a row whose person already has an entry with the same start from another
    *source* is an error, unless *options* accept simultaneous entries. Within one source they are taken: time sheets
    that are filled in by the day start everything at nine. (An entry whose start was edited cannot be told from a new
    one.)

    Raises:
        BooksError: if the organization is unknown.
        ServiceUnavailableError: if the books stay locked; what was committed is found again next time.

    """
    tally = Tally()
    remaining = iter(rows)
    while chunk := list(islice(remaining, CHUNK)):
        with database.session() as session:
            books = find_organization(session, organization, lock=True)
            imported = import_chunk(session, books, chunk, source=source, options=options)
        tally.include(imported)
        if after_chunk is not None:
            after_chunk()
    return tally.report()


def import_file(
    database: Database,
    organization: str,
    path: Path,
    *,
    options: ImportOptions = _DEFAULT,
    on_progress: Callable[[int, int], None] | None = None,
) -> ImportReport:
    """Import the detailed export of Toggl Track at *path*; see `import_entries`.

    *on_progress* is called after every chunk with the bytes that were read and the bytes there are.

    Raises:
        BooksError: if the file cannot be read, is no such export, or the organization is unknown.
        ServiceUnavailableError: if the books stay locked.

    """
    with database.reading() as session:
        zone = options.zone or ZoneInfo(find_organization(session, organization).time_zone)
    try:
        file = path.open("rb")
    except OSError as error:
        raise BooksError(f"the export {path} cannot be read: {error.strerror}") from error
    with file:
        source = hashlib.file_digest(file, "sha256").hexdigest()
        size = file.tell()
        file.seek(0)

        def after_chunk() -> None:
            if on_progress is not None:
                on_progress(file.tell(), size)

        rows = without_repeats(read_toggl(file, zone=zone, dates=options.dates, rounded=options.rounded))
        return import_entries(database, organization, rows, source=source, options=options, after_chunk=after_chunk)
