"""One transaction of an import: decide for every row whether it is new, known or wrong, and write the new ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from tasks_platform.services.books.directory import Directory
from tasks_platform.services.books.import_report import ImportOptions, Tally
from tasks_platform.services.books.models import Organization, TimeEntry
from tasks_platform.services.books.toggl.rows import EntryRow, RowError, row_error


def import_chunk(
    session: Session,
    organization: Organization,
    rows: Sequence[EntryRow | RowError],
    *,
    source: str,
    options: ImportOptions,
) -> Tally:
    """Write the new ones among *rows*; the caller holds the organization's lock."""
    entries = [row for row in rows if isinstance(row, EntryRow)]
    known = _known_keys(session, organization, entries)
    taken = set() if options.accept_simultaneous else _taken_starts(session, organization, entries, source)
    directory = Directory(session, organization, create_missing=options.create_missing)
    zone = ZoneInfo(organization.time_zone)
    shared = {"organization_id": organization.id, "source": source, "imported_at": datetime.now(UTC)}
    tally, new = Tally(), []
    for row in rows:
        if isinstance(row, RowError):
            tally.errors.append(row)
        elif row.key in known:
            tally.already_there += 1
        elif (row.person, row.start) in taken:
            tally.errors.append(_edited(row, zone))
        elif isinstance(place := _place(row, directory), RowError):
            tally.errors.append(place)
        else:
            known.add(row.key)
            new.append({**shared, **place, **_columns(row, zone)})
    if new:
        # Without render_nulls, rows with and without a client would be separate statements.
        session.execute(insert(TimeEntry).execution_options(render_nulls=True), new)
    tally.added = len(new)
    return tally


def _known_keys(session: Session, organization: Organization, entries: list[EntryRow]) -> set[str]:
    return set(
        session.scalars(
            select(TimeEntry.external_key).where(
                TimeEntry.organization_id == organization.id,
                TimeEntry.external_key.in_([entry.key for entry in entries]),
            )
        )
    )


def _taken_starts(
    session: Session, organization: Organization, entries: list[EntryRow], source: str
) -> set[tuple[str, datetime]]:
    """Return who already has an entry from another source that starts when one of *entries* does."""
    found = session.execute(
        select(TimeEntry.email, TimeEntry.user, TimeEntry.start_at).where(
            TimeEntry.organization_id == organization.id,
            TimeEntry.start_at.in_({entry.start for entry in entries}),
            TimeEntry.source != source,
        )
    )
    return {((email or user).casefold(), start) for email, user, start in found}


def _edited(row: EntryRow, zone: ZoneInfo) -> RowError:
    reason = (
        f"{row.user} already has an entry that starts at {row.start.astimezone(zone):%Y-%m-%d %H:%M:%S} and says "
        "something else: was it edited after an earlier import? If both are true, import with the option "
        "`accept_simultaneous`"
    )
    return row_error(row.row, "", reason, row.description)


def _place(row: EntryRow, directory: Directory) -> dict[str, int | None] | RowError:
    """Return the client and the project of *row*."""
    client = project = None
    if row.client and (client := directory.client(row.client)) is None:
        reason = "no client of this name is in the books: add it to the clients file, or let the import create it"
        return row_error(row.row, "Client", reason, row.client)
    if row.project and (project := directory.project(client, row.project)) is None:
        owner = f"client {row.client}" if row.client else "organization itself"
        reason = f"the {owner} has no project of this name: add it to the clients file, or let the import create it"
        return row_error(row.row, "Project", reason, row.project)
    return {"client_id": client, "project_id": project}


def _columns(row: EntryRow, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "user": row.user,
        "email": row.email,
        "task": row.task,
        "description": row.description,
        "billable": row.billable,
        "start_at": row.start,
        "end_at": row.end,
        "local_date": row.start.astimezone(zone).date(),
        "seconds": row.seconds,
        "external_key": row.key,
    }
