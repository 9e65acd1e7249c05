"""This platform, on its leased broker: reliable tasks, and bare Celery tasks that only have its broker."""
# /// script
# dependencies = []
# [[participant]]
# name = "threads"
# title = "the platform, threads"
# delivery = "at least once, 15 s after a kill"
# environment = { BENCH_POOL = "threads", BENCH_BASE = "reliable" }
# slots = 4
# copies = true
# [[participant]]
# name = "prefork"
# title = "the platform, prefork"
# delivery = "at least once, 15 s after a kill"
# environment = { BENCH_POOL = "prefork", BENCH_BASE = "reliable" }
# naps = false
# later = false
# [[participant]]
# name = "bare-threads"
# title = "the same, bare task, threads"
# delivery = "at least once, 15 s after a kill"
# environment = { BENCH_POOL = "threads", BENCH_BASE = "bare" }
# slots = 4
# copies = true
# later = false
# [[participant]]
# name = "bare-prefork"
# title = "the same, bare task, prefork"
# delivery = "at least once, 15 s after a kill"
# environment = { BENCH_POOL = "prefork", BENCH_BASE = "bare" }
# naps = false
# later = false
# ///

from __future__ import annotations

import os
import sys
import time
from typing import Any

from celery import shared_task
from participant import HOUR, NAP, PROCESSES, SLOTS, URL, wrote

from tasks_platform import ReliableTask, call, enqueue_many, task
from tasks_platform.celery import create_app
from tasks_platform.settings import Settings

POOL, BASE = os.environ["BENCH_POOL"], os.environ["BENCH_BASE"]


def _nothing(number: int) -> None:
    """Do nothing."""
    wrote()


def _answer(number: int) -> str:
    """Return what is stored."""
    wrote()
    return "done"


def _nap(number: int) -> None:
    """Sleep, and hold a slot meanwhile."""
    time.sleep(NAP)
    wrote()


TASKS: dict[str, Any]
if BASE == "reliable":
    TASKS = {
        "nothing": task(base=ReliableTask, name="bench.nothing")(_nothing),
        "answer": task(base=ReliableTask, name="bench.answer")(_answer),
        "nap": task(base=ReliableTask, name="bench.nap")(_nap),
    }
else:
    TASKS = {
        "nothing": shared_task(name="bench.nothing", acks_late=True, ignore_result=True)(_nothing),
        "answer": shared_task(name="bench.answer", acks_late=True)(_answer),
        "nap": shared_task(name="bench.nap", acks_late=True, ignore_result=True)(_nap),
    }
if sys.argv[-1] == "producer":
    create_app(Settings(redis_url=URL, business=False)).finalize()


def one(job: str, count: int) -> None:
    """Send one by one."""
    for number in range(count):
        TASKS[job].delay(number)


def many(job: str, count: int) -> None:
    """Send all in one call; for bare tasks there is only what Celery has."""
    if BASE == "reliable":
        enqueue_many(call(TASKS[job], number) for number in range(count))
        return
    with TASKS[job].app.producer_or_acquire() as producer:
        for number in range(count):
            TASKS[job].apply_async((number,), producer=producer)


def later(job: str, count: int) -> None:
    """Send what is due in an hour."""
    enqueue_many(call(TASKS[job], number).set(countdown=HOUR) for number in range(count))


def worker() -> list[str]:
    """Return the arguments of a worker: processes of its own, or threads."""
    os.environ.update(TASKS_REDIS_URL=URL, TASKS_BUSINESS="false", TASKS_MODULES="platform_jobs")
    at_a_time = PROCESSES if POOL == "prefork" else SLOTS
    command = [sys.executable, "-m", "celery", "-A", "tasks_platform", "worker", "--pool", POOL]
    command += ["--loglevel", "ERROR", "--concurrency", str(at_a_time)]
    return [*command, "--without-gossip", "--without-mingle", "--without-heartbeat"]
