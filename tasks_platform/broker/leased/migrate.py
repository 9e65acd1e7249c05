"""Migrate: from kombu's own Redis transport to this one and back, with all that lies in the queues.

The lists of both are the same. What differs is where a message is that a worker has, and one that is not due yet.
No worker may run meanwhile: what it has would be run a second time.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any, Final

from kombu.utils.json import loads

from tasks_platform.broker.leased.payload import returned, write
from tasks_platform.broker.leased.reaper import recover
from tasks_platform.broker.leased.scripts import Scripts, text_of
from tasks_platform.broker.leased.storing import StoringChannel

_BATCH: Final = 1000


@dataclass(frozen=True, kw_only=True)
class Migrated:
    """How many messages were moved into the lists of their queues."""

    #: That workers had.
    claimed: int
    #: That are not due yet.
    delayed: int


def to_leased(channel: StoringChannel) -> Migrated:
    """Put what workers of kombu's transport had back into its lists; what is not due yet was among it."""
    server, names = channel.server, channel.names
    take_over = server.register_script(text_of("take_over"))
    notes, times = f"{names.prefix}{channel.unacked_key}", f"{names.prefix}{channel.unacked_index_key}"
    taken = 0
    for tag, noted in server.hscan_iter(notes):
        message, exchange, routing_key = loads(noted.decode())
        raw, _ = returned(write(message).encode())
        step = channel.priority(channel._get_message_priority(message, reverse=False))  # noqa: SLF001
        for queue in channel._lookup(exchange, routing_key):  # noqa: SLF001 - as kombu does
            keys = [notes, times, names.ready(queue, step), names.wake(queue, step)]
            taken += int(take_over(keys=keys, args=[tag, raw]))
    return Migrated(claimed=taken, delayed=0)


def to_plain(channel: StoringChannel) -> Migrated:
    """Put what workers had, and what is not due yet, into the lists, where workers of kombu's transport find it."""
    server, names = channel.server, channel.names
    scripts = Scripts(server, names, "migration")
    taken = 0
    for worker in _workers(channel):
        server.zadd(names.workers, {worker: 0})  # whether its lease has ended or not
        taken += recover(scripts, worker, sys.maxsize)
    undelay = server.register_script(text_of("undelay"))
    delayed = 0
    for queue in delayed_queues(channel):
        while moved := int(undelay(keys=[names.delayed(queue)], args=[names.ready(queue, 0), names.sep, _BATCH])):
            delayed += moved
    return Migrated(claimed=taken, delayed=delayed)


def overview(channel: StoringChannel) -> dict[str, Any]:
    """Return how much lies where: per queue, per worker, and in the graveyard."""
    server, names = channel.server, channel.names
    claimed: dict[str, int] = {}
    ready: dict[str, int] = {}
    for worker in _workers(channel):
        recorded: Any = server.hvals(names.claimed(worker))
        claimed[worker] = sum(1 for it in recorded if not it.startswith(b"\0"))
    for key in server.scan_iter(f"{names.prefix}*", _type="list"):
        name = key.decode(errors="replace").removeprefix(names.prefix)
        if not name.startswith("leased:") and ":" not in name:
            queue = name.partition(names.sep)[0]
            ready[queue] = ready.get(queue, 0) + int(server.llen(key))
    delayed = {queue: int(server.zcard(names.delayed(queue))) for queue in delayed_queues(channel)}
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
    first = channel.names.delayed("")
    return sorted(key.decode().removeprefix(first) for key in channel.server.scan_iter(f"{first}*"))


def _workers(channel: StoringChannel) -> list[str]:
    first = channel.names.claimed("")
    return sorted(key.decode().removeprefix(first) for key in channel.server.scan_iter(f"{first}*"))
