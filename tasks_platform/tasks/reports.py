"""What was earned, as a document and a workbook: when it is asked for, every morning, and every Monday."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Final, Literal
from zoneinfo import ZoneInfo

from sqlalchemy import select

from tasks_platform.bases import ProgressTask, ReliableTask
from tasks_platform.errors import ServiceRefusedError
from tasks_platform.job_queue import JobQueue
from tasks_platform.policies import Deadline, Once, Unique, once_per_job, step
from tasks_platform.schedules import cron, schedule
from tasks_platform.services.books.models import Organization
from tasks_platform.services.mailer import Attachment
from tasks_platform.services.office import office
from tasks_platform.services.reports import Revenue, read_work, revenue_mail, revenue_of, revenue_workbook
from tasks_platform.services.storage import StoredFile
from tasks_platform.task import task
from tasks_platform.task.handle import JobHandle

Format = Literal["pdf", "xlsx"]

_TYPES: Final[dict[Format, str]] = {
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
#: The days that a chart shows, at least and at most.
_CHART_DAYS: Final = (14, 31)
#: The longest period: what is printed for a person is no archive.
_LONGEST: Final = timedelta(days=366)
#: Bytes up to which a file comes along with its mail.
_ATTACHED: Final = 5_000_000


@dataclass(frozen=True, kw_only=True)
class ReportFile:
    """A file of a report."""

    format: Format
    #: Under which it is stored.
    key: str
    #: Where a person finds it.
    url: str
    #: Bytes.
    size: int


@dataclass(frozen=True, kw_only=True)
class ReportResult:
    """What became of a report."""

    organization: str
    first: date
    last: date
    #: The time entries behind it.
    rows: int
    #: What was earned, by currency, net of tax.
    totals: dict[str, Decimal]
    files: tuple[ReportFile, ...]


@task(Once(), Unique(), Deadline(hard=900), base=ProgressTask, queue="reports")
def revenue(
    organization: str, first: date, last: date, *, formats: tuple[Format, ...] = ("pdf", "xlsx"), tell: str = ""
) -> ReportResult:
    """Report what an organization earned from *first* to *last*, store the files, and mail *tell* that they are there.

    Made again, it replaces the files: work may have been imported meanwhile.
    """
    if not first <= last <= first + _LONGEST:
        raise ServiceRefusedError(f"A report from {first} to {last} cannot be made: name one to 366 days, in order.")
    with step("Collect the work", weight=20):
        chart_from = _chart_from(first, last)
        with office().books.reading() as session:
            read = read_work(session, organization, min(first, chart_from), last)
    with step("Calculate", weight=40):
        report = revenue_of(read.organization, read.work, first, last, chart_from=chart_from)
    with step("Render", weight=20):
        contents = {kind: _rendered(report, kind) for kind in formats}
    with step("Store", weight=10):
        stored = {kind: _stored(organization, report, kind, content) for kind, content in contents.items()}
    with step("Tell", weight=10):
        if tell:
            _tell(organization, report, tell, contents, stored)
    return ReportResult(
        organization=organization,
        first=first,
        last=last,
        rows=len(report.work),
        totals={total.currency: total.amount for total in report.totals},
        files=tuple(
            ReportFile(format=kind, key=file.key, url=office().storage.path_or_url(file.key), size=file.size)
            for kind, file in stored.items()
        ),
    )


@task(base=ReliableTask, queue="reports")
def daily_revenue() -> list[str]:
    """Report its yesterday to every organization that has a mail address; return the ids of the jobs."""
    return [_report_to(books, _today(books) - timedelta(days=1), days=1) for books in _organizations()]


@task(base=ReliableTask, queue="reports")
def weekly_revenue() -> list[str]:
    """Report its last week, Monday to Sunday, to every organization that has a mail address; return the jobs' ids."""
    return [
        _report_to(books, today - timedelta(days=today.isoweekday()), days=7)
        for books in _organizations()
        for today in [_today(books)]
    ]


schedule("revenue-daily", cron("0 8 * * *", zone="America/New_York")).runs(daily_revenue)
schedule("revenue-weekly", cron("0 9 * * MON", zone="America/New_York")).runs(weekly_revenue)


class ReportQueue:
    """Asks for reports; the same one, asked for again while it is being made, is the job that makes it."""

    def __init__(self, jobs: JobQueue) -> None:
        self._jobs = jobs

    def revenue(
        self,
        organization: str,
        first: date,
        last: date,
        *,
        formats: tuple[Format, ...] = ("pdf", "xlsx"),
        tell: str = "",
    ) -> JobHandle[ReportResult]:
        """Report what was earned from *first* to *last*."""
        return self._jobs.using(tenant=organization).send(
            revenue, organization, first, last, formats=formats, tell=tell
        )

    def daily_revenue(self, organization: str, day: date, *, tell: str = "") -> JobHandle[ReportResult]:
        """Report what was earned on a day."""
        return self.revenue(organization, day, day, tell=tell)


def _chart_from(first: date, last: date) -> date:
    least, most = _CHART_DAYS
    return max(min(first, last - timedelta(days=least - 1)), last - timedelta(days=most - 1))


def _rendered(report: Revenue, kind: Format) -> bytes:
    return office().renderer.render_revenue(report) if kind == "pdf" else revenue_workbook(report)


def _stored(organization: str, report: Revenue, kind: Format, content: bytes) -> StoredFile:
    days = str(report.first) if report.first == report.last else f"{report.first}_{report.last}"
    key = f"{organization}/reports/revenue-{days}.{kind}"
    return office().storage.put(key, content, content_type=_TYPES[kind], overwrite=True)


def _tell(
    organization: str, report: Revenue, to: str, contents: dict[Format, bytes], stored: dict[Format, StoredFile]
) -> None:
    """Mail the report once; other sums of the same days are another mail."""
    names = {kind: file.key.rpartition("/")[2] for kind, file in stored.items()}
    said = sha256(repr((to, report.totals, report.unpriced)).encode()).hexdigest()[:16]
    mail = revenue_mail(
        report,
        to=to,
        places=[office().storage.path_or_url(file.key) for file in stored.values()],
        attachments=tuple(
            Attachment(name=names[kind], content=content, content_type=_TYPES[kind])
            for kind, content in contents.items()
            if len(content) <= _ATTACHED
        ),
        message_id=f"<revenue.{organization}.{report.first}.{report.last}.{said}@{office().mail_domain}>",
    )
    once_per_job("tell", lambda: office().mailer.send(mail).answer)


def _organizations() -> list[Organization]:
    with office().books.reading() as session:
        query = select(Organization).where(Organization.email != "").order_by(Organization.slug)
        return list(session.scalars(query))


def _today(books: Organization) -> date:
    return datetime.now(UTC).astimezone(ZoneInfo(books.time_zone)).date()


def _report_to(books: Organization, last: date, *, days: int) -> str:
    """Ask for the report of *days* days up to *last*, once however often it is asked for."""
    first = last - timedelta(days=days - 1)
    job = revenue.apply_async(
        (books.slug, first, last),
        {"tell": books.email},
        task_id=f"revenue:{books.slug}:{first}:{last}",
        tenant=books.slug,
    )
    return str(job.id)
