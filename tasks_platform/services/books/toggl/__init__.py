"""The detailed export of Toggl Track, from bytes to time entries and row errors."""

from tasks_platform.services.books.toggl.clock import DateOrder
from tasks_platform.services.books.toggl.reader import read_toggl
from tasks_platform.services.books.toggl.repeats import without_repeats
from tasks_platform.services.books.toggl.rows import EntryRow, RowError

__all__ = ["DateOrder", "EntryRow", "RowError", "read_toggl", "without_repeats"]
