"""What stands in a revenue report: its values as the strings that the document shows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from tasks_platform.services.books.money import hours_of
from tasks_platform.services.printed_text import clean
from tasks_platform.services.printing import amount, day, period, rate
from tasks_platform.services.reports.chart import revenue_chart
from tasks_platform.services.reports.revenue import Revenue, RevenueLine


def printed_revenue(revenue: Revenue) -> dict[str, object]:
    """Return everything the template shows, as JSON takes it."""
    return {
        "title": title_of(revenue),
        "organization": clean(revenue.organization),
        "period": period_of(revenue),
        "totals": [(total.currency, amount(total.hours), amount(total.amount)) for total in revenue.totals],
        "chart": revenue_chart(revenue) if revenue.days else "",
        "chart_says": _in_words(revenue),
        "chart_period": period(*_chart_days(revenue)) if revenue.days else "",
        "groups": [_group(revenue, total.currency) for total in revenue.totals],
        "unpriced": [
            (clean(item.client), clean(item.project), item.currency, amount(item.hours)) for item in revenue.unpriced
        ],
        "work": list(_work(revenue)),
        "hours": amount(sum((total.hours for total in revenue.totals), Decimal())),
    }


def title_of(revenue: Revenue) -> str:
    """Return what the document is called."""
    return f"Revenue of {clean(revenue.organization)}, {period_of(revenue)}"


def period_of(revenue: Revenue) -> str:
    """Return the days the report is of, in words."""
    return day(revenue.first) if revenue.first == revenue.last else period(revenue.first, revenue.last)


def _chart_days(revenue: Revenue) -> tuple[date, date]:
    days = next(iter(revenue.days.values()))
    return days[0][0], days[-1][0]


def _in_words(revenue: Revenue) -> str:
    """Say what the chart shows, for those who listen to the document."""
    highest = [
        f"{currency}: at most {amount(earned)} on {day(moment)}"
        for currency, days in revenue.days.items()
        for moment, earned in [max(days, key=lambda pair: pair[1])]
    ]
    return f"A bar for what was earned each day, by currency. {'; '.join(highest)}."


def _group(revenue: Revenue, currency: str) -> dict[str, object]:
    lines = [line for line in revenue.lines if line.currency == currency]
    total = next(total for total in revenue.totals if total.currency == currency)
    return {
        "currency": currency,
        "lines": [_line(line) for line in lines],
        "total": (f"Total {currency}", amount(total.hours), "", amount(total.amount)),
    }


def _line(line: RevenueLine) -> tuple[str, ...]:
    return clean(line.client), clean(line.project), amount(line.hours), rate(line.rate), amount(line.amount)


def _work(revenue: Revenue) -> Iterator[tuple[str, ...]]:
    for item in revenue.work:
        yield (
            f"{item.day:%Y-%m-%d}",
            clean(item.user),
            f"{clean(item.client)} \N{MIDDLE DOT} {clean(item.project)}",
            clean(item.description),
            amount(hours_of(item.seconds)),
        )
