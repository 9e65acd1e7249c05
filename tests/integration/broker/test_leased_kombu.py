"""What programs do with kombu: the same on its own Redis transport and on the leased one."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from queue import Empty
from typing import TYPE_CHECKING, Any

import pytest
import redis
from kombu import Connection, Consumer, Exchange, Queue
from kombu.mixins import ConsumerMixin
from kombu.simple import SimpleBuffer, SimpleQueue
from kombu.transport import redis as kombu_redis

from simple_queues import STEPS, claims, put, take
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LATER = (datetime.now(UTC) + timedelta(days=1)).isoformat()


@pytest.fixture(params=["redis", "leased"])
def connect(request: pytest.FixtureRequest, redis_url: str) -> Iterator[Callable[..., Connection]]:
    """Return what connects to the broker, by kombu's own transport and then by the leased one."""
    url = redis_url if request.param == "redis" else f"leased+{redis_url}"
    opened = []

    def connect(**options: Any) -> Connection:
        opened.append(Connection(url, transport_options={"priority_steps": STEPS, **options}))
        return opened[-1]

    yield connect
    for connection in opened:
        connection.close()


def owed(client: redis.Redis) -> int:
    """Count the messages that were delivered and not acknowledged yet."""
    return claims(client) + int(client.hlen("unacked"))


def bodies(connection: Connection, *queues: Queue, count: int, **options: Any) -> list[Any]:
    """Consume *count* messages, acknowledge them, and return what they say."""
    found: list[Any] = []

    def receive(body: Any, message: Any) -> None:
        found.append(body)
        message.ack()

    with Consumer(connection, queues, callbacks=[receive], **options):
        while len(found) < count:
            connection.drain_events(timeout=5)
    return found


def test_a_simple_queue_puts_counts_gets_and_clears(connection: Connection, redis_db: redis.Redis) -> None:
    with connection.SimpleQueue("q") as simple:
        for number in range(4):
            simple.put({"number": number})
        assert (simple.qsize(), len(simple)) == (4, 4)
        got = [simple.get(timeout=5), simple.get(block=False), simple.get_nowait()]
        assert sorted(message.payload["number"] for message in got) == [0, 1, 2]
        assert owed(redis_db) == 3
        for message in got:
            message.ack()
        assert (simple.clear(), owed(redis_db)) == (1, 0)


def test_a_simple_queue_with_nothing_in_it_is_empty_at_once_or_after_its_timeout(connection: Connection) -> None:
    with connection.SimpleQueue("q") as simple:
        with pytest.raises(Empty):
            simple.get(block=False)
        began = time.monotonic()
        with pytest.raises(Empty):
            simple.get(timeout=0.3)
        assert 0.3 <= time.monotonic() - began < 4  # not when the consumer would look by itself


def test_a_simple_buffer_records_nothing(connection: Connection, redis_db: redis.Redis) -> None:
    with SimpleBuffer(connection, "b") as buffer:
        buffer.put("x")
        assert (buffer.get(timeout=5).payload, owed(redis_db)) == ("x", 0)


def test_draining_events_in_vain_raises_a_timeout(connection: Connection) -> None:
    with Consumer(connection, [Queue("q")]):
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            connection.drain_events(timeout=0.3)
        assert 0.3 <= time.monotonic() - began < 4


def test_a_message_that_was_got_is_recorded_and_an_empty_queue_has_none(
    connection: Connection, redis_db: redis.Redis
) -> None:
    put(connection, "q", 1)
    channel = connection.default_channel
    message = channel.basic_get("q")
    assert (message.payload, owed(redis_db), channel.basic_get("q")) == (1, 1, None)
    channel.basic_ack(message.delivery_tag)
    assert owed(redis_db) == 0


def test_a_message_that_is_got_for_good_is_nobodys(connection: Connection, redis_db: redis.Redis) -> None:
    put(connection, "q", 1)
    message = connection.default_channel.basic_get("q", no_ack=True)
    assert (message.payload, owed(redis_db), connection.default_channel.basic_get("q", no_ack=True)) == (1, 0, None)
    connection.close()
    assert redis_db.llen("q") == 0


def test_what_is_recovered_comes_again_first(connection: Connection, redis_db: redis.Redis) -> None:
    for number in range(5):
        put(connection, "q", number)
    channel = connection.default_channel
    got = [channel.basic_get("q") for _ in range(3)]
    got[1].ack()
    channel.basic_recover(requeue=True)
    assert (owed(redis_db), redis_db.llen("q")) == (0, 4)
    assert sorted(take(connection, "q").payload for _ in range(2)) == [0, 2]
    assert [take(connection, "q").payload for _ in range(2)] == [3, 4]


def test_what_is_refused_comes_again_last(connection: Connection, redis_db: redis.Redis) -> None:
    for number in range(3):
        put(connection, "q", number)
    first = take(connection, "q")
    first.reject(requeue=True)
    assert owed(redis_db) == 0
    again = [take(connection, "q") for _ in range(3)]
    assert [message.payload for message in again] == [1, 2, 0]
    assert [message.delivery_info.get("redelivered", False) for message in again] == [False, False, True]


def test_a_topic_exchange_sends_a_copy_to_every_queue_whose_pattern_fits(connection: Connection) -> None:
    topics = Exchange("topics", type="topic")
    queues = [Queue("all", topics, routing_key="#"), Queue("stock", topics, routing_key="stock.*")]
    with connection.Producer() as producer:
        for key in ("stock.new", "news"):
            producer.publish(key, exchange=topics, routing_key=key, declare=queues)
    assert bodies(connection, queues[0], count=2) == ["stock.new", "news"]
    assert bodies(connection, queues[1], count=1) == ["stock.new"]
    with connection.SimpleQueue(queues[1]) as rest, pytest.raises(Empty):
        rest.get(block=False)


def test_a_fanout_exchange_reaches_everybody_who_listens(
    connect: Callable[..., Connection], redis_db: redis.Redis
) -> None:
    fanout = Exchange("fans", type="fanout")
    heard: dict[int, list[Any]] = {0: [], 1: []}
    listeners = [connect(), connect()]
    consumers = [
        Consumer(listener, [Queue(f"fan-{number}", fanout)], on_message=heard[number].append, no_ack=True)
        for number, listener in enumerate(listeners)
    ]
    with connect().Producer() as producer, consumers[0], consumers[1]:
        for listener in listeners:
            with suppress(TimeoutError):
                listener.drain_events(timeout=0.05)  # it subscribes
        wait_for(lambda: redis_db.pubsub_numpat() == 1, 5, "the listeners")
        producer.publish("hello", exchange=fanout, routing_key="", declare=[fanout])
        for number, listener in enumerate(listeners):
            while not heard[number]:
                listener.drain_events(timeout=5)
        assert [[message.payload for message in messages] for messages in heard.values()] == [["hello"]] * 2


def test_several_queues_are_consumed_by_one_consumer_and_one_of_them_no_longer_when_it_is_cancelled(
    connection: Connection, redis_db: redis.Redis
) -> None:
    found: list[Any] = []
    first, second = Queue("first"), Queue("second")
    with Consumer(connection, [first], on_message=found.append, no_ack=True) as consumer:
        with pytest.raises(TimeoutError):
            connection.drain_events(timeout=0.05)
        consumer.add_queue(second)
        consumer.consume()
        put(connection, "second", 1)
        connection.drain_events(timeout=4)  # before it would have looked by itself
        consumer.cancel_by_queue("second")
        put(connection, "second", 2)
        put(connection, "first", 3)
        connection.drain_events(timeout=4)
        assert [message.payload for message in found] == [1, 3]
        with pytest.raises(TimeoutError):
            connection.drain_events(timeout=0.2)
    assert (redis_db.llen("second"), owed(redis_db)) == (1, 0)


def test_a_purge_and_a_deletion_leave_nothing(connection: Connection, redis_db: redis.Redis) -> None:
    queue = Queue("q", Exchange("q"), routing_key="q", channel=connection.default_channel)
    queue.declare()
    put(connection, "q", 1)
    put(connection, "q", 2, priority=9)
    put(connection, "q", 3, headers={"eta": LATER})
    assert queue.purge() == 3
    put(connection, "q", 4)
    queue.delete(if_empty=True)
    assert redis_db.llen("q") == 1
    queue.delete()
    assert redis_db.llen("q") == 0
    assert redis_db.smembers("_kombu.binding.q") == set()


def test_a_batch_goes_in_pieces_of_its_size_and_comes_in_its_order(
    connection: Connection, redis_db: redis.Redis
) -> None:
    exchange = Exchange("q")
    queue = Queue("q", exchange, routing_key="q")
    assert connection.transport.implements.batch_publish
    with connection.Producer() as producer:
        with producer.batch(max_size=10):
            for number in range(25):
                producer.publish(number, exchange=exchange, routing_key="q", declare=[queue], retry=False)
        assert redis_db.llen("q") == 25
        with suppress(ZeroDivisionError), producer.batch(max_size=100):
            producer.publish("never", exchange=exchange, routing_key="q")
            raise ZeroDivisionError
    assert bodies(connection, queue, count=25, prefetch_count=7) == list(range(25))
    assert redis_db.llen("q") == 0


@pytest.mark.parametrize("compression", ["zlib", "bzip2", "lzma"])
def test_a_compressed_message_is_read(connection: Connection, redis_db: redis.Redis, compression: str) -> None:
    put(connection, "q", "x" * 10_000, compression=compression)
    assert len(redis_db.lindex("q", 0)) < 2000
    assert take(connection, "q").payload == "x" * 10_000


@pytest.mark.parametrize("serializer", ["json", "pickle"])
def test_a_body_of_any_serializer_is_read(connection: Connection, serializer: str) -> None:
    with SimpleQueue(connection, "q", serializer=serializer, accept=[serializer]) as simple:
        simple.put({"a": [1, "ü"]})
        assert simple.get(timeout=5).payload == {"a": [1, "ü"]}


def test_kombus_own_steps_of_priority_are_kept(connect: Callable[..., Connection], redis_db: redis.Redis) -> None:
    connection = connect(priority_steps=kombu_redis.PRIORITY_STEPS)
    for priority in (9, 5, 0, 4, 7):
        put(connection, "q", priority, priority=priority)
    assert redis_db.llen("q\x06\x163") == 2
    assert [take(connection, "q").payload for _ in range(5)] == [0, 5, 4, 7, 9]


@pytest.mark.parametrize("strategy", ["round_robin", "sorted", "priority"])
def test_queues_are_taken_in_turn_or_in_their_order(connect: Callable[..., Connection], strategy: str) -> None:
    connection = connect(queue_order_strategy=strategy)
    for number in range(2):
        for name in ("b", "a"):
            put(connection, name, f"{name}{number}")
    found = bodies(connection, Queue("b"), Queue("a"), count=4, prefetch_count=1)
    turns = {"sorted": ["a0", "a1", "b0", "b1"], "priority": ["b0", "b1", "a0", "a1"]}
    assert found == turns.get(strategy, found)
    assert strategy != "round_robin" or sorted(found[:2]) == ["a0", "b0"]


class Takes(ConsumerMixin):
    """A program that consumes, and loses its connection on its way."""

    def __init__(self, connection: Connection, server: redis.Redis) -> None:
        self.connection = connection
        self.server = server
        self.taken: list[Any] = []

    def get_consumers(self, Consumer: Any, channel: Any) -> list[Any]:  # noqa: N803 - kombu's own
        return [Consumer([Queue("q")], callbacks=[self.on_task], prefetch_count=2)]

    def on_task(self, body: Any, message: Any) -> None:
        if body == 1 and not self.taken.count(1):
            self.server.client_kill_filter(_type="normal", skipme=True)
        self.taken.append(body)
        message.ack()
        self.should_stop = body == "last"


def test_a_consumer_mixin_goes_on_where_its_connection_was_cut(
    connect: Callable[..., Connection], redis_db: redis.Redis
) -> None:
    sender = connect()
    for body in (0, 1, 2, 3, "last"):
        put(sender, "q", body)
    takes = Takes(connect(), redis_db)
    takes.run(_tokens=1)
    assert takes.taken == [0, 1, 2, 3, "last"]
    assert redis_db.llen("q") == 0
