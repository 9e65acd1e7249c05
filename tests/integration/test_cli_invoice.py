"""How ``tasks-platform invoice`` refuses what cannot be billed: in words, and before anything is started."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import small_books
from command_line import call, refusal
from tasks_platform import embedded
from tasks_platform.services.books import Database, load_clients

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "User,Email,Client,Project,Billable,Start date,Start time,End date,End time,Duration\n"
ROW = "Ben,ben@acme.example,Kestrel,Web,Yes,2026-10-06,09:00:00,2026-10-06,10:00:00,01:00:00\n"


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Return an export of one good row."""
    file = tmp_path / "export.csv"
    file.write_text(HEADER + ROW)
    return file


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the state folder; where the test ends, nothing may have been started in it."""
    monkeypatch.setenv("TASKS_STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "state"


def refused(state: Path, *words: str) -> str:
    """Return the sentence with which billing is refused."""
    sentence = refusal(call("invoice", *words))
    assert not embedded.status(state).running
    assert not (state / "logs").exists()
    return sentence


@pytest.mark.parametrize("month", ["2026-13", "October", "2026", ""])
def test_a_month_that_is_none(state: Path, export: Path, month: str) -> None:
    sentence = refused(state, "--csv", str(export), "--month", month)
    assert sentence == f"{month!r} is no month: year and month are expected, for example 2026-10"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"\n\n", "the file is empty, or its first line is"),
        (bytes(range(256)) * 9, "this is no text"),
        (b"PK\x03\x04 and more", "this is an Excel workbook or a ZIP archive"),
        (b"Name,Hours\nAna,3\n", "columns"),
        (HEADER.replace("Client", "Customer").encode(), "client"),
        ((HEADER + ROW.replace("2026-10-06", "06/10/2026")).encode(), "can be read in two ways"),
    ],
    ids=["empty", "blank", "binary", "a workbook", "another table", "a column is missing", "unclear dates"],
)
def test_a_file_that_is_no_export(state: Path, export: Path, content: bytes, reason: str) -> None:
    export.write_bytes(content)
    sentence = refused(state, "--csv", str(export), "--month", "2026-10")
    assert sentence.startswith(f"{export} is no export that can be billed: ")
    assert reason in sentence.lower().replace("an excel", "an Excel").replace("zip", "ZIP")


def test_a_time_zone_that_is_none(state: Path, export: Path) -> None:
    sentence = refused(state, "--csv", str(export), "--month", "2026-10", "--time-zone", "Middle-earth/Shire")
    assert sentence == "'Middle-earth/Shire' is no time zone: a name such as Europe/Berlin is expected"


def test_books_that_know_nobody(state: Path, export: Path) -> None:
    sentence = refused(state, "--csv", str(export), "--month", "2026-10")
    assert sentence == "the books know no organization yet: give its clients and rates with --clients FILE"


@pytest.mark.parametrize(
    ("content", "reason"),
    [("", "organization"), ("[organization", "is not TOML"), ('[organization]\nslug = "acme"\n', "organization.name")],
)
def test_a_clients_file_that_cannot_be_used(
    state: Path, export: Path, tmp_path: Path, content: str, reason: str
) -> None:
    clients = tmp_path / "clients.toml"
    clients.write_text(content)
    sentence = refused(state, "--csv", str(export), "--month", "2026-10", "--clients", str(clients))
    assert sentence.startswith(f"the clients file {clients} ")
    assert reason in sentence


@pytest.mark.parametrize("option", ["--csv", "--clients"])
def test_a_file_that_is_not_there(state: Path, export: Path, option: str) -> None:
    words = {"--csv": str(export), "--month": "2026-10", option: "/no/such/file"}
    result = call("invoice", *(word for pair in words.items() for word in pair))
    assert result.exit_code == 2  # a mistake in the command line, as everywhere in click
    assert "File '/no/such/file' does not exist" in result.stderr


def test_the_organization_is_asked_for_only_where_the_books_know_several(state: Path, export: Path) -> None:
    url = f"sqlite:///{state / 'books.sqlite3'}"
    small_books.open_books(url).dispose()
    books = Database(url)
    other = small_books.CLIENTS.model_copy(
        update={"organization": small_books.CLIENTS.organization.model_copy(update={"slug": "zebra"})}
    )
    with books.session() as session:
        load_clients(session, other)
    books.dispose()
    words = ("--csv", str(export), "--month", "2026-10")
    assert refused(state, *words) == (
        "the books know several organizations: name one of acme, zebra with --organization"
    )
    assert refused(state, *words, "--organization", "lion").startswith(
        "there is no organization 'lion' in the books (known: acme, zebra)"
    )


def test_a_task_module_that_cannot_be_imported(state: Path, export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_books.open_books(f"sqlite:///{state / 'books.sqlite3'}").dispose()
    monkeypatch.setenv("TASKS_MODULES", "no.such.module")
    sentence = refused(state, "--csv", str(export), "--month", "2026-10")
    assert sentence.startswith("the task module no.such.module cannot be imported: ModuleNotFoundError")
