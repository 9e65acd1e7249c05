"""A message that no worker understands waits for one that does; then it is a dead letter, never dropped."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import redis

from acceptance.brokers import owed
from acceptance.workers import PLAIN, PLATFORM, running_worker
from waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from celery import Celery

    from acceptance.brokers import Broker
    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp

NEWER = "acceptance.newer.greet"
DEPLOYED = {"TASKS_MODULES": "acceptance.shop,acceptance.newer"}


def test_plain_celery_drops_a_task_it_does_not_know(plain: Celery, plain_url: str, logs: Path) -> None:
    with running_worker(PLAIN, plain_url, logs / "plain.log") as worker:
        job = plain.send_task(NEWER, ("Ada",))
        wait_for(lambda: worker.said("Received unregistered task"), 20, "the discarding")
        wait_for(job.ready, 20, "the failure")
    with redis.Redis.from_url(plain_url) as broker:
        assert (broker.llen("celery"), owed(broker)) == (0, 0)
    assert job.state == "FAILURE"


@pytest.mark.checklist(16)
def test_an_unknown_task_waits_for_a_worker_that_knows_it(
    platform: PlatformApp, server: RedisServer, broker: Broker, logs: Path
) -> None:
    with running_worker(PLATFORM, server.url, logs / "old.log") as old:
        job = platform.send_task(NEWER, ("Ada",))
        wait_for(lambda: old.said("a task this worker does not know; held"), 20, "the holding")
        with running_worker(PLATFORM, server.url, logs / "new.log", environment=DEPLOYED):
            old.process.terminate()  # a rolling deploy: the new one is there, the old one goes
            assert job.get(timeout=30) == "Hello, Ada"
            wait_for(lambda: broker.owed() == 0, 10, "the acknowledgement")


@pytest.mark.checklist(16, 36)
def test_a_task_that_stays_unknown_is_a_dead_letter_with_its_message(
    platform: PlatformApp, server: RedisServer, broker: Broker, logs: Path
) -> None:
    brief = {"TASKS_UNKNOWN_TASK_GRACE": "PT2S"}
    with running_worker(PLATFORM, server.url, logs / "brief.log", environment=brief) as worker:
        job = platform.send_task(NEWER, ("Ada",), {"politely": True})
        letter = wait_for(lambda: platform.store.letter(job.id), 20, "the letter")
        wait_for(lambda: broker.owed() == 0, 10, "the acknowledgement")
        assert worker.process.poll() is None
    assert "acceptance.newer.greet" in letter["cause"]["message"]
    assert letter["message"]["headers"]["task"] == NEWER
    assert json.loads(letter["message"]["body"])[:2] == [["Ada"], {"politely": True}]
