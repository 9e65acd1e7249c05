"""The services of this process, as the settings say."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from tasks_platform.services.books import Database
from tasks_platform.services.documents import DocumentRenderer, TypstRenderer
from tasks_platform.services.local_storage import LocalStorage
from tasks_platform.services.mailer import Mailer
from tasks_platform.services.own_mailer import own_mailer
from tasks_platform.services.storage import Storage
from tasks_platform.settings import Settings, load_settings


@dataclass(frozen=True, kw_only=True)
class Office:
    """What the business modules work with."""

    books: Database
    storage: Storage
    mailer: Mailer
    renderer: DocumentRenderer
    #: The domain of Message-IDs.
    mail_domain: str
    #: What links in mails begin with.
    site: str


def open_office(settings: Settings) -> Office:
    """Return the services that *settings* name; nothing is connected yet."""
    return Office(
        books=Database(settings.database, upgrades_itself=settings.database_url is None),
        storage=LocalStorage(settings.storage),
        mailer=own_mailer(settings),
        renderer=TypstRenderer(),
        site=settings.site_url.rstrip("/"),
        mail_domain=settings.smtp.sender.rpartition("@")[2],
    )


@cache
def office() -> Office:
    """Return the services of this process; they are opened at the first call and outlive a fork."""
    return open_office(load_settings())
