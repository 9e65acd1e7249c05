"""RQ, its simple worker: one job at a time, in the worker's own process."""
# /// script
# dependencies = ["rq==3.0.0", "redis==8.1.0", "hiredis==3.5.0"]
# [[participant]]
# name = "rq"
# title = "RQ, simple worker"
# delivery = "at most once, if a job is not told otherwise"
# copies = true
# naps = false
# ///

from __future__ import annotations

import time
from datetime import timedelta

from participant import HOUR, NAP, URL, program, wrote
from redis import Redis
from rq import Queue

#: Jobs in one call of ``enqueue_many``.
BATCH = 1000
queue = Queue(connection=Redis.from_url(URL))


def nothing(number: int) -> None:
    """Do nothing."""
    wrote()


def answer(number: int) -> str:
    """Return what is stored."""
    wrote()
    return "done"


def nap(number: int) -> None:
    """Sleep, and hold the worker meanwhile."""
    time.sleep(NAP)
    wrote()


JOBS = {"nothing": nothing, "answer": answer, "nap": nap}
#: Seconds for which a result is kept; 0 is not at all.
KEPT = {"nothing": 0, "answer": HOUR, "nap": 0}


def one(job: str, count: int) -> None:
    """Send one by one."""
    for number in range(count):
        queue.enqueue(f"rq_jobs.{job}", number, result_ttl=KEPT[job])


def many(job: str, count: int) -> None:
    """Send a thousand in a call."""
    for first in range(0, count, BATCH):
        numbers = range(first, min(first + BATCH, count))
        queue.enqueue_many(
            [Queue.prepare_data(f"rq_jobs.{job}", args=(number,), result_ttl=KEPT[job]) for number in numbers]
        )


def later(job: str, count: int) -> None:
    """Send what is due in an hour."""
    for number in range(count):
        queue.enqueue_in(timedelta(seconds=HOUR), f"rq_jobs.{job}", number, result_ttl=KEPT[job])


def worker() -> list[str]:
    """Return the arguments of a worker."""
    return [program("rq"), "worker", "--quiet", "--url", URL, "--worker-class", "rq.worker.SimpleWorker", "default"]
