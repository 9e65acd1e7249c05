"""From the platform's broker to Celery's own: ``tasks-platform broker migrate``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from acceptance import shop
from acceptance.diary import read
from acceptance.workers import PLATFORM, running_worker
from command_line import call, refusal
from waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

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
    assert json.loads(moved.stdout) == {"claimed": 0, "delayed": 1}
    shown = json.loads(call("broker", "show", "--json", **here).stdout)
    assert shown["queues"] == {"default": {"ready": 1, "delayed": 0}}
    with running_worker(PLATFORM, server.url, logs / "plain.log", environment={"TASKS_BROKER_URL": server.url}):
        wait_for(lambda: read(diary) == ["1"], 20, "the job")
