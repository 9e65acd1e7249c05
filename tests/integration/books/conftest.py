"""Real books in a file of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from small_books import open_books
from tasks_platform.services.books import Database


@pytest.fixture
def books_url(tmp_path: Path) -> str:
    """Return where the books of this test lie; nothing is there yet, not even the folder."""
    return f"sqlite:///{tmp_path / 'state' / 'books.sqlite3'}"


@pytest.fixture
def books(books_url: str) -> Iterator[Database]:
    """Return books with a few clients and without work; see `small_books`."""
    database = open_books(books_url)
    yield database
    database.dispose()
