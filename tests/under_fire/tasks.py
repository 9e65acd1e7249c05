"""The jobs that are sent while everything is killed; a run writes into the ledger when it starts and when it ends."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from celery import current_task
from celery.signals import worker_ready

from tasks_platform import Hold, Once, PermanentError, ReliableTask, Retry, Unique, current_run, task
from under_fire.ledger import AGAIN, ENDED, REFUSED, REMEMBERED, STARTED, write

#: The deaths of pool processes count as attempts, and retries are to meet kills.
STUBBORN = Retry(max_attempts=12, base=0.01, cap=0.2)
#: Seconds that a step stays taken which was cut off: longer than a worker stands still.
STEP_LEASE = 3 * float(os.environ.get("TASKS_LEASE", "4"))


@worker_ready.connect
def _say_so(**_: Any) -> None:
    """Let faults strike this worker: one that has not begun yet has nothing to lose."""
    sign_of(os.getpid()).touch()


def sign_of(worker: int) -> Path:
    """Return the file that is there as soon as the worker of this process id takes jobs."""
    return Path(os.environ["CHAOS_LEDGER"]).with_name(f"{worker}.ready")


@contextmanager
def _run(name: str, seconds: float = 0.002) -> Iterator[None]:
    """Write down one run, and how it ends."""
    mine = (name, os.getpid(), os.getppid())
    told: Any = current_task.request.properties
    token = f"{told['delivery_tag'].partition(':')[0]}/{uuid.uuid4().hex}"
    write(STARTED, *mine, token=token)
    time.sleep(seconds)
    try:
        yield
    except (ConnectionError, Hold):
        write(AGAIN, *mine, token=token)
        raise
    except PermanentError:
        write(REFUSED, *mine, token=token)
        raise
    else:
        write(ENDED, *mine, token=token)


@task(STUBBORN, base=ReliableTask)
def succeeds(name: str, seconds: float = 0.002) -> None:
    with _run(name, seconds):
        pass


@task(STUBBORN, base=ReliableTask)
def fails_at_first(name: str, times: int) -> None:
    with _run(name):
        if current_run().attempt <= times:
            raise ConnectionError("not yet")


@task(STUBBORN, base=ReliableTask)
def is_held(name: str, until: float) -> None:
    with _run(name):
        if (left := until - time.time()) > 0:
            raise Hold(left, "not yet")


@task(STUBBORN, base=ReliableTask)
def is_refused(name: str) -> None:
    with _run(name):
        raise PermanentError("never")


@task(STUBBORN, Unique(by="key"), base=ReliableTask)
def holds_a_key(name: str, key: str, seconds: float = 0.002) -> None:
    with _run(name, seconds):
        pass


@task(STUBBORN, Unique(by="key", until="started"), base=ReliableTask)
def waits_with_a_key(name: str, key: str, seconds: float = 0.002) -> None:
    with _run(name, seconds):
        pass


@task(STUBBORN, Once(lease=STEP_LEASE, poll=0.5), base=ReliableTask)
def takes_a_step(name: str, step: str, seconds: float) -> None:
    """Be busy before a step, in it, and after it."""
    with _run(name, seconds):
        current_run().once("step", partial(_step, step, seconds))
        write(REMEMBERED, step)
        time.sleep(seconds)


def _step(name: str, seconds: float) -> None:
    with _run(name, seconds):
        pass


@task(STUBBORN, base=ReliableTask)
def links(name: str) -> int:
    with _run(name):
        return 1


@task(STUBBORN, base=ReliableTask)
def joins(numbers: list[int], name: str) -> int:
    with _run(name):
        return sum(numbers)
