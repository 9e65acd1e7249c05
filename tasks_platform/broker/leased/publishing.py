"""Publishing: a message goes into its list, or, if it is not due yet, into the sorted set of its queue."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from tasks_platform.broker.leased import payload
from tasks_platform.broker.leased.names import Names

#: How replies to remote control are called: kombu lets them lie for ever when nobody reads them.
_REPLIES: Final = ".reply.celery.pidbox"
_REPLIES_KEPT_MS: Final = 60_000

Command = tuple[str, tuple[Any, ...]]


class Place(NamedTuple):
    """Where a message goes, and what is to be known of its queue."""

    queue: str
    #: The priority step of the message, and all that the queue has.
    step: int
    steps: tuple[int, ...]
    #: After how many ms without use the queue is deleted; None: never.
    expires_ms: int | None


def stored(names: Names, place: Place, message: Mapping[str, Any]) -> tuple[str, str, int | None]:
    """Return under which key *message* is stored, as what, and when it is due in ms since 1970; None: at once."""
    text = payload.write(message)
    due = payload.due(message)
    if due is None or due <= time.time() * 1000:
        return names.ready(place.queue, place.step), text, None
    return names.delayed(place.queue), member_of(place.step, text), due


def member_of(step: int, text: str) -> str:
    """Return a message as it lies in the sorted set: what is due in the same ms comes in the order it was put there."""
    return f"{time.time_ns():020d}|{step}|{text}"


def commands(names: Names, place: Place, message: Mapping[str, Any]) -> list[Command]:
    """Return the Redis commands that put *message* into *queue*, and tell somebody of it.

    They need not be one step: a message whose signal was lost is found when an idle worker looks by itself.
    """
    queue, step, steps, expires_ms = place
    key, text, due = stored(names, place, message)
    wake = names.wake(queue, step)
    put: Command = ("lpush", (key, text)) if due is None else ("zadd", (key, {text: due}))
    told: Command = ("zadd", (wake, {"look": 0}))
    if queue.endswith(_REPLIES):
        expires_ms, keys = expires_ms or _REPLIES_KEPT_MS, [names.ready(queue, step)]
    elif expires_ms is None:
        return [put, told]
    else:
        keys = [names.delayed(queue), *(names.ready(queue, one) for one in steps)]
    return [put, told, *(("pexpire", (key, expires_ms)) for key in (*keys, wake))]
