"""A process that sends jobs, waits for results and reads records, until its standard input ends."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any, Final

from celery.exceptions import TimeoutError  # noqa: A004 - Celery's own is meant
from kombu.exceptions import OperationalError

from switching import tasks
from switching.ledger import TOLD, UNSURE, write
from tasks_platform import app

#: Seconds between two jobs for each kind of workers, two results, and two records.
_JOBS: Final = 0.02
_RESULTS: Final = 0.1
_RECORDS: Final = 0.05
#: Seconds to wait for a result: a job that is lost has none.
_PATIENCE: Final = 5.0


def send(task: Any, name: str) -> Any:
    """Send a job, and write down what was told of it."""
    try:
        job = task.delay(name)
    except OperationalError:
        logging.getLogger(__name__).exception("%s", name)
        write(UNSURE, name)
        return None
    write(TOLD, name)
    write("producer")
    return job


def result(task: Any, name: str) -> None:
    """Wait for the result of a job."""
    if (job := send(task, name)) is None:
        return
    with suppress(TimeoutError):
        assert job.get(timeout=_PATIENCE) == name
        write("results")


def record() -> None:
    """Read a record."""
    app.store.count_letters()
    write("store")


def main() -> None:
    """Do all of it at once."""
    over = threading.Event()

    def again_and_again(pause: float, action: Callable[[int], None]) -> threading.Thread:
        def go_on() -> None:
            for number in count():
                if over.wait(pause):
                    return
                action(number)

        thread = threading.Thread(target=go_on)
        thread.start()
        return thread

    threads = [
        again_and_again(_JOBS, lambda number: send(tasks.in_a_process, f"process-{number}") and None),
        again_and_again(_JOBS, lambda number: send(tasks.in_a_thread, f"thread-{number}") and None),
        again_and_again(_RESULTS, lambda number: result(tasks.in_a_thread, f"result-{number}")),
        again_and_again(_RECORDS, lambda _: record()),
    ]
    sys.stdin.read()
    over.set()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
