from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tasks_platform.services.printing import amount, day, percent, period, rate


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        ("0", "0.00"),
        ("7.5", "7.50"),
        ("1234.56", "1,234.56"),
        ("12345678901234567890.12", "12,345,678,901,234,567,890.12"),
        ("-1234.5", "-1,234.50"),
        ("1E+3", "1,000.00"),
        ("0.005", "0.01"),
    ],
)
def test_amounts_have_two_places_and_thousands_separators(value: str, printed: str) -> None:
    assert amount(Decimal(value)) == printed


@pytest.mark.parametrize(("value", "printed"), [("96", "96.00"), ("85.125", "85.125"), ("1085.1250", "1,085.125")])
def test_a_rate_keeps_the_places_it_has(value: str, printed: str) -> None:
    assert rate(Decimal(value)) == printed


@pytest.mark.parametrize(("value", "printed"), [("0.19", "19%"), ("0.20", "20%"), ("0.077", "7.7%"), ("0", "0%")])
def test_percentages_have_no_more_places_than_they_need(value: str, printed: str) -> None:
    assert percent(Decimal(value)) == printed


def test_a_day_names_its_month() -> None:
    assert day(date(2026, 2, 3)) == "3 February 2026"


@pytest.mark.parametrize(
    ("first", "last", "printed"),
    [
        (date(2026, 10, 1), date(2026, 10, 31), "1 \N{EN DASH} 31 October 2026"),
        (date(2026, 9, 15), date(2026, 10, 14), "15 September \N{EN DASH} 14 October 2026"),
        (date(2026, 12, 15), date(2027, 1, 14), "15 December 2026 \N{EN DASH} 14 January 2027"),
        (date(2025, 10, 1), date(2026, 10, 1), "1 October 2025 \N{EN DASH} 1 October 2026"),
    ],
)
def test_a_period_says_a_month_and_a_year_once_when_they_are_the_same(first: date, last: date, printed: str) -> None:
    assert period(first, last) == printed
