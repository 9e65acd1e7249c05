"""Whether a job that runs was cancelled meanwhile, and that one was dropped."""

from __future__ import annotations

import logging
from typing import Any, Final

from billiard.process import current_process

from tasks_platform.errors import PlatformError
from tasks_platform.task.cancel_mark import CancelMark
from tasks_platform.task.insist import TROUBLE
from tasks_platform.task.leased_channel import leased_channel
from tasks_platform.task.unwanted import unwanted

log = logging.getLogger(__name__)
#: Seconds for which it is known that a job was dropped: longer than those wait who have cancelled it.
_KNOWN: Final = 60


def mark_of(app: Any, queue: str | None, job_id: str) -> CancelMark | None:
    """Return who has cancelled the job of *queue* that runs here; a broker that is away says nothing."""
    if (mark := unwanted.of(job_id)) is not None:
        return mark
    if current_process().name == "MainProcess":  # which hears of it
        return None
    try:
        with leased_channel(app, app.servers.of(queue)) as channel:
            stored: Any = channel.server.hget(channel.names.cancelled, job_id)
    except (*TROUBLE, PlatformError) as trouble:
        log.debug("%s: the broker cannot be asked whether it is cancelled: %r", job_id, trouble)
        return None
    return None if stored is None else CancelMark.read(stored.decode(errors="replace"))


def is_cancelled(app: Any, queue: str | None, job_id: str) -> bool:
    """Tell whether the job of *queue* that runs here is cancelled."""
    return mark_of(app, queue, job_id) is not None


def tell_dropped(app: Any, queue: str | None, job_id: str) -> None:
    """Let those who have cancelled a job of *queue* know that it was not begun; while the broker is away, nobody does.

    It is told before the message leaves: who does not find the job any more knows why.
    """
    try:
        with leased_channel(app, app.servers.of(queue)) as channel:
            channel.server.set(channel.names.dropped(job_id), 1, ex=_KNOWN)
    except (*TROUBLE, PlatformError) as trouble:
        log.warning("%s was cancelled, and is not begun; nobody can be told just now: %r", job_id, trouble)
