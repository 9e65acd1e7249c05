"""The office on PostgreSQL: real workers, whose children have connections of their own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from celery import current_app

from acceptance.closing import close
from acceptance.workers import PLATFORM, running_worker
from command_line import call
from small_books import ACME, CLIENTS, ZONE, entry, put
from tasks_platform import create_app, flows
from tasks_platform.job_queue import PlatformJobQueue
from tasks_platform.services import books
from tasks_platform.services.books import Month
from tasks_platform.services.mailbox.folder import read_mailbox
from tasks_platform.services.office import office
from tasks_platform.settings import load_settings
from tasks_platform.tasks import email, invoicing, reports
from tasks_platform.tasks.email import EmailQueue
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from postgres_server import PostgresServer
    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp

pytestmark = pytest.mark.needs("psql")


@pytest.fixture
def platform(
    tmp_path: Path, server: RedisServer, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PlatformApp]:
    """Set up an installation with an empty database, and return its application."""
    before = current_app._get_current_object()
    with postgres_server.database() as url:
        monkeypatch.setenv("TASKS_STATE_DIR", str(tmp_path))
        monkeypatch.setenv("TASKS_REDIS_URL", server.url)
        monkeypatch.setenv("TASKS_DATABASE_URL", url)
        office.cache_clear()
        app = create_app(load_settings())
        app.loader.import_default_modules()
        yield app
        office().books.dispose()
        office.cache_clear()
        close(app)
        app.store.client.close()
    before.set_current()
    before.set_default()


def test_a_database_is_prepared_and_last_month_is_billed_from_it(
    platform: PlatformApp, server: RedisServer, logs: Path, tmp_path: Path
) -> None:
    month = Month.before(datetime.now(UTC).astimezone(ZONE).date())
    assert call("database", "upgrade").exit_code == 0
    with office().books.session() as session:
        books.load_clients(session, CLIENTS)
    put(office().books, entry(day=f"{month}-15"), entry(day=f"{month}-16", seconds=5400))
    jobs = PlatformJobQueue(platform)
    variables = {"TASKS_BUSINESS": "true", "TASKS_MODULES": ""}
    with running_worker(PLATFORM, server.url, logs / "postgres.log", environment=variables):
        (flow,) = jobs.send(invoicing.bill_last_month).get(timeout=30)
        (again,) = jobs.send(invoicing.bill_last_month).get(timeout=30)
        ana = email.sign_up(office().books, EmailQueue(jobs), ACME, "ana@kontor.example", "Ana")
        report = jobs.send(reports.revenue, ACME, month.first, month.last).get(timeout=60)
        wait_for(lambda: flows.find(platform, flow).state == "succeeded", 60.0, "the month")
        assert ana.welcome.get(timeout=30)
    with office().books.reading() as session:
        (row,) = books.summarize(session, ACME, month).rows
    assert flow == again == f"invoicing:{ACME}:{month}"
    assert (str(row.total), row.state) == ("300.00", books.InvoiceState.BOOKED)
    assert {currency: str(amount) for currency, amount in report.totals.items()} == {"GBP": "250.00"}
    assert sorted(mail.to[0] for mail in read_mailbox(tmp_path / "mailbox")) == [
        "accounts@kestrel.example",
        "ana@kontor.example",
    ]
