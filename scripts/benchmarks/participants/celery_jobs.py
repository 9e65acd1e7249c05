"""Plain Celery, as its documents recommend it for jobs that must not get lost: acknowledged when they are done."""
# /// script
# dependencies = []
# [[participant]]
# name = "celery-prefork"
# title = "Celery, prefork"
# delivery = "at least once, an hour after a kill"
# environment = { BENCH_POOL = "prefork" }
# naps = false
# [[participant]]
# name = "celery-threads"
# title = "Celery, threads"
# delivery = "at least once, an hour after a kill"
# environment = { BENCH_POOL = "threads" }
# slots = 4
# copies = true
# later = false
# ///

from __future__ import annotations

import os
import sys
import time

from celery import Celery
from participant import HOUR, NAP, PROCESSES, SLOTS, URL, wrote

POOL = os.environ["BENCH_POOL"]
app = Celery("celery_jobs", broker=URL, backend=URL)
app.conf.update(task_acks_late=True, broker_connection_retry_on_startup=True, result_expires=HOUR)


@app.task(ignore_result=True)
def nothing(number: int) -> None:
    """Do nothing."""
    wrote()


@app.task
def answer(number: int) -> str:
    """Return what is stored."""
    wrote()
    return "done"


@app.task(ignore_result=True)
def nap(number: int) -> None:
    """Sleep, and hold a slot meanwhile."""
    time.sleep(NAP)
    wrote()


TASKS = {"nothing": nothing, "answer": answer, "nap": nap}


def one(job: str, count: int) -> None:
    """Send one by one."""
    for number in range(count):
        TASKS[job].delay(number)


def many(job: str, count: int) -> None:
    """Celery has no call for many; to keep the producer is what it offers."""
    with app.producer_or_acquire() as producer:
        for number in range(count):
            TASKS[job].apply_async((number,), producer=producer)


def later(job: str, count: int) -> None:
    """Send what is due in an hour."""
    with app.producer_or_acquire() as producer:
        for number in range(count):
            TASKS[job].apply_async((number,), producer=producer, countdown=HOUR)


def worker() -> list[str]:
    """Return the arguments of a worker: processes of its own, or threads."""
    at_a_time = PROCESSES if POOL == "prefork" else SLOTS
    command = [sys.executable, "-m", "celery", "-A", "celery_jobs", "worker", "--pool", POOL, "--loglevel", "ERROR"]
    return [*command, "--concurrency", str(at_a_time), "--without-gossip", "--without-mingle", "--without-heartbeat"]
