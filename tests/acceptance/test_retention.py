"""Finished jobs are kept for a time, and up to a number; then they are gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from acceptance import kept
from acceptance.workers import PLATFORM, Worker, running_worker
from tasks_platform.errors import TaskDefinitionError
from tasks_platform.letters import DeadLetterQueue
from tasks_platform.task import Retention
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import redis

    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp
    from tasks_platform.task.handle import JobHandle


@pytest.fixture(scope="module")
def keeper(server: RedisServer, platform: PlatformApp, logs: Path) -> Iterator[Worker]:
    """Start a worker that keeps four results of every task that says nothing of it."""
    environment = {"TASKS_MODULES": "acceptance.kept", "TASKS_RETENTION__COUNT": "4"}
    with running_worker(PLATFORM, server.url, logs / "kept.log", environment=environment, concurrency=1) as worker:
        yield worker


def stored(client: redis.Redis, jobs: Sequence[JobHandle]) -> list[int]:
    """Return the places of the *jobs* that have a result."""
    return [place for place, job in enumerate(jobs) if client.exists(f"celery-task-meta-{job.id}")]


def all_ended(client: redis.Redis, last: JobHandle) -> None:
    """Wait for the *last* job that was sent: the worker does one after the other."""
    wait_for(lambda: stored(client, [last]) == [0], 40, "all jobs")


@pytest.mark.checklist(22)
def test_of_finished_jobs_the_last_are_kept(keeper: Worker, client: redis.Redis) -> None:
    jobs = [kept.squares.delay(number) for number in range(8)]
    others = [kept.doubles.delay(number) for number in range(6)]
    all_ended(client, others[-1])
    wait_for(lambda: stored(client, jobs) == [5, 6, 7], 10, "three results to be left")
    assert [job.get(timeout=5) for job in jobs[5:]] == [25, 36, 49]
    assert stored(client, others) == [2, 3, 4, 5]


@pytest.mark.checklist(22)
def test_failed_jobs_are_counted_apart_and_their_letters_stay(
    keeper: Worker, client: redis.Redis, platform: PlatformApp
) -> None:
    good = kept.squares.delay(3)
    jobs = [kept.squares.delay(-number) for number in range(1, 6)]
    wait_for(lambda: platform.store.count_letters() == 5, 40, "the letters")
    wait_for(lambda: stored(client, jobs) == [3, 4], 20, "two results to be left")
    assert good.get(timeout=5) == 9
    for letter in platform.store.letters():
        platform.store.forget(letter["id"])


@pytest.mark.checklist(22, 37)
def test_the_result_of_a_job_that_has_recovered_is_not_one_of_those_that_failed(
    keeper: Worker, client: redis.Redis, platform: PlatformApp
) -> None:
    mended = kept.squares.delay(-1)
    wait_for(lambda: platform.store.letter(mended.id), 40, "the letter")
    letters = DeadLetterQueue(platform)
    letters.edit(mended.id, {"number": 5})
    letters.replay(mended.id)
    wait_for(lambda: platform.store.letter(mended.id) is None, 40, "its success")
    failed = [kept.squares.delay(-number) for number in range(2, 6)]
    wait_for(lambda: platform.store.count_letters() == 4, 40, "the letters")
    wait_for(lambda: stored(client, failed) == [2, 3], 20, "two results to be left")
    assert mended.get(timeout=5) == 25
    for letter in platform.store.letters():
        platform.store.forget(letter["id"])


@pytest.mark.checklist(22)
def test_a_result_is_kept_as_long_as_its_task_says(keeper: Worker, client: redis.Redis) -> None:
    short, usual = kept.squares.delay(1), kept.doubles.delay(1)
    assert (short.get(timeout=20), usual.get(timeout=20)) == (1, 2)
    wait_for(lambda: 590 < client.ttl(f"celery-task-meta-{short.id}") <= 600, 10, "ten minutes")
    assert client.ttl(f"celery-task-meta-{usual.id}") > 80_000


def test_a_task_without_a_result_leaves_nothing(keeper: Worker, client: redis.Redis) -> None:
    job = kept.leaves_no_result.delay(1)
    all_ended(client, kept.doubles.delay(1))
    assert not list(client.scan_iter("*leaves_no_result*"))
    assert not client.exists(f"celery-task-meta-{job.id}")


def test_a_retention_that_cannot_be_is_refused() -> None:
    with pytest.raises(TaskDefinitionError, match="it has to be positive"):
        Retention(age=0)
    with pytest.raises(TaskDefinitionError, match="at least 1"):
        Retention(count=0)
