"""The life of every job, a line per event."""

from __future__ import annotations

import logging
import threading
from typing import Any

from tasks_platform.events import Event, EventKind, listen, stop_listening
from tasks_platform.observe.context import job_of
from tasks_platform.observe.logs.rendering import ABOUT

log = logging.getLogger("tasks_platform.events")
#: What is told of runs that go well.
_EXECUTION = frozenset({EventKind.STARTED, EventKind.COMPLETED})


class _Told(threading.local):
    """The last death that this thread has told."""

    job_id: str | None = None


_told = _Told()


def has_told_death(job_id: str) -> bool:
    """Tell whether the last death that was written by this thread is that of *job_id*."""
    return _told.job_id == job_id


def tell_lives(level: int, *, execution: bool) -> None:
    """Write what happens to jobs from *level* on; without *execution*, not that runs begin and end well."""
    stop_listening(_write)
    listen(_write, [kind for kind in EventKind if kind.level >= level and (execution or kind not in _EXECUTION)])


def _write(event: Event) -> None:
    said: dict[str, Any] = {ABOUT: job_of(event)}
    for name, value in event.details.items():
        if value is not None:
            said[name if name != "message" else "doing"] = round(value, 4) if isinstance(value, float) else value
    error = event.error
    if error is not None:
        said["error"] = f"{type(error).__name__}: {error}"
    if event.kind is EventKind.FAILED:
        _told.job_id = event.job_id
    traced = event.kind is EventKind.FAILED and error is not None and error.__traceback__ is not None
    log.log(event.kind.level, event.kind.value, exc_info=error if traced else None, extra=said)
