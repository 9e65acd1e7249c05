"""The death of a worker is an attempt of what it ran. No other worker runs here: it would have a limit of its own."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import pytest

from acceptance import accidents
from acceptance.brokers import owed
from acceptance.diary import read
from acceptance.workers import PLATFORM, running_worker
from waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    import redis

    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp


@pytest.mark.checklist(24, 36)
def test_a_job_that_kills_its_workers_is_a_letter_when_its_attempts_are_used_up(  # noqa: PLR0913, PLR0917
    platform: PlatformApp, server: RedisServer, client: redis.Redis, logs: Path, letters: Any, diary: Path
) -> None:
    accidents.kills_its_worker_and_counts.apply_async((diary,), queue="doom")
    options: dict[str, Any] = {"environment": {"TASKS_LEASE": "1"}, "concurrency": 1}
    for number in range(2):
        with running_worker(PLATFORM, server.url, logs / f"taken-{number}.log", "-Q", "doom", **options) as victim:
            assert victim.wait() == -signal.SIGKILL
    with running_worker(PLATFORM, server.url, logs / "survivor.log", "-Q", "doom", **options):
        (letter,) = wait_for(letters.list, 30, "the letter")
        wait_for(lambda: owed(client) == 0, 20, "the acknowledgement")
    assert read(diary) == ["1", "2"]
    assert [attempt["attempt"] for attempt in letter["attempts"]] == [1, 2]
    assert letter["cause"]["type"].endswith("WorkerLostError")
    assert "died with attempt 2" in letter["cause"]["message"]


def test_a_job_that_had_succeeded_when_its_worker_died_is_not_run_again(
    platform: PlatformApp, server: RedisServer, client: redis.Redis, logs: Path, diary: Path
) -> None:
    options: dict[str, Any] = {"environment": {"TASKS_LEASE": "1"}, "concurrency": 1}
    with running_worker(PLATFORM, server.url, logs / "succeeds.log", "-Q", "doom", **options) as victim:
        job = accidents.kills_its_worker_when_it_has_succeeded.apply_async((diary,), queue="doom")
        assert victim.wait() == -signal.SIGKILL
    assert owed(client) == 1
    with running_worker(PLATFORM, server.url, logs / "ends-it.log", "-Q", "doom", **options):
        wait_for(lambda: owed(client) == 0, 30, "the acknowledgement")
    assert (read(diary), job.get(timeout=10), platform.store.letter(job.id)) == (["1"], 7, None)
