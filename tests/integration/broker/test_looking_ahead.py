"""Messages that are taken before anybody can begin with them."""

from __future__ import annotations

from queue import Empty
from typing import TYPE_CHECKING, Any

import pytest
from kombu import Connection, Consumer, Queue
from kombu.transport.virtual import Base64

from simple_queues import end_lease, put
from tasks_platform.broker.leased import delivering, pace, payload
from tasks_platform.broker.leased.names import Names
from tasks_platform.broker.leased.pace import Slots
from tasks_platform.broker.leased.reaper import recover
from tasks_platform.broker.leased.scripts import Scripts
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import redis

names = Names()
JOBS = 60
SLOTS = 2
NORMAL = 3


class Worker:
    """A consumer that does what it gets at once, until it is busy."""

    def __init__(self, connection: Connection) -> None:
        self.channel: Any = connection.default_channel
        self.channel.slots = lambda: Slots(0 if self.busy else SLOTS, len(self.at_work))
        self.channel.call_later = lambda *later: self.later.append(later)
        self.connection = connection
        self.later: list[Any] = []
        self.busy = False
        self.at_work: list[Any] = []
        self.done: list[int] = []
        self.consumer = Consumer(self.channel, [Queue("q")], on_message=self.begin, accept=["json"])
        self.consumer.consume()

    def begin(self, message: Any) -> None:
        self.at_work.append(message)

    def turn(self) -> None:
        """Do what is there, and take what is free to be taken."""
        while self.at_work:
            message = self.at_work.pop(0)
            self.done.append(message.payload)
            message.ack()
        if not self.channel.deliver_ahead():
            try:
                self.connection.drain_events(timeout=0.2)
            except TimeoutError:
                return

    @property
    def name(self) -> str:
        return str(self.channel.lease.worker)


@pytest.fixture
def worker(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    """Return a worker that has begun with a few, and has some ahead while it is busy."""
    monkeypatch.setattr(pace, "HORIZON", 60.0)  # however slow the machine is
    monkeypatch.setattr(delivering, "_PATIENCE", 60.0)
    for number in range(JOBS):
        put(connection, "q", number, priority=NORMAL)
    worker = Worker(connection)
    while not worker.channel._ahead:
        worker.turn()
    worker.busy = True
    yield worker
    worker.consumer.cancel()


def ahead(redis_db: redis.Redis, worker: Worker) -> int:
    return int(redis_db.scard(names.ahead(worker.name)))  # type: ignore[arg-type]


def left(redis_db: redis.Redis) -> list[int]:
    """Return what waits in the queue, what comes first first."""
    found: Any = redis_db.lrange(names.ready("q", NORMAL), 0, -1)
    return [int(payload_of(raw)) for raw in reversed(found)]


def payload_of(raw: bytes) -> Any:
    return Base64().decode(payload.read(raw)["body"])


def test_what_is_done_quickly_is_taken_in_fewer_steps_and_in_order(worker: Worker, redis_db: redis.Redis) -> None:
    redis_db.config_resetstat()
    worker.busy = False
    while len(worker.done) < JOBS:
        worker.turn()
    assert worker.done == list(range(JOBS))
    stats: Any = redis_db.info("commandstats")
    assert stats["cmdstat_hset"]["calls"] < JOBS / 3  # claims that took something
    assert ahead(redis_db, worker) == 0
    wait_for(lambda: redis_db.hlen(names.claimed(worker.name)) == 0, 10, "the acknowledgements")


def test_nobody_else_begins_with_what_is_ahead_and_it_is_said_when_somebody_has(
    worker: Worker, redis_db: redis.Redis
) -> None:
    before = len(worker.channel._ahead)
    wait_for(lambda: ahead(redis_db, worker) == before, 10, "the word of those before")
    worker.at_work.clear()
    worker.busy = False
    assert worker.channel.deliver_ahead() == min(before, SLOTS)
    wait_for(lambda: ahead(redis_db, worker) == before - len(worker.at_work), 10, "the word")


def test_what_nobody_could_begin_with_goes_back_in_order_and_as_it_was(
    worker: Worker, redis_db: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    ((seconds, look),) = worker.later
    assert seconds == 60
    look()
    assert len(worker.later) == 2  # it goes on looking after them
    monkeypatch.setattr(delivering, "_PATIENCE", 0.0)
    look()
    waiting = [message.payload for message in worker.at_work]
    assert left(redis_db) == [number for number in range(JOBS) if number not in {*worker.done, *waiting}]
    found: Any = redis_db.lrange(names.ready("q", NORMAL), 0, -1)
    assert not any("redelivered" in payload.read(raw)["headers"] for raw in found)
    assert (ahead(redis_db, worker), len(worker.later)) == (0, 2)


def test_what_is_urgent_comes_before_what_was_taken_ahead_for_long(
    worker: Worker, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(connection, "q", JOBS, priority=0)
    monkeypatch.setattr(delivering, "_PATIENCE", 0.0)
    worker.busy = False
    worker.turn()
    monkeypatch.setattr(delivering, "_PATIENCE", 60.0)
    before = len(worker.done)
    while JOBS not in worker.done:
        worker.turn()
    assert worker.done.index(JOBS) <= before


def test_what_came_again_is_not_begun_with_twice(worker: Worker, redis_db: redis.Redis) -> None:
    end_lease(redis_db, worker.name)
    recover(Scripts(redis_db, names, "rescuer"), worker.name, 5)
    lease = worker.channel.lease
    lease.held.lost(frozenset(), lease.held.numbers())
    worker.at_work.clear()
    worker.busy = False
    while len(worker.done) < JOBS:
        worker.turn()
    assert len(worker.done) == len({*worker.done}) == JOBS


def test_an_event_of_a_socket_that_is_closed_is_no_answer(connection: Connection) -> None:
    worker = Worker(connection)
    worker.turn()  # it waits for a signal
    waiting = worker.channel._in_poll
    with pytest.raises(Empty):
        worker.channel._brpop_read()  # nothing has come
    assert worker.channel._in_poll is waiting
    worker.channel._stop_waiting()
    with pytest.raises(Empty):
        worker.channel._brpop_read()
    put(connection, "q", 1)
    wait_for(lambda: worker.turn() or worker.done == [1], 10, "the message")
    worker.consumer.cancel()


@pytest.mark.parametrize("end", [lambda it: it.consumer.cancel(), lambda it: it.channel.close()])
def test_who_stops_gives_back_what_it_had_ahead(
    worker: Worker, redis_db: redis.Redis, end: Callable[[Worker], None]
) -> None:
    end(worker)
    waiting = [message.payload for message in worker.at_work]
    wait_for(lambda: left(redis_db) == [number for number in range(JOBS) if number not in {*worker.done, *waiting}], 10)


def test_a_death_counts_for_what_was_begun_with(worker: Worker, redis_db: redis.Redis) -> None:
    begun = {message.payload for message in worker.at_work}
    had = len(worker.channel._ahead)
    wait_for(lambda: ahead(redis_db, worker) == had, 10, "the word of those that were begun with")
    end_lease(redis_db, worker.name)
    assert recover(Scripts(redis_db, names, "rescuer"), worker.name, 5) == had + len(begun) > SLOTS
    found: Any = redis_db.lrange(names.ready("q", NORMAL), 0, -1)
    died = {int(payload_of(raw)) for raw in found if payload.read(raw)["headers"].get(payload.DELIVERIES)}
    assert died == begun


def test_what_is_never_said_to_be_begun_counts_when_it_comes_back_too_often() -> None:
    raw = b'{"headers": {}, "properties": {"delivery_tag": "t"}}'
    counts = []
    for _ in range(8):
        raw, deaths = payload.returned(raw, from_dead="worker", begun=False)
        counts.append(deaths)
    assert counts == [0, 0, 0, 0, 0, 1, 2, 3]


def test_who_lost_its_lease_does_not_begin_with_what_it_had_ahead(worker: Worker, redis_db: redis.Redis) -> None:
    had = len(worker.at_work)
    end_lease(redis_db, worker.name)
    recover(Scripts(redis_db, names, "rescuer"), worker.name, 5)
    lease = worker.channel.lease
    lease.held.lost(frozenset(), lease.held.numbers())
    worker.busy = False
    assert worker.channel.deliver_ahead() == 0
    assert len(worker.at_work) == had


def test_a_consumer_that_fails_leaves_the_rest_where_it_is(worker: Worker, redis_db: redis.Redis) -> None:
    def fail(_: Any) -> None:
        raise ArithmeticError

    worker.consumer.on_message = fail
    worker.busy = False
    worker.at_work.clear()
    before = len(worker.channel._ahead)
    with pytest.raises(ArithmeticError):
        worker.channel.deliver_ahead()
    assert len(worker.channel._ahead) == before - 1
    wait_for(lambda: ahead(redis_db, worker) == before - 1, 10)


def in_a_hurry(worker: Worker) -> int:
    """Let *worker* be quick, with a queue of its own; return how many it had ahead before it filled that."""
    worker.busy = False
    while len(worker.done) < JOBS / 3 or not worker.channel._ahead:
        worker.turn()
    had = len(worker.channel._ahead)
    worker.channel.has_queue = True
    return had


def test_in_front_of_a_queue_a_few_more_are_delivered_and_the_server_hears_when_somebody_begins(
    worker: Worker, redis_db: redis.Redis
) -> None:
    had = in_a_hurry(worker)
    wait_for(lambda: ahead(redis_db, worker) == had, 10, "the word of those before")
    before = len(worker.at_work)
    delivered = worker.channel.deliver_ahead()
    queued = worker.at_work[before:]
    assert SLOTS < len(worker.at_work) == before + delivered <= before + had
    assert not worker.channel.is_half_empty
    assert ahead(redis_db, worker) == had
    for message in queued:
        worker.channel.lease.begun(message.delivery_tag)
    wait_for(lambda: ahead(redis_db, worker) == had - delivered, 10, "the word")


def test_what_nobody_has_begun_with_goes_back_from_the_queue_as_it_was(worker: Worker, redis_db: redis.Redis) -> None:
    in_a_hurry(worker)
    worker.channel.deliver_ahead()
    back = worker.at_work[SLOTS:]
    del worker.at_work[SLOTS:]
    worker.channel.qos.put_back([message.delivery_tag for message in back])
    assert left(redis_db)[: len(back)] == [message.payload for message in back] != []
    found: Any = redis_db.lrange(names.ready("q", NORMAL), 0, -1)
    assert not any("redelivered" in payload.read(raw)["headers"] for raw in found)
    assert worker.channel.is_half_empty
