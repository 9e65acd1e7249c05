"""Find rows that say again what an earlier row said.

Two identical rows are one entry and an error: a person does not do the same thing twice at the same moment, and Toggl
Track itself merges such rows when it imports a file. Nobody is billed for a line that was pasted twice.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing

from tasks_platform.services.books.toggl.rows import EntryRow, RowError, row_error


def without_repeats(rows: Iterable[EntryRow | RowError]) -> Iterator[EntryRow | RowError]:
    """Yield *rows*, a repeated entry replaced by an error that names the first one.

    What was seen is kept in a temporary file, so that memory does not grow with the number of rows.
    """
    with closing(sqlite3.connect("", isolation_level=None, check_same_thread=False)) as seen:
        seen.execute("PRAGMA journal_mode = OFF")
        seen.execute("CREATE TABLE seen (key BLOB PRIMARY KEY, row INTEGER NOT NULL) WITHOUT ROWID")
        seen.execute("BEGIN")
        for row in rows:
            if isinstance(row, RowError):
                yield row
                continue
            key = bytes.fromhex(row.key)
            if seen.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (key, row.row)).rowcount:
                yield row
            else:
                (first,) = seen.execute("SELECT row FROM seen WHERE key = ?", (key,)).fetchone()
                yield row_error(row.row, "", f"says the same as row {first}: imported once", row.description)
