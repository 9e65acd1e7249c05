"""Jobs that only wait: as a bare task of plain Celery, and as reliable ones, in a thread each or on one event loop."""

import asyncio
import os
import time

from celery import Celery

from tasks_platform import ReliableTask, task

SECONDS = float(os.environ.get("BENCH_NAP", "0.05"))
plain = Celery("naps", broker=os.environ.get("BENCH_BROKER"), set_as_current=False)
plain.conf.update(task_acks_late=True, task_ignore_result=True, broker_connection_retry_on_startup=True)


@plain.task(name="bench.bare_nap")
def bare_nap(_number: int) -> None:
    """Sleep."""
    time.sleep(SECONDS)


@task(base=ReliableTask, name="bench.nap")
def nap(_number: int) -> None:
    """Sleep, reliably."""
    time.sleep(SECONDS)


@task(base=ReliableTask, name="bench.async_nap")
async def async_nap(_number: int) -> None:
    """Sleep, reliably, and leave the thread to others."""
    await asyncio.sleep(SECONDS)
