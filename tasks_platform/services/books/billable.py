"""Which work of a month is billable, for whom."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from tasks_platform.services.books.lines import Work
from tasks_platform.services.books.models import Client, Invoice, InvoiceLine, Project, TimeEntry
from tasks_platform.services.books.month import Month
from tasks_platform.services.books.names import alphabetical
from tasks_platform.services.books.organizations import find_organization


@dataclass(frozen=True, kw_only=True)
class ClientToBill:
    """A client with billable work in a month."""

    client_id: int
    name: str
    #: Empty where the books know none.
    email: str
    currency: str
    entries: int
    seconds: int
    #: The invoice of the month, if there is one already.
    invoice_id: int | None


def clients_to_bill(session: Session, organization: str, month: Month) -> list[ClientToBill]:
    """Return the clients with billable work in *month*, by name, those included that are billed already.

    Raises:
        BooksError: if the organization is unknown.

    """
    books = find_organization(session, organization)
    query = (
        select(Client, func.count(TimeEntry.id), func.sum(TimeEntry.seconds), Invoice.id)
        .join(TimeEntry, TimeEntry.client_id == Client.id)
        .outerjoin(Invoice, (Invoice.client_id == Client.id) & (Invoice.month == month))
        .where(Client.organization_id == books.id, *billable_in(month))
        .group_by(Client.id, Invoice.id)
    )
    clients = [
        ClientToBill(
            client_id=client.id,
            name=client.name,
            email=client.email,
            currency=client.currency,
            entries=entries,
            seconds=int(seconds),
            invoice_id=invoice_id,
        )
        for client, entries, seconds, invoice_id in session.execute(query)
    ]
    return sorted(clients, key=lambda client: alphabetical(client.name))


@dataclass(frozen=True, kw_only=True)
class BilledWork:
    """Work and the invoice that bills it, if one does."""

    work: Work
    invoice_id: int | None


def billable_work(session: Session, organization_id: int, month: Month) -> dict[int, list[BilledWork]]:
    """Return the billable work of *month* by client, in the order of time."""
    query = (
        select(
            Client.id,
            TimeEntry.id,
            Project.id,
            Project.name,
            TimeEntry.local_date,
            TimeEntry.seconds,
            InvoiceLine.invoice_id,
        )
        .join(Client, Client.id == TimeEntry.client_id)
        .join(Project, Project.id == TimeEntry.project_id)
        .outerjoin(InvoiceLine, InvoiceLine.id == TimeEntry.invoice_line_id)
        .where(TimeEntry.organization_id == organization_id, *billable_in(month))
        .order_by(TimeEntry.start_at, TimeEntry.id)
    )
    found: dict[int, list[BilledWork]] = defaultdict(list)
    for client_id, entry_id, project_id, project, day, seconds, invoice_id in session.execute(query):
        work = Work(entry_id=entry_id, project_id=project_id, project=project, day=day, seconds=seconds)
        found[client_id].append(BilledWork(work=work, invoice_id=invoice_id))
    return found


def billable_in(month: Month) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return the conditions that an entry is billable work of *month*: the month of the day it started."""
    return TimeEntry.billable.is_(True), TimeEntry.local_date.between(month.first, month.last)
