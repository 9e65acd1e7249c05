"""The main cases hold in the pools that have no processes of their own, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from celery import chain, chord

from acceptance import accidents, shop
from acceptance.diary import read
from acceptance.workers import PLATFORM, Worker, running_worker
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import redis

    from acceptance.brokers import Broker
    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp


@pytest.fixture(scope="module", params=["threads", "solo"])
def worker(
    request: pytest.FixtureRequest, server: RedisServer, platform: PlatformApp, client: redis.Redis, logs: Path
) -> Iterator[Worker]:
    """Start a worker of each pool, on a server that holds nothing of the one before."""
    pool: str = request.param
    client.flushdb()
    slots = 2 if pool == "threads" else 1
    with running_worker(PLATFORM, server.url, logs / f"{pool}.log", pool=pool, concurrency=slots) as worker:
        yield worker


def test_a_job_succeeds(worker: Worker) -> None:
    assert shop.add.delay(1, 2).get(timeout=20) == 3


def test_a_job_is_retried(worker: Worker, diary: Path) -> None:
    assert accidents.fails_once.delay(diary).get(timeout=20) == 2
    assert read(diary) == ["1", "2"]


@pytest.mark.parametrize(
    ("task", "attempts", "cause"),
    [
        ("is_refused_quietly", 1, "tasks_platform.errors.ServiceRefusedError"),
        ("eats_memory", 2, "MemoryError"),
        ("exits", 2, "tasks_platform.errors.TaskExitedError"),
        ("rejects", 1, "tasks_platform.errors.RejectedError"),
        ("returns_no_json", 1, "tasks_platform.errors.ResultNotStoredError"),
        ("returns_too_much", 1, "tasks_platform.errors.ResultNotStoredError"),
    ],
)
def test_a_job_that_cannot_succeed_is_a_letter_and_its_slot_is_free(  # noqa: PLR0913, PLR0917
    platform: PlatformApp, worker: Worker, broker: Broker, diary: Path, task: str, attempts: int, cause: str
) -> None:
    jobs = [getattr(accidents, task).apply_async((diary,), ignore_result=False) for _ in range(2)]
    wait_for(lambda: all(job.state == "FAILURE" for job in jobs), 30, "the failures")
    for job in jobs:
        letter = platform.store.letter(job.id)
        assert letter is not None
        assert (letter["cause"]["type"], len(letter["attempts"])) == (cause, attempts)
    wait_for(lambda: broker.owed() == 0, 20, "the acknowledgements")
    assert [shop.add.delay(n, 1).get(timeout=20) for n in range(4)] == [1, 2, 3, 4]


def test_one_job_runs_per_key(worker: Worker, diary: Path) -> None:
    diary.with_suffix(".end").touch()
    jobs = [shop.charges.delay(diary, 1) for _ in range(3)]
    assert [job.get(timeout=20) for job in jobs] == [100, 100, 100]
    assert len(read(diary)) == len({job.id for job in jobs})


def test_chords_and_chains_complete(worker: Worker) -> None:
    parts = chord([shop.add.s(number, number) for number in range(5)], shop.total.s()).apply_async()
    steps = chain(shop.add.s(1, 2), shop.add.s(3), shop.add.s(4)).apply_async()
    assert (parts.get(timeout=30), steps.get(timeout=30)) == (20, 10)
