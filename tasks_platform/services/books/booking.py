"""Book the invoices of a month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from tasks_platform.services.books.invoices import invoices_of
from tasks_platform.services.books.month import Month
from tasks_platform.services.books.organizations import find_organization


@dataclass(frozen=True, kw_only=True)
class BookingReport:
    """What booking did, by invoice number."""

    organization: str
    month: str
    booked: tuple[str, ...]
    already_booked: tuple[str, ...]
    #: Not mailed yet, and so not booked; book the month again later.
    waiting: tuple[str, ...]


def book_month(session: Session, organization: str, month: Month, at: datetime | None = None) -> BookingReport:
    """Book every invoice of *month* that was mailed; each is booked once.

    Raises:
        BooksError: if the organization is unknown.

    """
    books = find_organization(session, organization, lock=True)
    moment = at or datetime.now(UTC)
    booked, already, waiting = [], [], []
    for invoice in invoices_of(session, books.id, month, lock=True):
        if invoice.booked_at is not None:
            already.append(invoice.number)
        elif invoice.mailed_at is None:
            waiting.append(invoice.number)
        else:
            invoice.booked_at = moment
            booked.append(invoice.number)
    return BookingReport(
        organization=books.slug,
        month=str(month),
        booked=tuple(booked),
        already_booked=tuple(already),
        waiting=tuple(waiting),
    )
