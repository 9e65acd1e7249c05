"""Call a task's function: with the arguments its signature promises, and its result as plain JSON."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from billiard.process import current_process
from celery.exceptions import WorkerShutdown, WorkerTerminate

from tasks_platform.errors import ResultNotStoredError, TaskExitedError
from tasks_platform.policy import Run
from tasks_platform.sealing import censored_value
from tasks_platform.task.on_loop import outcome_of
from tasks_platform.task.unwanted import unwanted

if TYPE_CHECKING:
    from tasks_platform.task.base import PlatformTask

log = logging.getLogger(__name__)


def call(task: PlatformTask[..., Any], request: Any, run: Run) -> Any:
    """Call the function of *task* as the attempt that *run* is; a coroutine is waited for."""
    if task.payload.sealing.of_result:
        task.payload.sealing.require_key()
    args, kwargs = task.payload.read(run.args, run.kwargs)
    try:
        if not task.is_async:
            unwanted.enter(run.job_id)  # a coroutine is cancelled where it waits
        value = task.business(*args, **kwargs)
        if task.is_async:
            value = outcome_of(task, request, run, value)
    except SystemExit as leaving:
        if current_process().name != "MainProcess" or isinstance(leaving, (WorkerShutdown, WorkerTerminate)):
            raise  # the worker ends, or the main process sees this one go
        raise TaskExitedError(f"{run.task}[{run.job_id}] called exit({leaving.code!r})") from leaving
    finally:
        if not task.is_async:
            unwanted.leave(run.job_id)
    try:
        written = task.payload.write_result(value)
    except Exception as error:
        raise ResultNotStoredError(f"{run.task}[{run.job_id}] returned what JSON cannot carry: {error}") from error
    if not task.payload.sealing.of_result and censored_value(written) != written:
        log.warning("%s[%s] returns in the open what it got sealed: say '-> Sealed[...]'", run.task, run.job_id)
    return written
