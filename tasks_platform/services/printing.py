"""How amounts and dates are printed: the same in documents and in mails."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def amount(value: Decimal) -> str:
    """Print money or hours with two places and thousands separators: ``1,234.50``."""
    return f"{value.quantize(Decimal('0.01'), ROUND_HALF_UP):,f}"


def rate(value: Decimal) -> str:
    """Print the price of an hour with two places, or more where it has more: ``85.125``."""
    return amount(value) if value == round(value, 2) else f"{value.normalize():,f}"


def percent(value: Decimal) -> str:
    """Print a fraction as a percentage: ``0.077`` is ``7.7%``."""
    return f"{(value * 100).normalize():f}%"


def day(value: date) -> str:
    """Print a date that is read the same everywhere: ``1 October 2026``."""
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def period(first: date, last: date) -> str:
    """Print a range of dates, without saying the same month or year twice."""
    start = day(first)
    if first.year == last.year:
        start = start.removesuffix(f" {first.year}")
        if first.month == last.month:
            start = str(first.day)
    return f"{start} \N{EN DASH} {day(last)}"
