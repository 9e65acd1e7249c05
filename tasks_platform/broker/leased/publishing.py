"""Publishing: a message goes into its list, or, if it is not due yet, into the sorted set of its queue."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

from tasks_platform.broker.leased import payload
from tasks_platform.broker.leased.names import Names

#: How replies to remote control are called: kombu lets them lie for ever when nobody reads them.
_REPLIES: Final = ".reply.celery.pidbox"
_REPLIES_KEPT_MS: Final = 60_000
#: Longer ones are no ids that anybody would type; those of Celery have 36 characters.
_LONGEST_ID: Final = 200

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
    return names.delayed(place.queue), member_of(place.step, text, id_of(message)), due


def member_of(step: int, text: str, job_id: str) -> str:
    """Return a message as it lies in the sorted set: what is due in the same ms comes in the order it was put there."""
    return f"{time.time_ns():020d}{job_id and ':'}{job_id}|{step}|{text}"


def id_of(message: Mapping[str, Any]) -> str:
    """Return the id under which a message can be found; '' if it has none that a key could hold."""
    found = (message.get("headers") or {}).get("id")
    if not isinstance(found, str) or len(found) > _LONGEST_ID or not found.isprintable() or "|" in found:
        return ""
    return found


def commands(names: Names, place: Place, message: Mapping[str, Any]) -> list[Command]:
    """Return the Redis commands that put *message* into *queue*, and tell somebody of it.

    They need not be one step: a message whose signal was lost is found when an idle worker looks by itself.
    """
    key, text, due = stored(names, place, message)
    put: Command = ("lpush", (key, text)) if due is None else ("zadd", (key, {text: due}))
    return [put, *afterwards(names, place)]


@lru_cache(maxsize=1000)
def afterwards(names: Names, place: Place) -> tuple[Command, ...]:
    """Return the Redis commands that tell somebody of a message that was put into its queue."""
    return (("zadd", (names.wake(place.queue, place.step), {"look": 0})), *expiring(names, place))


def expiring(names: Names, place: Place) -> list[Command]:
    """Return the Redis commands by which what nobody uses is deleted one day."""
    queue, step, steps, expires_ms = place
    if queue.endswith(_REPLIES):
        expires_ms, keys = expires_ms or _REPLIES_KEPT_MS, [names.ready(queue, step)]
    elif expires_ms is None:
        return []
    else:
        keys = [names.delayed(queue), names.index(queue), *(names.ready(queue, one) for one in steps)]
    return [("pexpire", (key, expires_ms)) for key in (*keys, names.wake(queue, step))]
