"""The database of the books: one engine per process, one transaction per unit of work."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, NullPool, create_engine, event, func, make_url, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from tasks_platform.errors import ServiceUnavailableError, SettingsError
from tasks_platform.services.books.schema import NEWEST, migrate, revision_of

#: Seconds a writer waits for another one before it gives up; a unit of work holds the lock for milliseconds.
LOCK_TIMEOUT = 30.0
#: Any number, the same in every process: who holds it changes the tables (PostgreSQL only).
_MIGRATION_LOCK = 0x626F6F6B73


class Database:
    """The books at one SQLAlchemy URL.

     1. `upgrade` makes the folder and the file, and brings the tables up to date; it may be called often, and by many
        processes at once. With *upgrades_itself* it is called where it is needed; without it, books that are older
        than this program are asked for it in words, and used as soon as somebody did it.
     2. `session` is a unit of work that may write: it commits at its end, or leaves no trace. On SQLite it takes the
        one write lock when it begins (BEGIN IMMEDIATE). A transaction that reads first and asks for the lock later is
        refused there as soon as somebody else wrote in between, without waiting, however long the busy timeout is. On
    PostgreSQL, what reads before it writes locks the rows it decides about (`find_organization`).
     3. `reading` is a snapshot that never waits for a writer and never writes.

     After a fork: SQLite's connections must not cross one. They are not even to be closed in the child, and a child
    that opens the file anew believes to hold the locks of the inherited connection (sqlite.org/howtocorrupt.html,
    2.6). So there is nothing to inherit: without a pool a connection lives as long as its unit of work, which costs
    some milliseconds each. Do not fork while another thread is inside one. On PostgreSQL there is a pool, and every
    process has its own: engines are kept by process id, and an inherited one is neither used nor closed.
    """

    def __init__(self, url: str, *, upgrades_itself: bool = False) -> None:
        self._url = make_url(url)
        if self._url.get_backend_name() == "sqlite" and self._url.database in (None, "", ":memory:"):
            raise SettingsError("the books cannot lie in memory: every process would see its own; name a file")
        self._upgrades_itself = upgrades_itself
        self._engines: dict[int, Engine] = {}
        #: Whether this process, or the one it was forked from, has seen that the tables are there.
        self._is_up_to_date = False

    def __repr__(self) -> str:
        return f"Database({self._url.render_as_string(hide_password=True)!r})"

    @property
    def engine(self) -> Engine:
        """The engine of this process."""
        engine = self._engines.get(os.getpid())
        if engine is None:
            # Two threads may both come here: one engine is kept, the other has connected to nothing yet.
            engine = self._engines.setdefault(os.getpid(), self._create_engine())
        return engine

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Yield a unit of work; it is committed when the block ends and rolled back when it raises.

        Raises:
            ServiceUnavailableError: if the database cannot be reached, stayed locked for `LOCK_TIMEOUT` seconds, or
                waits to be upgraded.

        """
        self._see_to_the_tables()
        with _availability(self), Session(self.engine, expire_on_commit=False) as session, session.begin():
            session.connection()  # takes the lock now: whatever the block decides, it decides under it
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yield a session that sees one state of the books and changes nothing.

        Raises:
            ServiceUnavailableError: if the database cannot be reached, or waits to be upgraded.

        """
        self._see_to_the_tables()
        with _availability(self), Session(self.engine, expire_on_commit=False, autoflush=False) as session:
            sqlite = self._file is not None
            session.connection(
                execution_options={"reading": True} if sqlite else {"isolation_level": "REPEATABLE READ"}
            )
            yield session

    def upgrade(self) -> tuple[str, ...]:
        """Create what is missing, the folder, the file and the tables, and return the revisions that were new.

        Raises:
            BooksError: if there are tables of the books' names that are not the books'; nothing was changed.
            ServiceUnavailableError: if the database cannot be reached, or stayed locked for `LOCK_TIMEOUT` seconds.

        """
        with _availability(self):
            if self._file is not None:
                self._file.parent.mkdir(parents=True, exist_ok=True)
                self._switch_to_write_ahead_log()
            # Looking for the tables and making them is one transaction under a lock: nobody does it in between.
            with self.engine.begin() as connection:
                if connection.dialect.name == "postgresql":
                    connection.execute(select(func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
                new = migrate(connection)
        self._is_up_to_date = True
        return new

    @property
    def revision(self) -> str | None:
        """The revision of the tables, None if there are none.

        Raises:
            ServiceUnavailableError: if the database cannot be reached.

        """
        if self._file is not None and not self._file.exists():
            return None
        with _availability(self), self.engine.connect().execution_options(reading=True) as connection:
            return revision_of(connection)

    def _see_to_the_tables(self) -> None:
        if self._is_up_to_date:
            return
        found = self.revision
        if found is not None and found >= NEWEST:  # a newer program's books are no obstacle: revisions only add
            self._is_up_to_date = True
        elif self._upgrades_itself:
            self.upgrade()
        else:
            raise ServiceUnavailableError(
                f"the books at {self!r} {'have no tables' if found is None else f'are at revision {found}'}, and this "
                f"program needs revision {NEWEST}: run 'tasks-platform database upgrade'"
            )

    def dispose(self) -> None:
        """Close the connections of this process."""
        engine = self._engines.pop(os.getpid(), None)
        if engine is not None:
            engine.dispose()

    @property
    def _file(self) -> Path | None:
        if self._url.get_backend_name() != "sqlite":
            return None
        return Path(self._url.database or "")

    def _create_engine(self) -> Engine:
        if self._url.get_backend_name() != "sqlite":
            try:
                return create_engine(self._url, pool_pre_ping=True, hide_parameters=True)
            except ModuleNotFoundError as error:
                raise SettingsError(
                    f"the books at {self!r} need the driver {error.name}, which is not installed; for PostgreSQL: "
                    "pip install 'tasks-platform[postgres]' and a URL that begins with postgresql+psycopg://"
                ) from error
        engine = create_engine(
            self._url, poolclass=NullPool, hide_parameters=True, connect_args={"timeout": LOCK_TIMEOUT}
        )
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_on_sqlite)
        return engine

    def _switch_to_write_ahead_log(self) -> None:
        """Let readers and the writer work side by side; the file remembers it.

        The switch wants the file for itself and does not wait for it, unlike everything else.
        """
        end = time.monotonic() + LOCK_TIMEOUT
        while True:
            try:
                with self.engine.connect() as connection:
                    connection.connection.cursor().execute("PRAGMA journal_mode = WAL")
            except (sqlite3.OperationalError, OperationalError) as error:
                if not _is_locked(error) or time.monotonic() > end:
                    raise
                time.sleep(0.01)
            else:
                return


def _configure_sqlite(connection: sqlite3.Connection, _: Any) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes late and is never immediate
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")  # a committed invoice survives a power cut


def _begin_on_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _is_locked(error: BaseException) -> bool:
    cause = error.orig if isinstance(error, OperationalError) else error
    code = getattr(cause, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


@contextmanager
def _availability(database: Database) -> Iterator[None]:
    """Tell "locked or away, try again" from a fault in the program."""
    try:
        yield
    except (sqlite3.OperationalError, OperationalError) as error:
        if _is_locked(error):
            raise ServiceUnavailableError(
                f"the books at {database!r} stayed locked by another process for {LOCK_TIMEOUT:g} s; try again"
            ) from error
        if isinstance(error.__cause__, sqlite3.Error) or isinstance(error, sqlite3.Error):
            raise
        raise ServiceUnavailableError(f"the books at {database!r} cannot be reached: {error}") from error
