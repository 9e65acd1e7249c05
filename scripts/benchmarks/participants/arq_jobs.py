"""arq: coroutines, and a worker that asks for jobs every 10 ms (its default is half a second)."""
# /// script
# dependencies = ["arq==0.28.0", "redis==5.3.1", "hiredis==3.5.0"]
# [[participant]]
# name = "arq"
# title = "arq, asking every 10 ms"
# delivery = "at least once"
# slots = 100
# copies = true
# ///

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from arq import create_pool
from arq.connections import RedisSettings
from arq.worker import func
from participant import HOUR, NAP, SLOTS, URL, program, wrote

#: Calls that are under way at a time in ``many``.
TOGETHER = 100
#: The pool of connections, once it is opened.
_pools: list[Any] = []
QUIET = {"version": 1, "loggers": {"arq": {"level": "ERROR"}}}


async def nothing(ctx: Any, number: int) -> None:
    """Do nothing."""
    wrote()


async def answer(ctx: Any, number: int) -> str:
    """Return what is stored."""
    wrote()
    return "done"


async def nap(ctx: Any, number: int) -> None:
    """Sleep, and let others work meanwhile."""
    await asyncio.sleep(NAP)
    wrote()


class WorkerSettings:
    """What arq's worker reads."""

    functions = (func(nothing, keep_result=0), func(answer, keep_result=HOUR), func(nap, keep_result=0))
    redis_settings = RedisSettings.from_dsn(URL)
    max_jobs = SLOTS
    poll_delay = 0.01


@asynccontextmanager
async def opened() -> AsyncIterator[None]:
    """Connect."""
    _pools.append(await create_pool(WorkerSettings.redis_settings))
    yield


async def one(job: str, count: int) -> None:
    """Send one by one."""
    for number in range(count):
        await _pools[0].enqueue_job(job, number)


async def _together(job: str, count: int, **options: Any) -> None:
    for first in range(0, count, TOGETHER):
        numbers = range(first, min(first + TOGETHER, count))
        await asyncio.gather(*(_pools[0].enqueue_job(job, number, **options) for number in numbers))


async def many(job: str, count: int) -> None:
    """Arq has no call for many; some can be under way at a time."""
    await _together(job, count)


async def later(job: str, count: int) -> None:
    """Send what is due in an hour."""
    await _together(job, count, _defer_by=timedelta(seconds=HOUR))


def worker() -> list[str]:
    """Return the arguments of a worker."""
    return [program("arq"), "arq_jobs.WorkerSettings", "--custom-log-dict", "arq_jobs.QUIET"]
