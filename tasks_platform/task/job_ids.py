"""An id of the caller's choice sent twice is one job."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from tasks_platform.store import Store

#: Seconds after which a reservation whose sender vanished lapses.
RESERVATION = 10.0
#: Seconds an id stays taken by a job that never reports its end.
UNFINISHED = 30 * 86400.0
_POLL = 0.05

_handing_on: ContextVar[str | None] = ContextVar("tasks_platform_handing_on", default=None)


@contextmanager
def handing_on(sender: str) -> Iterator[None]:
    """Mark what is sent inside the block as the next steps of *sender*.

    A run that is repeated takes over what its earlier attempt had begun to send.
    """
    token = _handing_on.set(sender)
    try:
        yield
    finally:
        _handing_on.reset(token)


def is_handing_on() -> bool:
    """Tell whether the next step of a finished run is being sent."""
    return _handing_on.get() is not None


def send_under(store: Store, job_id: str, send: Callable[[], Any], handle: Callable[[str], Any]) -> Any:
    """Send unless a job of that id is there already; answer with the handle either way."""
    token = _handing_on.get() or uuid.uuid4().hex
    while (answer := store.reserve(job_id, token, RESERVATION)) == "reserved":
        time.sleep(_POLL)  # another sender is at it: it confirms, or its reservation lapses
    if answer == "taken":
        return handle(job_id)
    try:
        sent = send()
    except BaseException:
        store.unreserve(job_id, token)
        raise
    if sent.id == job_id:
        store.confirm(job_id, UNFINISHED)
    else:
        store.unreserve(job_id, token)  # another job does the work
    return sent
