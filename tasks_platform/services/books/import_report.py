"""How an import is asked for, and what it says afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from zoneinfo import ZoneInfo

from tasks_platform.services.books.toggl import DateOrder, RowError

#: Errors that a report keeps; all are counted.
MOST_ERRORS: Final = 1000


@dataclass(frozen=True, kw_only=True)
class ImportOptions:
    """How an export is to be understood; see `read_toggl` and `import_entries`."""

    #: Of the clock times in the file; the organization's without it.
    zone: ZoneInfo | None = None
    #: Which of day and month comes first, where the file does not tell.
    dates: DateOrder | None = None
    #: The report was exported with rounding on: what is billed is the column Duration.
    rounded: bool = False
    #: Create clients and projects that are not in the books, without mail address and rates.
    create_missing: bool = False
    #: Take entries of a person who already has another one that starts at the same moment.
    accept_simultaneous: bool = False


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """What became of the rows of a file."""

    added: int
    #: In the books before: the same file again, or one that overlaps.
    already_there: int
    wrong: int
    #: The first `MOST_ERRORS` of the wrong rows.
    errors: tuple[RowError, ...]

    @property
    def rows(self) -> int:
        """All rows that were not blank."""
        return self.added + self.already_there + self.wrong


@dataclass(kw_only=True)
class Tally:
    """What became of the rows so far."""

    added: int = 0
    already_there: int = 0
    errors: list[RowError] = field(default_factory=list)
    #: Errors that were counted and not kept.
    left_off: int = 0

    def include(self, other: Tally) -> None:
        """Add what became of further rows."""
        self.added += other.added
        self.already_there += other.already_there
        self.errors += other.errors
        self.left_off += max(0, len(self.errors) - MOST_ERRORS)
        del self.errors[MOST_ERRORS:]

    def report(self) -> ImportReport:
        """Return the sum."""
        return ImportReport(
            added=self.added,
            already_there=self.already_there,
            wrong=len(self.errors) + self.left_off,
            errors=tuple(self.errors),
        )
