"""While the broker or the store is in trouble nothing is lost, nothing fails and nothing is repeated: it waits."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import redis
from celery import chain

from acceptance import accidents, shop
from acceptance.brokers import owed
from acceptance.diary import read
from acceptance.faults import REFUSED, REFUSES_MESSAGES
from acceptance.workers import PLAIN, PLATFORM, Worker, running_worker
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from celery import Celery

    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp


@pytest.fixture(scope="module")
def worker(server: RedisServer, platform: PlatformApp, logs: Path) -> Iterator[Worker]:
    """Start a worker that does one thing at a time, so that it reads no queue while a job has spoiled it."""
    with running_worker(PLATFORM, server.url, logs / "single.log", concurrency=1) as worker:
        yield worker


@contextmanager
def mended(worker: Worker, client: redis.Redis) -> Iterator[None]:
    """Mend whatever a job broke, also where a test fails."""
    try:
        yield
    finally:
        worker.disarm(REFUSES_MESSAGES)
        worker.disarm(REFUSED)
        client.config_set("maxmemory", 0)


def refusals(worker: Worker) -> int:
    """Count how often a process had to try again."""
    return worker.log.read_text().count("tried again in")


def test_plain_celery_loses_a_late_acknowledged_job_whose_retry_cannot_be_sent(
    plain: Celery, plain_url: str, logs: Path, diary: Path
) -> None:
    with running_worker(PLAIN, plain_url, logs / "plain.log", concurrency=1) as worker:
        job = plain.send_task("acceptance.plain.retries_while_the_broker_refuses", (str(diary),))
        wait_for(job.ready, 30, "the end of the job")
        worker.disarm(REFUSES_MESSAGES)
        with redis.Redis.from_url(plain_url) as broker:
            wait_for(lambda: owed(broker) == 0, 10, "the rejection")
            assert broker.llen("celery") == 0
    assert (job.state, read(diary)) == ("FAILURE", ["1"])


@pytest.mark.checklist(84, 85)
def test_a_retry_that_cannot_be_sent_waits_for_the_broker(worker: Worker, client: redis.Redis, diary: Path) -> None:
    with mended(worker, client):
        job = accidents.fails_once.delay(diary, REFUSES_MESSAGES)
        wait_for((worker.faults / REFUSED).exists, 20, "the refusal")
        worker.disarm(REFUSES_MESSAGES)
        assert job.get(timeout=30) == 2
    assert read(diary) == ["1", "2"]


@pytest.mark.checklist(84, 85)
def test_a_failure_that_cannot_be_recorded_waits_for_a_server_that_is_full(
    worker: Worker, server: RedisServer, client: redis.Redis, diary: Path
) -> None:
    with mended(worker, client):
        before = refusals(worker)
        job = accidents.fills_the_server_and_fails.delay(diary, server.url)
        wait_for(lambda: refusals(worker) > before, 20, "the refusal")
        client.config_set("maxmemory", 0)
        assert job.get(timeout=30) == 2
    assert read(diary) == ["1", "2"]


@pytest.mark.checklist(84, 85)
def test_a_retry_waits_for_a_queue_that_holds_something_else(
    worker: Worker, server: RedisServer, client: redis.Redis, diary: Path
) -> None:
    key = "default\x06\x163"
    with mended(worker, client):
        job = accidents.spoils_its_queue_and_fails.delay(diary, server.url, key)
        wait_for(lambda: client.type(key) == "string", 20, "the spoiling")
        wait_for(lambda: client.info("errorstats").get("errorstat_WRONGTYPE"), 20, "a refused message")
        client.delete(key)
        assert job.get(timeout=30) == 2
    assert read(diary) == ["1", "2"]


@pytest.mark.checklist(84, 85)
def test_a_result_waits_for_a_server_that_is_full(
    worker: Worker, server: RedisServer, client: redis.Redis, diary: Path
) -> None:
    with mended(worker, client):
        before = refusals(worker)
        job = accidents.fills_the_server.delay(diary, server.url)
        wait_for(lambda: refusals(worker) > before, 20, "the refusal")
        client.config_set("maxmemory", 0)
        assert job.get(timeout=30) == 1
    assert read(diary) == ["1"]


@pytest.mark.checklist(84, 85)
def test_a_step_that_succeeded_waits_with_the_next_one_for_the_broker(
    worker: Worker, client: redis.Redis, platform: PlatformApp, diary: Path
) -> None:
    with mended(worker, client):
        end = chain(accidents.succeeds_while_the_broker_refuses.s(diary), shop.add.s(1)).apply_async()
        wait_for((worker.faults / REFUSED).exists, 20, "the refusal")
        assert not end.parent.failed()
        worker.disarm(REFUSES_MESSAGES)
        assert end.get(timeout=30) == 2
    assert (end.parent.state, read(diary)) == ("SUCCESS", ["1"])
    assert platform.store.letter(end.parent.id) is None
