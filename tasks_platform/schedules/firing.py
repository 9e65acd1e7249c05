"""Send the job of a moment, and say what became of a moment."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from tasks_platform.errors import ScheduleError
from tasks_platform.schedules.entry import Entry, iso
from tasks_platform.store import Record
from tasks_platform.task import PlatformTask
from tasks_platform.task.envelope import HEADER
from tasks_platform.task.job_ids import sending_as

if TYPE_CHECKING:
    from celery import Celery

#: A broker that does not answer is asked again by the next look at the schedule.
_BRIEFLY: Final = {"max_retries": 2, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.2}


def send(app: Celery, entry: Entry, moment: datetime, job_id: str) -> str:
    """Send the job of *moment*, once however often this is called; answer with the id of the job that does the work.

    Raises:
        ScheduleError: if its task is not known here.

    """
    task: Any = app.tasks.get(entry.task)
    if not isinstance(task, PlatformTask):
        raise ScheduleError(f"the schedule {entry.name!r} runs {entry.task!r}, and no module of this process has it")
    own = {"schedule": entry.name, "moment": iso(moment)}
    with sending_as(job_id):
        handle = task.apply_async(
            entry.args,
            entry.kwargs,
            task_id=job_id,
            headers={HEADER: own},
            retry_policy=_BRIEFLY,
            **entry.options,
        )
    return str(handle.id)


def firing(moment: datetime, state: str, **details: Any) -> Record:
    """Return the record of what became of a moment."""
    return {"moment": iso(moment), "state": state, "at": iso(datetime.now(UTC)), **details}


def trigger(app: Any, entry: Entry) -> Record:
    """Send a job of *entry* now, beside its moments."""
    moment = datetime.now(UTC)
    job_id = send(app, entry, moment, entry.job_id(moment))
    fired = firing(moment, "fired", job_id=job_id, by="hand")
    app.store.record_firings(entry.name, [fired], app.settings.schedules.history)
    return fired
