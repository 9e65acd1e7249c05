from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from small_books import ACME, OCTOBER, entry, put
from tasks_platform.errors import BooksError
from tasks_platform.services.books import (
    Database,
    DraftReport,
    InvoiceState,
    Month,
    book_month,
    draft_invoices,
    invoice_document,
    mark_filed,
    mark_mailed,
    mark_rendered,
    summarize,
)
from tasks_platform.services.books.models import Invoice

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
NEXT_YEAR = datetime(2027, 11, 2, 12, tzinfo=UTC)


def draft(database: Database, month: Month = OCTOBER, now: datetime = NOON) -> DraftReport:
    """Draft the invoices of a month."""
    with database.session() as session:
        return draft_invoices(session, ACME, month, now=now)


def test_a_mark_is_made_once_and_contradicting_it_is_refused(books):
    put(books, entry())
    (invoice,) = draft(books).invoices
    for moment in (NOON, NEXT_YEAR):
        with books.session() as session:
            mark_rendered(session, invoice.invoice_id, at=moment)
            mark_filed(session, invoice.invoice_id, "2026/a.pdf", at=moment)
            mark_mailed(session, invoice.invoice_id, "<a@acme.example>", at=moment)
    with books.reading() as session:
        kept = session.get_one(Invoice, invoice.invoice_id)
    assert (kept.rendered_at, kept.filed_at, kept.mailed_at) == (NOON, NOON, NOON)
    assert (kept.file_key, kept.message_id, kept.state) == ("2026/a.pdf", "<a@acme.example>", InvoiceState.MAILED)
    with pytest.raises(BooksError, match=r"AC-2026-10-0001 is filed as '2026/a\.pdf'"), books.session() as session:
        mark_filed(session, invoice.invoice_id, "2026/b.pdf")
    with pytest.raises(BooksError, match="would be a second mail"), books.session() as session:
        mark_mailed(session, invoice.invoice_id, "<b@acme.example>")


def test_an_invoice_that_was_filed_or_mailed_is_no_draft_any_more(books):
    put(books, entry(), entry("Älvdal", "App", at="10:00"))
    first, second = draft(books).invoices
    with books.session() as session:
        mark_filed(session, first.invoice_id, "a.pdf")
        mark_mailed(session, second.invoice_id, "<b@acme.example>")
    put(books, entry(at="12:00"), entry("Älvdal", "App", at="15:00"))
    report = draft(books)
    assert [invoice.total for invoice in report.invoices] == [first.total, second.total]
    assert [late.entries for late in report.late] == [1, 1]


@pytest.mark.parametrize("mark", [mark_rendered, invoice_document])
def test_an_invoice_that_does_not_exist_is_one_clear_error(books, mark):
    with pytest.raises(BooksError, match="no invoice with the id 4711"), books.session() as session:
        mark(session, 4711)


def test_booking_takes_what_was_mailed_once_and_names_what_waits(books):
    put(books, entry(), entry("Älvdal", "App", at="10:00"))
    first, second = draft(books).invoices

    def book(at: datetime) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        with books.session() as session:
            report = book_month(session, ACME, OCTOBER, at=at)
        return report.booked, report.already_booked, report.waiting

    with books.session() as session:
        mark_mailed(session, first.invoice_id, "<a@acme.example>")
    assert book(NOON) == ((first.number,), (), (second.number,))
    assert book(NEXT_YEAR) == ((), (first.number,), (second.number,))
    with books.session() as session:
        mark_mailed(session, second.invoice_id, "<b@acme.example>")
    assert book(NEXT_YEAR) == ((second.number,), (first.number,), ())
    with books.reading() as session:
        summary = summarize(session, ACME, OCTOBER)
    assert [row.booked_at for row in summary.rows] == [NOON, NEXT_YEAR]


def test_a_summary_shows_how_far_every_invoice_is_and_adds_up_by_currency(books):
    put(books, entry(), entry("Älvdal", "App", at="10:00"), entry("Älvdal", "Data", at="11:00"))
    alvdal, kestrel = draft(books).invoices
    with books.session() as session:
        mark_filed(session, kestrel.invoice_id, "k.pdf", at=NOON)
        mark_mailed(session, kestrel.invoice_id, "<k@acme.example>", at=NOON)
        book_month(session, ACME, OCTOBER, at=NOON)
        mark_filed(session, alvdal.invoice_id, "a.pdf", at=NOON)
    with books.reading() as session:
        summary = summarize(session, ACME, OCTOBER)
    assert [(row.client, row.hours, row.total, row.state) for row in summary.rows] == [
        ("Älvdal", Decimal("2.00"), Decimal("210.50"), InvoiceState.FILED),
        ("Kestrel", Decimal("1.00"), Decimal("120.00"), InvoiceState.BOOKED),
    ]
    assert summary.totals == {"EUR": Decimal("210.50"), "GBP": Decimal("120.00")}
    assert (summary.filed, summary.mailed, summary.booked) == (2, 1, 1)


def test_a_month_without_work_is_an_empty_summary(books):
    assert draft(books, Month(2020, 1)).invoices == ()
    with books.reading() as session:
        assert summarize(session, ACME, Month(2020, 1)).rows == ()
