from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, select, text

from forked_processes import run_at_once
from small_books import ACME, CLIENTS
from tasks_platform.errors import BooksError, ServiceUnavailableError
from tasks_platform.services.accounts import models
from tasks_platform.services.books import Database, find_organization, load_clients
from tasks_platform.services.books.schema import NEWEST, VERSION_TABLE

SCRIPTS = ScriptDirectory.from_config(Config(toml_file=Path(__file__).parents[3] / "pyproject.toml"))
TABLES = {*models.Base.metadata.tables, VERSION_TABLE}


@pytest.fixture
def empty(empty_books_url):
    """Return books that have no tables yet."""
    database = Database(empty_books_url)
    yield database
    database.dispose()


@pytest.fixture
def old(empty, empty_books_url, tmp_path):
    """Return books that were made before there were migrations."""
    (tmp_path / "state").mkdir()
    with empty.engine.begin() as connection:
        SCRIPTS.get_revision("0001").module.TABLES.create_all(connection)
        connection.execute(
            text(
                "INSERT INTO organizations (slug, name, address, email, tax_id, invoice_prefix, time_zone, currency, "
                "tax_rate, payment_days, bank, last_invoice_number) "
                "VALUES ('acme', 'Acme', '', '', '', 'AC', 'UTC', 'EUR', 190000, 30, '', 41)"
            )
        )
    return empty


def tables(database):
    return set(inspect(database.engine).get_table_names())


def test_the_books_are_made_with_folder_file_and_tables_and_it_may_be_repeated(empty):
    assert empty.revision is None
    assert empty.upgrade() == ("0001", "0002")
    assert empty.upgrade() == ()
    assert (tables(empty), empty.revision) == (TABLES, NEWEST)


def test_the_program_knows_its_newest_revision():
    assert SCRIPTS.get_heads() == [NEWEST]
    assert [script.revision for script in SCRIPTS.walk_revisions()] == sorted(
        (script.revision for script in SCRIPTS.walk_revisions()), reverse=True
    )


def test_migrations_make_what_the_models_say(empty):
    empty.upgrade()
    with empty.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE, "compare_type": True})
        assert compare_metadata(context, models.Base.metadata) == []


def test_books_from_before_there_were_migrations_are_recognized_and_keep_what_is_in_them(old):
    assert old.upgrade() == ("0002",)
    assert (tables(old), old.revision) == (TABLES, NEWEST)
    with old.session() as session:
        assert find_organization(session, ACME).last_invoice_number == 41


def test_tables_of_the_same_names_that_are_not_the_books_are_left_alone(old):
    with old.engine.begin() as connection:
        connection.execute(text("ALTER TABLE rates ADD COLUMN mood INTEGER"))
    before = tables(old)
    with pytest.raises(BooksError, match=r"not the books' tables.*mood.*Nothing was changed"):
        old.upgrade()
    assert tables(old) == before


def test_tables_of_another_application_beside_the_books_do_not_matter(old):
    with old.engine.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
    assert old.upgrade() == ("0002",)
    assert tables(old) == {*TABLES, "alembic_version"}


def test_a_migration_that_fails_changes_nothing(old):
    with old.engine.begin() as connection:
        connection.execute(text("CREATE TABLE tokens (id INTEGER)"))
    before = tables(old)
    with pytest.raises(Exception, match="tokens"):
        old.upgrade()
    assert (tables(old), old.revision) == (before, None)


def test_books_that_wait_to_be_upgraded_say_so_and_are_used_once_somebody_did_it(old, empty_books_url):
    with (
        pytest.raises(ServiceUnavailableError, match=r"have no tables.*run 'tasks-platform database upgrade'"),
        old.reading(),
    ):
        pass
    other = Database(empty_books_url)
    other.upgrade()
    other.dispose()
    with old.session() as session:
        assert find_organization(session, ACME).name == "Acme"


def test_books_that_upgrade_themselves_do_it_when_they_are_first_used(empty_books_url):
    database = Database(empty_books_url, upgrades_itself=True)
    with database.session() as session:
        load_clients(session, CLIENTS)
    assert database.revision == NEWEST
    database.dispose()


def test_books_of_a_newer_program_are_used_as_they_are(empty):
    empty.upgrade()
    with empty.engine.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    assert empty.upgrade() == ()
    assert empty.revision == "9999"
    with empty.reading() as session:
        assert session.scalars(select(models.Organization)).all() == []


def test_many_processes_that_start_on_empty_books_make_them_once(empty_books_url, empty):
    program = """
        from alembic import autogenerate, command, script
        from tasks_platform.services.books import Database

        def work(number):
            database = Database(sys.argv[1], upgrades_itself=True)
            with database.reading() as session:
                pass
            database.dispose()
    """
    run_at_once(4, program, empty_books_url)
    assert tables(empty) == TABLES
    with empty.engine.connect() as connection:
        assert connection.scalars(text(f"SELECT version_num FROM {VERSION_TABLE}")).all() == [NEWEST]
