"""Senders that wait until replicas have their messages."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import redis
from celery import current_app
from kombu.exceptions import OperationalError

from redis_server import RedisServer, running_redis
from tasks_platform import PartlySentError, Settings, call, create_app, enqueue_many, task
from tasks_platform.bases import ReliableTask
from tasks_platform.settings.replicas import Replicas
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks_platform.celery import PlatformApp


@task(base=ReliableTask)
def copied(number: int) -> None:
    """Is never run here."""


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RedisServer, RedisServer]]:
    """Start a master and a replica that has copied all it has."""
    with running_redis(tmp_path_factory.mktemp("master"), "--repl-diskless-sync-delay", "0") as master:
        of = ("--replicaof", "127.0.0.1", str(master.port))
        with running_redis(tmp_path_factory.mktemp("replica"), *of) as replica, redis.Redis(port=master.port) as client:
            told: Any = client
            wait_for(lambda: told.info("replication").get("slave0", {}).get("state") == "online", 10, "the replica")
            yield master, replica


@contextmanager
def sender(url: str, **options: Any) -> Iterator[PlatformApp]:
    """Return an application that waits for one replica."""
    before = current_app._get_current_object()
    app = create_app(Settings(redis_url=url, business=False, replicas=Replicas(wait_for=1, timeout=1.0, **options)))
    try:
        yield app
    finally:
        app.close()
        app.store.client.close()
        before.set_current()
        before.set_default()


@contextmanager
def standing_still(server: RedisServer) -> Iterator[None]:
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


def waiting(client: Any) -> int:
    """Count the messages."""
    return int(client.llen("default\x06\x163"))


def asked(client: Any) -> int:
    """Count how often replicas were waited for."""
    return int(client.info("commandstats").get("cmdstat_wait", {}).get("calls", 0))


def test_a_sender_hears_that_a_replica_has_not_got_its_message(servers: tuple[RedisServer, RedisServer]) -> None:
    master, replica = servers
    with sender(master.url), redis.Redis(port=master.port) as client:
        client.flushall()
        copied.delay(1)
        with standing_still(replica):
            for _ in range(2):
                with pytest.raises(OperationalError, match="in its queue, but only 0 of 1 replicas"):
                    copied.apply_async((2,), task_id="two")
        assert waiting(client) == 2  # the one that was sent again is one job
        copied.delay(3)
        assert waiting(client) == 3


def test_a_sender_may_be_warned_instead(
    servers: tuple[RedisServer, RedisServer], caplog: pytest.LogCaptureFixture
) -> None:
    master, replica = servers
    with sender(master.url, missing="warn"), redis.Redis(port=master.port) as client, standing_still(replica):
        client.flushall()
        for number in range(2):
            copied.delay(number)
        assert waiting(client) == 2
    warned = [record.message for record in caplog.records if "fewer than 1 replicas had them" in record.message]
    assert len(warned) == 1  # the others within ten seconds


def test_many_wait_for_replicas_once_per_group(servers: tuple[RedisServer, RedisServer]) -> None:
    master, _ = servers
    with sender(master.url), redis.Redis(port=master.port) as client:
        client.flushall()
        before = asked(client)
        enqueue_many([call(copied, number) for number in range(300)])
        assert waiting(client) == 300
        assert 1 <= asked(client) - before <= 10


def test_many_whose_replicas_are_silent_are_in_doubt_and_not_doubled_when_the_rest_is_sent(
    servers: tuple[RedisServer, RedisServer],
) -> None:
    master, replica = servers
    with sender(master.url), redis.Redis(port=master.port) as client:
        client.flushall()
        with standing_still(replica), pytest.raises(PartlySentError, match="only 0 of 1 replicas had it") as partly:
            enqueue_many([call(copied, number) for number in range(700)])
        assert len(partly.value.sent) + len(partly.value.unsent) == 700
        assert waiting(client) > 0  # one group: nobody knows yet whether it will outlive the server
        assert len(enqueue_many(partly.value.rest)) == len(partly.value.unsent)
        assert waiting(client) == 700
