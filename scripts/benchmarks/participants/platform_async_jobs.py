"""This platform, with jobs that are coroutines: all of a process on one event loop."""
# /// script
# dependencies = []
# [[participant]]
# name = "async"
# title = "the platform, async def"
# delivery = "at least once, 15 s after a kill"
# slots = 100
# copies = true
# later = false
# ///

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from participant import NAP, SLOTS, URL, wrote

from tasks_platform import ReliableTask, call, enqueue_many, task
from tasks_platform.celery import create_app
from tasks_platform.settings import Settings


@task(base=ReliableTask, name="bench.nothing")
async def nothing(number: int) -> None:
    """Do nothing."""
    wrote()


@task(base=ReliableTask, name="bench.answer")
async def answer(number: int) -> str:
    """Return what is stored."""
    wrote()
    return "done"


@task(base=ReliableTask, name="bench.nap")
async def nap(number: int) -> None:
    """Sleep, and let others work meanwhile."""
    await asyncio.sleep(NAP)
    wrote()


TASKS: dict[str, Any] = {"nothing": nothing, "answer": answer, "nap": nap}
if sys.argv[-1] == "producer":
    create_app(Settings(redis_url=URL, business=False)).finalize()


async def one(job: str, count: int) -> None:
    """Send one by one, from an event loop."""
    for number in range(count):
        await TASKS[job].adelay(number)


async def many(job: str, count: int) -> None:
    """Send all in one call."""
    enqueue_many(call(TASKS[job], number) for number in range(count))


def worker() -> list[str]:
    """Return the arguments of a worker of one process."""
    os.environ.update(TASKS_REDIS_URL=URL, TASKS_BUSINESS="false", TASKS_MODULES="platform_async_jobs")
    command = [sys.executable, "-m", "celery", "-A", "tasks_platform", "worker", "--pool", "threads"]
    command += ["--loglevel", "ERROR", "--concurrency", str(SLOTS)]
    return [*command, "--without-gossip", "--without-mingle", "--without-heartbeat"]
