from __future__ import annotations

import sqlite3
import subprocess
import sys
import textwrap
import threading
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

import small_books
from forked_processes import run_at_once
from small_books import ACME, CLIENTS, entry, put, reading
from tasks_platform.errors import ServiceUnavailableError, SettingsError
from tasks_platform.services.books import Database, find_organization, load_clients
from tasks_platform.services.books import database as database_module
from tasks_platform.services.books.models import Base, Client, Organization, Rate, TimeEntry

on_sqlite = pytest.mark.parametrize("books_url", ["sqlite"], indirect=True)


def test_a_unit_of_work_that_fails_leaves_no_trace(books):
    def fail() -> None:
        with books.session() as session:
            session.scalars(select(Organization)).one().name = "Changed"
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with books.reading() as session:
        assert session.scalars(select(Organization.name)).one() == "Acme Consulting"


def test_writers_that_read_first_wait_for_each_other_and_lose_nothing(books):
    def raise_number() -> None:
        for _ in range(10):
            with books.session() as session:
                find_organization(session, ACME, lock=True).last_invoice_number += 1

    threads = [threading.Thread(target=raise_number) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    with books.reading() as session:
        assert session.scalars(select(Organization.last_invoice_number)).one() == 40


def test_a_reader_neither_waits_for_a_writer_nor_sees_what_is_not_committed(books):
    with books.session() as writer:
        writer.scalars(select(Organization)).one().name = "Changed"
        writer.flush()
        with books.reading() as reader:
            assert reader.scalars(select(Organization.name)).one() == "Acme Consulting"


def test_a_reader_sees_one_state_of_the_books(books):
    with books.reading() as reader:
        before = reader.scalar(select(func.count()).select_from(TimeEntry))
        put(books, entry())
        assert reader.scalar(select(func.count()).select_from(TimeEntry)) == before


@on_sqlite
def test_a_lock_that_does_not_go_away_is_a_passing_fault(books_url, monkeypatch):
    monkeypatch.setattr(database_module, "LOCK_TIMEOUT", 0.2)
    database = Database(books_url)
    database.upgrade()
    with (
        database.session(),
        pytest.raises(ServiceUnavailableError, match=r"stayed locked by another process for 0\.2 s; try again"),
        Database(books_url).session(),
    ):
        pass


def test_a_fault_of_the_program_is_not_called_passing(books):
    with pytest.raises(DBAPIError, match="nowhere"), books.session() as session:
        session.execute(text("SELECT * FROM nowhere"))


def test_books_in_memory_are_refused():
    for url in ("sqlite://", "sqlite:///:memory:"):
        with pytest.raises(SettingsError, match="every process would see its own"):
            Database(url)


def test_a_password_is_not_shown():
    assert "secret" not in repr(Database("postgresql+psycopg://me:secret@localhost/books"))


def test_a_forked_child_has_an_engine_of_its_own_and_loses_nothing(books_url):
    program = """
        from small_books import ACME, open_books
        from tasks_platform.services.books import find_organization

        database = open_books(sys.argv[1])
        parents = database.engine

        def work(number):
            assert database.engine is not parents
            for _ in range(10):
                with database.session() as session:
                    find_organization(session, ACME, lock=True).last_invoice_number += 1
    """
    run_at_once(4, program, books_url)
    with reading(books_url) as session:
        assert session.scalars(select(Organization.last_invoice_number)).one() == 40


@on_sqlite
def test_nothing_stays_open_between_units_of_work(books, tmp_path):
    put(books, entry())
    assert not (tmp_path / "state" / "books.sqlite3-wal").exists()  # SQLite removes it with the last connection


def test_the_file_survives_a_writer_that_is_killed(books_url):
    program = """
        import os, sys
        from sqlalchemy import select
        from tasks_platform.services.books.models import Organization
        sys.path.insert(0, sys.argv[2])
        from small_books import open_books
        database = open_books(sys.argv[1])
        with database.session() as session:
            session.scalars(select(Organization)).one().name = "Half done"
            session.flush()
            os.kill(os.getpid(), 9)
    """
    command = [sys.executable, "-c", textwrap.dedent(program), books_url, str(Path(small_books.__file__).parent)]
    process = subprocess.run(command, check=False, timeout=60)
    assert process.returncode == -9
    with reading(books_url) as session:
        assert session.scalars(select(Organization.name)).one() == "Acme Consulting"


@pytest.mark.parametrize("amount", ["0.01", "92233720368547758.07", "-0.10", "1234567.80"])
def test_money_comes_back_exactly(books, amount):
    with books.session() as session:
        rate = session.scalars(select(Rate)).first()
        assert rate is not None
        rate.hourly = Decimal(amount)
        number = rate.id
    with books.reading() as session:
        assert str(session.get_one(Rate, number).hourly) == amount


@pytest.mark.parametrize("amount", ["0.001", "NaN", "Infinity", "1e30", "1.0000000000000000000000000000000001"])
def test_money_that_cannot_be_stored_exactly_is_refused(books, amount):
    with pytest.raises(StatementError, match="cannot be stored exactly"), books.session() as session:
        session.execute(update(Rate).values(hourly=Decimal(amount)))


def test_a_sum_in_the_database_is_exact(books):
    with books.session() as session:
        rates = session.scalars(select(Rate)).all()
        for rate in rates:
            rate.hourly = Decimal("0.10")
    with books.reading() as session:
        assert session.scalar(select(func.sum(Rate.hourly))) == Decimal("0.10") * len(rates)


def test_moments_come_back_aware_and_in_utc(books):
    put(books, entry(day="2026-10-05", at="09:00"))
    with books.reading() as session:
        moment = session.scalars(select(TimeEntry.start_at)).one()
    assert (moment, moment.tzinfo) == (datetime(2026, 10, 5, 8, tzinfo=UTC), UTC)


def test_a_moment_without_time_zone_is_refused(books):
    put(books, entry())
    with pytest.raises(StatementError, match="has no time zone"), books.session() as session:
        session.scalars(select(TimeEntry)).one().start_at = datetime(2026, 10, 5)  # noqa: DTZ001 - what is refused


def test_moments_are_compared_as_moments(books):
    put(books, entry(day="2026-10-05", at="09:00"))
    same = datetime(2026, 10, 5, 4, tzinfo=ZoneInfo("America/New_York"))
    with books.reading() as session:
        assert session.scalars(select(TimeEntry).where(TimeEntry.start_at == same)).one()


def test_rows_that_nothing_owns_are_refused(books):
    with pytest.raises(IntegrityError), books.session() as session:
        session.add(Rate(organization_id=999, currency="EUR", hourly=Decimal(1), valid_from=date(2026, 1, 1)))


def test_loading_the_same_clients_again_changes_nothing(books):
    def content() -> list[tuple[object, ...]]:
        with books.reading() as session:
            return [
                tuple(row)
                for table in Base.metadata.sorted_tables
                for row in session.execute(select(table).order_by(table.c.id))
            ]

    before = content()
    with books.session() as session:
        load_clients(session, CLIENTS)
    assert content() == before


def test_loading_a_changed_file_updates_and_removes_nothing(books):
    changed = CLIENTS.model_copy(
        update={"clients": (CLIENTS.clients[0].model_copy(update={"email": "new@kestrel.example"}),)}
    )
    with books.session() as session:
        load_clients(session, changed)
    with books.reading() as session:
        emails = {client.name: client.email for client in session.scalars(select(Client))}
    assert (len(emails), emails["Kestrel"]) == (3, "new@kestrel.example")


@on_sqlite
def test_readable_by_other_programs_as_plain_sqlite(books, tmp_path):
    connection = sqlite3.connect(tmp_path / "state" / "books.sqlite3")
    try:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("SELECT min(hourly) FROM rates").fetchone() == (9000,)
    finally:
        connection.close()
