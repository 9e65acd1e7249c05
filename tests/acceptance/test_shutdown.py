"""A worker that is told to stop gives back what it cannot finish."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import redis

from acceptance import on_the_loop, shop
from acceptance.brokers import owed
from acceptance.diary import read
from acceptance.workers import PLAIN, PLATFORM, running_worker
from tasks_platform import Settings
from waiting import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from celery import Celery

    from acceptance.brokers import Broker
    from redis_server import RedisServer
    from tasks_platform.celery import PlatformApp

#: SIGTERM stops a plain worker softly: running jobs get two seconds, what is left is cut off.
SOFTLY = {"REMAP_SIGTERM": "SIGQUIT", "SOFT_SHUTDOWN": "2"}
HERE = {"TASKS_MODULES": on_the_loop.MODULES}


@pytest.fixture(scope="module")
def platform_settings(server: RedisServer, broker: Broker) -> Settings:
    return Settings(redis_url=server.url, modules=on_the_loop.MODULES, business=False)


def test_plain_celery_loses_a_job_that_a_stop_cuts_off(plain: Celery, plain_url: str, logs: Path, diary: Path) -> None:
    with running_worker(PLAIN, plain_url, logs / "plain.log", environment=SOFTLY) as worker:
        job = plain.send_task("acceptance.plain.sleeps_the_first_time", (str(diary),))
        wait_for(lambda: read(diary), 20, "the start of the job")
        worker.send(signal.SIGTERM)
        worker.wait()
    with redis.Redis.from_url(plain_url) as broker:
        assert (broker.llen("celery"), owed(broker)) == (0, 0)
    assert job.state == "RETRY"  # and nobody will


@pytest.mark.checklist(24, 82, 85)
@pytest.mark.parametrize(
    ("pool", "module"),
    [("prefork", shop), ("threads", shop), ("threads", on_the_loop), ("solo", on_the_loop)],
    ids=["prefork", "threads", "threads-on_the_loop", "solo-on_the_loop"],
)
def test_a_job_that_a_stop_cuts_off_runs_on_the_next_worker_and_one_that_can_end_in_time_ends(  # noqa: PLR0913, PLR0917
    platform: PlatformApp, server: RedisServer, broker: Broker, logs: Path, tmp_path: Path, pool: str, module: Any
) -> None:
    short, long = tmp_path / "short", tmp_path / "long"
    brief = {"TASKS_GRACE_PERIOD": "3", **HERE}
    log = f"{pool}-{module.__name__}.log"
    with running_worker(PLATFORM, server.url, logs / f"first-{log}", environment=brief, pool=pool) as worker:
        jobs = [shop.takes_a_second.delay(short), module.sleeps_the_first_time.delay(long)]
        wait_for(lambda: read(short) and read(long), 20, "the start of both jobs")
        worker.send(signal.SIGTERM)
        worker.process.wait(timeout=20)  # and not 60, which the job takes
    assert (read(short), read(long)) == (["started", "ended"], ["started"])
    wait_for(lambda: broker.owed() == 0, 10, "nothing that is owed: it waits for no lease")
    with running_worker(PLATFORM, server.url, logs / f"second-{log}", environment=HERE, pool=pool):
        wait_for(lambda: len(read(long)) == 2, 10, "the second start of the long job")
        wait_for(lambda: broker.owed() == 0, 20, "the end of the long job")
    assert read(short) == ["started", "ended"]
    assert [platform.store.letter(job.id) for job in jobs] == [None, None]


#: A program with a worker inside, which it ends; then it waits for all that the worker has begun.
HOST = """
import threading, time
from celery.contrib.testing.worker import start_worker
from tasks_platform.celery import app

with start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=30):
    before = {"MainThread"}
    started = {thread.name for thread in threading.enumerate()}
end = time.monotonic() + 20
while (left := {thread.name for thread in threading.enumerate()} - before) and time.monotonic() < end:
    time.sleep(0.02)
print("letters-watch" in started, sorted(left))
"""


def test_a_program_that_has_a_worker_inside_goes_on_when_that_has_ended(
    platform: PlatformApp, server: RedisServer
) -> None:
    told = {"TASKS_REDIS_URL": server.url, "TASKS_BUSINESS": "false", "TASKS_GRACE_PERIOD": "1"}
    command = [sys.executable, "-c", HOST]
    host = subprocess.run(command, env={**os.environ, **told}, capture_output=True, text=True, timeout=60, check=False)
    assert (host.returncode, host.stdout) == (0, "True []\n"), host.stderr


def test_a_worker_without_long_jobs_does_not_wait_for_the_end_of_its_grace_period(
    platform: PlatformApp, server: RedisServer, broker: Broker, logs: Path, tmp_path: Path
) -> None:
    diary = tmp_path / "short"
    with running_worker(PLATFORM, server.url, logs / "quick.log", environment={"TASKS_GRACE_PERIOD": "3600"}) as worker:
        shop.takes_a_second.delay(diary)
        wait_for(lambda: read(diary), 20, "the start of the job")
        worker.send(signal.SIGTERM)
        assert worker.wait() == 0
    assert read(diary) == ["started", "ended"]
    wait_for(lambda: broker.owed() == 0, 10, "nothing that is owed")
