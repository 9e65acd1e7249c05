"""Jobs in threads: quick ones wait in front of the threads, and go on elsewhere if no thread is free soon."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import pytest

from acceptance import accidents, shop
from acceptance.brokers import owed
from acceptance.diary import read
from acceptance.workers import PLATFORM, running_worker
from tasks_platform import call, enqueue_many
from waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    import redis

    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp

QUICK = 400
THREADS = 2


@pytest.mark.checklist(11)
def test_what_waits_behind_long_jobs_is_done_by_another_worker(
    platform: PlatformApp, server: RedisServer, client: redis.Redis, logs: Path, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    with running_worker(PLATFORM, server.url, logs / "held-up.log", pool="threads", concurrency=THREADS) as held_up:
        jobs = [call(shop.add, number, number) for number in range(QUICK)]
        jobs += [call(shop.holds_until, gate) for _ in range(THREADS)]
        handles = enqueue_many([*jobs, *(call(shop.add, number, 1) for number in range(20))])
        holding, behind = handles[QUICK : QUICK + THREADS], handles[QUICK + THREADS :]
        wait_for(lambda: all(held_up.told("started", job.id) for job in holding), 30, "the long jobs")
        with running_worker(PLATFORM, server.url, logs / "free.log", pool="threads", concurrency=THREADS) as free:
            assert [job.get(timeout=20) for job in behind] == [number + 1 for number in range(20)]
            started = [worker.told("started", job.id) for job in behind for worker in (held_up, free)]
            assert sum(map(bool, started)) == len(behind)
        assert not held_up.said("delivered again")
        gate.touch()
        assert [job.get(timeout=20) for job in handles[:QUICK]] == [2 * number for number in range(QUICK)]
        wait_for(lambda: owed(client) == 0, 20, "the acknowledgements")


@pytest.mark.checklist(11)
def test_who_stops_keeps_nothing_that_no_thread_has_begun_with(
    platform: PlatformApp, server: RedisServer, client: redis.Redis, logs: Path, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    with running_worker(PLATFORM, server.url, logs / "stops.log", pool="threads", concurrency=THREADS) as stops:
        jobs = [call(shop.add, number, number) for number in range(QUICK)]
        jobs += [call(shop.holds_until, gate) for _ in range(THREADS)]
        handles = enqueue_many([*jobs, *(call(shop.add, number, 1) for number in range(20))])
        holding, behind = handles[QUICK : QUICK + THREADS], handles[QUICK + THREADS :]
        wait_for(lambda: any(stops.told("started", job.id) for job in holding), 30, "a long job")
        stops.send(signal.SIGTERM)
        with running_worker(
            PLATFORM, server.url, logs / "goes-on.log", pool="threads", concurrency=2 * THREADS
        ) as other:
            assert [job.get(timeout=20) for job in behind] == [number + 1 for number in range(20)]
            assert not other.said("recovered")
            gate.touch()
            assert [job.get(timeout=20) for job in holding] == [None] * THREADS
            assert stops.wait() == 0
            wait_for(lambda: owed(client) == 0, 20, "the acknowledgements")


@pytest.mark.checklist(24)
def test_what_waited_in_front_of_the_threads_of_a_worker_that_was_killed_has_lost_no_attempt(
    platform: PlatformApp, server: RedisServer, client: redis.Redis, logs: Path, diary: Path
) -> None:
    brief: dict[str, Any] = {"environment": {"TASKS_LEASE": "1"}, "pool": "threads", "concurrency": THREADS}
    jobs = [call(shop.add, number, number) for number in range(QUICK)]
    jobs += [call(accidents.notes_its_attempt, diary, number) for number in range(QUICK)]
    with running_worker(PLATFORM, server.url, logs / "killed.log", **brief):
        enqueue_many(jobs)
        wait_for(lambda: len(read(diary)) > QUICK / 4, 30, "some of the jobs")
    with running_worker(PLATFORM, server.url, logs / "next.log", **brief):
        wait_for(lambda: {line.split("/")[0] for line in read(diary)} == set(map(str, range(QUICK))), 60, "all of them")
        wait_for(lambda: owed(client) == 0, 20, "the acknowledgements")
    noted = {tuple(line.split("/")) for line in read(diary)}
    lost = [number for number, attempt in noted if attempt == "2" and (number, "1") not in noted]
    assert len(lost) <= THREADS, "nothing but what a thread had begun with"


@pytest.mark.checklist(11)
def test_a_thread_is_given_the_next_job_at_once_where_jobs_are_acknowledged_before_they_run(
    platform: PlatformApp, server: RedisServer, logs: Path, diary: Path
) -> None:
    with running_worker(PLATFORM, server.url, logs / "early.log", pool="threads", concurrency=THREADS):
        for _ in range(40):
            platform.tasks["acceptance.naps_unowed"].delay(str(diary))
        wait_for(lambda: len(read(diary)) == 40, 10, "all of them: one second, or twenty if each waits for a timer")
