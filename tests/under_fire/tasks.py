"""The jobs that are sent while everything is killed; each writes into the ledger when it starts and when it ends."""

from __future__ import annotations

import os
import time

from tasks_platform import Hold, ReliableTask, Retry, current_run, task
from under_fire.ledger import ENDED, STARTED, write

#: Deaths count as attempts, and there are many here.
STUBBORN = Retry(max_attempts=50, base=0.05, cap=0.5)


def _run(name: str) -> None:
    write(STARTED, name, os.getpid(), os.getppid())
    time.sleep(0.002)
    write(ENDED, name, os.getpid(), os.getppid())


@task(STUBBORN, base=ReliableTask)
def succeeds(name: str) -> None:
    _run(name)


@task(STUBBORN, base=ReliableTask)
def fails_once(name: str) -> None:
    if current_run().attempt == 1:
        raise ConnectionError("once")
    _run(name)


@task(STUBBORN, base=ReliableTask)
def is_held(name: str, until: float) -> None:
    if time.time() < until:
        raise Hold(max(0.0, until - time.time()), "not yet")
    _run(name)


@task(STUBBORN, base=ReliableTask)
def links(name: str) -> int:
    _run(name)
    return 1


@task(STUBBORN, base=ReliableTask)
def joins(numbers: list[int], name: str) -> int:
    _run(name)
    return sum(numbers)
