"""Rates: how much of each queue was done with lately."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tasks_platform.broker.leased.storing import StoringChannel

#: Minutes that are looked back on, the one that has begun included.
_MINUTES: Final = 10
_MINUTE_MS: Final = 60_000


def rates(channel: StoringChannel, queues: Sequence[str], now: int) -> dict[str, float | None]:
    """Return how many messages of each queue are done with in a second, up to *now* in ms of the server's clock.

    It is the mean of the last minutes since something was done; None: nothing was.
    """
    if not queues:
        return {}
    this = now // _MINUTE_MS
    minutes = range(this - _MINUTES + 1, this + 1)
    with channel.server.pipeline(transaction=False) as pipe:
        for minute in minutes:
            pipe.hmget(channel.names.ended(minute), list(queues))
        rows: list[Any] = pipe.execute()
    return {
        queue: _mean({minute: int(row[place] or 0) for minute, row in zip(minutes, rows, strict=True)}, now)
        for place, queue in enumerate(queues)
    }


def _mean(ended: Mapping[int, int], now: int) -> float | None:
    some = [minute for minute, count in ended.items() if count]
    return sum(ended.values()) / max(1.0, (now - min(some) * _MINUTE_MS) / 1000) if some else None
