"""The business modules on a real worker: mail, reports and clean-ups, as the rest of a program asks for them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import redis
from celery import current_app
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import func, insert, select

from acceptance.closing import close
from acceptance.spying import everything_in
from acceptance.workers import PLATFORM, running_worker
from independent_sum import earned_on
from month import children_of, kill
from read_invoice import read_text
from small_books import ACME, CLIENTS
from tasks_platform import create_app
from tasks_platform.api import Accepted, InjectedJobQueue, accepted
from tasks_platform.job_queue import PlatformJobQueue
from tasks_platform.sealing import new_key
from tasks_platform.services import accounts, books
from tasks_platform.services.accounts.models import Token
from tasks_platform.services.documents import LONG
from tasks_platform.services.mailbox.folder import FiledMail, read_mailbox
from tasks_platform.services.office import office
from tasks_platform.services.sample import CLIENTS_FILE, SLUG, TIME_ENTRIES, load_sample
from tasks_platform.settings import load_settings
from tasks_platform.tasks import email, reports
from tasks_platform.tasks.cleanup import CleanupQueue, CleanupResult, expired_tokens
from tasks_platform.tasks.email import EmailQueue
from tasks_platform.tasks.invoicing import InvoiceQueue
from tasks_platform.tasks.reports import ReportQueue, ReportResult
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from acceptance.workers import Worker
    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp

DAY = date(2026, 10, 14)
#: More tokens than are deleted before somebody looks.
MANY = 6_000
#: What nobody but its reader may see.
TOKEN = "open-sesame-7261"


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory, server: RedisServer) -> Iterator[Path]:
    """Set up an installation in the environment, with small books and those of the sample."""
    folder = tmp_path_factory.mktemp("office")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TASKS_STATE_DIR", str(folder))
        environment.setenv("TASKS_REDIS_URL", server.url)
        environment.setenv("TASKS_SEALING__KEYS", new_key("test"))
        office.cache_clear()
        with office().books.session() as session:
            load_sample(session)
            books.load_clients(session, CLIENTS)
        books.import_file(office().books, SLUG, TIME_ENTRIES)
        yield folder
        office.cache_clear()


@pytest.fixture(scope="module")
def platform(state: Path) -> Iterator[PlatformApp]:
    """Return the application as the rest of the program sees it."""
    before = current_app._get_current_object()
    app = create_app(load_settings())
    app.loader.import_default_modules()
    yield app
    close(app)
    app.store.client.close()
    before.set_current()
    before.set_default()


@pytest.fixture(scope="module")
def worker(platform: PlatformApp, server: RedisServer, logs: Path) -> Iterator[Worker]:
    """Start a worker of this installation."""
    with running_worker(
        PLATFORM, server.url, logs / "office.log", environment={"TASKS_BUSINESS": "true", "TASKS_MODULES": ""}
    ) as worker:
        yield worker


@pytest.fixture
def jobs(platform: PlatformApp, worker: Worker) -> PlatformJobQueue:
    """Return the queue that the worker takes from."""
    return PlatformJobQueue(platform)


def mails(state: Path, to: str) -> list[FiledMail]:
    """Return what was mailed to somebody."""
    return [mail for mail in read_mailbox(state / "mailbox") if to in mail.to]


@pytest.mark.checklist(8)
def test_a_sign_up_is_saved_and_welcomed_once_however_often_it_is_repeated(state: Path, jobs: PlatformJobQueue) -> None:
    for _ in range(3):
        account = email.sign_up(office().books, EmailQueue(jobs), ACME, "ana@kontor.example", "Ana").account
    wait_for(lambda: mails(state, account.email), 30.0, "the welcome mail")
    assert EmailQueue(jobs).send_welcome(account).get(timeout=30) == mails(state, account.email)[0].message_id
    assert len(mails(state, account.email)) == 1


@pytest.mark.checklist(10)
def test_a_sign_up_over_http_is_answered_with_the_id_of_the_job_that_welcomes(
    state: Path, jobs: PlatformJobQueue
) -> None:
    service = FastAPI()

    @service.post("/users", status_code=202)
    def register(address: str, name: str, injected: InjectedJobQueue) -> Accepted:
        return accepted(email.sign_up(office().books, EmailQueue(injected), ACME, address, name).welcome)

    with TestClient(service) as caller:
        answer = caller.post("/users", params={"address": "dora@kontor.example", "name": "Dora"})
    assert answer.status_code == 202
    message_id = jobs.job(email.welcome, answer.json()["job_id"]).get(timeout=30)
    assert [mail.message_id for mail in mails(state, "dora@kontor.example")] == [message_id]
    with office().books.reading() as session:
        assert accounts.find_account_by_email(session, "dora@kontor.example") is not None


@pytest.mark.checklist(47)
def test_the_end_of_a_trial_is_warned_of_three_days_before(state: Path, jobs: PlatformJobQueue) -> None:
    queue, moment = EmailQueue(jobs), datetime.now(UTC) + timedelta(seconds=2)
    ends_at = moment + timedelta(days=3)
    account = email.sign_up(office().books, queue, ACME, "emil@kontor.example", "Emil", trial_ends_at=ends_at).account
    job = queue.schedule_trial_warning(account)
    assert job is not None
    message_id = job.get(timeout=30)
    assert datetime.now(UTC) >= moment
    assert message_id in [mail.message_id for mail in mails(state, account.email)]
    assert queue.schedule_trial_warning(account) is None


def test_a_token_is_mailed_and_seen_nowhere_else(
    state: Path, jobs: PlatformJobQueue, server: RedisServer, worker: Worker
) -> None:
    account = email.sign_up(office().books, EmailQueue(jobs), ACME, "ben@kontor.example", "Ben").account
    EmailQueue(jobs).send_password_reset(account, TOKEN).get(timeout=30)
    texts = [mail.path.read_text() for mail in mails(state, account.email)]
    assert sum(TOKEN in text.replace("=\n", "") for text in texts) == 1
    assert not worker.said(TOKEN)
    with redis.Redis.from_url(server.url) as client:
        assert TOKEN.encode() not in everything_in(client)


@pytest.mark.checklist(6)
def test_a_newsletter_reaches_every_reader_once_though_it_was_asked_for_twice(
    state: Path, jobs: PlatformJobQueue
) -> None:
    queue = EmailQueue(jobs)
    readers = [
        email.sign_up(office().books, queue, ACME, f"reader{number}@kontor.example", f"Reader {number}").account
        for number in range(20)
    ]
    for _ in range(2):
        handles = queue.send_bulk(readers, "2026-11", subject="News of November", paragraphs=["First.", "Second."])
    sent = {handle.get(timeout=60) for handle in handles}
    found = [mail for mail in read_mailbox(state / "mailbox") if "News of November" in mail.path.read_text()]
    assert sorted(mail.to[0] for mail in found) == sorted(reader.email for reader in readers)
    assert {mail.message_id for mail in found} == sent


@pytest.mark.checklist(17)
def test_a_report_is_made_and_its_result_says_where_it_is_and_what_it_came_to(
    state: Path, jobs: PlatformJobQueue, platform: PlatformApp
) -> None:
    job = ReportQueue(jobs).daily_revenue(SLUG, DAY, tell="boss@harbour-pine.example")
    result = job.get(timeout=60)
    assert isinstance(result, ReportResult)
    expected = earned_on(TIME_ENTRIES, CLIENTS_FILE, {str(DAY)})
    assert result.totals == {currency: amount for currency, (_, amount) in expected.items()}
    pdf, xlsx = result.files
    assert (pdf.key, xlsx.key) == (f"{SLUG}/reports/revenue-{DAY}.pdf", f"{SLUG}/reports/revenue-{DAY}.xlsx")
    for file in result.files:
        assert len(office().storage.get(file.key)) == file.size
        assert str(state / "files" / file.key) == file.url
    text = read_text(office().storage.get(pdf.key))
    for currency, (hours, amount) in expected.items():
        assert f"Total {currency} {hours:,.2f} {amount:,.2f}" in text
    (mail,) = mails(state, "boss@harbour-pine.example")
    assert "revenue-2026-10-14.pdf" in mail.path.read_text()
    progress = platform.store.progress(job.id)
    assert progress is not None
    assert (progress["percent"], progress["message"]) == (100.0, "Tell")


def test_a_long_report_is_printed_beside_the_worker_and_comes_to_the_same(jobs: PlatformJobQueue) -> None:
    first, last = date(2026, 10, 12), date(2026, 10, 16)
    job, again = (ReportQueue(jobs).revenue(SLUG, first, last, formats=("pdf",)) for _ in range(2))
    assert job.id == again.id
    result = job.get(timeout=90)
    days = {str(first + timedelta(number)) for number in range(5)}
    assert result.rows > LONG
    text = read_text(office().storage.get(result.files[0].key))
    for currency, (hours, amount) in earned_on(TIME_ENTRIES, CLIENTS_FILE, days).items():
        assert result.totals[currency] == amount
        assert f"Total {currency} {hours:,.2f} {amount:,.2f}" in text


@pytest.mark.checklist(86)
def test_a_clean_up_deletes_what_has_expired_and_says_how_much(jobs: PlatformJobQueue) -> None:
    account = email.sign_up(office().books, EmailQueue(jobs), ACME, "cleo@kontor.example", "Cleo").account
    with office().books.session() as session:
        for _ in range(3):
            accounts.issue_token(
                session,
                account.id,
                accounts.Purpose.RESET,
                lifetime=timedelta(hours=1),
                now=datetime.now(UTC) - timedelta(hours=2),
            )
    dry = CleanupQueue(jobs).expired_tokens(dry_run=True).get(timeout=30)
    done = CleanupQueue(jobs).expired_tokens().get(timeout=30)
    again = CleanupQueue(jobs).expired_tokens().get(timeout=30)
    assert dry == CleanupResult(found=3, deleted=0, chunks=0, dry_run=True)
    assert done == CleanupResult(found=3, deleted=3, chunks=1, dry_run=False)
    assert again == CleanupResult(found=0, deleted=0, chunks=0, dry_run=False)


@pytest.mark.checklist(24, 85, 86)
def test_a_clean_up_that_is_killed_is_gone_on_with(
    jobs: PlatformJobQueue, platform: PlatformApp, worker: Worker
) -> None:
    account = email.sign_up(office().books, EmailQueue(jobs), ACME, "finn@kontor.example", "Finn").account
    moment = datetime.now(UTC) - timedelta(hours=1)
    columns = {"user_id": account.id, "purpose": "reset", "created_at": moment, "expires_at": moment}
    with office().books.session() as session:
        session.execute(insert(Token), [{**columns, "digest": str(number)} for number in range(MANY)])
    job = jobs.send(expired_tokens, chunk=20)
    wait_for(lambda: (platform.store.progress(job.id) or {"percent": 0})["percent"] > 0, 30.0, "the first chunks")
    for child in children_of(worker.process.pid):
        kill(child)
    result = job.get(timeout=60)
    with office().books.reading() as session:
        assert session.scalar(select(func.count()).select_from(Token).where(Token.expires_at == moment)) == 0
    assert 0 < result.deleted == result.found < MANY


def test_every_organization_with_an_address_gets_its_report(jobs: PlatformJobQueue, state: Path) -> None:
    (job,) = jobs.send(reports.daily_revenue).get(timeout=30)
    assert job.startswith(f"revenue:{SLUG}:")
    result = jobs.job(reports.revenue, job).get(timeout=60)
    assert (result.organization, result.first) == (SLUG, result.last)
    assert len(mails(state, "invoices@harbour-pine.example")) == 1
    (weekly,) = jobs.send(reports.weekly_revenue).get(timeout=30)
    week = jobs.job(reports.revenue, weekly).get(timeout=60)
    assert (week.first.isoweekday(), week.last - week.first) == (1, timedelta(days=6))
    assert timedelta(0) <= result.last - week.last < timedelta(days=7)


@pytest.mark.checklist(8)
def test_a_month_is_billed_by_name_and_once(jobs: PlatformJobQueue, worker: Worker) -> None:
    queue = InvoiceQueue(jobs)
    assert queue.bill_month(ACME, "2026-10").get(timeout=30) is None
    asked = [queue.bill_month(SLUG, "2026-09") for _ in range(2)]
    assert [job.get(timeout=30) for job in asked] == [f"invoicing:{SLUG}:2026-09"] * 2
