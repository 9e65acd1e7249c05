"""huey: threads that each wait with BRPOP; what a killed worker had is lost."""
# /// script
# dependencies = ["huey==3.5.4", "redis==8.1.0", "hiredis==3.5.0"]
# [[participant]]
# name = "huey"
# delivery = "at most once"
# slots = 4
# copies = true
# bulk = false
# ///

from __future__ import annotations

import time

from huey import RedisHuey
from participant import HOUR, NAP, SLOTS, URL, program, wrote
from redis import ConnectionPool

#: Each thread waits on a connection of its own; a pool has no more than a hundred if it is not told otherwise.
huey = RedisHuey("bench", connection_pool=ConnectionPool.from_url(URL, max_connections=1000))


@huey.task()
def nothing(number: int) -> None:
    """Do nothing; nothing is stored either."""
    wrote()


@huey.task()
def answer(number: int) -> str:
    """Return what is stored."""
    wrote()
    return "done"


@huey.task()
def nap(number: int) -> None:
    """Sleep, and hold a thread meanwhile."""
    time.sleep(NAP)
    wrote()


TASKS = {"nothing": nothing, "answer": answer, "nap": nap}


def one(job: str, count: int) -> None:
    """Send one by one."""
    for number in range(count):
        TASKS[job](number)


many = one


def later(job: str, count: int) -> None:
    """Send what is due in an hour."""
    for number in range(count):
        TASKS[job].schedule(args=(number,), delay=HOUR)


def worker() -> list[str]:
    """Return the arguments of a worker."""
    return [program("huey_consumer"), "huey_jobs.huey", "--quiet", "-k", "thread", "-w", str(SLOTS)]
