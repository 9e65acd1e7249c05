"""Many worker processes import and draft at once."""

from __future__ import annotations

import re
from decimal import Decimal

from sqlalchemy import func, select

from forked_processes import run_at_once
from independent_sum import sums_per_currency
from small_books import reading
from tasks_platform.services.books import Month, summarize
from tasks_platform.services.books.models import Client, Invoice, Organization, Project, TimeEntry
from tasks_platform.services.sample import CLIENTS_FILE, MONTH, SLUG, TIME_ENTRIES


def test_four_processes_that_import_and_draft_the_same_month_bill_it_once(books_url):
    program = """
        from tasks_platform.services.books import Database, Month, draft_invoices, import_file
        from tasks_platform.services.sample import MONTH, SLUG, TIME_ENTRIES, load_sample

        database = Database(sys.argv[1])
        database.upgrade()
        with database.session() as session:
            load_sample(session)

        def draft():
            with database.session() as session:
                return draft_invoices(session, SLUG, Month.parse(MONTH))

        def work(number):
            if number % 2:
                draft()
            report = import_file(database, SLUG, TIME_ENTRIES)
            assert report.wrong == 17, report.errors
            assert len({invoice.number for invoice in draft().invoices}) == 25
    """
    run_at_once(4, program, books_url)
    with reading(books_url) as session:
        summary = summarize(session, SLUG, Month.parse(MONTH))
        assert session.scalar(select(func.count()).select_from(TimeEntry)) == 3140
        for invoice in session.scalars(select(Invoice)):
            assert invoice.subtotal == sum((line.amount for line in invoice.lines), Decimal(0))
            assert invoice.total == invoice.subtotal + invoice.tax
        assert session.scalars(select(Organization.last_invoice_number)).one() == 25
    assert summary.totals == sums_per_currency(TIME_ENTRIES, CLIENTS_FILE, MONTH)
    numbers = sorted(int(re.fullmatch(r"HPC-2026-10-(\d{4})", row.number)[1]) for row in summary.rows)
    assert numbers == list(range(1, 26))


def test_processes_that_create_the_same_missing_client_create_it_once(books_url):
    program = """
        from small_books import entry, open_books, put

        database = open_books(sys.argv[1])

        def work(number):
            put(database, entry("New Ltd", "First", at=f"1{number}:00"), options=["create_missing"])
    """
    run_at_once(6, program, books_url)
    with reading(books_url) as session:
        assert session.scalar(select(func.count()).select_from(Client).where(Client.name == "New Ltd")) == 1
        assert session.scalar(select(func.count()).select_from(Project).where(Project.name == "First")) == 1
        assert session.scalar(select(func.count()).select_from(TimeEntry)) == 6
