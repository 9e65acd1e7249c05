"""A month of invoicing, as ``scripts/run`` runs it."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from independent_sum import sums_per_currency
from month import MonthRun, kill
from read_invoice import read_total
from tasks_platform.services import sample
from tasks_platform.services.books import Database, Month, summarize
from tasks_platform.services.mailbox.folder import read_mailbox

CLIENTS = 25


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> MonthRun:
    """Run the month once; the tests below look at it in their order."""
    run = MonthRun(tmp_path_factory.mktemp("month") / "state")
    run.outcome_of_first_run = json.loads(run.command("run", "--json"))
    return run


def invoices(run: MonthRun) -> list[bytes]:
    """Return the documents that were filed."""
    return [path.read_bytes() for path in sorted((run.state / "files").rglob("*.pdf"))]


def books(run: MonthRun):
    """Return how the books say the month stands."""
    database = Database(f"sqlite:///{run.state / 'books.sqlite3'}")
    with database.reading() as session:
        summary = summarize(session, sample.SLUG, Month.parse(sample.MONTH))
    database.dispose()
    return summary


@pytest.mark.checklist(66)
def test_every_client_gets_an_invoice_and_one_mail_waits(month: MonthRun) -> None:
    """24 mails arrive, and the refused one is parked with its flow."""
    outcome = month.outcome_of_first_run

    assert outcome["state"] == "parked"
    assert len(outcome["summary"]["rows"]) == CLIENTS
    assert outcome["summary"]["mailed"] == CLIENTS - 1
    assert outcome["summary"]["booked"] == 0
    assert len(outcome["letters"]) == 1


def test_the_pdfs_add_up_to_the_time_entries(month: MonthRun) -> None:
    """To the cent, by currency, against a sum that shares no code with the platform."""
    sums: Counter[str] = Counter()
    for document in invoices(month):
        currency, total = read_total(document)
        sums[currency] += total

    assert len(invoices(month)) == CLIENTS
    assert dict(sums) == sums_per_currency(sample.TIME_ENTRIES, sample.CLIENTS_FILE, sample.MONTH)


def test_every_mail_brings_its_document(month: MonthRun) -> None:
    """One mail per client that could be reached, with the PDF that was filed."""
    mails = read_mailbox(month.state / "mailbox")

    assert len(mails) == CLIENTS - 1
    assert len({mail.message_id for mail in mails}) == CLIENTS - 1
    assert all(len(mail.attachments) == 1 and mail.attachments[0].endswith(".pdf") for mail in mails)


@pytest.mark.checklist(36, 37)
def test_a_corrected_letter_continues_the_flow(month: MonthRun) -> None:
    """Edit, replay, and the summary is complete: 25."""
    (letter,) = json.loads(month.command("letters", "list", "--json"))["letters"]
    month.command("letters", "edit", letter["id"], "--set", "to=accounts@tidewater.example")
    month.command("letters", "replay", letter["id"][:8], "--work")

    summary = books(month)
    assert (summary.filed, summary.mailed, summary.booked) == (CLIENTS, CLIENTS, CLIENTS)
    assert json.loads(month.command("letters", "list", "--json"))["letters"] == []
    listed = (month.state / "files" / sample.SLUG / sample.MONTH / "summary.csv").read_text("utf-8-sig")
    assert len(listed.splitlines()) == CLIENTS + 1


def test_a_second_run_bills_nothing_twice(month: MonthRun) -> None:
    """The same documents, the same mails, the same numbers."""
    before = invoices(month), len(read_mailbox(month.state / "mailbox")), books(month)
    outcome = json.loads(month.command("run", "--json"))

    assert outcome["state"] == "succeeded"
    assert (invoices(month), len(read_mailbox(month.state / "mailbox")), books(month)) == before


@pytest.mark.timeout(300)  # servers and workers start again, also on a busy machine
@pytest.mark.checklist(85, 12)
def test_kills_on_the_way_lose_and_double_nothing(tmp_path: Path) -> None:
    """Kill -9 of a pool process, of the embedded server and of the mail server, one after the other."""
    run = MonthRun(tmp_path / "state")
    with run.in_the_background() as process:
        run.wait_for_step("Render invoices", 3)
        kill(run.worker_child(process))
        run.wait_for_step("Mail invoices", 2)
        kill(run.server())
        run.wait_for_step("Mail invoices", 8)
        kill(run.mailbox_server())
        outcome = run.outcome(process)

    assert outcome["state"] == "parked"
    assert_nothing_lost_or_doubled(run)


def assert_nothing_lost_or_doubled(run: MonthRun) -> None:
    """Correct the parked step, then look at books, files and mails."""
    (letter,) = json.loads(run.command("letters", "list", "--json"))["letters"]
    run.command("letters", "edit", letter["id"], "--set", "to=accounts@tidewater.example")
    run.command("letters", "replay", letter["id"], "--work")
    summary = books(run)
    documents = invoices(run)
    mails = read_mailbox(run.state / "mailbox")

    assert (summary.filed, summary.mailed, summary.booked) == (CLIENTS, CLIENTS, CLIENTS)
    assert len(documents) == CLIENTS
    assert sum((total for _, total in map(read_total, documents)), Decimal()) == sum(row.total for row in summary.rows)
    assert {mail.message_id for mail in mails} == {row.message_id for row in summary.rows}
