"""dramatiq: threads in processes, and a Lua script that hands messages out."""
# /// script
# dependencies = ["dramatiq[redis]==2.2.1", "redis==8.1.0", "hiredis==3.5.0"]
# [[participant]]
# name = "dramatiq"
# delivery = "at least once"
# slots = 8
# bulk = false
# ///

from __future__ import annotations

import time

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend
from participant import HOUR, NAP, PROCESSES, SLOTS, URL, program, wrote

broker = RedisBroker(url=URL)
broker.add_middleware(Results(backend=RedisBackend(url=URL), result_ttl=HOUR * 1000))
dramatiq.set_broker(broker)


@dramatiq.actor
def nothing(number: int) -> None:
    """Do nothing."""
    wrote()


@dramatiq.actor(store_results=True)
def answer(number: int) -> str:
    """Return what is stored."""
    wrote()
    return "done"


@dramatiq.actor
def nap(number: int) -> None:
    """Sleep, and hold a thread meanwhile."""
    time.sleep(NAP)
    wrote()


ACTORS = {"nothing": nothing, "answer": answer, "nap": nap}


def one(job: str, count: int) -> None:
    """Send one by one."""
    for number in range(count):
        ACTORS[job].send(number)


many = one


def later(job: str, count: int) -> None:
    """Send what is due in an hour."""
    for number in range(count):
        ACTORS[job].send_with_options(args=(number,), delay=HOUR * 1000)


def worker() -> list[str]:
    """Return the arguments of a worker."""
    command = [program("dramatiq"), "dramatiq_jobs:broker", "--skip-logging"]
    return [*command, "--processes", str(PROCESSES), "--threads", str(SLOTS)]
