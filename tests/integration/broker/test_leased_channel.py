"""The leased transport as kombu is used: queues, priorities, acknowledgements, and what nobody can read."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import redis
from kombu import Connection, Consumer, Exchange, Queue
from kombu.simple import SimpleQueue

from simple_queues import STEPS, claims, put, take
from tasks_platform.broker.leased import in_place_of
from tasks_platform.broker.leased.graveyard import Buried, Graveyard
from tasks_platform.broker.leased.names import Names
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable

names = Names()


def test_a_message_is_recorded_until_it_is_acknowledged(connection: Connection, redis_db: redis.Redis) -> None:
    put(connection, "q", 1)
    message = take(connection, "q")
    assert (message.payload, claims(redis_db), redis_db.zcard(names.workers)) == (1, 1, 1)
    message.ack()
    assert (claims(redis_db), redis_db.zcard(names.workers)) == (0, 0)


def test_levels_come_in_their_order_and_each_as_it_was_put(connection: Connection) -> None:
    for number, step in enumerate([9, 3, 0, 6, 1] * 2):
        put(connection, "q", [step, number], priority=step)
    taken = [take(connection, "q").payload for _ in range(10)]
    assert taken == sorted(taken)


def test_a_plain_producer_is_heard_and_a_plain_consumer_hears(
    connection: Connection, redis_url: str, redis_db: redis.Redis
) -> None:
    with Connection(redis_url) as plain:
        put(plain, "q", "from plain")
        assert take(connection, "q").payload == "from plain"
        put(connection, "q", "to plain")
        assert redis_db.llen("q") == 1
        message = take(plain, "q")
        assert message.payload == "to plain"
        message.ack()


def test_what_is_given_back_is_marked_and_comes_last_what_is_refused_lies_in_the_graveyard(
    connection: Connection, redis_db: redis.Redis
) -> None:
    put(connection, "q", 1)
    put(connection, "q", 2)
    take(connection, "q").requeue()
    second = take(connection, "q")
    assert second.payload == 2
    second.reject()
    first = take(connection, "q")
    assert (first.payload, first.headers["redelivered"], first.delivery_info["redelivered"]) == (1, True, True)
    ((_, buried),) = Graveyard(redis_db, names.graveyard).oldest(10)
    assert (buried.reason, buried.queue, json.loads(buried.raw)["properties"]["delivery_tag"]) == (
        "rejected",
        "q",
        second.delivery_tag,
    )


def test_a_message_goes_back_when_nobody_knows_it_any_more(connect: Callable[..., Connection]) -> None:
    connection = connect()
    put(connection, "q", 1)
    message = take(connection, "q")
    connection.close()
    del message
    gc.collect()
    assert take(connect(), "q").payload == 1


def test_a_message_that_somebody_works_on_outlives_its_connection(
    connect: Callable[..., Connection], redis_db: redis.Redis
) -> None:
    connection = connect()
    put(connection, "q", 1)
    message = take(connection, "q")
    connection.close()
    assert (claims(redis_db), redis_db.llen("q")) == (1, 0)
    message.ack()
    assert (claims(redis_db), redis_db.llen("q")) == (0, 0)


@pytest.mark.parametrize(
    "garbage",
    [
        b"not json",
        b"\xff\xfe",
        b"[]",
        b"1",
        b"{}",
        b'{"properties": {}}',
        b'{"properties": {"delivery_tag": 1}}',
        b'{"properties": {"delivery_tag": "x"}, "headers": []}',
        b'{"properties": {"delivery_tag": "x"}, "body": 1}',
        b'{"properties": {"delivery_tag": "x", "delivery_info": 1}}',
        b"[" * 100_000,
        b'{"properties": {"delivery_tag": "x", "body_encoding": "base64"}, "body": "AAAAA"}',
        b'{"properties": {"delivery_tag": "x", "body_encoding": "rot13"}, "body": "x"}',
        b'{"properties": {"delivery_tag": "x", "body_encoding": 5}, "body": "x"}',
        b'{"properties": {"delivery_tag": "x"}, "headers": {"a": {"__type__": "decimal", "__value__": "abc"}}}',
        b'{"properties": {"delivery_tag": "x"}, "headers": {"a": {"__type__": "uuid", "__value__": {"hex": 5}}}}',
    ],
)
@pytest.mark.parametrize("gets", [False, True], ids=["consumed", "got"])
def test_garbage_goes_to_the_graveyard_as_it_is_and_hurts_nobody(
    connection: Connection, redis_db: redis.Redis, garbage: bytes, *, gets: bool
) -> None:
    redis_db.lpush("q", garbage)
    put(connection, "q", "sense")
    message = connection.default_channel.basic_get("q") if gets else take(connection, "q")
    assert message.payload == "sense"
    message.ack()
    ((stored, buried),) = Graveyard(redis_db, names.graveyard).oldest(10)
    assert (buried.reason, buried.raw, claims(redis_db)) == ("unreadable", garbage, 0)
    Graveyard(redis_db, names.graveyard).remove(stored)
    assert len(Graveyard(redis_db, names.graveyard)) == 0


def test_a_message_that_needs_no_acknowledgement_is_got_once(
    connect: Callable[..., Connection], redis_db: redis.Redis
) -> None:
    connection = connect()
    put(connection, "q", 1)
    assert connection.default_channel.basic_get("q", no_ack=True).payload == 1
    assert (claims(redis_db), redis_db.llen("q")) == (0, 0)
    redis_db.lpush("q", b"garbage")
    assert connection.default_channel.basic_get("q", no_ack=True) is None
    assert len(Graveyard(redis_db, names.graveyard)) == 1


def test_what_else_lies_in_the_graveyard_is_read_as_it_is(redis_db: redis.Redis) -> None:
    redis_db.lpush(names.graveyard, b"\xff")
    ((_, buried),) = Graveyard(redis_db, names.graveyard).oldest(1)
    assert buried.raw == Buried.read(buried.write()).raw == b"\xff"


def test_a_delayed_message_stays_in_redis_and_comes_when_it_is_due(
    connection: Connection, redis_db: redis.Redis
) -> None:
    due = datetime.now(UTC) + timedelta(seconds=0.5)
    put(connection, "q", "later", headers={"eta": due.isoformat()})
    put(connection, "q", "now")
    assert (redis_db.zcard(names.delayed("q")), redis_db.llen("q")) == (1, 1)
    assert take(connection, "q").payload == "now"
    message = take(connection, "q")
    assert datetime.now(UTC) >= due
    assert (message.payload, message.headers["eta"], message.headers["x-eta"]) == ("later", None, due.isoformat())


@pytest.mark.parametrize("eta", ["tomorrow", "9999-99-99", 5, {}])
def test_a_moment_that_is_none_is_left_to_the_worker(connection: Connection, eta: Any) -> None:
    put(connection, "q", 1, headers={"eta": eta})
    assert take(connection, "q").headers["eta"] == eta


def test_a_delayed_message_of_a_plain_producer_is_not_early(
    connection: Connection, redis_url: str, redis_db: redis.Redis
) -> None:
    due = datetime.now(UTC) + timedelta(seconds=1)
    with Connection(redis_url) as plain:
        put(plain, "q", "later", headers={"eta": due.isoformat()})
    assert (take(connection, "q").payload, datetime.now(UTC) >= due) == ("later", True)
    assert redis_db.llen("q") == 0


def test_an_idle_consumer_hears_of_a_message_at_once_and_says_little(
    connect: Callable[..., Connection], redis_db: redis.Redis
) -> None:
    heard: list[float] = []

    def consume() -> None:
        heard.extend((take(receiver, "q", timeout=20.0).payload, time.time()))

    receiver = connect()
    thread = threading.Thread(target=consume)
    thread.start()
    wait_for(lambda: any(it["cmd"] == "bzpopmin" for it in redis_db.client_list()), 10, "a consumer that waits")
    asleep = redis_db.info("commandstats")["cmdstat_bzpopmin"]["calls"]
    put(connect(), "q", 7)
    thread.join(10)
    assert heard[0] == 7
    assert redis_db.info("commandstats")["cmdstat_bzpopmin"]["calls"] <= asleep + 1


def test_a_purge_counts_and_drops_what_is_delayed_too(connection: Connection, redis_db: redis.Redis) -> None:
    for step in STEPS:
        put(connection, "q", step, priority=step)
    put(connection, "q", 1, headers={"eta": (datetime.now(UTC) + timedelta(days=1)).isoformat()})
    channel = connection.default_channel
    channel.queue_delete("q", if_empty=True)
    assert channel.queue_purge("q") == 6
    assert not [key for key in redis_db.keys("*") if b"q" in key and b"wake" not in key and b"_kombu" not in key]


def test_a_delayed_message_alone_keeps_its_queue(connection: Connection, redis_db: redis.Redis) -> None:
    put(connection, "q", 1, headers={"eta": (datetime.now(UTC) + timedelta(days=1)).isoformat()})
    channel = connection.default_channel
    assert channel._has_queue("q")
    channel.queue_delete("q", if_empty=True)
    assert redis_db.zcard(names.delayed("q")) == 1
    channel.queue_delete("q")
    assert redis_db.zcard(names.delayed("q")) == 0


def test_what_is_not_to_be_acknowledged_is_not_recorded(connection: Connection, redis_db: redis.Redis) -> None:
    with SimpleQueue(connection, "q", no_ack=True) as simple:
        simple.put(1)
        assert simple.get(timeout=5).payload == 1
        assert claims(redis_db) == 0


def test_replies_that_nobody_reads_do_not_lie_for_ever(connection: Connection, redis_db: redis.Redis) -> None:
    key = "0815.reply.celery.pidbox"
    put(connection, key, 1)
    assert 0 < redis_db.pttl(key) <= 60_000


def test_a_queue_that_expires_expires_with_all_its_lists(connection: Connection, redis_db: redis.Redis) -> None:
    queue = Queue("q", Exchange("q"), routing_key="q", expires=50.0)
    with connection.Producer() as producer:
        producer.publish(1, exchange=queue.exchange, routing_key="q", declare=[queue])
        producer.publish(2, exchange=queue.exchange, routing_key="q", priority=9, declare=[queue])
    assert all(0 < redis_db.pttl(names.ready("q", step)) <= 50_000 for step in (0, 9))


def test_every_key_has_the_prefix(connect: Callable[..., Connection], redis_db: redis.Redis) -> None:
    connection = connect(global_keyprefix="mine:")
    put(connection, "q", 1)
    put(connection, "q", 2, headers={"eta": (datetime.now(UTC) + timedelta(days=1)).isoformat()})
    with connection.Producer() as producer, producer.batch():
        producer.publish(3, routing_key="q")
    first = take(connection, "q")
    assert first.payload == 1
    first.requeue()
    assert [take(connection, "q").payload for _ in range(2)] == [3, 1]
    assert all(key.startswith(b"mine:") for key in redis_db.keys("*"))


def test_a_batch_is_put_and_heard_of(connection: Connection, redis_db: redis.Redis) -> None:
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    with connection.Producer() as producer, producer.batch(max_size=100):
        for number in range(10):
            producer.publish(number, routing_key="q", headers={"eta": later if number % 2 else None})
    assert (redis_db.llen("q"), redis_db.zcard(names.delayed("q")), redis_db.zcard(names.wake("q", 0))) == (5, 5, 1)


def test_a_claim_takes_no_more_than_may_be_consumed(connection: Connection, redis_db: redis.Redis) -> None:
    for number in range(9):
        put(connection, "q", number)
    got: list[Any] = []
    with Consumer(connection, [Queue("q", no_declare=True)], on_message=got.append, prefetch_count=4):
        while len(got) < 4:
            connection.drain_events(timeout=5)
        with pytest.raises(TimeoutError):
            connection.drain_events(timeout=0.2)
        assert (len(got), claims(redis_db), redis_db.llen("q")) == (4, 4, 5)
        for message in got[:2]:
            message.ack()
        while len(got) < 6:
            connection.drain_events(timeout=5)
        assert [message.payload for message in got] == list(range(6))


def test_a_consumer_that_fails_loses_nothing_of_what_came_with_its_message(
    connect: Callable[..., Connection], redis_db: redis.Redis
) -> None:
    connection = connect()
    for number in range(5):
        put(connection, "q", number)

    def fail(message: Any) -> None:
        raise LookupError(message.payload)

    consumer = Consumer(connection, [Queue("q", no_declare=True)], on_message=fail, prefetch_count=5)
    with consumer, pytest.raises(LookupError):
        connection.drain_events(timeout=5)
    connection.close()
    gc.collect()
    wait_for(lambda: redis_db.llen("q") == 5, 20, "all five")
    again = connect()
    assert [take(again, "q").payload for _ in range(5)] == list(range(5))


def test_what_a_job_has_put_back_itself_is_not_put_back_again(
    connect: Callable[..., Connection], redis_db: redis.Redis
) -> None:
    connection = connect()
    put(connection, "q", "old")
    message = take(connection, "q")
    with in_place_of(message.delivery_info["claim"], "job"):
        put(connection, "q", "new", headers={"id": "job"})
    assert redis_db.llen("q") == 1
    message.requeue()
    assert redis_db.llen("q") == 1
    assert take(connection, "q").payload == "new"


def test_a_process_that_ends_gives_back_what_it_has(redis_url: str, connection: Connection) -> None:
    put(connection, "q", 1)
    program = (
        "import sys, tasks_platform.broker.leased, kombu\n"
        "kept = kombu.Connection(sys.argv[1]).SimpleQueue('q').get(timeout=5)\n"
    )
    subprocess.run([sys.executable, "-c", program, f"leased+{redis_url}"], check=True, timeout=60)
    assert take(connection, "q", timeout=2).payload == 1


def test_kombu_knows_the_transport_in_a_process_that_imports_nothing_of_ours(redis_url: str) -> None:
    program = (
        "import sys, celery\n"
        "app = celery.Celery(broker=sys.argv[1])\n"
        "with app.connection_for_write() as connection:\n"
        "    print(type(connection.default_channel).__module__, connection.transport.driver_type)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, f"leased+{redis_url}"], check=True, timeout=60, capture_output=True, text=True
    )
    assert done.stdout.split() == ["tasks_platform.broker.leased.channel", "redis"]


def test_a_message_whose_claim_was_never_answered_goes_back(
    connect: Callable[..., Connection], redis_db: redis.Redis
) -> None:
    connection = connect(lease_seconds=0.6)
    channel = connection.default_channel
    with Consumer(connection, [Queue("q")], on_message=print, prefetch_count=5):
        channel.client.connection = channel.client.connection_pool.get_connection()
        put(connect(), "q", 1)
        channel._brpop_start()  # the claim is made, and its connection breaks before the answer is read
        wait_for(lambda: claims(redis_db) == 1, 5, "the claim")
        channel.client.connection.disconnect()
        wait_for(lambda: redis_db.llen("q") == 1, 10, "the message")
        assert claims(redis_db) == 0


def test_a_consumer_waits_for_no_signal_of_a_queue_that_it_has_left(
    connection: Connection, redis_db: redis.Redis
) -> None:
    with Consumer(connection, [Queue("q"), Queue("left")]) as consumer:
        with pytest.raises(TimeoutError):
            connection.drain_events(timeout=0.1)  # it waits
        consumer.cancel_by_queue("left")
        put(connection, "left", 1)
        with pytest.raises(TimeoutError):
            connection.drain_events(timeout=0.1)
        assert redis_db.zcard(names.wake("left", 0)) == 1


def test_a_channel_that_was_closed_has_lost_its_connection(connection: Connection) -> None:
    channel = connection.default_channel
    channel.close()
    with pytest.raises(connection.connection_errors, match="the channel was closed"):
        channel._put("q", {"body": "x", "headers": {"id": "1"}, "properties": {"delivery_info": {}}})
