"""How many jobs one sender sends and one worker runs, on whatever broker."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from tasks_platform.celery import create_app
from tasks_platform.settings import Settings

HERE: Final = Path(__file__).parent
_DEADLINE: Final = 180.0


def one_worker(records: str, broker: str | None, jobs: int, spent: Callable[[], float]) -> dict[str, float]:
    """Send jobs one by one, then let a worker of four threads run them; tell both rates per second.

    *spent* returns how many seconds of a processor the broker has had so far.
    """
    app = create_app(
        Settings(redis_url=records, broker_url=broker, business=False, modules="noop", lease=timedelta(hours=1))
    )
    app.loader.import_default_modules()
    task = app.tasks["bench.reliable"]
    task.delay(0, "word")
    before, begun = spent(), time.monotonic()
    for number in range(jobs):
        task.delay(number, "word")
    sent_in, sent_for = time.monotonic() - begun, spent() - before
    told = {"TASKS_REDIS_URL": records, "TASKS_MODULES": "noop", "TASKS_BUSINESS": "false", "PYTHONPATH": str(HERE)}
    told |= {"TASKS_BROKER_URL": broker} if broker else {}
    command = [sys.executable, "-m", "celery", "-A", "tasks_platform", "worker", "--pool", "threads"]
    command += ["--concurrency", "4", "--loglevel", "ERROR", "--without-gossip", "--without-mingle"]
    worker = subprocess.Popen(command, env={**os.environ, **told}, stdout=subprocess.DEVNULL)  # noqa: S603
    try:
        deadline = time.monotonic() + _DEADLINE
        left = _waiting(app, lambda left: left < jobs, deadline)
        before, begun = spent(), time.monotonic()
        _waiting(app, lambda left: not left, deadline)
        ran_in, ran_for = time.monotonic() - begun, spent() - before
    finally:
        worker.kill()
        worker.wait()
    return {
        "delay() one by one, per second": jobs / sent_in,
        "broker's processor per delay(), us": sent_for / jobs * 1e6,
        "jobs run by one worker process, per second": left / ran_in,
        "broker's processor per job run, us": ran_for / left * 1e6,
    }


def _waiting(app: Any, enough: Callable[[int], bool], deadline: float) -> int:
    """Wait until *enough* jobs have left the queue, and return how many wait in it."""
    with app.connection_for_read() as connection:
        while time.monotonic() < deadline:
            left = _left(connection)
            if enough(left):
                return left
            time.sleep(0.02)
    sys.exit("the worker did not finish its block")


def _left(connection: Any) -> int:
    with connection.channel() as channel:
        try:
            return int(channel.queue_declare("default", passive=True).message_count)
        except connection.channel_errors:  # on Redis there is no queue where nothing waits
            return 0
