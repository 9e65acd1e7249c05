"""Migrate: from kombu's own Redis transport to this one and back, with all that lies in the queues.

The lists of both are the same. What differs is where a message is that a worker has, and one that is not due yet.
No worker may run meanwhile: what it has would be run a second time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import redis
from kombu.utils.json import loads

from tasks_platform.broker.leased.graveyard import Buried
from tasks_platform.broker.leased.overview import delayed_queues, indexed_queues, workers
from tasks_platform.broker.leased.payload import BadMessageError, returned, write
from tasks_platform.broker.leased.reaper import split
from tasks_platform.broker.leased.scripts import Move, Scripts, text_of
from tasks_platform.broker.leased.storing import StoringChannel

_BATCH: Final = 1000


@dataclass(kw_only=True)
class Migrated:
    """How many messages were moved."""

    #: That workers had, into the lists of their queues.
    claimed: int = 0
    #: That are not due yet, into the lists of their queues.
    delayed: int = 0
    #: That nobody can read, into the graveyard.
    buried: int = 0
    #: That stay where they are, by the reason.
    left: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: Migrated) -> Migrated:
        return Migrated(
            claimed=self.claimed + other.claimed,
            delayed=self.delayed + other.delayed,
            buried=self.buried + other.buried,
            left=self.left + other.left,
        )


def leases(channel: StoringChannel) -> dict[str, float]:
    """Return the workers that may still be alive, and in how many seconds the leases of these end."""
    seconds, microseconds = channel.server.time()
    now = seconds * 1000 + microseconds // 1000
    found: Any = channel.server.zrangebyscore(channel.names.workers, f"({now}", "+inf", withscores=True)
    return {worker.decode(): (end - now) / 1000 for worker, end in found}


def to_leased(channel: StoringChannel) -> Migrated:
    """Put what workers of kombu's transport had back into its lists; what is not due yet was among it."""
    server, names = channel.server, channel.names
    take_over = server.register_script(text_of("take_over"))
    notes, times = f"{names.prefix}{channel.unacked_key}", f"{names.prefix}{channel.unacked_index_key}"
    result = Migrated()
    for tag in _newest_first(server, notes, times):  # what is put at the head last is the first
        noted: Any = server.hget(notes, tag)
        if noted is None:
            continue
        try:
            message, exchange, routing_key = loads(noted.decode())
            raw, _ = returned(write(message).encode())
            step = channel.priority(channel._get_message_priority(message, reverse=False))  # noqa: SLF001
        except Exception as bad:  # noqa: BLE001 - kombu's JSON makes objects of some dicts, and those raise anything
            what = Buried(reason="unreadable", detail=repr(bad), queue="", raw=noted)
            server.lpush(names.graveyard, what.write())
            server.hdel(notes, tag)
            server.zrem(times, tag)
            result.buried += 1
            continue
        queues = channel._lookup(exchange, routing_key)  # noqa: SLF001 - as kombu does
        if not queues:
            result.left[f"no queue is bound to the exchange {exchange!r} with the key {routing_key!r}"] += 1
            continue
        places = [key for queue in queues for key in (names.ready(queue, step), names.wake(queue, step))]
        try:
            result.claimed += int(take_over(keys=[notes, times, *places], args=[tag, raw]))
        except redis.ResponseError as refusal:
            result.left[f"one of the lists of {', '.join(map(repr, queues))} was refused: {refusal}"] += 1
    return result


def to_plain(channel: StoringChannel, *, force: bool = False) -> Migrated:
    """Put what workers had, and what is not due yet, into the lists, where workers of kombu's transport find it.

    What workers have whose leases have not ended stays theirs, unless *force* takes it: it is run twice then.
    """
    server, names = channel.server, channel.names
    scripts = Scripts(server, names, "migration")
    result = Migrated()
    for worker in workers(channel):
        if force:
            server.zadd(names.workers, {worker: 0})
        claims = scripts.claims_of(worker)
        moves = [_given_back(number, claims[number]) for number in sorted(claims, reverse=True)]
        for first in range(0, len(moves), _BATCH):
            batch = moves[first : first + _BATCH]
            if scripts.move(worker, batch) < 0:
                result.left[f"the worker {worker} has not ended"] += len(batch)
                continue
            result.claimed += sum(move.where == "head" for move in batch)
            result.buried += sum(move.where == "graveyard" for move in batch)
    undelay = server.register_script(text_of("undelay"))
    for queue in delayed_queues(channel):
        while moved := int(undelay(keys=[names.delayed(queue)], args=[names.ready(queue, 0), names.sep, _BATCH])):
            result.delayed += moved
        if refused := int(server.zcard(names.delayed(queue))):
            result.left[f"the key of the list {queue!r}, or of one of its priorities, holds something else"] += refused
    _forget_ids(channel)
    return result


def _forget_ids(channel: StoringChannel) -> None:
    """Forget which message is where: who takes them from now on tells nobody."""
    server, names = channel.server, channel.names
    gone: Any = server.hkeys(names.gone)
    for key in gone:
        with suppress(redis.ResponseError):  # it holds something else by now
            server.lrem(key, 0, "\0")
    by_queue = [key for queue in indexed_queues(channel) for key in (names.index(queue), names.held(queue))]
    server.delete(names.gone, names.pushed, names.cancelled, *by_queue)


def _newest_first(server: Any, notes: str, times: str) -> Iterator[bytes]:
    """Yield the tags of what kombu has noted as delivered; what it has no time of comes first."""
    timed = server.zrevrange(times, 0, -1)
    known = set(timed)
    yield from [tag for tag in server.hkeys(notes) if tag not in known]
    yield from timed


def _given_back(number: int, recorded: bytes) -> Move:
    """Return where a message goes that a worker had; that it was stopped is not the message's fault."""
    where, raw = split(recorded)
    if not where:
        return Move(number, "nowhere", b"", b"")  # it was put elsewhere by the job itself
    try:
        return Move(number, "head", where, returned(raw)[0])
    except BadMessageError as bad:
        what = Buried(reason="unreadable", detail=str(bad), queue=where.decode(errors="replace"), raw=raw)
        return Move(number, "graveyard", b"", what.write())
