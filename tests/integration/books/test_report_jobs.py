"""The report's job, called in a run whose progress is written down."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from io import BytesIO

import openpyxl
import pytest

from read_invoice import read_text
from runs import a_run
from small_books import ACME, entry, put
from tasks_platform.errors import ServiceRefusedError
from tasks_platform.policies.once import Once
from tasks_platform.policies.progress import Progress
from tasks_platform.policy import enter_run, leave_run, wrap
from tasks_platform.schedules import declared_entries
from tasks_platform.services.mailbox.folder import read_mailbox
from tasks_platform.tasks import cleanup, email, imports, invoicing, reports

DAY = date(2026, 10, 5)
pytestmark = pytest.mark.parametrize("books_url", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def desk(desk, books):
    """Let every test have the office with a day's work in its books."""
    put(books, entry(), entry("Älvdal", "App", at="11:00"))
    return desk


@pytest.mark.checklist(68, 69)
def test_its_steps_have_weights_that_come_to_a_hundred():
    told: list[tuple[float, str]] = []
    run = a_run(announce=lambda _state, report: told.append((report["percent"], report["message"])))
    token = enter_run(run)
    try:
        make = wrap("execute", (Once(), Progress()), run, innermost=lambda: reports.revenue(ACME, DAY, DAY))
        make()
    finally:
        leave_run(token)
    assert told == [
        (0.0, "Collect the work"),
        (20.0, "Collect the work"),
        (20.0, "Calculate"),
        (60.0, "Calculate"),
        (60.0, "Render"),
        (80.0, "Render"),
        (80.0, "Store"),
        (90.0, "Store"),
        (90.0, "Tell"),
        (100.0, "Tell"),
    ]


def test_made_again_it_replaces_its_files_and_tells_only_of_other_sums(desk, books, tmp_path):
    first = reports.revenue(ACME, DAY, DAY, tell="boss@acme.example")
    again = reports.revenue(ACME, DAY, DAY, tell="boss@acme.example")
    put(books, entry(at="15:00"))
    later = reports.revenue(ACME, DAY, DAY, tell="boss@acme.example")
    assert [file.key for file in first.files] == [file.key for file in later.files]
    assert (first.totals, first.rows, later.rows) == (again.totals, 2, 3)
    assert str(later.totals["GBP"]) == "200.00"
    ids = [mail.message_id for mail in read_mailbox(tmp_path / "mailbox")]
    assert (ids[0] == ids[1], ids[0] == ids[2]) == (True, False)


def test_a_format_may_be_left_out_and_both_say_the_same(desk):
    (only,) = reports.revenue(ACME, DAY, DAY, formats=("xlsx",)).files
    assert only.format == "xlsx"
    pdf, xlsx = (desk.storage.get(file.key) for file in reports.revenue(ACME, DAY, DAY).files)
    sums = openpyxl.load_workbook(BytesIO(xlsx), data_only=True)["Revenue"].iter_rows(values_only=True)
    totals = [(row[2], f"{row[5]:.2f}") for row in sums if row[0] == "Total"]
    assert totals == [("EUR", "90.00"), ("GBP", "100.00")]
    for currency, amount in totals:
        assert f"Total {currency} 1.00 {amount}" in read_text(pdf)


@pytest.mark.parametrize(("first", "last"), [(DAY, DAY - timedelta(days=1)), (DAY, DAY + timedelta(days=367))])
def test_a_period_that_cannot_be_is_refused_for_good(first, last):
    with pytest.raises(ServiceRefusedError, match="name one to 366 days, in order"):
        reports.revenue(ACME, first, last)


@pytest.mark.checklist(51)
def test_the_back_office_has_its_schedule():
    for module in (cleanup, email, imports, invoicing, reports):
        assert module.__name__.startswith("tasks_platform.tasks.")
    on, _ = declared_entries()
    summer, winter = datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
    expected = {
        "expired-tokens": ("cleanup.expired_tokens", "2026-07-01 02:00", "2026-12-01 02:00"),
        "pending-users": ("cleanup.pending_users", "2026-07-01 01:00", "2026-12-01 01:00"),
        "revenue-daily": ("reports.daily_revenue", "2026-07-01 12:00", "2026-12-01 13:00"),
        "revenue-weekly": ("reports.weekly_revenue", "2026-07-06 13:00", "2026-12-07 14:00"),
        "billing": ("invoicing.bill_last_month", "2026-07-01 12:00", "2026-12-01 12:00"),
    }
    for name, (task, *moments) in expected.items():
        assert on[name].task == f"tasks_platform.tasks.{task}"
        assert [f"{next(on[name].when.after(start)):%Y-%m-%d %H:%M}" for start in (summer, winter)] == moments
