"""Redelivered: messages whose connection was lost, and which the broker delivers once more while their jobs run."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any, Final

from tasks_platform.task.envelope import HEADER

log = logging.getLogger(__name__)
#: How many ended jobs are remembered whose message may still come back: another worker may have got it.
_REMEMBERED: Final = 1000
#: A job's id, the number of its attempt, and which copy of the message it is: a job that was held is sent again under
#: the same number, and that copy is to be run.
Attempt = tuple[str, int, str | None]
Settle = Callable[[Any], None]


class Redelivered:
    """What has become of the messages of a lost connection.

    1. The connection is lost while jobs run: their messages are expected to come back.
    2. One comes back before its job has ended: it waits, and is settled as the job's own message would have been.
    3. Its job ends first: what is owed is remembered, and done when the message comes back.
    """

    def __init__(self) -> None:
        self._waiting: dict[Attempt, Any] = {}
        self._owed: dict[Attempt, Settle] = {}

    def expect(self, messages: Iterable[Any]) -> None:
        """Expect the messages of running jobs back, unless they were acknowledged before the jobs were run."""
        unsettled = [message for message in messages if not message.acknowledged]
        self._waiting = {attempt: None for message in unsettled if (attempt := _attempt_of(message)) is not None}

    def settled(self, message: Any, settle: Settle) -> Any:
        """Return the message that came back in place of a lost *message*, None if it has not come back yet."""
        attempt = _attempt_of(message)
        if attempt is None:
            return None
        back = self._waiting.pop(attempt, None)
        if back is None:
            log.warning("%s[%s] has ended while the broker was away", message.headers.get("task"), attempt[0])
            self._owed[attempt] = settle
            while len(self._owed) > _REMEMBERED:
                del self._owed[next(iter(self._owed))]
        return back

    def known(self, message: Any) -> Settle | None:
        """Tell what to do with a message that came back; None if it is to be run."""
        if not (message.delivery_info or {}).get("redelivered"):
            return None
        attempt = _attempt_of(message)
        if attempt in self._waiting:
            log.warning("%s[%s] runs here and was delivered again", message.headers.get("task"), attempt[0])
            self._waiting[attempt] = message
            return _wait
        return self._owed.pop(attempt, None) if attempt is not None else None


def _wait(message: Any) -> None:
    """Leave *message* alone: it is settled when its job has ended."""


def _attempt_of(message: Any) -> Attempt | None:
    headers = message.headers
    if not isinstance(headers, dict) or not isinstance(job_id := headers.get("id"), str):
        return None
    own = headers.get(HEADER)
    return job_id, headers.get("retries") or 0, own.get("copy") if isinstance(own, dict) else None
