"""Real books of their own for every test: in a SQLite file, and in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from small_books import open_books
from tasks_platform.services.books import Database
from tasks_platform.services.office import Office, office


@pytest.fixture
def books(books_url: str) -> Iterator[Database]:
    """Return books with a few clients and without work; see `small_books`."""
    database = open_books(books_url)
    yield database
    database.dispose()


@pytest.fixture
def desk(books: Database, books_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """Open the office at these books, as the tasks do; mail is filed in a folder."""
    monkeypatch.setenv("TASKS_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("TASKS_DATABASE_URL", books_url)
    office.cache_clear()
    yield office()
    office().books.dispose()
    office.cache_clear()
