"""A worker takes the levels that it is told to take, on every broker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from acceptance import shop
from acceptance.diary import read
from acceptance.workers import PLATFORM, running_class, running_worker
from tasks_platform import Priority, call, enqueue_many
from waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp


@pytest.mark.every_broker
@pytest.mark.checklist(38, 40, 60)
def test_a_class_takes_the_jobs_of_its_levels_only(
    platform: PlatformApp, server: RedisServer, logs: Path, diary: Path
) -> None:
    enqueue_many([call(shop.notes_a_number, diary, place).set(priority=level) for place, level in enumerate(Priority)])
    with running_class("low", server.url, logs / "low.log"):
        wait_for(lambda: len(read(diary)) == 2, 40, "the low ones")
        answers = wait_for(lambda: platform.control.inspect(timeout=2).stats(), 40, "the worker's answer")
        assert [answer["pool"]["max-concurrency"] for answer in answers.values()] == [2]
        options = ("--levels", "normal,critical,high")
        with running_worker(PLATFORM, server.url, logs / "rest.log", *options, concurrency=1):
            wait_for(lambda: len(read(diary)) == 5, 40, "the others")
            wait_for(lambda: len(takers(platform)) == 2, 40, "health, which has to see both")
    # strictly by level: a worker that takes all would have begun with the first
    assert sorted(read(diary)[:2]) == ["3", "4"]
    assert read(diary)[2:] == ["0", "1", "2"]


def takers(platform: PlatformApp) -> list[str]:
    """Return the workers that take jobs of the default queue, by their names.

    Not of all queues: tasks that other tests of this process have imported may have their own.
    """
    (report,) = platform.health.run(["workers"])
    return report.finding.figures["queues"]["default"]
