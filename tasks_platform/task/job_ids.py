"""Ids of jobs: one of the caller's choice sent twice is one job."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, NamedTuple

from tasks_platform.policy import Outcome
from tasks_platform.store import Reservation, Store

#: Seconds after which a reservation whose sender vanished lapses.
RESERVATION = 10.0
#: Seconds an id stays taken by a job that never reports its end.
UNFINISHED = 30 * 86400.0
_POLL = 0.05

_sender: ContextVar[str | None] = ContextVar("tasks_platform_sender", default=None)
_handing_on: ContextVar[str | None] = ContextVar("tasks_platform_handing_on", default=None)


def new_id() -> str:
    """Return a random UUID (version 4) as text: what Celery's jobs are called, in half of the time."""
    digits = os.urandom(16).hex()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


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


@contextmanager
def sending_as(sender: str) -> Iterator[None]:
    """Let what is sent inside the block be *sender*'s, whichever process it is: it takes over what it had begun."""
    token = _sender.set(sender)
    try:
        yield
    finally:
        _sender.reset(token)


def is_handing_on() -> bool:
    """Tell whether the next step of a finished run is being sent."""
    return _handing_on.get() is not None


def sender_token() -> str:
    """Return what the sender of a message is called: whoever goes on with what it had begun is called the same."""
    return _handing_on.get() or _sender.get() or uuid.uuid4().hex


class Reserved(NamedTuple):
    """What the sender *token* was answered when it reserved an id beforehand."""

    token: str
    answer: Reservation
    #: In seconds of the monotonic clock.
    since: float

    @property
    def holds(self) -> bool:
        """Whether it can be relied on for long enough to send a message."""
        return time.monotonic() < self.since + RESERVATION / 2


def send_under(  # noqa: PLR0913, PLR0917 - the id, how to send, and what depends on it
    store: Store,
    job_id: str,
    send: Callable[[], Any],
    handle: Callable[[str], Any],
    outcome: Outcome,
    before_waiting: Callable[[], None],
    reserved: Reserved | None = None,
) -> Any:
    """Send unless a job of that id is there already; answer with the handle either way.

    *before_waiting* is done before another sender is waited for, who may in turn wait for this one.
    """
    token = sender_token() if reserved is None else reserved.token
    known = reserved.answer if reserved is not None and reserved.holds else None
    answer = known or store.reserve(job_id, token, RESERVATION)
    while answer == "reserved":
        before_waiting()
        time.sleep(_POLL)  # another sender is at it: it confirms, or its reservation lapses
        answer = store.reserve(job_id, token, RESERVATION)
    if answer == "taken":
        return handle(job_id)
    outcome.if_not(partial(store.unreserve, job_id, token))
    sent = send()
    if sent.id == job_id:
        outcome.if_sent(partial(store.confirm, job_id, UNFINISHED))
    else:
        outcome.if_sent(partial(store.unreserve, job_id, token))  # another job does the work
    return sent
