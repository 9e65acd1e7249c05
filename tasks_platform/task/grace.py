"""How a worker stops: TERM, a bounded time for what runs, and then what is left is handed back."""

from __future__ import annotations

import logging
import os
import signal
import threading
from typing import Any

from celery import bootsteps

logger = logging.getLogger(__name__)


class GracePeriod(bootsteps.StartStopStep):
    """End a warm shutdown that takes longer than the grace period.

    1. TERM: Celery takes no more jobs and waits for those that run, without a bound.
    2. They all end: the worker ends, however little of the grace period is over.
    3. The grace period is over first: QUIT, which stops what still runs and gives its messages back to the queue.

    The processes of the prefork pool can be stopped; threads cannot, and go on until they end or are killed.
    """

    def close(self, worker: Any) -> None:
        """Begin to count: the worker has begun to stop."""
        timer = threading.Timer(worker.app.settings.grace_period.total_seconds(), _hand_back)
        timer.daemon = True  # a worker that ends in time does not wait for it
        timer.start()


def _hand_back() -> None:
    logger.warning("Jobs still run at the end of the grace period: they are handed back to the queue.")
    os.kill(os.getpid(), signal.SIGQUIT)
