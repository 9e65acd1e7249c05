"""Who is told of burials: the log, people by mail, a program by webhook."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Final, Protocol

import urllib3

from tasks_platform.errors import ServiceRefusedError, ServiceUnavailableError
from tasks_platform.letters.telling.news import News
from tasks_platform.services.mailer import Address, Mail, Mailer

log = logging.getLogger("tasks_platform.letters")
#: Seconds that a webhook has for its answer.
_PATIENCE: Final = 10.0
_LONGEST_SUBJECT: Final = 150
_REFUSED: Final = range(400, 500)
_GOOD: Final = range(200, 300)


class Listener(Protocol):
    """Is told of burials."""

    #: What it is called in the records of who was told what.
    name: str

    def tell(self, news: News) -> None:
        """Tell; whatever is raised, it is told again later."""


class LogListener:
    """Writes a line of the log."""

    name = "log"

    def tell(self, news: News) -> None:
        """Write it."""
        log.error("%s (fingerprint %s, %s, letter %s)", news.words, news.fingerprint, news.line, news.letter)


class MailListener:
    """Sends a mail; told again after a crash, the mail has the same Message-ID."""

    name = "mail"

    def __init__(self, mailer: Mailer, to: Sequence[str], *, domain: str) -> None:
        self._mailer = mailer
        self._to = to
        self._domain = domain

    def tell(self, news: News) -> None:
        """Send it.

        Raises:
            ServiceRefusedError, ServiceUnavailableError: if the mail is not taken.

        """
        mail = Mail(
            to=tuple(Address(email=address) for address in self._to),
            subject=_line(news.words)[:_LONGEST_SUBJECT],
            text=_text(news),
            message_id=f"<letters.{news.fingerprint or 'none'}.{news.audit_id}@{self._domain}>",
        )
        self._mailer.send(mail)


class WebhookListener:
    """Posts JSON to a URL; a request that fails is repeated a few times."""

    name = "webhook"

    def __init__(self, url: str) -> None:
        self._url = url
        retries = urllib3.Retry(
            total=3,
            backoff_factor=0.3,
            status_forcelist=(429, 500, 502, 503, 504),
            allowed_methods=None,
            redirect=False,
        )
        self._pool = urllib3.PoolManager(retries=retries, timeout=_PATIENCE)

    def tell(self, news: News) -> None:
        """Post it.

        Raises:
            ServiceRefusedError, ServiceUnavailableError: if the answer is not one of success. Neither names the URL,
                which may be secret.

        """
        body = {"event": "letters.buried", "words": news.words, **asdict(news)}
        try:
            answer = self._pool.request("POST", self._url, json=body)
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            raise ServiceUnavailableError(
                f"the webhook of dead letters does not answer: {type(error).__name__}"
            ) from None
        if answer.status in _REFUSED:
            raise ServiceRefusedError(f"the webhook of dead letters answers {answer.status}")
        if answer.status not in _GOOD:
            raise ServiceUnavailableError(f"the webhook of dead letters answers {answer.status}")


def _line(words: str) -> str:
    """Return *words* as one line that no mail program takes for more: an error may say anything."""
    line = "".join(mark if mark.isprintable() else "?" for mark in " ".join(words.split()))
    return line.replace("=?", "= ?")


def _text(news: News) -> str:
    facts = {
        "Task": news.task,
        "Error": f"{news.error}: {news.message}",
        "Raised at": news.line,
        "Fingerprint": news.fingerprint,
        "Dead letters": str(news.count),
        "First": _moment(news.first),
        "Last": _moment(news.last),
        "Tenants": ", ".join(news.tenants),
        "Queues": ", ".join(news.queues),
    }
    known = "\n".join(f"{name}: {fact}" for name, fact in facts.items() if fact)
    commands = [
        f"tasks-platform letters show {news.letter}",
        "tasks-platform letters groups",
        f"tasks-platform letters replay --all --fingerprint {news.fingerprint}",
    ]
    return f"{known}\n\n" + "\n".join(f"  {command}" for command in commands) + "\n"


def _moment(timestamp: float) -> str:
    return f"{datetime.fromtimestamp(timestamp, UTC):%Y-%m-%d %H:%M:%S} UTC"
