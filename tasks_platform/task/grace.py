"""How a worker stops: TERM, a bounded time for what runs, and then what is left is handed back."""

from __future__ import annotations

import logging
import os
import signal
import threading
from typing import Any, Final

from celery import bootsteps
from celery.platforms import EX_FAILURE

from tasks_platform.broker.leased.lease import Lease
from tasks_platform.task.pools import SoloPool
from tasks_platform.task.thread_pool import ThreadPool

logger = logging.getLogger(__name__)
#: Where the functions are that Celery lets a worker hear signals with.
_OF_A_WORKER: Final = "celery.apps.worker"


class GracePeriod(bootsteps.StartStopStep):
    """End a warm shutdown that takes longer than the grace period.

    1. TERM: Celery takes no more jobs and waits for those that run, without a bound.
    2. They all end: the worker ends, however little of the grace period is over.
    3. The grace period is over first: QUIT, which stops what still runs and gives its messages back to the queue.

    The processes of the prefork pool can be stopped. Threads cannot, nor what is on the event loop: they go on while
    Celery ends, for a second or so, and what they end meanwhile is given back all the same. Where the platform's
    broker knows what they are at, that goes back first, and the worker ends at once.
    A worker inside of another program is left alone: QUIT would end that program.
    """

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self._begun = False

    def close(self, worker: Any) -> None:
        """Begin to count: the worker has begun to stop."""
        if self._begun or not _is_a_program():
            return
        self._begun = True
        seconds = worker.app.settings.grace_period.total_seconds()
        told = (worker.blueprint.shutdown_complete, seconds, isinstance(worker.pool, ThreadPool | SoloPool))
        threading.Thread(target=_wait_or_hand_back, args=told, name="grace-period", daemon=True).start()


def _wait_or_hand_back(ended: threading.Event, seconds: float, in_threads: bool) -> None:  # noqa: FBT001
    if ended.wait(seconds):
        return
    logger.warning("Jobs still run at the end of the grace period: they are handed back to the queue.")
    if in_threads and Lease.end_all():
        logging.shutdown()
        os._exit(EX_FAILURE)
    os.kill(os.getpid(), signal.SIGQUIT)


def _is_a_program() -> bool:
    """Tell whether QUIT is heard by a worker, and not by a program that has one inside."""
    return getattr(signal.getsignal(signal.SIGQUIT), "__module__", None) == _OF_A_WORKER
