"""taskiq on a Redis stream: coroutines; what is due later would need a scheduler beside it."""
# /// script
# dependencies = [
#   "taskiq==0.13.0",
#   "taskiq-redis==1.2.4",
#   "redis==8.1.0",
#   "hiredis==3.5.0",
#   "orjson==3.13.0",
#   "uvloop==0.23.0",
# ]
# [[participant]]
# name = "taskiq"
# title = "taskiq, streams"
# delivery = "at least once"
# slots = 100
# later = false
# ///

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from participant import HOUR, NAP, PROCESSES, SLOTS, URL, program, wrote
from taskiq import TaskiqResult
from taskiq_redis import RedisAsyncResultBackend, RedisStreamBroker

#: Calls that are under way at a time in ``many``.
TOGETHER = 100


class Backend(RedisAsyncResultBackend[Any]):
    """Stores the results of those jobs only that have one: taskiq has them all stored, or none."""

    async def set_result(self, task_id: str, result: TaskiqResult[Any]) -> None:
        """Store what was returned, if it was anything."""
        if result.return_value is not None:
            await super().set_result(task_id, result)


broker = RedisStreamBroker(url=URL).with_result_backend(Backend(URL, result_ex_time=HOUR))


@broker.task
async def nothing(number: int) -> None:
    """Do nothing."""
    wrote()


@broker.task
async def answer(number: int) -> str:
    """Return what is stored."""
    wrote()
    return "done"


@broker.task
async def nap(number: int) -> None:
    """Sleep, and let others work meanwhile."""
    await asyncio.sleep(NAP)
    wrote()


TASKS = {"nothing": nothing, "answer": answer, "nap": nap}


@asynccontextmanager
async def opened() -> AsyncIterator[None]:
    """Connect the broker."""
    await broker.startup()
    yield
    await broker.shutdown()


async def one(job: str, count: int) -> None:
    """Send one by one."""
    for number in range(count):
        await TASKS[job].kiq(number)


async def many(job: str, count: int) -> None:
    """Taskiq has no call for many; some can be under way at a time."""
    for first in range(0, count, TOGETHER):
        await asyncio.gather(*(TASKS[job].kiq(number) for number in range(first, min(first + TOGETHER, count))))


def worker() -> list[str]:
    """Return the arguments of a worker."""
    command = [program("taskiq"), "worker", "taskiq_jobs:broker", "--log-level", "ERROR"]
    return [*command, "--workers", str(PROCESSES), "--max-async-tasks", str(SLOTS)]
