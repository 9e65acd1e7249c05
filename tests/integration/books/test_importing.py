from __future__ import annotations

from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from small_books import ACME, entry, put
from tasks_platform.errors import BooksError
from tasks_platform.services.books import Database, ImportOptions, RowError, import_entries, import_file
from tasks_platform.services.books.importing import CHUNK
from tasks_platform.services.books.models import Client, Project, TimeEntry
from tasks_platform.services.sample import SLUG, TIME_ENTRIES, load_sample
from toggl_export import CLASSIC

EMPTY = "Ana,a@x.example,,Internal,,{0},No,2026-10-05,09:00:00,2026-10-05,09:00:00,0:00:00,"


def count(database: Database) -> int:
    """Return how many entries there are."""
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(TimeEntry)) or 0


def write(path: Path, *lines: str) -> Path:
    """Return an export."""
    path.write_text("\n".join([CLASSIC, *lines]), encoding="utf-8")
    return path


@pytest.fixture
def sample(books: Database) -> Database:
    """Return books that also know the sample's clients."""
    with books.session() as session:
        load_sample(session)
    return books


def test_the_sample_is_imported_once_and_its_wrong_rows_are_reported(sample):
    first = import_file(sample, SLUG, TIME_ENTRIES)
    assert (first.added, first.already_there, first.wrong, first.rows) == (3140, 0, 17, 3157)
    second = import_file(sample, SLUG, TIME_ENTRIES)
    assert (second.added, second.already_there, second.errors) == (0, 3140, first.errors)
    assert count(sample) == 3140
    assert [error.row for error in first.errors] == sorted(error.row for error in first.errors)
    named = {(error.column, error.value) for error in first.errors}
    assert {("Client", "Cedar Groves Ltd"), ("Project", "Phase 3"), ("Start date", "31/10/2026")} <= named


def test_progress_ends_with_the_whole_file(sample):
    seen: list[tuple[int, int]] = []
    import_file(sample, SLUG, TIME_ENTRIES, on_progress=lambda done, total: seen.append((done, total)))
    size = TIME_ENTRIES.stat().st_size
    assert seen == sorted(seen)
    assert len(seen) == -(-3157 // CHUNK)
    assert seen[-1] == (size, size)
    assert {total for _, total in seen} == {size}


def test_an_import_that_breaks_off_is_completed_by_the_next(books):
    rows = [entry(at=f"{number // 60:02d}:{number % 60:02d}", seconds=60) for number in range(CHUNK + 100)]

    def break_off():
        yield from rows[: CHUNK + 50]
        raise RuntimeError

    with pytest.raises(RuntimeError):
        import_entries(books, ACME, break_off(), source="a file")
    assert count(books) == CHUNK
    report = import_entries(books, ACME, rows, source="a file")
    assert (report.added, report.already_there, report.wrong) == (100, CHUNK, 0)


def test_an_overlapping_export_adds_only_what_is_new(books):
    put(books, entry(at="09:00"), entry(at="10:00"), source="october, first half")
    report = put(books, entry(at="10:00"), entry(at="11:00"), source="october")
    assert (report.added, report.already_there) == (1, 1)


def test_an_entry_that_was_edited_after_its_import_is_reported_and_not_billed_beside_the_old_one(books):
    put(books, entry(description="Wrk"), source="monday")
    report = put(books, entry(description="Work"), source="tuesday")
    assert (report.added, report.wrong, count(books)) == (0, 1, 1)
    assert "Ana already has an entry that starts at 2026-10-05 09:00:00" in report.errors[0].reason
    assert "`accept_simultaneous`" in report.errors[0].reason


def test_simultaneous_entries_of_one_file_are_taken_also_when_it_is_imported_again(books):
    rows = [entry(description="One"), entry(description="Another")]
    assert put(books, *rows).added == 2
    again = put(books, *rows, source="the whole month")
    assert (again.already_there, again.wrong) == (2, 0)


def test_simultaneous_entries_of_two_files_are_taken_if_that_is_wanted(books):
    put(books, entry(description="One"), source="monday")
    report = put(books, entry(description="Another"), source="tuesday", options=["accept_simultaneous"])
    assert (report.added, report.wrong) == (1, 0)


@pytest.mark.parametrize(
    ("client", "project", "column", "reason"),
    [
        ("Kestral", "Web", "Client", "no client of this name is in the books"),
        ("Kestrel", "Wob", "Project", "the client Kestrel has no project of this name"),
        ("Kestrel", "App", "Project", "the client Kestrel has no project of this name"),
        ("kestrel", "Web", "Client", "no client of this name is in the books"),
    ],
)
def test_an_unknown_client_or_project_is_an_error(books, client, project, column, reason):
    report = put(books, entry(client, project), entry(at="10:00"))
    assert (report.added, report.wrong) == (1, 1)
    assert report.errors[0].column == column
    assert reason in report.errors[0].reason


def test_an_unknown_project_without_client_is_the_organizations(books):
    report = put(books, entry("", "Parties", billable=False), entry("", "Internal", billable=False, at="10:00"))
    assert (report.added, report.errors[0].reason.split(":")[0]) == (
        1,
        "the organization itself has no project of this name",
    )


def test_unknown_clients_and_projects_are_created_if_that_is_wanted(books):
    rows = [entry("New Ltd", "First"), entry("New Ltd", "Second", at="10:00"), entry("Kestrel", "Third", at="11:00")]
    report = put(books, *rows, entry("", "Parties", billable=False, at="12:00"), options=["create_missing"])
    assert (report.added, report.wrong) == (4, 0)
    with books.reading() as session:
        new = session.scalars(select(Client).where(Client.name == "New Ltd")).one()
        projects = session.scalars(select(Project.name).where(Project.client_id == new.id).order_by(Project.name)).all()
        own = session.scalars(select(Project.name).where(Project.client_id.is_(None)).order_by(Project.name)).all()
    assert (new.email, new.currency, str(new.tax_rate), new.payment_days) == ("", "EUR", "0.230000", 14)
    assert (projects, own) == (["First", "Second"], ["Internal", "Parties"])


def test_creating_what_is_missing_for_wrong_rows_only_creates_nothing(books):
    put(books, RowError(row=2, column="Client", reason="is empty", value=""), options=["create_missing"])
    with books.reading() as session:
        assert session.scalar(select(func.count()).select_from(Client)) == 3


def test_the_day_of_an_entry_is_that_of_the_organization(books, tmp_path):
    row = EMPTY.format("Late").replace("2026-10-05,09:00:00", "2026-10-31,23:30:00")  # 03:30 on the 1st in Dublin
    path = write(tmp_path / "new_york.csv", row)
    options = ImportOptions(zone=ZoneInfo("America/New_York"))
    assert import_file(books, ACME, path, options=options).added == 1
    with books.reading() as session:
        assert session.scalars(select(TimeEntry.local_date)).one() == date(2026, 11, 1)


def test_a_report_keeps_the_first_thousand_errors_and_counts_all(books):
    errors = [RowError(row=row, column="", reason="is wrong", value="") for row in range(2, 2502)]
    report = put(books, *errors)
    assert (report.wrong, len(report.errors), report.errors[-1].row) == (2500, 1000, 1001)


def test_identical_rows_are_imported_once(books, tmp_path):
    path = write(tmp_path / "twice.csv", EMPTY.format("A"), EMPTY.format("A"), EMPTY.format("B"))
    report = import_file(books, ACME, path)
    assert (report.added, report.wrong) == (2, 1)
    assert report.errors[0].reason == "says the same as row 2: imported once"


def test_a_file_that_is_not_there_or_of_an_unknown_organization_is_one_clear_error(books, tmp_path):
    with pytest.raises(BooksError, match="cannot be read: No such file"):
        import_file(books, ACME, tmp_path / "nothing.csv")
    with pytest.raises(BooksError, match=r"no organization 'acne' in the books \(known: acme\)"):
        import_file(books, "acne", TIME_ENTRIES)


def test_an_empty_export_adds_nothing(books, tmp_path):
    assert import_file(books, ACME, write(tmp_path / "empty.csv")).rows == 0
