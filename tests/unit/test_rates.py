"""Which hourly rate applies."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from tasks_platform.services.books.models import ALWAYS
from tasks_platform.services.books.rates import Level, RateEntry, RateTable


def rate(level: Level, owner: int, hourly: str, *, since: date = ALWAYS, currency: str = "EUR") -> RateEntry:
    """Return a rate."""
    return RateEntry(level=level, owner_id=owner, currency=currency, hourly=Decimal(hourly), valid_from=since)


TABLE = RateTable(
    [
        rate("organization", 1, "80.00"),
        rate("organization", 1, "90.00", currency="USD"),
        rate("client", 20, "100.00", since=date(2026, 1, 1)),
        rate("project", 31, "120.00", since=date(2026, 10, 16)),
        rate("project", 31, "110.00"),
        rate("project", 32, "130.00", since=date(2026, 11, 1)),
    ]
)


@pytest.mark.parametrize(
    ("client", "project", "currency", "day", "expected"),
    [
        (20, 31, "EUR", date(2026, 10, 15), "110.00"),
        (20, 31, "EUR", date(2026, 10, 16), "120.00"),
        (20, 31, "EUR", date(2031, 1, 1), "120.00"),
        (20, 32, "EUR", date(2026, 10, 31), "100.00"),
        (20, 32, "EUR", date(2026, 11, 1), "130.00"),
        (20, 33, "EUR", date(2026, 10, 1), "100.00"),
        (20, 33, "EUR", date(2025, 12, 31), "80.00"),
        (21, 34, "EUR", date(2026, 10, 1), "80.00"),
        (21, 34, "USD", date(2026, 10, 1), "90.00"),
        (20, 31, "USD", date(2026, 10, 1), "90.00"),
        (21, 34, "GBP", date(2026, 10, 1), None),
        # Ids of different levels have nothing to do with each other.
        (31, 20, "EUR", date(2026, 10, 1), "80.00"),
    ],
)
def test_the_most_specific_rate_of_the_currency_that_is_valid_on_the_day_applies(
    client, project, currency, day, expected
):
    found = TABLE.find(organization=1, client=client, project=project, currency=currency, day=day)
    assert found == (None if expected is None else Decimal(expected))
