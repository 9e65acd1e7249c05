"""``async def`` tasks, in each pool that can run them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from acceptance import coroutines
from acceptance.diary import read
from acceptance.workers import PLATFORM, Worker, running_worker
from tasks_platform import Settings
from waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from acceptance.brokers import Broker
    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp

MODULES = {"TASKS_MODULES": "acceptance.coroutines"}


@pytest.fixture(scope="module")
def platform_settings(server: RedisServer, broker: Broker) -> Settings:
    return Settings(redis_url=server.url, modules="acceptance.coroutines", business=False)


@pytest.fixture(scope="module", params=["threads", "solo", "prefork"])
def pool(request: pytest.FixtureRequest) -> str:
    return str(request.param)


#: A process of a pool runs one job at a time, and is ended whatever it runs.
in_one_process = pytest.mark.parametrize("pool", ["threads", "solo"], indirect=True, scope="module")


@pytest.fixture(scope="module")
def worker(pool: str, server: RedisServer, broker: Broker, platform: PlatformApp, logs: Path) -> Iterator[Worker]:
    log = logs / f"{pool}.log"
    slots = 2 if pool == "prefork" else 150
    with running_worker(PLATFORM, server.url, log, pool=pool, concurrency=slots, environment=MODULES) as worker:
        yield worker
        wait_for(lambda: broker.owed() == 0, 20, "the acknowledgements")  # it is killed, and has a lease of 15 s


def test_coroutines_know_their_jobs_and_share_one_loop(worker: Worker, diary: Path) -> None:
    jobs = [coroutines.knows_its_job.delay(diary) for _ in range(20)]
    assert [job.get(timeout=20) for job in jobs] == [[job.id, "tasks-event-loop"] for job in jobs]
    assert coroutines.knows_its_thread.delay().get(timeout=20) != "tasks-event-loop"


@pytest.mark.parametrize(
    "pool", ["threads", "solo"], indirect=True, scope="module"
)  # processes run one job each at a time
def test_hundreds_are_run_at_a_time(worker: Worker, broker: Broker, platform: PlatformApp) -> None:
    jobs = [coroutines.meets.apply_async((150,), ignore_result=False) for _ in range(150)]
    wait_for(lambda: all(job.state == "SUCCESS" for job in jobs), 30, "all that wait for each other")


def test_one_that_fails_is_tried_again_and_one_that_fails_for_good_is_a_letter_with_its_own_line(
    worker: Worker, platform: PlatformApp, diary: Path
) -> None:
    assert coroutines.fails_once.delay(diary).get(timeout=20) == 2
    job = coroutines.fails.delay(diary)
    wait_for(lambda: platform.store.letter(job.id) is not None, 20, "the letter")
    letter = platform.store.letter(job.id)
    assert letter is not None
    assert letter["cause"]["type"] == "LookupError"
    assert letter["cause"]["line"].endswith(" in fails")


def test_one_is_held_without_costing_an_attempt(worker: Worker, diary: Path) -> None:
    assert coroutines.is_held_once.delay(diary).get(timeout=20) == 1
    assert read(diary) == ["1", "1"]


def test_a_step_happens_once_and_progress_is_told(worker: Worker, platform: PlatformApp, diary: Path) -> None:
    job = coroutines.charges_once.delay(diary)
    assert job.get(timeout=20) == [100, 2]
    assert read(diary) == ["charged"]
    told = platform.store.progress(job.id)
    assert told is not None
    assert (told["percent"], told["message"]) == (100.0, "rows 4/4")


def test_what_a_coroutine_sends_is_its_child(worker: Worker, diary: Path) -> None:
    job = coroutines.begets.delay(diary)
    assert job.get(timeout=20) == job.id
    wait_for(lambda: read(diary) == [job.id], 20, "the child")


def test_a_soft_limit_can_be_caught_and_costs_an_attempt_where_it_is_not(worker: Worker, diary: Path) -> None:
    assert coroutines.tidies_up.delay(diary).get(timeout=20) == "tidied"
    assert read(diary) == ["started", "tidied"] * 2


@pytest.mark.checklist(23)
def test_a_hard_limit_ends_the_run_and_costs_an_attempt(worker: Worker, platform: PlatformApp, diary: Path) -> None:
    job = coroutines.takes_too_long.delay(diary)
    wait_for(lambda: len(read(diary)) == 2, 20, "the second attempt")
    wait_for(lambda: not platform.store.attempts(job.id), 20, "its success, which ends its record")


CANCELLED = ("cancels_itself", "tasks_platform.errors.CoroutineCancelledError")
EXITED = ("exits", "tasks_platform.errors.TaskExitedError")


@pytest.mark.parametrize(
    ("pool", "task", "cause"),
    # in a pool of processes one that exits ends its process, as every job does
    [("threads", *CANCELLED), ("threads", *EXITED), ("solo", *CANCELLED), ("solo", *EXITED), ("prefork", *CANCELLED)],
    indirect=["pool"],
    scope="module",
)
def test_one_that_ends_strangely_is_a_letter_and_the_others_go_on(
    worker: Worker, platform: PlatformApp, diary: Path, task: str, cause: str
) -> None:
    job = getattr(coroutines, task).delay()
    wait_for(lambda: platform.store.letter(job.id) is not None, 20, "the letter")
    letter = platform.store.letter(job.id)
    assert letter is not None
    assert letter["cause"]["type"] == cause
    assert coroutines.knows_its_job.delay(diary).get(timeout=20)[1] == "tasks-event-loop"


def test_one_that_blocks_the_loop_is_told_of(worker: Worker) -> None:
    job = coroutines.blocks.delay(0.4)
    wait_for(
        lambda: worker.said(f"coroutines.blocks[{job.id}] kept the event loop to itself for 0.4"), 20, "the warning"
    )
    job = coroutines.blocks.delay(2.5)
    wait_for(lambda: worker.said(f"coroutines.blocks[{job.id}] blocks the event loop"), 20, "the warning")
    wait_for(lambda: worker.said("time.sleep(seconds)"), 5, "where it is")


@pytest.mark.parametrize(
    "pool", ["threads", "solo"], indirect=True, scope="module"
)  # a process is ended, whatever it runs
def test_a_running_one_is_cancelled_and_cleans_up(
    worker: Worker, platform: PlatformApp, broker: Broker, diary: Path
) -> None:
    job = coroutines.waits.delay(diary)
    wait_for(lambda: read(diary) == ["started"], 20, "the start")
    platform.control.revoke(job.id, terminate=True)
    wait_for(lambda: read(diary) == ["started", "cleaned"], 20, "the end")
    wait_for(lambda: job.state == "REVOKED" and broker.owed() == 0, 20, "the acknowledgement")
    assert platform.store.letter(job.id) is None


def test_a_pool_of_greenlets_refuses_them(server: RedisServer, logs: Path) -> None:
    log = logs / "gevent.log"
    with (
        pytest.raises(AssertionError, match=r"cannot run 'async def' tasks \(acceptance\.coroutines\."),
        running_worker(PLATFORM, server.url, log, pool="gevent", environment=MODULES),
    ):
        pass
