"""What is due begins at once, also when nobody else talks to the server, which then wakes ten times a second only.

How late it is, `scripts/bench idle` shows.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from simple_queues import put, take
from waiting import wait_for

if TYPE_CHECKING:
    import redis
    from kombu import Connection


def test_a_server_that_has_nothing_else_to_do_is_woken_when_something_is_due(
    connection: Connection, redis_db: redis.Redis
) -> None:
    told = pings(redis_db)
    for number in range(12):
        due = datetime.now(UTC) + timedelta(seconds=0.15 + number * 0.007)
        put(connection, "q", number, headers={"eta": due.isoformat()})
        take(connection, "q").ack()
        assert time.time() >= due.timestamp()
    wait_for(lambda: pings(redis_db) - told >= 10, 10, "what wakes the server")


def pings(redis_db: redis.Redis) -> int:
    stats: Any = redis_db.info("commandstats")
    return int(stats.get("cmdstat_ping", {}).get("calls", 0))
