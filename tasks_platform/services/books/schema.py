"""The tables of the books, brought up to date by migrations."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, inspect, text

from tasks_platform.errors import BooksError

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

#: The newest revision; a program that finds it in the books has nothing to do.
NEWEST: Final = "0002"
#: Not alembic's usual name: the database may hold tables of an application that has migrations of its own.
VERSION_TABLE: Final = "books_alembic_version"

_MIGRATIONS: Final = "tasks_platform.services.books:migrations"
#: alembic keeps what it works on in globals.
_turn = Lock()


def revision_of(connection: Connection) -> str | None:
    """Return the revision of the books, None if they have no tables or are older than migrations."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found: str | None = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))  # noqa: S608 - a constant
    return found


def migrate(connection: Connection) -> tuple[str, ...]:
    """Bring the tables up to date, within the transaction of *connection*; return the revisions that were new.

    1. An empty database gets all tables.
    2. Books from before there were migrations are recognized by their tables, and keep what is in them.
    3. Books of a newer program are left as they are: revisions only add.

    The caller holds a lock, so that nobody else does the same.

    Raises:
        BooksError: if there are tables of the books' names that are not the books'; nothing was changed.

    """
    if revision_of(connection) == NEWEST:
        return ()
    from alembic import command  # noqa: PLC0415 - costs 100 ms, and most processes find the books up to date
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - the same

    config = _config(connection)
    scripts = ScriptDirectory.from_config(config)
    known = [script.revision for script in scripts.walk_revisions()][::-1]
    with _turn:
        found = revision_of(connection)
        if found is None and _was_made_without_migrations(connection, scripts, known[0]):
            found = known[0]
            command.stamp(config, found)
        if found is not None and found not in known:
            return ()
        new = tuple(known if found is None else known[known.index(found) + 1 :])
        if new:
            command.upgrade(config, "head")
        return new


def _config(connection: Connection) -> Config:
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", _MIGRATIONS)
    return config


def _was_made_without_migrations(connection: Connection, scripts: ScriptDirectory, first: str) -> bool:
    """Tell whether these are the tables of the first revision, which `create_all` used to make."""
    from alembic.autogenerate import compare_metadata  # noqa: PLC0415 - as above
    from alembic.migration import MigrationContext  # noqa: PLC0415 - as above

    script = scripts.get_revision(first)
    tables = script.module.TABLES
    if not set(tables.tables).intersection(inspect(connection).get_table_names()):
        return False
    context = MigrationContext.configure(
        connection,
        opts={"include_name": lambda name, kind, _parents: kind != "table" or name in tables.tables},
    )
    if different := compare_metadata(context, tables):
        words = "; ".join(str(difference) for difference in different[:3])
        raise BooksError(
            f"the database has tables with names of the books that are not the books' tables ({words}). Nothing was "
            "changed. Name another database in TASKS_DATABASE_URL, or mend the tables."
        )
    return True
