"""SAQ: coroutines, and BLMOVE into a list of what is being worked at."""
# /// script
# dependencies = ["saq[redis,hiredis]==0.26.4", "redis==7.4.1", "hiredis==3.5.0", "typing-extensions==4.16.0"]
# [[participant]]
# name = "saq"
# title = "SAQ"
# delivery = "at least once"
# slots = 10
# ///

from __future__ import annotations

import asyncio
import time
from typing import Any

from participant import HOUR, NAP, PROCESSES, SLOTS, URL, program, wrote
from saq import Queue

#: Calls that are under way at a time in ``many``.
TOGETHER = 100
queue = Queue.from_url(URL)


async def nothing(ctx: Any, *, number: int) -> None:
    """Do nothing."""
    wrote()


async def answer(ctx: Any, *, number: int) -> str:
    """Return what is stored."""
    wrote()
    return "done"


async def nap(ctx: Any, *, number: int) -> None:
    """Sleep, and let others work meanwhile."""
    await asyncio.sleep(NAP)
    wrote()


settings = {"queue": queue, "functions": [nothing, answer, nap], "concurrency": SLOTS}
#: Seconds for which the result of a job is kept; -1 is not at all.
KEPT = {"nothing": -1, "answer": HOUR, "nap": -1}


async def one(job: str, count: int) -> None:
    """Send one by one."""
    for number in range(count):
        await queue.enqueue(job, number=number, ttl=KEPT[job])


async def _together(job: str, count: int, **options: Any) -> None:
    for first in range(0, count, TOGETHER):
        numbers = range(first, min(first + TOGETHER, count))
        await asyncio.gather(*(queue.enqueue(job, number=number, ttl=KEPT[job], **options) for number in numbers))


async def many(job: str, count: int) -> None:
    """SAQ has no call for many; some can be under way at a time."""
    await _together(job, count)


async def later(job: str, count: int) -> None:
    """Send what is due in an hour."""
    await _together(job, count, scheduled=int(time.time()) + HOUR)


def worker() -> list[str]:
    """Return the arguments of a worker."""
    return [program("saq"), "saq_jobs.settings", "--quiet", "--workers", str(PROCESSES)]
