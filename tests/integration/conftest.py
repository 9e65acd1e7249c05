"""What integration tests share."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks_platform.services.books import Database
from tasks_platform.store import MemoryStore, RedisStore

#: Both databases keep the same promises. `psql` shows that PostgreSQL is installed; its server is not on the PATH.
DATABASES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("psql"))]


@pytest.fixture(params=["memory", "redis"])
def store(request):
    """Return the store in Redis, and then its twin in memory: both keep the same promises."""
    if request.param == "memory":
        yield MemoryStore()
        return
    store = RedisStore(request.getfixturevalue("redis_url"))
    yield store
    store.client.close()


@pytest.fixture(params=DATABASES)
def empty_books_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return where the books of this test lie; nothing is there yet, for SQLite not even the folder."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'state' / 'books.sqlite3'}"
    else:
        with request.getfixturevalue("postgres_server").database() as url:
            yield url


@pytest.fixture(params=DATABASES)
def books_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return where the books of this test lie; their tables are there, and empty."""
    if request.param == "sqlite":
        file = tmp_path / "state" / "books.sqlite3"
        file.parent.mkdir()
        shutil.copyfile(request.getfixturevalue("sqlite_template"), file)
        yield f"sqlite:///{file}"
    else:
        with request.getfixturevalue("postgres_server").database("books") as url:
            yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with the tables of the books, of which tests get copies."""
    file = tmp_path_factory.mktemp("books") / "template.sqlite3"
    Database(f"sqlite:///{file}").upgrade()
    return file
