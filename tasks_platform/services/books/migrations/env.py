"""What alembic runs: on the connection it is given, or on the books of the settings when a person calls it."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from tasks_platform.services.accounts.models import User  # its tables are made by the same migrations
from tasks_platform.services.books.database import Database
from tasks_platform.services.books.schema import VERSION_TABLE
from tasks_platform.settings import load_settings


def run(connection: Connection) -> None:
    """Run what alembic was asked for."""
    context.configure(connection=connection, target_metadata=User.metadata, version_table=VERSION_TABLE)
    with context.begin_transaction():
        context.run_migrations()


if (given := context.config.attributes.get("connection")) is not None:
    run(given)
else:
    with Database(load_settings().database).engine.begin() as opened:
        run(opened)
