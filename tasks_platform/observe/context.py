"""Which job the calling code works for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from celery._state import get_current_task

from tasks_platform.events import Event
from tasks_platform.policy import current_run_or_none
from tasks_platform.task.envelope import own_headers

Job = dict[str, Any]


def current_job() -> Job:
    """Return what identifies the job that the calling code works for; empty outside of one.

    A run is known in everything that inherits its context (asyncio, ``copy_context``). Before and after the run, and
    for plain Celery tasks, Celery's own request stands in.
    """
    if (run := current_run_or_none()) is not None:
        return _job(run.job_id, run.task, run.attempt, run.queue, run.headers)
    task: Any = get_current_task()
    request = task.request_stack.top if task is not None else None
    if request is None:
        return {}
    queue = (request.delivery_info or {}).get("routing_key")
    return _job(request.id, task.name, (request.retries or 0) + 1, queue, own_headers(request))


def job_of(event: Event) -> Job:
    """Return what identifies the job that *event* is about."""
    return _job(event.job_id, event.task, event.attempt, event.queue, event.headers)


def _job(job_id: str, task: str, attempt: int, queue: str | None, headers: Mapping[str, Any]) -> Job:
    job: Job = {"job_id": job_id, "task": task, "attempt": attempt}
    if queue is not None:
        job["queue"] = queue
    for name in ("tenant", "flow", "schedule"):
        if (value := headers.get(name)) is not None:
            job[name] = value
    return job
