"""What is not due yet in a queue, as somebody wants to see it."""

from __future__ import annotations

from typing import Any, NamedTuple

from tasks_platform.broker.leased.payload import BadMessageError, read
from tasks_platform.broker.leased.storing import StoringChannel


class Delayed(NamedTuple):
    """The first messages of a queue that are not due yet, and how many there are."""

    total: int
    #: When it is due, in seconds since 1970, its priority step, and the message.
    first: list[tuple[float, int, dict[str, Any]]]


def delayed(channel: StoringChannel, queue: str, most: int) -> Delayed:
    """Return what is due first in *queue*, *most* messages at most."""
    key = channel.names.delayed(queue)
    total: Any = channel.server.zcard(key)
    found: Any = channel.server.zrange(key, 0, most - 1, withscores=True) if total else []
    first = []
    for member, score in found:
        _, step, raw = [*member.split(b"|", 2), b"", b""][:3]
        try:
            first.append((score / 1000, int(step), read(raw)))
        except (BadMessageError, ValueError):
            continue  # it goes to the graveyard when it is due
    return Delayed(int(total), first)
