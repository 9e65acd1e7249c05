"""Sample books: an invented consultancy, its clients, and a month of its time entries as Toggl Track exports them.

`scripts/make_sample` writes the time entries. Of their rows, some are wrong on purpose.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy.orm import Session

from tasks_platform.services.books import load_clients, read_clients_file

_FOLDER: Final = Path(__file__).parent

#: The organization's short name.
SLUG: Final = "harbour-pine"
#: The month that is complete in the time entries; of its neighbours there are a few days.
MONTH: Final = "2026-10"
#: The one mail address that a mail server is to refuse for good.
REFUSED_ADDRESS: Final = "accounts@refused.example"
#: Who sends invoices to whom, at which rates.
CLIENTS_FILE: Final = _FOLDER / "books.toml"
#: The time entries.
TIME_ENTRIES: Final = _FOLDER / "time_entries.csv"


def load_sample(session: Session) -> str:
    """Put the organization, its clients, projects and rates into the books; return its short name.

    Loading it again changes nothing.
    """
    return load_clients(session, read_clients_file(CLIENTS_FILE)).slug
