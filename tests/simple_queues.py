"""The leased broker as kombu's simple queues use it: put a message, take one, count what processes have."""

from __future__ import annotations

from typing import Any

import redis
from kombu import Connection
from kombu.simple import SimpleQueue

#: The priority steps of the platform's broker.
STEPS = [0, 1, 3, 6, 9]


def claims(client: redis.Redis) -> int:
    """Count the messages that processes have."""
    return sum(int(client.hlen(key)) for key in client.keys("leased:claimed:*"))


def take(connection: Connection, queue: str, timeout: float = 5.0) -> Any:
    """Return the next message of *queue*."""
    with SimpleQueue(connection, queue) as simple:
        return simple.get(timeout=timeout)


def put(connection: Connection, queue: str, body: Any, **options: Any) -> None:
    """Put a message in *queue*."""
    with SimpleQueue(connection, queue) as simple:
        simple.put(body, **options)
