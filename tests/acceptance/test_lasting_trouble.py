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


IMPATIENT = {"PATIENCE": "0.2"}


@pytest.mark.checklist(84, 85)
def test_a_job_whose_result_cannot_be_stored_for_long_runs_again_and_loses_no_attempt(  # noqa: PLR0913, PLR0917
    platform: PlatformApp, server: RedisServer, client: redis.Redis, broker: Broker, logs: Path, diary: Path
) -> None:
    with running_worker(PLATFORM, server.url, logs / "prefork.log", concurrency=1, environment=IMPATIENT) as worker:
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


@pytest.mark.parametrize("pool", ["threads", "solo"])
@pytest.mark.checklist(84, 85)
def test_where_no_thread_waits_for_it_the_result_is_stored_when_the_server_takes_it_and_the_job_runs_once(  # noqa: PLR0913, PLR0917
    platform: PlatformApp, server: RedisServer, client: redis.Redis, broker: Broker, logs: Path, diary: Path, pool: str
) -> None:
    log = logs / f"{pool}.log"
    with running_worker(PLATFORM, server.url, log, pool=pool, concurrency=1, environment=IMPATIENT) as worker:
        try:
            job = accidents.fills_the_server.delay(diary, server.url)
            wait_for(lambda: worker.said("cannot be stored just now"), 20, "the trouble")
            assert broker.owed() == 1
        finally:
            client.config_set("maxmemory", 0)
        assert job.get(timeout=30) == 1
        wait_for(lambda: broker.owed() == 0, 10, "the acknowledgement")
        assert read(diary) == ["1"]
        assert shop.add.delay(20, 22).get(timeout=20) == 42
        assert worker.process.poll() is None
