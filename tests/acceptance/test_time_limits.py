"""How long a job may take: by its declaration (see test_lost_children), by its worker, by its call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from acceptance import shop
from acceptance.diary import read
from acceptance.workers import PLATFORM, running_worker
from waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp


@pytest.mark.checklist(23)
@pytest.mark.parametrize("limited_by", ["worker", "call"])
def test_a_job_that_takes_too_long_is_cut_off_and_the_attempt_counts(
    platform: PlatformApp, server: RedisServer, logs: Path, diary: Path, limited_by: str
) -> None:
    options = ["--time-limit", "2"] if limited_by == "worker" else []
    limit = {"time_limit": 2} if limited_by == "call" else {}
    with running_worker(PLATFORM, server.url, logs / f"limit_of_{limited_by}.log", *options, concurrency=1):
        job = shop.sleeps_the_first_time.apply_async((diary,), **limit)
        wait_for(lambda: len(read(diary)) == 2, 40, "the second attempt")
        wait_for(lambda: not platform.store.attempts(job.id), 20, "its success, which ends its record")
