"""Results that are stored in front of the acknowledgements of their messages, and not while a thread waits for that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from acceptance import shop
from acceptance.brokers import owed
from acceptance.workers import PLATFORM, running_worker
from waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    import redis

    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp


@pytest.mark.parametrize("pool", ["threads", "solo"])
@pytest.mark.checklist(33)
def test_a_message_is_acknowledged_when_its_result_is_stored_and_not_before(
    platform: PlatformApp, server: RedisServer, client: redis.Redis, logs: Path, pool: str
) -> None:
    job_id = f"blocked-{pool}"
    with running_worker(PLATFORM, server.url, logs / f"{pool}.log", pool=pool) as worker:
        client.lpush(f"celery-task-meta-{job_id}", "what is no result")  # the server refuses to read it as one
        blocked = shop.add.apply_async((1, 2), task_id=job_id)
        wait_for(lambda: worker.told("completed", blocked.id), 20, "the end of the job")
        others = [shop.add.delay(number, number) for number in range(20)]
        assert [job.get(timeout=20) for job in others] == [2 * number for number in range(20)]
        wait_for(lambda: owed(client) == 1, 20, "the acknowledgements of the others")
        assert worker.said(f"{job_id}: its result cannot be stored just now")
        client.delete(f"celery-task-meta-{job_id}")
        assert blocked.get(timeout=20) == 3
        wait_for(lambda: owed(client) == 0, 20, "its acknowledgement")
        assert worker.told("started", blocked.id) == 1


@pytest.mark.checklist(33)
def test_a_result_that_was_not_stored_when_its_worker_died_is_made_again(
    platform: PlatformApp, server: RedisServer, client: redis.Redis, logs: Path
) -> None:
    brief = {"TASKS_LEASE": "1"}
    client.lpush("celery-task-meta-doomed", "what is no result")
    with running_worker(PLATFORM, server.url, logs / "doomed.log", pool="threads", environment=brief) as worker:
        job = shop.add.apply_async((1, 2), task_id="doomed")
        wait_for(lambda: worker.told("completed", job.id), 20, "the end of the job")
    assert owed(client) == 1
    client.delete("celery-task-meta-doomed")
    with running_worker(PLATFORM, server.url, logs / "heir.log", pool="threads", environment=brief):
        assert job.get(timeout=20) == 3
        wait_for(lambda: owed(client) == 0, 20, "its acknowledgement")
