"""What is written on an invoice: time entries in, lines and sums out. Decides only; nothing is read or written here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tasks_platform.services.books.money import hours_of, line_amount, tax_on


@dataclass(frozen=True, kw_only=True)
class Work:
    """A billable time entry, as far as an invoice cares."""

    entry_id: int
    project_id: int
    project: str
    day: date
    seconds: int


@dataclass(frozen=True, kw_only=True)
class LineDraft:
    """The work of one project at one rate; see `money` for how it is rounded."""

    project_id: int
    description: str
    seconds: int
    hours: Decimal
    rate: Decimal
    amount: Decimal
    entry_ids: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Sums:
    """The sums below the lines."""

    subtotal: Decimal
    tax: Decimal
    total: Decimal


def draft_lines(work: Iterable[Work], rate_of: Callable[[Work], Decimal]) -> tuple[LineDraft, ...]:
    """Return one line per project and rate, by name of the project and then in the order of time.

    Seconds are summed exactly and rounded once per line. A project whose rate changed has a line per rate, and its
    description says which days it is for.
    """
    groups: dict[tuple[str, int], dict[Decimal, list[Work]]] = defaultdict(lambda: defaultdict(list))
    for item in work:
        groups[item.project, item.project_id][rate_of(item)].append(item)
    return tuple(
        _line(items, rate, with_days=len(by_rate) > 1)
        for _, by_rate in sorted(groups.items())
        for rate, items in sorted(by_rate.items(), key=lambda pair: min((item.day, item.entry_id) for item in pair[1]))
    )


def sums_of(amounts: Iterable[Decimal], tax_rate: Decimal) -> Sums:
    """Add up the rounded *amounts* of the lines."""
    subtotal = sum(amounts, Decimal("0.00"))
    tax = tax_on(subtotal, tax_rate)
    return Sums(subtotal=subtotal, tax=tax, total=subtotal + tax)


def _line(items: Sequence[Work], rate: Decimal, *, with_days: bool) -> LineDraft:
    seconds = sum(item.seconds for item in items)
    hours = hours_of(seconds)
    first, last = min(item.day for item in items), max(item.day for item in items)
    days = f" ({first} to {last})" if first != last else f" ({first})"
    return LineDraft(
        project_id=items[0].project_id,
        description=items[0].project + (days if with_days else ""),
        seconds=seconds,
        hours=hours,
        rate=rate,
        amount=line_amount(hours, rate),
        entry_ids=tuple(sorted(item.entry_id for item in items)),
    )
