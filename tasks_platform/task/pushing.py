"""Pushing: a job's id and its unique key are taken in the step that pushes its message."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from tasks_platform.broker.leased import NotPushedError, push_if
from tasks_platform.policy import HeldError, Taking
from tasks_platform.store import Store
from tasks_platform.task.job_ids import UNFINISHED, sender_token

#: Seconds until it is looked again whether another sender has sent its message.
_POLL: Final = 0.05


class _ReservedError(Exception):
    """Another sender, which takes two steps, is at it."""


class _SentBeforeError(Exception):
    """A job of that id is there."""


def push_under(store: Store, job_id: str, *, chosen: bool, send: Callable[[Taking, Callable[..., Any]], Any]) -> Any:
    """Send a job with what it takes in one step; answer with the handle of the job that does the work.

    None if a job of that id is there. *send* is given what to add to, and what to call with the function that publishes
    and its options.
    """
    taking = Taking()
    token = sender_token() if chosen else ""

    def publish(push: Callable[..., Any], **options: Any) -> Any:
        condition = store.condition(job_id, token=token, id_ttl=UNFINISHED, key=taking.key, key_ttl=taking.key_ttl)
        if condition is None or (not token and taking.key is None):
            return push(**options)
        try:
            with push_if(job_id, *condition):
                return push(**options)
        except NotPushedError as refused:
            raise _meaning(refused) from None

    while True:
        try:
            return send(taking, publish)
        except _ReservedError:
            time.sleep(_POLL)  # it confirms, or its reservation lapses
        except _SentBeforeError:
            return None


def _meaning(refused: NotPushedError) -> Exception:
    match refused.answer:
        case ("held", holder):
            return HeldError(holder)
        case ("reserved",):
            return _ReservedError()
        case _:
            return _SentBeforeError()
