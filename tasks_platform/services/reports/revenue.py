"""What was earned in a period. Decides only; nothing is read or written here.

It is counted as invoices count it, see `books.money`: the seconds of a project at a rate are summed exactly, shown as
hours of two places, and those are multiplied. So the revenue of a month is what its invoices come to before tax.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from tasks_platform.services.books.money import hours_of, line_amount
from tasks_platform.services.books.names import alphabetical


@dataclass(frozen=True, kw_only=True)
class PricedWork:
    """A billable time entry, and what an hour of it costs."""

    day: date
    user: str
    client: str
    project: str
    description: str
    seconds: int
    currency: str
    #: None where the books know no rate for it.
    rate: Decimal | None


@dataclass(frozen=True, kw_only=True)
class RevenueLine:
    """The work on one project at one rate."""

    client: str
    project: str
    currency: str
    #: Two places, rounded half up.
    hours: Decimal
    rate: Decimal
    amount: Decimal


@dataclass(frozen=True, kw_only=True)
class Unpriced:
    """Work that no rate says the price of, and that is in no sum."""

    client: str
    project: str
    currency: str
    hours: Decimal


@dataclass(frozen=True, kw_only=True)
class CurrencyTotal:
    """What was earned in one currency; amounts in different ones are not added up."""

    currency: str
    hours: Decimal
    amount: Decimal


@dataclass(frozen=True, kw_only=True)
class Revenue:
    """What an organization earned, net of tax."""

    #: The organization's name.
    organization: str
    first: date
    last: date
    #: By currency, client and project.
    lines: tuple[RevenueLine, ...]
    totals: tuple[CurrencyTotal, ...]
    #: What the last days up to the end of the period came to, by currency: for a chart.
    days: dict[str, tuple[tuple[date, Decimal], ...]]
    unpriced: tuple[Unpriced, ...]
    #: The entries of the period, in the order of time.
    work: tuple[PricedWork, ...]


def revenue_of(organization: str, work: Sequence[PricedWork], first: date, last: date, *, chart_from: date) -> Revenue:
    """Calculate what *work* came to from *first* to *last*, both included; earlier work is for the chart alone."""
    inside = tuple(item for item in work if first <= item.day <= last)
    lines = _lines(inside)
    shown = [chart_from + timedelta(number) for number in range((last - chart_from).days + 1)]
    by_day: dict[date, list[PricedWork]] = defaultdict(list)
    for item in work:
        by_day[item.day].append(item)
    earned = {day: {total.currency: total.amount for total in _totals(_lines(by_day[day]))} for day in shown}
    currencies = sorted({currency for amounts in earned.values() for currency in amounts})
    return Revenue(
        organization=organization,
        first=first,
        last=last,
        lines=lines,
        totals=_totals(lines),
        days={code: tuple((day, earned[day].get(code, Decimal("0.00"))) for day in shown) for code in currencies},
        unpriced=_unpriced(inside),
        work=inside,
    )


def _lines(work: Iterable[PricedWork]) -> tuple[RevenueLine, ...]:
    seconds: dict[tuple[str, str, str, Decimal], int] = defaultdict(int)
    for item in work:
        if item.rate is not None:
            seconds[item.currency, item.client, item.project, item.rate] += item.seconds
    found = [
        RevenueLine(
            client=client,
            project=project,
            currency=currency,
            hours=(hours := hours_of(count)),
            rate=rate,
            amount=line_amount(hours, rate),
        )
        for (currency, client, project, rate), count in seconds.items()
    ]
    return tuple(
        sorted(
            found, key=lambda line: (line.currency, alphabetical(line.client), alphabetical(line.project), line.rate)
        )
    )


def _totals(lines: Iterable[RevenueLine]) -> tuple[CurrencyTotal, ...]:
    hours: dict[str, Decimal] = defaultdict(Decimal)
    amounts: dict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        hours[line.currency] += line.hours
        amounts[line.currency] += line.amount
    return tuple(
        CurrencyTotal(currency=currency, hours=hours[currency], amount=amounts[currency]) for currency in sorted(hours)
    )


def _unpriced(work: Iterable[PricedWork]) -> tuple[Unpriced, ...]:
    seconds: dict[tuple[str, str, str], int] = defaultdict(int)
    for item in work:
        if item.rate is None:
            seconds[item.client, item.project, item.currency] += item.seconds
    return tuple(
        Unpriced(client=client, project=project, currency=currency, hours=hours_of(count))
        for (client, project, currency), count in sorted(seconds.items())
    )
