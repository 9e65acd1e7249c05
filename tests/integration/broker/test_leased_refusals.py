"""A server that refuses in the middle of things: nothing is lost, nobody spins, and the other queues go on."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import redis
from kombu import Consumer, Queue

from simple_queues import claims, put, take
from tasks_platform.broker.leased.graveyard import Graveyard
from tasks_platform.broker.leased.names import Names
from tasks_platform.broker.leased.pace import Slots
from tasks_platform.broker.leased.scripts import Scripts
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kombu import Connection

names = Names()


@pytest.fixture
def server_of_its_own(redis_db: redis.Redis) -> Iterator[redis.Redis]:
    """Return a client of the server whose configuration is restored."""
    yield redis_db
    redis_db.config_set("min-replicas-to-write", 0)


def drained(connection: Connection, *queues: str, seconds: float, prefetch: int = 10) -> list[Any]:
    """Return what a consumer of *queues* gets within *seconds*; it acknowledges nothing."""
    got: list[Any] = []
    consumer = Consumer(
        connection.default_channel,
        [Queue(name, no_declare=True) for name in queues],
        callbacks=[lambda _, message: got.append(message)],
        prefetch_count=prefetch,
    )
    with consumer:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                connection.drain_events(timeout=left)
            except TimeoutError:
                break
    return got


def test_a_key_that_is_no_list_costs_the_other_queues_nothing(connection: Connection, redis_db: redis.Redis) -> None:
    put(connection, "a", 1)
    redis_db.set("b", "somebody else's")
    (message,) = drained(connection, "a", "b", seconds=0.5)
    assert (message.payload, claims(redis_db)) == (1, 1)


def test_a_due_message_waits_while_its_list_is_taken_by_something_else(
    connection: Connection, redis_db: redis.Redis
) -> None:
    put(connection, "q", 1, headers={"eta": (datetime.now(UTC) + timedelta(seconds=0.1)).isoformat()})
    redis_db.set("q", "somebody else's")
    assert drained(connection, "q", seconds=0.5) == []
    assert redis_db.zcard(names.delayed("q")) == 1
    redis_db.delete("q")
    assert take(connection, "q", timeout=10).payload == 1


def test_what_cannot_go_back_into_its_list_lies_in_the_graveyard(connection: Connection, redis_db: redis.Redis) -> None:
    for number in range(3):
        put(connection, "q", number)
    messages = [take(connection, "q") for _ in range(3)]
    redis_db.set("q", "somebody else's")
    for message in messages:
        message.requeue()
    found = [buried.raw for _, buried in Graveyard(redis_db, names.graveyard).oldest(10)]
    assert (len(found), claims(redis_db)) == (3, 0)
    assert all(message.delivery_tag.encode() in raw for message, raw in zip(messages, found, strict=True))


def test_a_server_that_refuses_to_write_is_asked_now_and_then(
    connection: Connection, server_of_its_own: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    put(connection, "q", 1)
    server_of_its_own.config_set("min-replicas-to-write", 1)
    before = server_of_its_own.info("stats")["total_commands_processed"]
    with caplog.at_level(logging.ERROR, "tasks_platform.broker.leased"):
        assert drained(connection, "q", seconds=2.5) == []
    asked = server_of_its_own.info("stats")["total_commands_processed"] - before
    assert asked < 150  # all that scripts do is counted, and the start of connections; a loop asks thousands of times
    refused = [record for record in caplog.records if "refuses" in record.getMessage()]
    assert 1 <= len(refused) <= 2  # the claim, and the waiting; not each time
    server_of_its_own.config_set("min-replicas-to-write", 0)
    (message,) = drained(connection, "q", seconds=2)
    message.ack()


def test_an_answer_that_nobody_reads_goes_back_when_the_lease_has_passed(
    connect: Callable[..., Connection], redis_db: redis.Redis
) -> None:
    connection = connect(lease_seconds=1)
    channel = connection.default_channel
    put(connection, "q", 1)
    with Consumer(channel, [Queue("q")], callbacks=[lambda *_: pytest.fail("it came too late")], prefetch_count=1):
        channel.connection.cycle._register_BRPOP(channel)  # the claim is sent, and its answer is left unread
        wait_for(lambda: claims(redis_db) == 1, 10)
        wait_for(lambda: claims(redis_db) == 0, 10, "the return of what nobody reads")
        assert redis_db.llen("q") == 1
        redis_db.delete("q")
        with suppress(TimeoutError):
            connection.drain_events(timeout=0.5)


def test_an_answer_that_is_read_late_does_not_begin_what_others_were_given(
    connect: Callable[..., Connection], redis_db: redis.Redis
) -> None:
    connection = connect(lease_seconds=2)
    channel = connection.default_channel
    put(connection, "q", 1)
    with Consumer(channel, [Queue("q")], callbacks=[lambda *_: pytest.fail("it is another's")], prefetch_count=1):
        channel.connection.cycle._register_BRPOP(channel)
        wait_for(lambda: claims(redis_db) == 1, 10)
        redis_db.delete(names.claimed(channel.lease.worker))  # a reaper takes it, while nothing moves here
        channel._brpop_sent_at -= 1.5
        with suppress(TimeoutError):
            connection.drain_events(timeout=0.3)


def test_who_has_no_free_slot_left_but_one_takes_one(connection: Connection, redis_db: redis.Redis) -> None:
    for number in range(5):
        put(connection, "q", number)
    connection.default_channel.slots = lambda: Slots(1, 0)
    got: list[Any] = []
    with Consumer(
        connection.default_channel,
        [Queue("q")],
        callbacks=[lambda _, message: got.append(message)],
        prefetch_count=4,
    ):
        connection.drain_events(timeout=5)
        assert (len(got), claims(redis_db)) == (1, 1)


def test_more_due_messages_than_one_step_moves_come_by_their_levels(connection: Connection) -> None:
    due = {"eta": (datetime.now(UTC) + timedelta(seconds=0.3)).isoformat()}
    for number in range(250):
        put(connection, "q", number, priority=9, headers=due)
    put(connection, "q", "critical", priority=0, headers=due)
    assert take(connection, "q", timeout=10).payload == "critical"


def test_a_server_that_takes_no_writes_is_trouble_also_for_a_worker_that_has_nothing(
    redis_db: redis.Redis, server_of_its_own: redis.Redis
) -> None:
    scripts = Scripts(redis_db, names, "idle")
    redis_db.zadd(names.workers, {"cannot keep its lease": 1})
    assert scripts.tend(3.0).dead == ("cannot keep its lease",)
    server_of_its_own.config_set("min-replicas-to-write", 1)
    with pytest.raises(redis.ResponseError, match="NOREPLICAS"):
        scripts.tend(3.0)
