"""Read the work of a period from the books, with its prices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from tasks_platform.services.books.models import Client, Project, TimeEntry
from tasks_platform.services.books.organizations import find_organization
from tasks_platform.services.books.rates import read_rates
from tasks_platform.services.reports.revenue import PricedWork


@dataclass(frozen=True, kw_only=True)
class WorkRead:
    """The billable work of an organization."""

    #: The organization's name.
    organization: str
    #: In the order of time.
    work: tuple[PricedWork, ...]


def read_work(session: Session, organization: str, first: date, last: date) -> WorkRead:
    """Return the billable work that began from *first* to *last*, days of the organization's time zone.

    Raises:
        BooksError: if the organization is unknown.

    """
    books = find_organization(session, organization)
    rates = read_rates(session, books.id)
    query = (
        select(TimeEntry, Client, Project)
        .join(Client, Client.id == TimeEntry.client_id)
        .join(Project, Project.id == TimeEntry.project_id)
        .where(
            TimeEntry.organization_id == books.id,
            TimeEntry.billable.is_(True),
            TimeEntry.local_date.between(first, last),
        )
        .order_by(TimeEntry.start_at, TimeEntry.id)
    )
    work = tuple(
        PricedWork(
            day=entry.local_date,
            user=entry.user or entry.email,
            client=client.name,
            project=project.name,
            description=entry.description or entry.task,
            seconds=entry.seconds,
            currency=client.currency,
            rate=rates.find(
                organization=books.id,
                client=client.id,
                project=project.id,
                currency=client.currency,
                day=entry.local_date,
            ),
        )
        for entry, client, project in session.execute(query)
    )
    return WorkRead(organization=books.name, work=work)
