"""Revenue of every size and temper for tests of reports."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from tasks_platform.services.reports import PricedWork, Revenue, revenue_of

FIRST, LAST = date(2026, 10, 12), date(2026, 10, 14)
CHART_FROM = date(2026, 10, 1)


def work(  # noqa: PLR0913 - every test changes another one
    day: date = LAST,
    *,
    client: str = "Kestrel",
    project: str = "Web",
    seconds: int = 3600,
    currency: str = "EUR",
    rate: str | None = "90.00",
    description: str = "Review",
) -> PricedWork:
    """Return an entry."""
    return PricedWork(
        day=day,
        user="Grażyna Wójcik",
        client=client,
        project=project,
        description=description,
        seconds=seconds,
        currency=currency,
        rate=None if rate is None else Decimal(rate),
    )


def revenue(*items: PricedWork, first: date = FIRST, last: date = LAST, chart_from: date = CHART_FROM) -> Revenue:
    """Return what *items* came to."""
    return revenue_of("Kontor & Söhne GmbH", items, first, last, chart_from=chart_from)


def a_few_days(count: int = 40) -> Revenue:
    """Return revenue in three currencies, of *count* entries and one without a rate."""
    rates = (("EUR", "90.00"), ("GBP", "100.25"), ("PLN", "395.00"))
    items = [
        work(
            CHART_FROM + timedelta(number % 14),
            client=f"Client {number % 7}",
            project=f"Project {number % 3}",
            seconds=600 + 97 * number % 9000,
            currency=rates[number % 3][0],
            rate=rates[number % 3][1],
        )
        for number in range(count)
    ]
    return revenue(*items, work(client="Hopeful", project="Hope", currency="CHF", rate=None, seconds=5400))
