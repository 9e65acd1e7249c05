"""From Celery's own Redis broker to the leased one and back: whatever lies there is found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from kombu import Connection

from tasks_platform.broker.leased.migrate import Migrated, overview, to_leased, to_plain
from tasks_platform.broker.leased.names import Names

if TYPE_CHECKING:
    from collections.abc import Iterator

    import redis

names = Names()
LATER = (datetime.now(UTC) + timedelta(days=1)).isoformat()


@pytest.fixture
def plain(redis_url: str) -> Iterator[Connection]:
    with Connection(redis_url) as connection:
        yield connection


@pytest.fixture
def leased(redis_url: str) -> Iterator[Connection]:
    with Connection(f"leased+{redis_url}") as connection:
        yield connection


def put(connection: Connection, body: Any, **options: Any) -> None:
    with connection.SimpleQueue("q") as queue:
        queue.put(body, **options)


def take(connection: Connection) -> Any:
    with connection.SimpleQueue("q") as queue:
        return queue.get(timeout=5)


def test_what_plain_workers_had_is_found_by_leased_ones(
    plain: Connection, leased: Connection, redis_db: redis.Redis
) -> None:
    put(plain, "had")
    put(plain, "later", headers={"eta": LATER})
    put(plain, "ready", priority=9)
    kept = [take(plain), take(plain)]
    assert overview(leased.default_channel)["plain_unacked"] == 2

    assert to_leased(leased.default_channel) == Migrated(claimed=2, delayed=0)
    assert to_leased(leased.default_channel) == Migrated(claimed=0, delayed=0)
    assert [take(leased).payload for _ in range(2)] == ["had", "ready"]
    assert redis_db.zcard(names.delayed("q")) == 1
    assert len(kept) == 2


def test_what_leased_workers_had_is_found_by_plain_ones(
    plain: Connection, leased: Connection, redis_db: redis.Redis
) -> None:
    put(leased, "had")
    put(leased, "later", headers={"eta": LATER}, priority=3)
    put(leased, "ready")
    kept = take(leased)
    shown = overview(leased.default_channel)
    assert shown["queues"] == {"q": {"ready": 1, "delayed": 1}}
    assert (list(shown["workers"].values()), shown["graveyard"]) == ([1], 0)

    assert to_plain(leased.default_channel) == Migrated(claimed=1, delayed=1)
    taken = [take(plain) for _ in range(3)]
    assert [message.payload for message in taken] == ["had", "ready", "later"]
    assert taken[2].headers["eta"] == LATER
    kept.ack()
    assert overview(leased.default_channel)["queues"] == {}
