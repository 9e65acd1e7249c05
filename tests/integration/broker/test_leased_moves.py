"""A job that runs again moves its own message: nobody else's, into all its queues, and wherever the broker went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import redis
from celery.signals import after_task_publish, before_task_publish
from kombu import Connection, Exchange, Producer, Queue

from simple_queues import claims, end_lease, put, take
from tasks_platform.broker.leased import in_place_of
from tasks_platform.broker.leased.names import Names
from tasks_platform.broker.leased.reaper import recover
from tasks_platform.broker.leased.scripts import Scripts
from tasks_platform.celery import PlatformApp
from tasks_platform.settings import Settings
from tasks_platform.task.envelope import resend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

names = Names()


@pytest.fixture
def app(redis_url: str) -> Iterator[PlatformApp]:
    settings = Settings(redis_url=redis_url, business=False)  # type: ignore[arg-type]
    with PlatformApp("moves", settings=settings, set_as_current=False) as app:
        yield app
        app.store.client.close()


def again(connection: Connection, message: Any, body: Any) -> None:
    """Let the job of *message* run again, with another body."""
    with in_place_of(message.delivery_info["claim"], "job"):
        put(connection, "q", body, headers={"id": "job"})


def claimed(connection: Connection) -> Any:
    """Return the message of a job that was claimed."""
    put(connection, "q", "old", headers={"id": "job"})
    return take(connection, "q")


@pytest.mark.parametrize("signal", [before_task_publish, after_task_publish])
def test_a_job_that_is_sent_while_another_one_is_retried_takes_no_place_and_is_not_swallowed(
    app: PlatformApp, redis_db: redis.Redis, signal: Any
) -> None:
    def does() -> None:
        """Run nowhere: this is about messages."""

    task, audit = (app.task(does, name=name, shared=False) for name in ("moves.retried", "moves.audit"))

    def send_another(sender: str, **_: Any) -> None:
        if sender == task.name:
            audit.apply_async(queue="audit")

    task.apply_async(queue="q", task_id="job")
    with app.connection_for_read() as connection:
        message = take(connection, "q")
        signal.connect(send_another, weak=False)
        try:
            sent: Any = {"args": [], "kwargs": {}, "options": {"queue": "q", "task_id": "job"}}
            resend(task, sent, {}, attempt=2, claim=message.delivery_info["claim"])
        finally:
            signal.disconnect(send_another)
        message.ack()
        retried, other = take(connection, "q"), take(connection, "audit")
        assert (retried.headers["id"], retried.headers["retries"]) == ("job", 1)
        assert other.headers["task"] == "moves.audit"
        retried.ack()
        other.ack()
    assert claims(redis_db) == 0


def test_a_message_with_two_queues_comes_into_both_once_however_often_it_is_sent(
    connection: Connection, redis_db: redis.Redis
) -> None:
    exchange = Exchange("both", "direct")
    queues = [Queue(name, exchange, "k") for name in ("q", "r")]
    message = claimed(connection)
    with in_place_of(message.delivery_info["claim"], "job"):
        for _ in range(2):  # the second time because an answer was lost
            options: Any = {"exchange": exchange, "routing_key": "k", "declare": queues, "headers": {"id": "job"}}
            Producer(connection).publish("new", **options)
    message.ack()
    assert [redis_db.llen(name) for name in ("q", "r")] == [1, 1]
    assert claims(redis_db) == 0


def test_a_server_that_has_lost_everything_is_told_of_the_job_again(
    connect: Callable[..., Connection], redis_db: redis.Redis
) -> None:
    message = claimed(connect())
    redis_db.flushall()
    put(connect(), "r", "sent since")
    other = take(connect(), "r")  # the worker goes on
    again(connect(), message, "new")
    message.ack()
    assert (take(connect(), "q").payload, other.payload) == ("new", "sent since")


def test_a_job_that_was_claimed_at_another_broker_is_published(
    connect: Callable[..., Connection], redis_db: redis.Redis
) -> None:
    here, there = connect(), connect(global_keyprefix="there:")
    message = claimed(here)
    again(there, message, "new")
    assert redis_db.llen("there:q") == 1
    message.ack()
    assert claims(redis_db) == 0


def test_what_was_given_to_another_worker_is_not_sent_beside_it(connection: Connection, redis_db: redis.Redis) -> None:
    message = claimed(connection)
    _, _, worker = message.delivery_info["claim"].partition("@")
    end_lease(redis_db, worker)
    assert recover(Scripts(redis_db, names, "rescuer"), worker, 5) == 1
    again(connection, message, "new")
    assert (redis_db.llen("q"), redis_db.zscore(names.dead, worker) is not None) == (1, True)
    message.ack()
    assert take(connection, "q").payload == "old"
