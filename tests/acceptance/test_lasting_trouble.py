"""Trouble that outlasts the platform's patience: the message goes back, whatever the pool, and no attempt is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from acceptance import accidents, shop
from acceptance.diary import read
from acceptance.workers import PLATFORM, running_worker
from waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    import redis

    from acceptance.brokers import Broker
    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp


@pytest.mark.parametrize("pool", ["prefork", "threads", "solo"])
@pytest.mark.checklist(84, 85)
def test_a_job_whose_result_cannot_be_stored_for_long_runs_again_and_loses_no_attempt(  # noqa: PLR0913, PLR0917
    platform: PlatformApp, server: RedisServer, client: redis.Redis, broker: Broker, logs: Path, diary: Path, pool: str
) -> None:
    impatient = {"PATIENCE": "0.2"}
    with running_worker(
        PLATFORM, server.url, logs / f"{pool}.log", pool=pool, concurrency=1, environment=impatient
    ) as worker:
        try:
            job = accidents.fills_the_server.delay(diary, server.url)
            wait_for(lambda: worker.said("delivered again"), 20, "the message that came back, maybe several times")
        finally:
            client.config_set("maxmemory", 0)
        assert job.get(timeout=30) == 1
        assert read(diary) == ["1"] * max(2, len(read(diary)))
        assert shop.add.delay(20, 22).get(timeout=20) == 42
        wait_for(lambda: broker.owed() == 0, 10, "the acknowledgements")
        assert worker.process.poll() is None
