"""Each step of the month's flow, called as a bare function: called twice, it does once."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest

import small_books
from mailbox_server import running_mailbox
from read_invoice import read_total
from small_books import ACME, entry
from tasks_platform import Settings, create_app
from tasks_platform.errors import BooksError, ServiceRefusedError
from tasks_platform.services import books
from tasks_platform.services.books import Month, Summary
from tasks_platform.services.office import office
from tasks_platform.settings import load_settings
from tasks_platform.tasks import imports, invoicing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mailbox_server import Mailbox
    from tasks_platform.celery import PlatformApp

OCTOBER = "2026-10"
REFUSED = "accounts@refused.example"


@pytest.fixture(scope="module", autouse=True)
def app() -> Iterator[PlatformApp]:
    """Assemble an application whose server nobody listens at: a direct call asks for none."""
    with create_app(Settings(redis_url="redis://127.0.0.1:1/0")) as app:
        yield app


@pytest.fixture(scope="module")
def mail_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailbox]:
    """Run a mail server that knows one address too few."""
    with running_mailbox(tmp_path_factory.mktemp("mailbox"), "--refuse", REFUSED) as mailbox:
        yield mailbox


@pytest.fixture
def mailbox(mail_server: Mailbox, books_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    """Open an office with small books, with work of three clients and an empty mailbox."""
    for mail in mail_server.mails():
        mail.path.unlink()
    monkeypatch.setenv("TASKS_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("TASKS_DATABASE_URL", books_url)
    monkeypatch.setenv("TASKS_SMTP__HOST", "127.0.0.1")
    monkeypatch.setenv("TASKS_SMTP__PORT", str(mail_server.port))
    monkeypatch.setenv("TASKS_SMTP__SECURITY", "none")
    office.cache_clear()
    database = small_books.open_books(load_settings().database)
    small_books.put(database, entry(), entry("Älvdal", "App", at="11:00"), entry("No rate", "Hope", at="13:00"))
    database.dispose()
    yield mail_server
    office().books.dispose()
    office.cache_clear()


def client(name: str) -> int:
    """Return the id of a client."""
    with office().books.reading() as session:
        found = books.clients_to_bill(session, ACME, Month.parse(OCTOBER))
    return next(client.client_id for client in found if client.name == name)


def month() -> Summary:
    """Return how the month stands."""
    with office().books.reading() as session:
        return books.summarize(session, ACME, Month.parse(OCTOBER))


def stored() -> dict[str, bytes]:
    """Return every file that was stored, by its place."""
    folder = load_settings().storage
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def rendered_and_filed(name: str) -> int:
    """Bring the invoice of a client as far as to be mailed; return the client's id."""
    invoicing.calculate_hours(ACME, OCTOBER)
    invoicing.render_invoice(ACME, client(name), OCTOBER)
    invoicing.file_invoice(client(name), OCTOBER)
    return client(name)


pytestmark = pytest.mark.usefixtures("mailbox")


def test_hours_are_calculated_once() -> None:
    invoicing.calculate_hours(ACME, OCTOBER)
    first = month()
    invoicing.calculate_hours(ACME, OCTOBER)
    assert month() == first
    assert [(row.client, row.number) for row in first.rows] == [
        ("Älvdal", "AC-2026-10-0001"),
        ("Kestrel", "AC-2026-10-0002"),
    ]


def test_a_document_that_is_rendered_again_is_the_same() -> None:
    invoicing.calculate_hours(ACME, OCTOBER)
    invoicing.render_invoice(ACME, client("Kestrel"), OCTOBER)
    first, files = month(), stored()
    invoicing.render_invoice(ACME, client("Kestrel"), OCTOBER)
    assert month() == first
    assert stored() == files
    (document,) = files.values()
    assert str(read_total(document)[1]) == "120.00"


def test_a_client_that_could_not_be_billed_is_named_with_the_reason_and_billed_once_it_is_mended() -> None:
    invoicing.calculate_hours(ACME, OCTOBER)
    with pytest.raises(BooksError, match="No rate cannot be billed for 2026-10: no hourly rate in CHF"):
        invoicing.render_invoice(ACME, client("No rate"), OCTOBER)
    before = month()
    mended = small_books.CLIENTS.model_copy(deep=True)
    with office().books.session() as session:
        books.load_clients(session, type(mended).model_validate(with_a_rate(mended.model_dump(mode="json"))))
    for _ in range(2):
        invoicing.render_invoice(ACME, client("No rate"), OCTOBER)
    assert [row.number for row in before.rows] == ["AC-2026-10-0001", "AC-2026-10-0002"]
    assert [row.number for row in month().rows] == ["AC-2026-10-0001", "AC-2026-10-0002", "AC-2026-10-0003"]


def test_a_document_is_filed_once() -> None:
    rendered_and_filed("Kestrel")
    first = month()
    invoicing.file_invoice(client("Kestrel"), OCTOBER)
    assert month() == first
    assert first.filed == 1


def test_what_is_not_there_is_not_filed() -> None:
    rendered_and_filed("Kestrel")
    (place,) = stored()
    (load_settings().storage / place).unlink()
    with pytest.raises(Exception, match=r"AC-2026-10-0002\.pdf"):
        invoicing.file_invoice(client("Kestrel"), OCTOBER)


@pytest.mark.checklist(8, 86)
def test_an_invoice_is_mailed_once(mailbox: Mailbox) -> None:
    kestrel = rendered_and_filed("Kestrel")
    for _ in range(2):
        invoicing.mail_invoice(kestrel, OCTOBER, "accounts@kestrel.example")
    (mail,) = mailbox.mails()
    assert mail.message_id == month().rows[1].message_id
    assert month().mailed == 1


def test_a_client_without_an_address_is_named(mailbox: Mailbox) -> None:
    alvdal = rendered_and_filed("Älvdal")
    with pytest.raises(ServiceRefusedError, match="Älvdal has no mail address"):
        invoicing.mail_invoice(alvdal, OCTOBER, "")
    assert mailbox.mails() == []
    assert month().mailed == 0


def test_without_an_address_the_mail_goes_where_the_books_say_now(mailbox: Mailbox) -> None:
    invoicing.mail_invoice(rendered_and_filed("Kestrel"), OCTOBER, "")
    (mail,) = mailbox.mails()
    assert mail.to == ("accounts@kestrel.example",)


def test_a_refused_mail_leaves_the_books_as_they_were(mailbox: Mailbox) -> None:
    kestrel = rendered_and_filed("Kestrel")
    before = month()
    with pytest.raises(ServiceRefusedError):
        invoicing.mail_invoice(kestrel, OCTOBER, REFUSED)
    assert month() == before
    assert mailbox.mails() == []


def test_a_month_is_booked_once_and_only_what_was_mailed() -> None:
    invoicing.mail_invoice(rendered_and_filed("Kestrel"), OCTOBER, "accounts@kestrel.example")
    invoicing.book_month(ACME, OCTOBER)
    first = month()
    invoicing.book_month(ACME, OCTOBER)
    assert month() == first
    assert [(row.client, row.booked_at is not None) for row in first.rows] == [("Älvdal", False), ("Kestrel", True)]


def test_a_summary_is_replaced_by_the_present_one() -> None:
    kestrel = rendered_and_filed("Kestrel")
    key = invoicing.summarize_month(ACME, OCTOBER)
    invoicing.mail_invoice(kestrel, OCTOBER, "accounts@kestrel.example")
    assert invoicing.summarize_month(ACME, OCTOBER) == key
    rows = list(csv.DictReader(io.StringIO(stored()[key].decode("utf-8-sig"))))
    assert [(row["client"], row["total"], bool(row["mailed"])) for row in rows] == [
        ("Älvdal", "90.00", False),
        ("Kestrel", "120.00", True),
    ]


def test_a_file_is_imported_once(tmp_path: Path) -> None:
    export = tmp_path / "export.csv"
    export.write_text(
        "User,Email,Client,Project,Billable,Start date,Start time,End date,End time,Duration\n"
        "Ben,ben@acme.example,Kestrel,Web,Yes,2026-10-06,09:00:00,2026-10-06,10:00:00,01:00:00\n"
        "Ben,ben@acme.example,Kestrel,Web,Yes,2026-10-99,09:00:00,2026-10-06,10:00:00,01:00:00\n"
    )
    first, again = (imports.time_entries(ACME, export) for _ in range(2))
    assert (first.added, first.already_there, first.wrong) == (1, 0, 1)
    assert (again.added, again.already_there, again.wrong) == (0, 1, 1)


@pytest.mark.parametrize("name", ["Middle-earth/Shire", "../../etc/passwd", "Europe"])
def test_a_time_zone_that_is_none_is_refused_for_good(tmp_path: Path, name: str) -> None:
    with pytest.raises(BooksError, match="is no time zone: a name such as Europe/Berlin is expected"):
        imports.time_entries(ACME, tmp_path / "export.csv", time_zone=name)


def with_a_rate(content: dict) -> dict:
    """Give the client without a rate one."""
    for client_item in content["clients"]:
        if client_item["name"] == "No rate":
            client_item["rates"] = [{"hourly": "50.00"}]
    return content
