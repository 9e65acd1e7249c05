"""Celery's own lines about jobs whose life is told already. Those of plain Celery tasks stay."""

from __future__ import annotations

import logging
from typing import Any

from celery import current_app
from celery._state import get_current_task
from celery.app import trace

from tasks_platform.observe.logs.lives import has_told_death
from tasks_platform.observe.logs.rendering import ABOUT
from tasks_platform.policy import current_run_or_none
from tasks_platform.task import PlatformTask


def quieten() -> None:
    """Drop what Celery says of the platform's jobs and an event has told."""
    for name, rule in _RULES.items():
        logger = logging.getLogger(name)
        if rule not in logger.filters:
            logger.addFilter(rule)


def _is_not_received(record: logging.LogRecord) -> bool:
    """Pass "Task received" of a job that waits in the worker until it is due; any other job starts at once."""
    said: Any = record.args
    if record.msg != trace.LOG_RECEIVED or not isinstance(current_app.tasks.get(said["name"]), PlatformTask):
        return True
    record.__dict__[ABOUT] = {"job_id": said["id"], "task": said["name"], "due": said["eta"]}
    return said["eta"] is not None


def _is_not_told(record: logging.LogRecord) -> bool:
    """Pass what the tracer says of errors that no event has told."""
    task: Any = get_current_task()
    if not isinstance(task, PlatformTask):
        return True
    if record.msg in {trace.LOG_SUCCESS, trace.LOG_RETRY, trace.LOG_IGNORED}:
        return False
    request: Any = task.request_stack.top
    return not (record.msg == trace.LOG_FAILURE and request is not None and has_told_death(request.id))


def _is_not_settled(record: logging.LogRecord) -> bool:
    """Pass what the main process says of jobs that it has not settled itself."""
    if record.msg == "Task handler raised error: %r":
        return current_run_or_none() is None
    if record.msg == "Discarding revoked task: %s[%s]":
        said: Any = record.args
        return not isinstance(current_app.tasks.get(said[0]), PlatformTask)
    return True


_RULES = {
    "celery.worker.strategy": _is_not_received,
    "celery.app.trace": _is_not_told,
    "celery.worker.request": _is_not_settled,
}
