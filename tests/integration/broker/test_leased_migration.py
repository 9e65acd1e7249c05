"""From Celery's own Redis broker to the leased one and back: whatever lies there is found."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from kombu import Connection, Exchange, Queue

from tasks_platform.broker.leased.graveyard import Buried
from tasks_platform.broker.leased.migrate import Migrated, leases, to_leased, to_plain
from tasks_platform.broker.leased.names import Names
from tasks_platform.broker.leased.overview import overview

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

    assert to_leased(leased.default_channel) == Migrated(claimed=2)
    assert to_leased(leased.default_channel) == Migrated()
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

    (alive,) = leases(leased.default_channel)
    kept_by_a_lease = to_plain(leased.default_channel)
    assert kept_by_a_lease == Migrated(delayed=1, left=Counter({f"the worker {alive} has not ended": 1}))
    assert to_plain(leased.default_channel, force=True) == Migrated(claimed=1)
    taken = [take(plain) for _ in range(3)]
    assert [message.payload for message in taken] == ["had", "ready", "later"]
    assert taken[2].headers["eta"] == LATER
    assert "x-delivery-count" not in taken[0].headers  # it was nobody's fault
    kept.ack()
    assert overview(leased.default_channel)["queues"] == {}


def test_what_plain_workers_had_keeps_its_order_and_goes_to_all_queues_of_its_exchange(
    plain: Connection, leased: Connection, redis_db: redis.Redis
) -> None:
    both = [Queue(name, Exchange("both", "direct"), "key")(plain.default_channel) for name in ("p", "q")]
    for queue in both:
        queue.declare()
    for number in range(20):
        plain.Producer().publish(number, exchange="both", routing_key="key")
    kept = [both[0].get() for _ in range(20)]
    both[1].purge()
    assert to_leased(leased.default_channel) == Migrated(claimed=20)
    for queue in both:
        there = queue(leased.default_channel)
        assert [there.get(no_ack=True).payload for _ in range(20)] == list(range(20))
    assert (len(kept), redis_db.exists("unacked", "unacked_index")) == (20, 0)


def test_what_cannot_be_migrated_is_told_of_and_stays_or_is_buried_and_holds_up_nothing(
    plain: Connection, leased: Connection, redis_db: redis.Redis
) -> None:
    for body in ("first", "second"):
        put(plain, body)
    kept = [take(plain), take(plain)]
    odd = json.dumps([{"properties": {"delivery_tag": "x", "delivery_info": {}}}, "gone", "nowhere"])
    redis_db.hset("unacked", mapping={"odd": odd, "garbage": "no JSON", "short": "[]"})
    left = Migrated(left=Counter({"no queue is bound to the exchange 'gone' with the key 'nowhere'": 1}))
    assert to_leased(leased.default_channel) == Migrated(claimed=2, buried=2, left=left.left)
    assert to_leased(leased.default_channel) == left
    assert redis_db.hkeys("unacked") == [b"odd"]
    found = [Buried.read(stored) for stored in redis_db.lrange(names.graveyard, 0, -1)]
    assert {(one.reason, one.raw) for one in found} == {("unreadable", b"no JSON"), ("unreadable", b"[]")}
    assert [take(leased).payload for _ in range(2)] == ["first", "second"]
    assert len(kept) == 2


def test_a_list_that_holds_something_else_loses_nothing(
    plain: Connection, leased: Connection, redis_db: redis.Redis
) -> None:
    put(plain, "had")
    kept = take(plain)
    put(leased, "later", headers={"eta": LATER})
    redis_db.set("q", "something else")
    (reason,) = to_leased(leased.default_channel).left
    assert reason.startswith("one of the lists of 'q' was refused: WRONGTYPE")
    (reason,) = to_plain(leased.default_channel).left
    assert reason == "the key of the list 'q', or of one of its priorities, holds something else"
    redis_db.delete("q")
    assert to_leased(leased.default_channel) == Migrated(claimed=1)
    assert to_plain(leased.default_channel) == Migrated(delayed=1)
    assert [take(plain).payload for _ in range(2)] == ["had", "later"]
    assert kept.payload == "had"


def test_queues_with_colons_and_odd_prefixes_are_found(redis_url: str, redis_db: redis.Redis) -> None:
    prefix = "[o*d]?"
    with Connection(f"leased+{redis_url}", transport_options={"global_keyprefix": prefix}) as connection:
        channel = connection.default_channel
        for name in ("bound:here", "told:of"):
            with connection.SimpleQueue(Queue(name, Exchange(name), name)) as queue:
                queue.put(1)
                queue.put(2, headers={"eta": LATER})
        redis_db.srem(f"{prefix}_kombu.binding.told:of", "told:of\x06\x16\x06\x16told:of")
        redis_db.zremrangebyrank(f"{prefix}{Names().delayed('told:of')}", 0, -1)
        redis_db.lpush(f"{prefix}records:of:others", "x")
        redis_db.lpush("o:other", "x")
        here = {"bound:here": {"ready": 1, "delayed": 1}}
        assert overview(channel)["queues"] == here
        assert overview(channel, ["told:of"])["queues"] == {**here, "told:of": {"ready": 1, "delayed": 0}}
        assert to_plain(channel) == Migrated(delayed=1)
