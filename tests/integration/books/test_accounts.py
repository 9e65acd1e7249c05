from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from forked_processes import run_at_once
from small_books import ACME, reading
from tasks_platform.errors import BooksError, ServiceRefusedError
from tasks_platform.services.accounts import (
    Account,
    Purpose,
    create_account,
    digest_of,
    find_account,
    find_account_by_email,
    issue_token,
    redeem_token,
    verified_accounts,
)
from tasks_platform.services.accounts.models import Token, User
from tasks_platform.services.books import Database

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def somebody(books: Database, email: str = "Ana@Kontor.example", **known: datetime) -> Account:
    """Save an account."""
    with books.session() as session:
        return create_account(session, ACME, email, "Ana", **known)


def token(books: Database, account: Account, purpose: Purpose = Purpose.RESET) -> str:
    """Issue a token that is good for an hour from noon."""
    with books.session() as session:
        return issue_token(session, account.id, purpose, lifetime=HOUR, now=NOON)


def redeemed(books: Database, secret: str, purpose: Purpose = Purpose.RESET, *, now: datetime = NOON) -> str | None:
    """Return whose token it was."""
    with books.session() as session:
        found = redeem_token(session, secret, purpose, now=now)
    return None if found is None else found.email


def test_an_account_is_found_by_its_id_and_by_its_address_however_it_is_written(books):
    account = somebody(books, trial_ends_at=NOON)
    assert (account.email, account.verified_at, account.trial_ends_at) == ("ana@kontor.example", None, NOON)
    assert (account.organization, account.sender.name, account.zone.key) == (ACME, "Acme Consulting", "Europe/Dublin")
    with books.reading() as session:
        assert find_account(session, account.id) == account
        assert find_account_by_email(session, " ANA@kontor.example") == account
        assert find_account(session, account.id + 1) is None


def test_signing_up_again_before_the_address_was_verified_is_the_same_account(books):
    assert somebody(books, "ana@kontor.example") == somebody(books, " ANA@kontor.example ")


def test_an_address_has_one_account(books):
    account = somebody(books)
    redeemed(books, token(books, account))
    with pytest.raises(BooksError, match=r"ana@kontor\.example has an account already"):
        somebody(books)


@pytest.mark.parametrize("email", ["nobody", "a@b@c", "a b@kontor.example", "\n@kontor.example"])
def test_an_address_that_is_none_is_refused(books, email):
    with pytest.raises(ServiceRefusedError, match="is no mail address"):
        somebody(books, email)


def test_an_account_belongs_to_an_organization_that_there_is(books):
    with pytest.raises(BooksError, match="no organization 'acne'"), books.session() as session:
        create_account(session, "acne", "ana@kontor.example", "Ana")


@pytest.mark.parametrize("books_url", ["postgresql"], indirect=True)  # SQLite has one writer at a time
@pytest.mark.needs("psql")
def test_many_processes_that_sign_up_one_person_make_one_account(books, books_url):
    program = """
        from tasks_platform.services.accounts import create_account
        from tasks_platform.services.books import Database

        database = Database(sys.argv[1])

        def work(number):
            with database.session() as session:
                create_account(session, "acme", "ana@kontor.example", "Ana")
            database.dispose()
    """
    run_at_once(4, program, books_url)
    with reading(books_url) as session:
        assert session.scalar(select(func.count()).select_from(User)) == 1


def test_a_token_is_good_once_and_verifies_the_address(books):
    account = somebody(books)
    secret = token(books, account)
    assert redeemed(books, secret) == account.email
    assert redeemed(books, secret) is None
    with books.reading() as session:
        (found,) = verified_accounts(session, ACME)
    assert found.verified_at == NOON


def test_a_token_is_good_for_its_purpose_and_for_its_time(books):
    secret = token(books, somebody(books))
    assert redeemed(books, secret, Purpose.VERIFY) is None
    assert redeemed(books, secret, now=NOON + HOUR) is None
    assert redeemed(books, "guessed") is None
    assert redeemed(books, secret, now=NOON + HOUR - timedelta(seconds=1)) is not None


def test_who_reads_the_books_cannot_use_a_token(books):
    secret = token(books, somebody(books))
    with books.reading() as session:
        kept = session.scalars(select(Token)).one()
        assert kept.digest == digest_of(secret)
        assert secret not in [str(value) for value in vars(kept).values()]
