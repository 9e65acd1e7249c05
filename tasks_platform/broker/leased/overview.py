"""Overview: how much lies where."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from tasks_platform.broker.leased.storing import StoringChannel

#: What has a meaning in a pattern of keys.
_SPECIAL: Final = re.compile(r"[\\*?\[\]^]")


def overview(channel: StoringChannel, declared: Iterable[str] = ()) -> dict[str, Any]:
    """Return how much lies where: per queue, per worker, and in the graveyard.

    A list that somebody else has put beside the queues is told from them by the colon in its name; a queue that has
    one is found if it is *declared*, bound to an exchange, or holds messages of several priorities.
    """
    server, names = channel.server, channel.names
    claimed: dict[str, int] = {}
    for worker in workers(channel):
        recorded: Any = server.hvals(names.claimed(worker))
        claimed[worker] = sum(1 for it in recorded if not it.startswith(b"\0"))
    delayed = {queue: int(server.zcard(names.delayed(queue))) for queue in delayed_queues(channel)}
    known = {*declared, *delayed, *_bound(channel)}
    gone: Any = server.hgetall(names.gone)
    ready: dict[str, int] = {}
    for name in _named(channel, names.prefix, _type="list"):
        queue, sep, _ = name.partition(names.sep)
        if not name.startswith("leased:") and (sep or queue in known or ":" not in queue):
            key = f"{names.prefix}{name}"
            ready[queue] = ready.get(queue, 0) + int(server.llen(key)) - int(gone.get(key.encode(), 0))
    return {
        "queues": {
            queue: {"ready": ready.get(queue, 0), "delayed": delayed.get(queue, 0)}
            for queue in sorted({*ready, *delayed})
        },
        "workers": claimed,
        "graveyard": int(server.llen(names.graveyard)),
        "plain_unacked": int(server.hlen(f"{names.prefix}{channel.unacked_key}")),
    }


def delayed_queues(channel: StoringChannel) -> list[str]:
    """Return the queues in which something is not due yet."""
    return sorted(_named(channel, channel.names.delayed("")))


def indexed_queues(channel: StoringChannel) -> list[str]:
    """Return the queues of which it is known where messages are."""
    return sorted(_named(channel, channel.names.index("")))


def workers(channel: StoringChannel) -> list[str]:
    """Return the workers that have something, dead or alive."""
    return sorted(_named(channel, channel.names.claimed("")))


def _bound(channel: StoringChannel) -> Iterator[str]:
    """Yield the queues that kombu has bound to exchanges."""
    for exchange in _named(channel, f"{channel.names.prefix}{channel.keyprefix_queue % ''}", _type="set"):
        for _, _, queue in channel.get_table(exchange):
            yield queue


def _named(channel: StoringChannel, beginning: str, **options: Any) -> Iterator[str]:
    """Yield what follows in the keys that begin like that."""
    for key in channel.server.scan_iter(_SPECIAL.sub(r"\\\g<0>", beginning) + "*", **options):
        yield key.decode(errors="replace")[len(beginning) :]
