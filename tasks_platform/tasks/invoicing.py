"""The month's invoices: calculate, then per client render, file and mail, then book and summarize."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from tasks_platform.bases import ReliableTask
from tasks_platform.errors import BooksError
from tasks_platform.flows import Flow, chain, chord, labelled, start
from tasks_platform.job_queue import JobQueue
from tasks_platform.policies import Deadline, Once, Retry, once_per_job
from tasks_platform.schedules import cron, schedule
from tasks_platform.services import books
from tasks_platform.services.books import ClientToBill, Month
from tasks_platform.services.books.invoices import find_invoice
from tasks_platform.services.invoice_mail import invoice_mail
from tasks_platform.services.office import office
from tasks_platform.task import task
from tasks_platform.task.handle import JobHandle


def monthly(organization: str, month: str, clients: Sequence[ClientToBill]) -> Any:
    """Return the flow that bills *clients* for *month* (``2026-10``)."""
    return chain(
        labelled(calculate_hours.si(organization, month), "Calculate hours"),
        chord(
            [_bill(organization, client, month) for client in clients],
            chain(
                labelled(book_month.si(organization, month), "Book"),
                labelled(summarize_month.si(organization, month), "Summarize"),
            ),
        ),
    )


def _bill(organization: str, client: ClientToBill, month: str) -> Any:
    name, client_id = client.name, client.client_id
    return chain(
        labelled(render_invoice.si(organization, client_id, month), "Render invoices", weight=3, subject=name),
        labelled(file_invoice.si(client_id, month), "File invoices", subject=name),
        labelled(mail_invoice.si(client_id, month, client.email), "Mail invoices", weight=2, subject=name),
    )


@task(base=ReliableTask, queue="invoicing")
def calculate_hours(organization: str, month: str) -> None:
    """Calculate the billable hours of the month into one draft invoice per client."""
    with office().books.session() as session:
        books.draft_invoices(session, organization, Month.parse(month))


@task(Deadline(hard=120), base=ReliableTask, queue="invoicing")
def render_invoice(organization: str, client_id: int, month: str) -> None:
    """Close the draft and render its document; rendering it again gives the same bytes.

    What kept the month from being drafted may have been mended since: a client without a draft is tried again.
    """
    period = Month.parse(month)
    with office().books.session() as session:
        invoice_id = _drafted(session, organization, client_id, period)
        books.mark_rendered(session, invoice_id)
    with office().books.reading() as session:
        invoice = books.invoice_document(session, invoice_id)
        key = books.file_key(session, invoice_id)
    office().storage.put(key, office().renderer.render_invoice(invoice), content_type="application/pdf")


def _drafted(session: Session, organization: str, client_id: int, month: Month) -> int:
    """Return the id of the client's invoice, drafted now if it could not be before."""
    try:
        return books.invoice_of(session, client_id, month)
    except BooksError:
        report = books.draft_invoices(session, organization, month)
    for problem in report.problems:
        if problem.client_id == client_id:
            raise BooksError(f"{problem.client} cannot be billed for {month}: {problem.reason}")
    return books.invoice_of(session, client_id, month)


@task(base=ReliableTask, queue="invoicing")
def file_invoice(client_id: int, month: str) -> None:
    """Enter in the books where the document is filed."""
    with office().books.session() as session:
        invoice_id = books.invoice_of(session, client_id, Month.parse(month))
        key = books.file_key(session, invoice_id)
        office().storage.get(key)  # what the books say is there has to be there
        books.mark_filed(session, invoice_id, key)


@task(Once(), Retry(max_attempts=10, cap=30), Deadline(hard=180), base=ReliableTask, queue="email")
def mail_invoice(client_id: int, month: str, to: str) -> None:
    """Mail the invoice once. The address is an argument, so that a refused one can be corrected in its letter.

    Without one the mail goes where the books say now.
    """
    with office().books.reading() as session:
        invoice_id = books.invoice_of(session, client_id, Month.parse(month))
        if find_invoice(session, invoice_id).mailed_at is not None:
            return
        invoice = books.invoice_document(session, invoice_id)
        pdf = office().storage.get(books.file_key(session, invoice_id))
    message_id = f"<invoice.{invoice.number}.{invoice_id}@{office().mail_domain}>"
    recipient = replace(invoice.recipient, email=to or invoice.recipient.email)
    mail = invoice_mail(replace(invoice, recipient=recipient), pdf, message_id=message_id)
    once_per_job("send", lambda: office().mailer.send(mail).answer)
    with office().books.session() as session:
        books.mark_mailed(session, invoice_id, message_id)


@task(base=ReliableTask, queue="invoicing")
def book_month(organization: str, month: str) -> None:
    """Book every invoice of the month that was mailed, once each."""
    with office().books.session() as session:
        books.book_month(session, organization, Month.parse(month))


@task(base=ReliableTask, queue="invoicing")
def summarize_month(organization: str, month: str) -> str:
    """File the month's summary as CSV and return its key."""
    with office().books.reading() as session:
        summary = books.summarize(session, organization, Month.parse(month))
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(("client", "invoice", "hours", "currency", "total", "file", "mailed", "booked"))
    for row in summary.rows:
        rows.writerow(
            (row.client, row.number, row.hours, row.currency, row.total, row.file_key, row.mailed_at, row.booked_at)
        )
    key = f"{organization}/{month}/summary.csv"
    office().storage.put(key, text.getvalue().encode("utf-8-sig"), content_type="text/csv", overwrite=True)
    return key


@task(base=ReliableTask, queue="invoicing")
def bill_month(organization: str, month: str) -> str | None:
    """Start the flow of the month, or find the one there is; return its id, None if there is no work to bill.

    Raises:
        BooksError: if the organization is unknown.

    """
    flow = _bill_month(bill_month.app, organization, Month.parse(month))
    return None if flow is None else flow.id


@task(base=ReliableTask, queue="invoicing")
def bill_last_month() -> list[str]:
    """Start the flow of the month that has just ended for every organization that has work in it; return their ids."""
    with office().books.reading() as session:
        slugs = books.organization_slugs(session)
        zones = {slug: ZoneInfo(books.find_organization(session, slug).time_zone) for slug in slugs}
    now = datetime.now(UTC)
    started = [
        _bill_month(bill_last_month.app, slug, Month.before(now.astimezone(zone).date()))
        for slug, zone in zones.items()
    ]
    return [flow.id for flow in started if flow is not None]


# At noon in UTC the month has begun wherever the organization may be.
schedule("billing", cron("0 12 1 * *")).runs(bill_last_month)


class InvoiceQueue:
    """Asks for invoices."""

    def __init__(self, jobs: JobQueue) -> None:
        self._jobs = jobs

    def bill_month(self, organization: str, month: str) -> JobHandle[str | None]:
        """Start the flow that bills ``2026-10``, or find the one there is; its id is the job's result."""
        return self._jobs.send(bill_month, organization, month)


def _bill_month(app: Any, organization: str, month: Month) -> Flow | None:
    with office().books.reading() as session:
        clients = books.clients_to_bill(session, organization, month)
    if not clients:
        return None
    return start(
        app,
        monthly(organization, str(month), clients),
        flow_id=f"invoicing:{organization}:{month}",
        kind="invoicing",
        tenant=organization,
    )
