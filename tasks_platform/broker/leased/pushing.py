"""Pushing: the message of a job is pushed once, also when the answer to the first push is lost."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping
from contextvars import ContextVar
from functools import cache
from typing import Any, Final, NamedTuple

import redis

from tasks_platform.broker.leased.conditional import NotPushedError, guard_of
from tasks_platform.broker.leased.names import Names
from tasks_platform.broker.leased.publishing import Place, id_of, stored
from tasks_platform.broker.leased.script_lines import ScriptLines
from tasks_platform.broker.leased.scripts import text_of

#: For how many ms it is known what a channel has pushed last: longer than anybody goes on pushing it.
_KNOWN_MS: Final = 3_600_000
#: Seconds after which the same message is no repetition: whoever was to push it has given up.
_REPEATED: Final = 300.0
_GUARD: Final = "-- GUARD\n"
#: Lets everything pass, and takes nothing.
_NO_GUARD: Final = "local function refusal() end\nlocal function take() end\n"
#: What pushes are called: each sender is of one process only.
_numbers: Final = itertools.count(1)


class _Doubt(NamedTuple):
    """A message that may have been pushed: the server has not answered."""

    #: The job's id, the number of its retries, and the queue.
    message: tuple[Any, ...]
    #: Who pushed it, as what, and when, in seconds of the monotonic clock.
    sender: str
    token: str
    at: float


_doubt: ContextVar[_Doubt | None] = ContextVar("doubt", default=None)


def push(lines: ScriptLines, names: Names, sender: str, place: Place, message: Mapping[str, Any]) -> None:
    """Push the *message* of a job; repeated after a lost answer, also by another sender, it is there once.

    A *sender* pushes one after the other, so that of each only the last push has to be remembered.

    Raises:
        NotPushedError: if the message has a condition that does not hold.

    """
    headers = message["headers"]
    same = (headers["id"], headers.get("retries"), place.queue)
    doubt = _doubt.get()
    again = doubt is not None and doubt.message == same and time.monotonic() - doubt.at <= _REPEATED
    if doubt is None or not again:
        doubt = _Doubt(same, sender, f"{next(_numbers):x}", time.monotonic())
    guard = guard_of(message)
    script, keys, arguments = (_NO_GUARD, (), ()) if guard is None else guard[1:4]
    key, text, due = stored(names, place, message)
    _doubt.set(doubt)
    try:
        refused: Any = lines.run(
            _guarded(script),
            [key, names.wake(place.queue, place.step), names.sent(doubt.sender), *keys],
            [
                *(text, "" if due is None else due, doubt.token, _KNOWN_MS),
                *(names.prefix, place.queue, id_of(message), "1" if again else "", *arguments),
            ],
        )
    except redis.ResponseError:
        _doubt.set(None)  # it is not there
        raise
    _doubt.set(None)
    if refused:
        raise NotPushedError([part.decode() for part in refused])
    if guard is not None:
        guard.passed.append(place.queue)


@cache
def _guarded(guard: str) -> str:
    return text_of("push").replace(_GUARD, guard)
