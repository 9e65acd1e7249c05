"""What a row of an export says, or what is wrong with it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

#: Characters of a wrong value that are kept.
_SHOWN = 200


@dataclass(frozen=True, kw_only=True)
class EntryRow:
    """A good row: one time entry."""

    #: As a spreadsheet numbers it: the header is row 1.
    row: int
    user: str
    email: str
    #: Empty where the entry has none.
    client: str
    project: str
    task: str
    description: str
    billable: bool
    #: Aware, UTC.
    start: datetime
    end: datetime
    #: What is billed.
    seconds: int

    @property
    def person(self) -> str:
        """Who did it: the address, which stays when the name is changed, else the name."""
        return (self.email or self.user).casefold()

    @cached_property
    def key(self) -> str:
        """The hash under which the books know this entry.

        The export has no entry ids, so an entry is what it says: person, client, project, task, description, billable
        flag, duration, start and end as moments (not as local text, which changes with the time zone of the profile).
        Tags are left out: they do not touch what is billed.
        """
        parts = (
            self.person,
            self.client,
            self.project,
            self.task,
            self.description,
            self.billable,
            int(self.start.timestamp()),
            int(self.end.timestamp()),
            self.seconds,
        )
        return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class RowError:
    """A row that cannot be imported."""

    #: As a spreadsheet numbers it: the header is row 1.
    row: int
    #: The column that is wrong, as the header calls it; empty where it is the row as a whole.
    column: str
    #: In words, with what to do about it.
    reason: str
    #: What the file says there, shortened.
    value: str

    def __str__(self) -> str:
        place = f"row {self.row}, {self.column}" if self.column else f"row {self.row}"
        return f"{place}: {self.reason} ({self.value!r})" if self.value else f"{place}: {self.reason}"


def row_error(row: int, column: str, reason: str, value: str) -> RowError:
    """Return the error, its value cut to what a person reads."""
    return RowError(
        row=row, column=column, reason=reason, value=value if len(value) <= _SHOWN else f"{value[:_SHOWN]}..."
    )
