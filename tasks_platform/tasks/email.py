"""Mail to the people of an organization, and the queue through which the rest of the program asks for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from tasks_platform.bases import ReliableTask
from tasks_platform.job_queue import JobQueue
from tasks_platform.policies import Deadline, Once, Retry, once_per_job
from tasks_platform.queues import Priority
from tasks_platform.sealing import Sealed
from tasks_platform.sending import call
from tasks_platform.services import accounts
from tasks_platform.services.account_mail import note_mail, password_mail, trial_mail, welcome_mail
from tasks_platform.services.accounts import Account, Purpose
from tasks_platform.services.books import Database
from tasks_platform.services.mailer import Mail
from tasks_platform.services.office import office
from tasks_platform.task import task
from tasks_platform.task.handle import JobHandle

#: How long the link that verifies an address is good, and how long the one under which a password is chosen.
VERIFY_LIFETIME: Final = timedelta(days=7)
RESET_LIFETIME: Final = timedelta(hours=1)
#: How long before its end somebody is told that a trial ends.
TRIAL_NOTICE: Final = timedelta(days=3)

#: What every mail promises; it repeats only if a process dies between the server's answer and our record of it.
_MAIL: Final = (Once(), Retry(max_attempts=8, cap=600), Deadline(hard=180))


@task(*_MAIL, base=ReliableTask, queue="email")
def welcome(user_id: int) -> str | None:
    """Welcome somebody new, with a link that verifies the address, and return the Message-ID; None if they are gone."""
    if (account := _account(user_id)) is None:
        return None
    return _send_once(
        _message_id("welcome", account.id),
        lambda message_id: welcome_mail(account, link=_verification(account), message_id=message_id),
    )


@task(
    Once(),
    Retry(max_attempts=8, cap=60),
    Deadline(expires=RESET_LIFETIME, hard=180),
    base=ReliableTask,
    queue="email",
    priority=Priority.HIGH,
)
def password_reset(user_id: int, token: Sealed[str]) -> str | None:
    """Mail the link under which another password is chosen; None if the account is gone.

    After an hour the token is worth nothing: a job that waited so long is cancelled.
    """
    if (account := _account(user_id)) is None:
        return None
    return _send_once(
        _message_id("password", accounts.digest_of(token)[:32]),
        lambda message_id: password_mail(
            account, link=_link("password", token), lifetime=RESET_LIFETIME, message_id=message_id
        ),
    )


@task(*_MAIL, base=ReliableTask, queue="email")
def trial_warning(user_id: int, ends_at: datetime) -> str | None:
    """Warn that the trial ends; None if by now it ends at another time, has ended, or the account is gone."""
    account = _account(user_id)
    if account is None or account.trial_ends_at != ends_at or ends_at <= datetime.now(UTC):
        return None
    return _send_once(
        _message_id("trial", account.id, f"{ends_at:%Y%m%dT%H%M%S}"),
        lambda message_id: trial_mail(account, ends_at=ends_at, link=_link("plans"), message_id=message_id),
    )


@task(*_MAIL, base=ReliableTask, queue="email")
def reminder(user_id: int, reference: str, text: str) -> str | None:
    """Remind somebody of something; *reference* tells one reminder from another. None if the account is gone."""
    if (account := _account(user_id)) is None:
        return None
    return _send_once(
        _message_id("reminder", account.id, reference),
        lambda message_id: note_mail(account, subject="A reminder", paragraphs=(text,), message_id=message_id),
    )


@task(*_MAIL, base=ReliableTask, queue="email", priority=Priority.BULK)
def newsletter(user_id: int, issue: str) -> str | None:
    """Mail an issue of the newsletter, which lies in the storage, to one reader; None if the account is gone."""
    if (account := _account(user_id)) is None:
        return None
    words = json.loads(office().storage.get(_issue_key(issue)))
    return _send_once(
        _message_id("newsletter", account.id, issue),
        lambda message_id: note_mail(account, **words, message_id=message_id),
    )


class EmailQueue:
    """Asks for mail. What is asked for twice, under the same reference, is one job and one mail."""

    def __init__(self, jobs: JobQueue) -> None:
        self._jobs = jobs

    def send_welcome(self, account: Account) -> JobHandle[str | None]:
        """Welcome somebody new."""
        return self._jobs.using(task_id=f"welcome:{account.id}").send(welcome, account.id)

    def send_password_reset(self, account: Account, token: str) -> JobHandle[str | None]:
        """Mail a token for another password, before other mail; it travels sealed."""
        return self._jobs.send(password_reset, account.id, token)

    def schedule_trial_warning(self, account: Account, *, now: datetime | None = None) -> JobHandle[str | None] | None:
        """Warn three days before the trial ends; None, and nothing is sent, if that moment is past.

        Called again after the end was moved, only the warning of the new one is mailed.
        """
        ends_at = account.trial_ends_at
        if ends_at is None or (moment := ends_at - TRIAL_NOTICE) <= (now or datetime.now(UTC)):
            return None
        name = f"trial-warning:{account.id}:{ends_at.astimezone(UTC):%Y%m%dT%H%M%S}"
        return self._jobs.using(task_id=name, eta=moment).send(trial_warning, account.id, ends_at)

    def send_reminder(self, account: Account, text: str, *, at: datetime, reference: str) -> JobHandle[str | None]:
        """Remind somebody at a moment."""
        name = f"reminder:{account.id}:{reference}"
        return self._jobs.using(task_id=name, eta=at).send(reminder, account.id, reference, text)

    def send_bulk(
        self, readers: Iterable[Account], issue: str, *, subject: str, paragraphs: Iterable[str]
    ) -> list[JobHandle[str | None]]:
        """Mail an issue of the newsletter to many, after everything else; a reader gets an issue once.

        The words are stored once; a job carries its reader and where they lie.

        Raises:
            PartlySentError: if some could not be sent; the same call again sends them, and nobody gets it twice.
            ServiceRefusedError: if other words were sent as this issue before.

        """
        words = json.dumps({"subject": subject, "paragraphs": list(paragraphs)}).encode()
        office().storage.put(_issue_key(issue), words, content_type="application/json")
        return self._jobs.send_many(
            call(newsletter, reader.id, issue).set(task_id=f"newsletter:{issue}:{reader.id}") for reader in readers
        )


@dataclass(frozen=True, kw_only=True)
class SignedUp:
    """What came of a sign-up."""

    account: Account
    #: The job that mails the welcome: a service answers 202 with its id.
    welcome: JobHandle[str | None]


def sign_up(  # noqa: PLR0913 - what is known of a person
    books: Database,
    queue: EmailQueue,
    organization: str,
    email: str,
    name: str,
    *,
    trial_ends_at: datetime | None = None,
) -> SignedUp:
    """Save a new account, and ask for the welcome mail once it is saved.

    Whoever is cut off between the two signs up again: it is the same account, and one mail.

    Raises:
        BooksError: if the organization is unknown, or the address belongs to an account already.
        ServiceRefusedError: if no mail can be sent to the address.

    """
    with books.session() as session:
        account = accounts.create_account(session, organization, email, name, trial_ends_at=trial_ends_at)
    queue.schedule_trial_warning(account)
    return SignedUp(account=account, welcome=queue.send_welcome(account))


def ask_for_password(books: Database, queue: EmailQueue, email: str) -> JobHandle[str | None] | None:
    """Mail a link for another password; None if nobody has this address, which a caller does not tell on."""
    with books.session() as session:
        if (account := accounts.find_account_by_email(session, email)) is None:
            return None
        token = accounts.issue_token(session, account.id, Purpose.RESET, lifetime=RESET_LIFETIME)
    return queue.send_password_reset(account, token)


def _account(user_id: int) -> Account | None:
    with office().books.reading() as session:
        return accounts.find_account(session, user_id)


def _verification(account: Account) -> str | None:
    """Return a link that verifies the address; an attempt that fails leaves a token that expires unused."""
    if account.verified_at is not None:
        return None
    with office().books.session() as session:
        token = accounts.issue_token(session, account.id, Purpose.VERIFY, lifetime=VERIFY_LIFETIME)
    return _link("verify", token)


def _link(page: str, token: str = "") -> str:
    # After "#": what follows is sent to no server and stands in no log.
    return f"{office().site}/{page}#token={token}" if token else f"{office().site}/{page}"


def _message_id(*parts: object) -> str:
    return f"<{'.'.join(map(str, parts))}@{office().mail_domain}>"


def _issue_key(issue: str) -> str:
    return f"newsletters/{issue}.json"


def _send_once(message_id: str, mail: Callable[[str], Mail]) -> str:
    once_per_job("send", lambda: office().mailer.send(mail(message_id)).answer)
    return message_id
