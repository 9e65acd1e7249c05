from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import select

from independent_sum import owed_by_client, sums_per_currency
from small_books import ACME, OCTOBER, entry, put
from tasks_platform.errors import BooksError
from tasks_platform.services.books import (
    Database,
    DraftReport,
    InvoiceState,
    Month,
    book_month,
    clients_to_bill,
    draft_invoices,
    import_file,
    invoice_document,
    mark_rendered,
    summarize,
)
from tasks_platform.services.books.models import InvoiceLine, Rate, TimeEntry
from tasks_platform.services.invoice import Invoice as Document
from tasks_platform.services.invoice import Line, Party
from tasks_platform.services.sample import CLIENTS_FILE, MONTH, SLUG, TIME_ENTRIES, load_sample

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
UNPRICED = (
    "no hourly rate in CHF says what 'Hope' costs on 2026-10-05: add one for the project, the client or the "
    "organization to the clients file"
)
NEXT_YEAR = datetime(2027, 11, 2, 12, tzinfo=UTC)


def draft(database: Database, month: Month = OCTOBER, now: datetime = NOON) -> DraftReport:
    """Draft the invoices of a month."""
    with database.session() as session:
        return draft_invoices(session, ACME, month, now=now)


def document(database: Database, invoice_id: int) -> Document:
    """Return what an invoice says."""
    with database.reading() as session:
        return invoice_document(session, invoice_id)


def rendered(database: Database, invoice_id: int) -> None:
    """Close a draft."""
    with database.session() as session:
        mark_rendered(session, invoice_id)


def test_an_invoice_says_what_was_worked_and_what_it_costs(books):
    put(books, entry(seconds=5417), entry(at="11:00", seconds=1801), entry(at="13:00", billable=False))
    (invoice,) = draft(books).invoices
    expected = Document(
        number="AC-2026-10-0001",
        issued_on=date(2026, 11, 2),
        due_on=date(2026, 12, 2),
        period=(date(2026, 10, 1), date(2026, 10, 31)),
        currency="GBP",
        sender=Party(name="Acme Consulting", address=("1 Main Street", "Cork")),
        recipient=Party(name="Kestrel", address=("2 High Street", "Leeds"), email="accounts@kestrel.example"),
        lines=(
            Line(number=1, description="Web", hours=Decimal("2.01"), rate=Decimal("100.00"), amount=Decimal("201.00")),
        ),
        tax_rate=Decimal("0.2"),
        subtotal=Decimal("201.00"),
        tax=Decimal("40.20"),
        total=Decimal("241.20"),
        payment_terms=(
            "Payable within 30 days, by 2026-12-02.",
            "IBAN IE00",
            "Reference: AC-2026-10-0001",
        ),
    )
    assert document(books, invoice.invoice_id) == expected
    assert (invoice.total, invoice.state, invoice.new) == (Decimal("241.20"), InvoiceState.DRAFT, True)


def test_a_line_is_written_for_every_project_and_rate(books):
    put(
        books,
        entry("Älvdal", "Data"),
        entry("Älvdal", "App", day="2026-10-15"),
        entry("Älvdal", "App", day="2026-10-16"),
        entry("Älvdal", "App", day="2026-10-30"),
    )
    (invoice,) = draft(books).invoices
    lines = [
        (line.number, line.description, line.rate, line.hours) for line in document(books, invoice.invoice_id).lines
    ]
    assert lines == [
        (1, "App (2026-10-15)", Decimal("90.00"), Decimal("1.00")),
        (2, "App (2026-10-16 to 2026-10-30)", Decimal("95.00"), Decimal("2.00")),
        (3, "Data", Decimal("120.50"), Decimal("1.00")),
    ]


def test_an_entry_belongs_to_the_month_of_the_day_it_started_where_the_organization_is(books):
    put(
        books,
        entry(day="2026-09-30", at="23:59", seconds=7200, description="September"),
        entry(day="2026-10-01", at="00:00", seconds=60, description="October"),
        entry(day="2026-10-31", at="23:59", seconds=7200, description="October"),
        entry(day="2026-11-01", at="00:00", seconds=60, description="November"),
    )
    with books.reading() as session:
        (client,) = clients_to_bill(session, ACME, OCTOBER)
    assert (client.name, client.entries, client.seconds, client.invoice_id) == ("Kestrel", 2, 7260, None)
    (invoice,) = draft(books).invoices
    assert document(books, invoice.invoice_id).lines[0].hours == Decimal("2.02")


def test_drafting_again_changes_nothing_but_the_report(books):
    put(books, entry(), entry("Älvdal", "App", at="10:00"))
    first = draft(books)
    before = [document(books, invoice.invoice_id) for invoice in first.invoices]
    second = draft(books, now=NEXT_YEAR)
    assert [invoice.new for invoice in first.invoices] == [True, True]
    assert [invoice.new for invoice in second.invoices] == [False, False]
    assert [document(books, invoice.invoice_id) for invoice in second.invoices] == before


def test_a_draft_takes_in_work_that_is_imported_later(books):
    put(books, entry())
    draft(books)
    put(books, entry(at="12:00"))
    report = draft(books)
    assert [invoice.total for invoice in report.invoices] == [Decimal("240.00")]
    assert report.late == ()


def test_a_draft_follows_a_corrected_rate_and_a_rendered_invoice_does_not(books):
    put(books, entry())
    (invoice,) = draft(books).invoices

    def set_rate(hourly: str) -> None:
        with books.session() as session:
            session.scalars(select(Rate).where(Rate.currency == "GBP")).one().hourly = Decimal(hourly)

    set_rate("110.00")
    assert draft(books).invoices[0].total == Decimal("132.00")
    rendered(books, invoice.invoice_id)
    set_rate("200.00")
    assert draft(books).invoices[0].total == Decimal("132.00")


def test_work_that_comes_after_its_invoice_was_rendered_is_reported_and_never_billed(books):
    put(books, entry())
    (invoice,) = draft(books).invoices
    rendered(books, invoice.invoice_id)
    put(books, entry(day="2026-10-07", seconds=1800), entry(day="2026-10-09", seconds=900))
    put(books, entry(day="2026-11-03"))
    report = draft(books)
    (late,) = report.late
    assert (late.client, late.number, late.entries, late.seconds) == ("Kestrel", "AC-2026-10-0001", 2, 2700)
    assert (late.first_day, late.last_day) == (date(2026, 10, 7), date(2026, 10, 9))
    assert [invoice.total for invoice in report.invoices] == [Decimal("120.00")]
    with books.reading() as session:
        assert summarize(session, ACME, OCTOBER).late == (late,)
    november = draft(books, Month(2026, 11))
    assert ([invoice.total for invoice in november.invoices], november.late) == ([Decimal("120.00")], ())


def test_numbers_follow_the_names_have_no_gaps_and_go_on_in_the_next_month(books):
    put(books, entry(), entry("Älvdal", "App", at="10:00"), entry("No rate", "Hope", at="11:00"))
    put(books, entry(day="2026-11-03"))
    october, november = draft(books), draft(books, Month(2026, 11))
    assert [(invoice.client, invoice.number) for invoice in october.invoices] == [
        ("Älvdal", "AC-2026-10-0001"),
        ("Kestrel", "AC-2026-10-0002"),
    ]
    assert [invoice.number for invoice in november.invoices] == ["AC-2026-11-0003"]


def test_a_draft_that_is_rolled_back_leaves_no_gap(books):
    put(books, entry())

    def fail() -> None:
        with books.session() as session:
            draft_invoices(session, ACME, OCTOBER)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [invoice.number for invoice in draft(books).invoices] == ["AC-2026-10-0001"]


def test_a_client_without_rate_is_a_problem_and_the_others_are_billed(books):
    put(books, entry(), entry("No rate", "Hope", at="11:00"))
    report = draft(books)
    assert [invoice.client for invoice in report.invoices] == ["Kestrel"]
    assert [(problem.client, problem.reason) for problem in report.problems] == [
        (
            "No rate",
            UNPRICED,
        )
    ]


def test_work_that_comes_to_nothing_is_a_problem_and_no_invoice(books):
    put(books, entry(seconds=17))
    report = draft(books)
    assert report.invoices == ()
    assert "17 seconds of billable work come to 0.00" in report.problems[0].reason


def test_every_billed_entry_points_to_the_line_that_bills_it(books):
    put(books, entry(), entry(at="12:00"), entry("Älvdal", "Data", at="13:00"), entry(at="15:00", billable=False))
    draft(books)
    put(books, entry(at="17:00"))
    draft(books)
    with books.reading() as session:
        billed: dict[int | None, int] = {}
        for item in session.scalars(select(TimeEntry).where(TimeEntry.billable.is_(True))):
            billed[item.invoice_line_id] = billed.get(item.invoice_line_id, 0) + item.seconds
        lines = {line.id: line.seconds for line in session.scalars(select(InvoiceLine))}
    assert billed == lines


def test_an_unknown_organization_is_one_clear_error(books):
    for ask in (draft_invoices, summarize, clients_to_bill, book_month):
        with pytest.raises(BooksError, match="no organization 'acne'"), books.session() as session:
            ask(session, "acne", OCTOBER)


def test_the_invoices_of_the_sample_come_to_what_an_independent_reading_of_the_export_comes_to(books):
    with books.session() as session:
        load_sample(session)
    import_file(books, SLUG, TIME_ENTRIES)
    with books.session() as session:
        report = draft_invoices(session, SLUG, Month.parse(MONTH))
    with books.reading() as session:
        summary = summarize(session, SLUG, Month.parse(MONTH))
    owed = owed_by_client(TIME_ENTRIES, CLIENTS_FILE, MONTH)
    assert len(report.invoices) == 25
    assert (report.problems, report.late) == ((), ())
    assert {row.client: (row.currency, row.total) for row in summary.rows} == {
        client: (item.currency, item.total) for client, item in owed.items()
    }
    assert summary.totals == sums_per_currency(TIME_ENTRIES, CLIENTS_FILE, MONTH)
