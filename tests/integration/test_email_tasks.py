"""The mails to accounts, called as bare functions, and what their queue sends."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from typing import TYPE_CHECKING

import pytest

import small_books
from small_books import ACME
from tasks_platform import Settings, create_app
from tasks_platform.errors import ServiceRefusedError
from tasks_platform.job_queue import MemoryJobQueue
from tasks_platform.queues import Priority
from tasks_platform.sealing import new_key
from tasks_platform.services import accounts
from tasks_platform.services.accounts import Account, Purpose
from tasks_platform.services.mailbox.folder import FiledMail, read_mailbox
from tasks_platform.services.office import office
from tasks_platform.settings import load_settings
from tasks_platform.tasks import email
from tasks_platform.tasks.email import EmailQueue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tasks_platform.celery import PlatformApp

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


@pytest.fixture(scope="module", autouse=True)
def app() -> Iterator[PlatformApp]:
    """Assemble an application whose server nobody listens at: neither a direct call nor the twin asks for one."""
    sealing = {"keys": new_key("test")}
    with create_app(Settings(redis_url="redis://127.0.0.1:1/0", sealing=sealing)) as app:
        yield app


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Open an office with small books and an empty mailbox."""
    monkeypatch.setenv("TASKS_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("TASKS_SITE_URL", "https://app.example/")
    office.cache_clear()
    small_books.open_books(load_settings().database).dispose()
    yield tmp_path
    office().books.dispose()
    office.cache_clear()


@pytest.fixture
def jobs() -> MemoryJobQueue:
    """Return a queue that keeps what is sent."""
    return MemoryJobQueue()


def somebody(name: str = "Ana", *, trial_ends_at: datetime | None = None) -> Account:
    """Save an account."""
    with office().books.session() as session:
        return accounts.create_account(
            session, ACME, f"{name.lower()}@kontor.example", name, trial_ends_at=trial_ends_at
        )


def mails() -> list[FiledMail]:
    """Return what was mailed."""
    return read_mailbox(load_settings().mailbox)


def said(mail: FiledMail) -> str:
    """Return the text of a mail."""
    body = message_from_bytes(mail.path.read_bytes(), policy=policy.default).get_body(("plain",))
    return body.get_content().replace("\r\n", "\n")


def redeemed(mail: FiledMail, purpose: Purpose) -> str | None:
    """Follow the link of a mail: return whose token is in it."""
    token = re.search(r"^https://app\.example/\w+#token=(\S+)$", said(mail), re.MULTILINE)[1]
    with office().books.session() as session:
        found = accounts.redeem_token(session, token, purpose)
    return None if found is None else found.name


def test_a_new_user_is_welcomed_with_a_link_that_verifies_the_address():
    account = somebody()
    message_id = email.welcome(account.id)
    (mail,) = mails()
    assert (mail.to, mail.message_id) == (("ana@kontor.example",), message_id)
    assert redeemed(mail, Purpose.VERIFY) == "Ana"
    assert email.welcome(account.id) == message_id
    assert "token" not in said(mails()[1])


def test_a_password_is_reset_with_the_token_of_the_job():
    with office().books.session() as session:
        token = accounts.issue_token(session, somebody_in(session).id, Purpose.RESET, lifetime=DAY)
    email.password_reset(1, token)
    email.password_reset(1, token)
    first, second = mails()
    assert first.message_id == second.message_id
    assert token not in str(first.message_id)
    assert redeemed(first, Purpose.RESET) == "Ana"


def somebody_in(session):
    """Save an account in a transaction that is under way."""
    return accounts.create_account(session, ACME, "ana@kontor.example", "Ana")


def test_a_warning_is_mailed_if_the_trial_still_ends_then():
    account = somebody(trial_ends_at=NOW + 2 * DAY)
    for ends_at in (NOW + 3 * DAY, NOW + DAY, NOW - DAY):
        assert email.trial_warning(account.id, ends_at) is None
    assert mails() == []
    assert email.trial_warning(account.id, NOW + 2 * DAY) is not None
    assert len(mails()) == 1


def test_who_is_gone_gets_no_mail():
    assert email.welcome(99) is None
    assert email.password_reset(99, "token") is None
    assert email.trial_warning(99, NOW + DAY) is None
    assert email.reminder(99, "tax", "Pay.") is None
    assert email.newsletter(99, "2026-11") is None
    assert mails() == []


@pytest.mark.checklist(8)
def test_each_mail_is_asked_for_by_name_with_its_own_options(jobs):
    queue, account = EmailQueue(jobs), somebody(trial_ends_at=NOW + 10 * DAY)
    queue.send_welcome(account)
    queue.send_password_reset(account, "open-sesame")
    queue.schedule_trial_warning(account)
    queue.send_reminder(account, "Pay your taxes.", at=NOW + DAY, reference="tax")
    sent = {job.task.name.rpartition(".")[2]: job for job in jobs.jobs}
    assert {name: (job.task.level, job.options.get("eta")) for name, job in sent.items()} == {
        "welcome": (Priority.NORMAL, None),
        "password_reset": (Priority.HIGH, None),
        "trial_warning": (Priority.NORMAL, NOW + 7 * DAY),
        "reminder": (Priority.NORMAL, NOW + DAY),
    }
    assert {job.task.home_queue for job in jobs.jobs} == {"email"}


@pytest.mark.checklist(55)
def test_what_is_asked_for_twice_is_one_job(jobs):
    queue, account = EmailQueue(jobs), somebody(trial_ends_at=NOW + 10 * DAY)
    for _ in range(2):
        queue.send_welcome(account)
        queue.schedule_trial_warning(account)
        queue.send_reminder(account, "Pay.", at=NOW + DAY, reference="tax")
        queue.send_bulk([account], "2026-11", subject="News", paragraphs=["First."])
    assert len(jobs.jobs) == 4


@pytest.mark.checklist(47)
@pytest.mark.parametrize("left", [timedelta(0), 3 * DAY, 2 * DAY, -DAY, None])
def test_a_trial_that_ends_within_three_days_is_not_warned_of(jobs, left):
    account = somebody(trial_ends_at=None if left is None else NOW + left)
    assert EmailQueue(jobs).schedule_trial_warning(account, now=NOW) is None
    assert jobs.jobs == ()


@pytest.mark.checklist(47)
def test_a_trial_that_ends_later_is_warned_of_three_days_before(jobs):
    account = somebody(trial_ends_at=NOW + 3 * DAY + timedelta(seconds=1))
    assert EmailQueue(jobs).schedule_trial_warning(account, now=NOW) is not None
    (job,) = jobs.jobs
    assert job.options["eta"] == NOW + timedelta(seconds=1)


@pytest.mark.checklist(48)
def test_a_reminder_says_what_it_was_given(jobs):
    EmailQueue(jobs).send_reminder(somebody(), "Pay your taxes.", at=NOW + DAY, reference="tax")
    jobs.work()
    (mail,) = mails()
    assert "Hello Ana,\n\nPay your taxes.\n" in said(mail)


def test_a_newsletter_goes_to_every_reader_and_its_words_are_stored_once(jobs, state):
    readers = [somebody(name) for name in ("Ana", "Ben", "Cleo")]
    queue = EmailQueue(jobs)
    queue.send_bulk(readers, "2026-11", subject="News", paragraphs=["First.", "Second."])
    assert [(job.args, job.task.level) for job in jobs.jobs] == [
        ((reader.id, "2026-11"), Priority.BULK) for reader in readers
    ]
    jobs.work()
    assert sorted(mail.to[0] for mail in mails()) == [reader.email for reader in readers]
    assert all("First.\n\nSecond.\n" in said(mail) for mail in mails())
    assert len({mail.message_id for mail in mails()}) == 3
    assert json.loads((state / "files" / "newsletters" / "2026-11.json").read_text())["subject"] == "News"
    with pytest.raises(ServiceRefusedError, match="Other data is kept"):
        queue.send_bulk(readers, "2026-11", subject="News", paragraphs=["Other words."])


def test_signing_up_saves_the_account_and_then_asks_for_the_mail(jobs):
    done = email.sign_up(
        office().books, EmailQueue(jobs), ACME, "Ana@Kontor.example", "Ana", trial_ends_at=NOW + 10 * DAY
    )
    with office().books.reading() as session:
        assert accounts.find_account(session, done.account.id) == done.account
    sent = {job.task.name.rpartition(".")[2]: job.id for job in jobs.jobs}
    assert set(sent) == {"welcome", "trial_warning"}
    assert done.welcome.id == sent["welcome"]


def test_a_sign_up_that_cannot_be_saved_sends_nothing(jobs):
    with pytest.raises(ServiceRefusedError):
        email.sign_up(office().books, EmailQueue(jobs), ACME, "nobody", "Ana")
    assert jobs.jobs == ()


def test_another_password_is_mailed_to_who_has_an_account_and_to_nobody_else(jobs):
    somebody()
    queue = EmailQueue(jobs)
    assert email.ask_for_password(office().books, queue, "nobody@kontor.example") is None
    assert email.ask_for_password(office().books, queue, "ANA@kontor.example") is not None
    jobs.work()
    (mail,) = mails()
    assert redeemed(mail, Purpose.RESET) == "Ana"
