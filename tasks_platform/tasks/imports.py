"""What comes in from outside: time entries from trackers."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

from tasks_platform.bases import ProgressTask
from tasks_platform.policies import Unique
from tasks_platform.policy import current_run_or_none
from tasks_platform.services.books import ImportOptions, ImportReport, import_file
from tasks_platform.services.office import office
from tasks_platform.task import task


@task(Unique(by=("organization", "path")), base=ProgressTask, queue="imports")
def time_entries(
    organization: str, path: Path, *, time_zone: str | None = None, create_missing: bool = False
) -> ImportReport:
    """Import the detailed export of Toggl Track at *path*; wrong rows are reported and do not stop the rest.

    Importing a file again adds nothing.
    """
    run = current_run_or_none()

    def on_progress(done: int, size: int) -> None:
        if run is not None:
            run.progress(100.0 * done / max(size, 1), f"{done:,} of {size:,} bytes")

    zone = ZoneInfo(time_zone) if time_zone else None
    options = ImportOptions(zone=zone, create_missing=create_missing)
    return import_file(office().books, organization, path, options=options, on_progress=on_progress)
