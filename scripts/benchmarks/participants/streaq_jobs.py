"""streaQ: coroutines on streams, with functions in the server."""
# /// script
# dependencies = ["streaq==7.2.0", "coredis==6.9.0"]
# [[participant]]
# name = "streaq"
# title = "streaQ"
# delivery = "at least once"
# slots = 16
# ///

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from participant import HOUR, NAP, PROCESSES, SLOTS, URL, program, wrote
from streaq import Worker

#: Jobs in one call of ``enqueue_many``.
BATCH = 1000
queue: Any = Worker(redis_url=URL, concurrency=SLOTS)


@queue.task(ttl=0, silent=True)
async def nothing(number: int) -> None:
    """Do nothing."""
    wrote()


@queue.task(ttl=HOUR, silent=True)
async def answer(number: int) -> str:
    """Return what is stored."""
    wrote()
    return "done"


@queue.task(ttl=0, silent=True)
async def nap(number: int) -> None:
    """Sleep, and let others work meanwhile."""
    await asyncio.sleep(NAP)
    wrote()


TASKS = {"nothing": nothing, "answer": answer, "nap": nap}


@asynccontextmanager
async def opened() -> AsyncIterator[None]:
    """Connect."""
    async with queue:
        yield


async def one(job: str, count: int) -> None:
    """Send one by one."""
    for number in range(count):
        await TASKS[job].enqueue(number)


async def many(job: str, count: int) -> None:
    """Send a thousand in a call."""
    for first in range(0, count, BATCH):
        await queue.enqueue_many([TASKS[job].enqueue(number) for number in range(first, min(first + BATCH, count))])


async def later(job: str, count: int) -> None:
    """Send what is due in an hour."""
    for first in range(0, count, BATCH):
        numbers = range(first, min(first + BATCH, count))
        await queue.enqueue_many([TASKS[job].enqueue(number).start(delay=HOUR) for number in numbers])


def worker() -> list[str]:
    """Return the arguments of a worker."""
    return [program("streaq"), "run", "streaq_jobs:queue", "--workers", str(PROCESSES)]
