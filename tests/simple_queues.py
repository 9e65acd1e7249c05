"""The leased broker as kombu's simple queues use it: put a message, take one, count what processes have."""

from __future__ import annotations

from typing import Any

import redis
from kombu import Connection
from kombu.simple import SimpleQueue

from tasks_platform.broker.leased.lease import Lease

#: The priority steps of the platform's broker.
STEPS = [0, 1, 3, 6, 9]


def claims(client: redis.Redis) -> int:
    """Count the messages that processes have."""
    return sum(int(client.hlen(key)) for key in client.keys("leased:claimed:*"))


def end_lease(client: redis.Redis, worker: str) -> None:
    """Let the lease of a worker of this process have ended: it stands still."""
    for lease in Lease._all.values():
        if lease.worker == worker:
            lease._keeper.stop()
    client.zadd("leased:workers", {worker: 1})


def take(connection: Connection, queue: str, timeout: float = 5.0) -> Any:
    """Return the next message of *queue*."""
    with SimpleQueue(connection, queue) as simple:
        return simple.get(timeout=timeout)


def put(connection: Connection, queue: str, body: Any, **options: Any) -> None:
    """Put a message in *queue*."""
    with SimpleQueue(connection, queue) as simple:
        simple.put(body, **options)
