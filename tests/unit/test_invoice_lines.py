"""The arithmetic of an invoice: nothing is lost between the seconds and the total."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks_platform.services.books.lines import Work, draft_lines, sums_of
from tasks_platform.services.books.money import checked_currency, hours_of, line_amount, tax_on, to_cents

MONDAY = date(2026, 10, 5)
MONEY = st.decimals(min_value=0, max_value=10_000_000, places=2)
TAX_RATE = st.sampled_from([Decimal(rate) for rate in ("0", "0.081", "0.19", "0.2", "0.21", "0.23", "0.255")])


def work(entry_id: int, seconds: int, *, project: int = 1, day: date = MONDAY) -> Work:
    """Return a billable entry."""
    return Work(entry_id=entry_id, project_id=project, project=f"Project {project}", day=day, seconds=seconds)


@pytest.mark.parametrize(
    ("seconds", "hours"),
    [(0, "0.00"), (17, "0.00"), (18, "0.01"), (3600, "1.00"), (5417, "1.50"), (5418, "1.51"), (36_000_000, "10000.00")],
)
def test_hours_are_rounded_half_up(seconds, hours):
    assert str(hours_of(seconds)) == hours


@pytest.mark.parametrize(
    ("hours", "rate", "amount"),
    [("1.50", "112.00", "168.00"), ("0.50", "99.99", "50.00"), ("0.01", "49.99", "0.50"), ("0.01", "49.50", "0.50")],
)
def test_an_amount_is_what_the_printed_hours_cost_rounded_half_up(hours, rate, amount):
    assert str(line_amount(Decimal(hours), Decimal(rate))) == amount


@pytest.mark.parametrize(
    ("subtotal", "rate", "tax"),
    [("100.00", "0.19", "19.00"), ("0.50", "0.19", "0.10"), ("2.50", "0.081", "0.20"), ("99.99", "0", "0.00")],
)
def test_tax_is_rounded_half_up(subtotal, rate, tax):
    assert str(tax_on(Decimal(subtotal), Decimal(rate))) == tax


def test_sums_beyond_the_digits_of_the_default_context_are_exact():
    large = Decimal("123456789012345678901234567890.12")
    assert line_amount(Decimal("1.00"), large) == large


@given(st.integers(0, 10**9))
def test_hours_are_the_nearest_hundredth_of_the_exact_time(seconds):
    difference = Fraction(hours_of(seconds)) - Fraction(seconds, 3600)
    assert -Fraction(1, 200) < difference <= Fraction(1, 200)


@given(st.lists(MONEY), TAX_RATE)
def test_the_total_is_the_sum_of_the_lines_and_the_tax_on_it(amounts, tax_rate):
    sums = sums_of(amounts, tax_rate)
    assert sums.subtotal == sum(amounts)
    assert sums.total == sums.subtotal + sums.tax
    assert sums.tax == (sum(amounts) * tax_rate).quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert {sums.subtotal.as_tuple().exponent, sums.tax.as_tuple().exponent, sums.total.as_tuple().exponent} == {-2}


@given(
    st.lists(st.tuples(st.integers(0, 90_000), st.integers(1, 3), st.integers(0, 30)), max_size=40),
    st.sampled_from(["95.00", "112.35", "0.01"]),
)
def test_every_second_of_work_is_on_exactly_one_line(items, first_rate):
    entries = [
        work(number, seconds, project=project, day=MONDAY + timedelta(days=day))
        for number, (seconds, project, day) in enumerate(items)
    ]
    changes = MONDAY + timedelta(days=15)
    lines = draft_lines(entries, lambda item: Decimal(first_rate) if item.day < changes else Decimal("120.00"))
    assert sorted(number for line in lines for number in line.entry_ids) == list(range(len(items)))
    assert sum(line.seconds for line in lines) == sum(item.seconds for item in entries)
    assert len({(line.project_id, line.rate) for line in lines}) == len(lines)
    for line in lines:
        assert line.hours == hours_of(line.seconds)
        assert line.amount == to_cents(line.hours * line.rate)


def test_seconds_are_summed_before_they_are_rounded():
    (line,) = draft_lines([work(number, 20) for number in range(9)], lambda _: Decimal("100.00"))
    assert (line.seconds, line.hours, line.amount) == (180, Decimal("0.05"), Decimal("5.00"))


def test_a_project_whose_rate_changed_has_a_line_per_rate_that_says_its_days():
    entries = [
        work(1, 3600),
        work(2, 3600, day=date(2026, 10, 14)),
        work(3, 3600, day=date(2026, 10, 20)),
        work(4, 60, project=2),
    ]
    lines = draft_lines(entries, lambda item: Decimal("100.00") if item.day.day < 15 else Decimal("90.00"))
    assert [(line.description, line.rate) for line in lines] == [
        ("Project 1 (2026-10-05 to 2026-10-14)", Decimal("100.00")),
        ("Project 1 (2026-10-20)", Decimal("90.00")),
        ("Project 2", Decimal("100.00")),
    ]


def test_two_projects_of_the_same_name_are_two_lines():
    same = [Work(entry_id=n, project_id=n, project="Web", day=MONDAY, seconds=60) for n in (1, 2)]
    assert [line.project_id for line in draft_lines(same, lambda _: Decimal(60))] == [1, 2]


@pytest.mark.parametrize("code", ["eur", "EURO", "", "JPY", "KWD"])
def test_a_currency_that_the_books_cannot_count_is_refused(code):
    with pytest.raises(ValueError, match=r"is no currency|has no hundredths"):
        checked_currency(code)
