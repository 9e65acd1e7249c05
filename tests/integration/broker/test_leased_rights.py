"""The rights that the README grants are enough, and a server that grants less is understood."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import redis
from kombu import Connection, Consumer, Exchange, Queue
from redis.exceptions import NoPermissionError

from readme_rights import rights
from redis_server import RedisServer, running_redis
from simple_queues import STEPS, claims, put, take
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Start a server that knows the users of the README."""
    with running_redis(tmp_path_factory.mktemp("rights")) as server:
        with redis.Redis.from_url(server.url) as admin:
            for user, rules in rights().items():
                admin.execute_command("ACL", "SETUSER", user, "on", f">{user}", *rules)
        yield server


@pytest.fixture
def admin(guarded: RedisServer) -> Iterator[redis.Redis]:
    """Return a client that may everything, on an empty server that has refused nothing yet."""
    with redis.Redis.from_url(guarded.url, decode_responses=True) as client:
        client.flushall()
        client.acl_log_reset()
        yield client


@pytest.fixture
def connect(guarded: RedisServer) -> Iterator[Callable[[str], Connection]]:
    """Return what connects as a user."""
    opened = []

    def connect(user: str) -> Connection:
        url = f"leased+redis://{user}:{user}@127.0.0.1:{guarded.port}/0"
        opened.append(Connection(url, transport_options={"priority_steps": STEPS, "lease_seconds": 1}))
        return opened[-1]

    yield connect
    for connection in opened:
        connection.close()


def send(connection: Connection, body: Any, **headers: Any) -> None:
    """Publish a job."""
    put(connection, "email", body, headers={"id": f"job-{body}", "task": "send", **headers})


def refused(admin: redis.Redis) -> list[tuple[str, str]]:
    """Return which user wanted what in vain."""
    return [(entry["username"], entry["object"]) for entry in admin.acl_log()]


def test_a_worker_and_a_producer_get_by_with_the_rights_of_the_readme(
    connect: Callable[[str], Connection], admin: redis.Redis
) -> None:
    producer, worker = connect("producer"), connect("worker")
    soon = datetime.now(UTC) + timedelta(seconds=2)
    put(producer, "email", "bulk", priority=9)
    send(producer, "now")
    send(producer, "later", eta=soon.isoformat())
    put(producer, "email", "plain and later", headers={"eta": soon.isoformat()})
    assert [take(worker, "email").payload for _ in range(2)] == ["now", "bulk"]
    late = [take(worker, "email") for _ in range(2)]
    assert {message.payload for message in late} == {"later", "plain and later"}
    late[0].reject(requeue=True)
    late[1].reject(requeue=False)  # into the graveyard
    take(worker, "email").ack()
    wait_for(lambda: admin.llen("leased:graveyard") == 1, 10, "the burial")

    lease = worker.default_channel.lease
    admin.rename(f"leased:claimed:{lease.worker}", "leased:claimed:dead")  # as if they had been taken by one that died
    admin.zadd("leased:workers", {"dead": 1})
    again = [take(worker, "email", timeout=10) for _ in range(2)]
    assert all(message.delivery_info.get("redelivered") for message in again)
    for message in again:
        message.ack()
    wait_for(lambda: claims(admin) == 0, 10, "the acknowledgement")

    assert refused(admin) == []


def test_a_worker_may_hear_and_answer_remote_control_and_events(
    connect: Callable[[str], Connection], admin: redis.Redis
) -> None:
    worker = connect("worker")
    heard: list[Any] = []
    channel = worker.default_channel
    control = Queue("w@host.celery.pidbox", Exchange("celery.pidbox", "fanout"), auto_delete=True)
    events = Queue("celeryev.1234", Exchange("celeryev", "topic"), "worker.#", auto_delete=True)
    with Consumer(channel, [control, events], callbacks=[lambda body, _: heard.append(body)], no_ack=True):
        wait_for(lambda: admin.pubsub_numpat() > 0 or worker.drain_events(timeout=0.1), 10, "the subscription")
        for exchange, key in ((control.exchange, ""), (events.exchange, "worker.heartbeat")):
            worker.Producer(channel).publish(key or "control", exchange=exchange, routing_key=key)
        wait_for(lambda: worker.drain_events(timeout=5) or len(heard) > 1, 10, "both")
    put(worker, "1234.reply.celery.pidbox", "pong")
    take(worker, "1234.reply.celery.pidbox").ack()

    assert (sorted(heard), refused(admin)) == (["control", "worker.heartbeat"], [])


def test_a_producer_can_read_no_message(connect: Callable[[str], Connection], admin: redis.Redis) -> None:
    producer = connect("producer")
    send(producer, "now")
    server = producer.default_channel.server
    for read in (lambda: server.lrange("email", 0, -1), lambda: server.rpop("email")):
        with pytest.raises(NoPermissionError):
            read()
    assert admin.llen("email\x06\x163") + admin.llen("email") == 1


def test_who_may_not_run_scripts_is_told_so(
    connect: Callable[[str], Connection], admin: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    for user, without in (("crippled", "producer"), ("idle", "worker")):
        admin.execute_command("ACL", "SETUSER", user, "on", f">{user}", *rights()[without], "-@scripting")
    with pytest.raises(NoPermissionError, match="evalsha"):
        send(connect("crippled"), "now")
    assert admin.keys("email*") == []
    send(connect("producer"), "now")
    with caplog.at_level(logging.ERROR, "tasks_platform.broker.leased"):
        idle = connect("idle")
        consumer = Consumer(idle.default_channel, [Queue("email")], callbacks=[lambda *_: pytest.fail("it may not")])
        with consumer, pytest.raises(TimeoutError):
            idle.drain_events(timeout=1)
    said = [record.getMessage() for record in caplog.records if "refuses" in record.getMessage()]
    assert len(said) == 1
    assert "no permissions to run the 'evalsha' command" in said[0]
