from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from independent_sum import earned_on
from small_books import ACME, entry, put
from tasks_platform.errors import BooksError
from tasks_platform.services.books import Database, Month, draft_invoices, import_file
from tasks_platform.services.books.models import Invoice
from tasks_platform.services.reports import Revenue, read_work, revenue_of
from tasks_platform.services.sample import CLIENTS_FILE, MONTH, SLUG, TIME_ENTRIES, load_sample


def report(books: Database, organization: str, first: date, last: date, *, chart_from: date | None = None) -> Revenue:
    """Return what was earned."""
    start = chart_from or first
    with books.reading() as session:
        read = read_work(session, organization, min(first, start), last)
    return revenue_of(read.organization, read.work, first, last, chart_from=start)


def test_what_was_earned_on_a_day_is_told_by_project_and_rate(books):
    put(
        books,
        entry(seconds=5417),
        entry(at="11:00", seconds=1801),
        entry(at="13:00", billable=False),
        entry("Älvdal", "App", at="14:00"),
        entry("No rate", "Hope", at="15:00", seconds=1800),
        entry(day="2026-10-06"),
    )
    found = report(books, ACME, date(2026, 10, 5), date(2026, 10, 5))
    assert [(line.client, line.project, line.currency, line.hours, line.rate, line.amount) for line in found.lines] == [
        ("Älvdal", "App", "EUR", Decimal("1.00"), Decimal("90.00"), Decimal("90.00")),
        ("Kestrel", "Web", "GBP", Decimal("2.01"), Decimal("100.00"), Decimal("201.00")),
    ]
    assert [(total.currency, total.amount) for total in found.totals] == [
        ("EUR", Decimal("90.00")),
        ("GBP", Decimal("201.00")),
    ]
    assert [(item.client, item.currency, item.hours) for item in found.unpriced] == [
        ("No rate", "CHF", Decimal("0.50")),
    ]
    assert len(found.work) == 4


def test_days_are_those_of_the_organization(books):
    put(books, entry(day="2026-10-05", at="23:59", seconds=7200), entry(day="2026-10-06", at="00:00", seconds=60))
    assert [len(report(books, ACME, day, day).work) for day in (date(2026, 10, 5), date(2026, 10, 6))] == [1, 1]


def test_a_chart_goes_back_further_than_the_report(books):
    put(books, entry(day="2026-10-03"), entry(), entry("Älvdal", "App", day="2026-10-04"))
    found = report(books, ACME, date(2026, 10, 5), date(2026, 10, 5), chart_from=date(2026, 10, 3))
    hundred, zero = Decimal("100.00"), Decimal("0.00")
    days = [date(2026, 10, number) for number in (3, 4, 5)]
    assert found.days == {
        "EUR": tuple(zip(days, (zero, Decimal("90.00"), zero), strict=True)),
        "GBP": tuple(zip(days, (hundred, zero, hundred), strict=True)),
    }
    assert [total.amount for total in found.totals] == [hundred]


def test_an_unknown_organization_is_one_clear_error(books):
    with pytest.raises(BooksError, match="no organization 'acne'"):
        report(books, "acne", date(2026, 10, 5), date(2026, 10, 5))


def test_the_sample_comes_to_what_an_independent_reading_of_the_export_comes_to_and_to_its_invoices(books):
    with books.session() as session:
        load_sample(session)
    import_file(books, SLUG, TIME_ENTRIES)
    first, last = Month.parse(MONTH).first, Month.parse(MONTH).last
    days = [first + timedelta(number) for number in range((last - first).days + 1)]
    for chosen in (*([day] for day in days), days):
        found = report(books, SLUG, chosen[0], chosen[-1])
        told = {total.currency: (total.hours, total.amount) for total in found.totals}
        assert told == earned_on(TIME_ENTRIES, CLIENTS_FILE, set(map(str, chosen)))
    with books.session() as session:
        draft_invoices(session, SLUG, Month.parse(MONTH))
        billed = session.execute(select(Invoice.currency, func.sum(Invoice.subtotal)).group_by(Invoice.currency))
        assert {currency: (told[currency][0], amount) for currency, amount in billed} == told
