"""From the platform's broker to Celery's own: ``tasks-platform broker migrate``."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from acceptance import shop
from acceptance.diary import read
from acceptance.workers import PLATFORM, running_worker
from command_line import call, refusal
from tasks_platform.broker.leased.graveyard import Buried
from tasks_platform.letters import DeadLetterQueue
from waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    import redis

    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp


@pytest.mark.checklist(82)
def test_a_migration_waits_for_workers_to_stop_and_brings_everything(
    platform: PlatformApp, server: RedisServer, logs: Path, diary: Path
) -> None:
    here = {"TASKS_REDIS_URL": server.url, "TASKS_BUSINESS": "false"}
    shop.notes_a_number.apply_async((diary, 1), countdown=5)
    with running_worker(PLATFORM, server.url, logs / "runs.log", "-Q", "elsewhere"):
        assert "runs@" in refusal(call("broker", "migrate", "--to", "redis", **here))
    moved = call("broker", "migrate", "--to", "redis", "--json", **here)
    assert json.loads(moved.stdout) == {"claimed": 0, "delayed": 1, "buried": 0, "left": {}, "letters": 0}
    shown = json.loads(call("broker", "show", "--json", **here).stdout)
    assert shown["queues"] == {"default": {"ready": 1, "delayed": 0}}
    with running_worker(PLATFORM, server.url, logs / "plain.log", environment={"TASKS_BROKER_URL": server.url}):
        wait_for(lambda: read(diary) == ["1"], 20, "the job")


@pytest.mark.checklist(82, 85)
def test_a_migration_takes_nothing_from_a_lease_that_has_not_ended_and_leaves_garbage_as_a_letter(
    platform: PlatformApp, server: RedisServer, client: redis.Redis, logs: Path, diary: Path
) -> None:
    here = {"TASKS_REDIS_URL": server.url, "TASKS_BUSINESS": "false"}
    told = {"environment": {"TASKS_LEASE": "4"}, "concurrency": 1}
    with running_worker(PLATFORM, server.url, logs / "killed.log", **told) as worker:
        job = shop.charges.delay(diary, 1)
        wait_for(lambda: read(diary), 20, "the start")
        worker.process.kill()
    assert "under leases that have not ended" in refusal(call("broker", "migrate", "--to", "redis", **here))
    wait_for(lambda: client.zrangebyscore("leased:workers", time.time() * 1000, "+inf") == [], 10, "the lease's end")
    buried = Buried(reason="unreadable", detail="not JSON", queue="default", raw=b"garbage")
    client.lpush("leased:graveyard", buried.write())
    moved = json.loads(call("broker", "migrate", "--to", "redis", "--json", **here).stdout)
    assert (moved["left"], moved["letters"]) == ({}, 1)
    (letter,) = DeadLetterQueue(platform).list()
    platform.store.forget(letter["id"])
    assert letter["message"]["body"] == "garbage"
    diary.with_suffix(".end").touch()
    with running_worker(PLATFORM, server.url, logs / "heir.log", environment={"TASKS_BROKER_URL": server.url}):
        assert job.get(timeout=20) == 100
