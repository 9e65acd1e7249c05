"""Small books for tests: one organization, three clients, and entries as an importer hands them over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from tasks_platform.services.books import (
    ClientsFile,
    Database,
    EntryRow,
    ImportOptions,
    ImportReport,
    Month,
    RowError,
    import_entries,
    load_clients,
)

ACME = "acme"
OCTOBER = Month(2026, 10)
ZONE = ZoneInfo("Europe/Dublin")
_numbers = count(2)

CLIENTS = ClientsFile.model_validate(
    {
        "organization": {
            "slug": ACME,
            "name": "Acme Consulting",
            "address": ["1 Main Street", "Cork"],
            "invoice_prefix": "AC",
            "time_zone": ZONE.key,
            "currency": "EUR",
            "tax_rate": "0.23",
            "bank": ["IBAN IE00"],
            "projects": ["Internal"],
        },
        "clients": [
            {
                "name": "Kestrel",
                "address": ["2 High Street", "Leeds"],
                "email": "accounts@kestrel.example",
                "currency": "GBP",
                "tax_rate": "0.20",
                "payment_days": 30,
                "projects": [{"name": "Web", "rates": [{"hourly": "100.00"}]}],
            },
            {
                "name": "Älvdal",
                "address": ["Gata 1"],
                "currency": "EUR",
                "tax_rate": "0",
                "tax_note": "Reverse charge.",
                "rates": [{"hourly": "90.00"}, {"hourly": "95.00", "valid_from": "2026-10-16"}],
                "projects": [{"name": "App"}, {"name": "Data", "rates": [{"hourly": "120.50"}]}],
            },
            {
                "name": "No rate",
                "address": ["Somewhere"],
                "currency": "CHF",
                "tax_rate": "0.081",
                "projects": [{"name": "Hope"}],
            },
        ],
    }
)


def open_books(url: str) -> Database:
    """Return books with the clients and without work."""
    database = Database(url)
    database.upgrade()
    with database.session() as session:
        load_clients(session, CLIENTS)
    return database


@contextmanager
def reading(url: str) -> Iterator[Session]:
    """Look into books that other processes made, and leave no connection behind."""
    database = Database(url)
    try:
        with database.reading() as session:
            yield session
    finally:
        database.dispose()


def entry(  # noqa: PLR0913 - every test changes another one
    client: str = "Kestrel",
    project: str = "Web",
    *,
    day: str = "2026-10-05",
    at: str = "09:00",
    seconds: int = 3600,
    billable: bool = True,
    description: str = "Work",
) -> EntryRow:
    """Return an entry that starts at this time in the organization's zone."""
    start = datetime.fromisoformat(f"{day}T{at}").replace(tzinfo=ZONE).astimezone(UTC)
    return EntryRow(
        row=next(_numbers),
        user="Ana",
        email="ana@acme.example",
        client=client,
        project=project,
        task="",
        description=description,
        billable=billable,
        start=start,
        end=start + timedelta(seconds=seconds),
        seconds=seconds,
    )


def put(
    database: Database, *rows: EntryRow | RowError, source: str = "a file", options: Iterable[str] = ()
) -> ImportReport:
    """Import *rows*; *options* are those that are switched on."""
    return import_entries(database, ACME, rows, source=source, options=ImportOptions(**dict.fromkeys(options, True)))
