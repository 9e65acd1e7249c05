"""Work that turned up after its month's invoice was rendered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tasks_platform.services.books.billable import billable_in
from tasks_platform.services.books.models import Client, Invoice, TimeEntry
from tasks_platform.services.books.month import Month
from tasks_platform.services.books.names import alphabetical


@dataclass(frozen=True, kw_only=True)
class LateWork:
    """Billable work of a client that no invoice bills; a person decides what becomes of it."""

    client_id: int
    client: str
    #: The invoice that it came too late for.
    number: str
    entries: int
    seconds: int
    first_day: date
    last_day: date


def late_work(session: Session, organization_id: int, month: Month) -> tuple[LateWork, ...]:
    """Return the late work of *month*, by name of the client."""
    query = (
        select(
            Client.id,
            Client.name,
            Invoice.number,
            func.count(TimeEntry.id),
            func.sum(TimeEntry.seconds),
            func.min(TimeEntry.local_date),
            func.max(TimeEntry.local_date),
        )
        .join(Invoice, Invoice.client_id == Client.id)
        .join(TimeEntry, TimeEntry.client_id == Client.id)
        .where(
            Client.organization_id == organization_id,
            Invoice.month == month,
            Invoice.rendered_at.is_not(None),
            TimeEntry.invoice_line_id.is_(None),
            *billable_in(month),
        )
        .group_by(Client.id, Client.name, Invoice.number)
    )
    found = [
        LateWork(
            client_id=client_id,
            client=client,
            number=number,
            entries=entries,
            seconds=int(seconds),
            first_day=first_day,
            last_day=last_day,
        )
        for client_id, client, number, entries, seconds, first_day, last_day in session.execute(query)
    ]
    return tuple(sorted(found, key=lambda work: alphabetical(work.client)))
