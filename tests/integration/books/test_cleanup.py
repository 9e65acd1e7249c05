"""The clean-ups, called as bare functions on real databases."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, insert, select, update

from small_books import ACME
from tasks_platform.services.accounts.models import Purpose, Token, User
from tasks_platform.services.accounts.stale import delete_stale
from tasks_platform.services.books import Database, find_organization
from tasks_platform.tasks import cleanup
from tasks_platform.tasks.cleanup import CleanupResult

NOW = datetime.now(UTC)
OLD, NEW = NOW - timedelta(days=8), NOW - timedelta(days=6)


@pytest.fixture(autouse=True)
def desk(desk):
    """Let every test have the office at its books."""
    return desk


def users(books: Database, count: int, *, created_at: datetime = OLD, verified: bool = False) -> list[int]:
    """Save so many accounts."""
    with books.session() as session:
        rows = [
            {
                "organization_id": find_organization(session, ACME).id,
                "email": f"{number}-{created_at.timestamp():.0f}-{verified}@kontor.example",
                "name": "Ana",
                "created_at": created_at,
                "verified_at": NOW if verified else None,
            }
            for number in range(count)
        ]
        return list(session.scalars(insert(User).returning(User.id), rows))


def tokens(books: Database, user: int, count: int, *, expires_at: datetime) -> None:
    """Save so many tokens of a user."""
    rows = [
        {
            "user_id": user,
            "purpose": Purpose.RESET,
            "digest": f"{number} {user} {expires_at}",
            "created_at": OLD,
            "expires_at": expires_at,
        }
        for number in range(count)
    ]
    with books.session() as session:
        session.execute(insert(Token), rows)


def left(books: Database, table: type[Token | User]) -> int:
    """Count the rows of a table."""
    with books.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_expired_tokens_go_in_chunks_and_the_others_stay(books):
    (user,) = users(books, 1, verified=True)
    tokens(books, user, 1203, expires_at=NOW - timedelta(seconds=1))
    tokens(books, user, 5, expires_at=NOW + timedelta(hours=1))
    assert cleanup.expired_tokens() == CleanupResult(found=1203, deleted=1203, chunks=3, dry_run=False)
    assert left(books, Token) == 5
    assert cleanup.expired_tokens() == CleanupResult(found=0, deleted=0, chunks=0, dry_run=False)


def test_accounts_that_nobody_verified_in_time_go_with_their_tokens(books):
    (pending, *_) = users(books, 7)
    (waiting,) = users(books, 1, created_at=NEW)
    users(books, 3, verified=True)
    for user in (pending, waiting):
        tokens(books, user, 2, expires_at=NOW + timedelta(hours=1))
    assert cleanup.pending_users(chunk=3) == CleanupResult(found=7, deleted=7, chunks=3, dry_run=False)
    assert (left(books, User), left(books, Token)) == (4, 2)
    assert cleanup.pending_users(older_than=timedelta(days=5)).deleted == 1


def test_a_dry_run_says_what_would_go_and_changes_nothing(books):
    (user, *_) = users(books, 4)
    tokens(books, user, 2, expires_at=OLD)
    assert cleanup.pending_users(dry_run=True) == CleanupResult(found=4, deleted=0, chunks=0, dry_run=True)
    assert cleanup.expired_tokens(dry_run=True) == CleanupResult(found=2, deleted=0, chunks=0, dry_run=True)
    assert (left(books, User), left(books, Token)) == (4, 2)


def test_a_clean_up_that_is_cut_off_keeps_what_it_did_and_is_gone_on_with(books, monkeypatch):
    (user,) = users(books, 1, verified=True)
    tokens(books, user, 25, expires_at=OLD)
    calls = iter(range(2))

    def cut_off(*arguments, **options):
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return delete_stale(*arguments, **options)

    monkeypatch.setattr(cleanup, "delete_stale", cut_off)
    with pytest.raises(KeyboardInterrupt):
        cleanup.expired_tokens(chunk=10)
    assert left(books, Token) == 5
    monkeypatch.setattr(cleanup, "delete_stale", delete_stale)
    assert cleanup.expired_tokens(chunk=10).deleted == 5


@pytest.mark.parametrize("books_url", ["postgresql"], indirect=True)
@pytest.mark.needs("psql")
def test_somebody_who_verifies_at_this_very_moment_stays(books):
    (user, *_) = users(books, 3)
    with books.session() as session:
        session.execute(update(User).where(User.id == user).values(verified_at=NOW))
        done: list[CleanupResult] = []
        thread = threading.Thread(target=lambda: done.append(cleanup.pending_users()))
        thread.start()
        thread.join(20)  # it does not wait for the other transaction
        assert [result.deleted for result in done] == [2]
    assert left(books, User) == 1
