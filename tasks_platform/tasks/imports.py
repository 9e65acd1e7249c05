"""What comes in from outside: time entries from trackers."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tasks_platform.bases import ProgressTask
from tasks_platform.errors import BooksError
from tasks_platform.job_queue import JobQueue
from tasks_platform.policies import Unique
from tasks_platform.policy import current_run_or_none
from tasks_platform.services.books import DateOrder, ImportOptions, ImportReport, import_file
from tasks_platform.services.office import office
from tasks_platform.task import task
from tasks_platform.task.handle import JobHandle


@task(Unique(by=("organization", "path")), base=ProgressTask, queue="imports")
def time_entries(  # noqa: PLR0913 - how a file is to be understood
    organization: str,
    path: Path,
    *,
    time_zone: str | None = None,
    dates: DateOrder | None = None,
    rounded: bool = False,
    create_missing: bool = False,
) -> ImportReport:
    """Import the detailed export of Toggl Track at *path*; wrong rows are reported and do not stop the rest.

    Importing a file again adds nothing.
    """
    run = current_run_or_none()

    def on_progress(done: int, size: int) -> None:
        if run is not None:
            run.progress(100.0 * done / max(size, 1), f"{done:,} of {size:,} bytes")

    options = ImportOptions(zone=zone_of(time_zone), dates=dates, rounded=rounded, create_missing=create_missing)
    return import_file(office().books, organization, path, options=options, on_progress=on_progress)


class ImportQueue:
    """Asks for imports; the same file, asked for again while it is read, is the job that is under way."""

    def __init__(self, jobs: JobQueue) -> None:
        self._jobs = jobs

    def time_entries(  # noqa: PLR0913 - as the task
        self,
        organization: str,
        path: Path,
        *,
        time_zone: str | None = None,
        dates: DateOrder | None = None,
        rounded: bool = False,
        create_missing: bool = False,
    ) -> JobHandle[ImportReport]:
        """Import the detailed export of Toggl Track at *path*, which the workers have to see."""
        return self._jobs.send(
            time_entries,
            organization,
            path,
            time_zone=time_zone,
            dates=dates,
            rounded=rounded,
            create_missing=create_missing,
        )


def zone_of(name: str | None) -> ZoneInfo | None:
    """Return the time zone of this name, None for none.

    Raises:
        BooksError: if there is no such zone.

    """
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BooksError(f"{name!r} is no time zone: a name such as Europe/Berlin is expected") from None
