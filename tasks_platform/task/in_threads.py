"""InThreads: a worker whose jobs run in threads, beside the event loop that hands them out."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any, Final

from celery.worker import state as worker_state

from tasks_platform.broker.leased.channel import Channel
from tasks_platform.broker.leased.pace import HORIZON
from tasks_platform.task.thread_pool import ThreadPool

log = logging.getLogger(__name__)
#: Seconds after which a job goes back that no thread could begin with: others may, and what is urgent is first.
_PATIENCE: Final = 2 * HORIZON


class InThreads:
    """Lets threads and event loop wait for each other as rarely as can be: that takes longer than many a job.

    1. A thread that has run a job acknowledges its message itself.
    2. It wakes the event loop when half of what the pool may have is done with, not for each job.
    3. Of quick jobs some wait in the pool, for the thread that will be free next. Nobody has begun with them: if this
       process dies, that is not held against them, and if no thread is free soon, they go back to their queues.
    """

    def __init__(self, pool: ThreadPool, channel: Channel, hub: Any, deliver: Callable[[], object]) -> None:
        self._pool = pool
        self._channel = channel
        self._hub = hub
        #: Hands out what may be handed out.
        self._deliver = deliver
        self._loop_thread = threading.get_ident()
        self._is_awaited = False
        self._is_looked_after = False
        channel.has_queue = True
        pool.begins = self._begins

    def acknowledge(self, message: Any) -> bool:
        """Acknowledge in this thread; False if that is left to the event loop."""
        if message.channel is not self._channel or threading.get_ident() == self._loop_thread:
            return False
        message.ack()
        if not self._is_awaited and self._channel.is_half_empty:
            self._is_awaited = True
            self._hub.call_soon(self._go_on)
        return True

    def look_later(self) -> None:
        """See to it that no job waits for a thread for long, if there are any that need not."""
        if not self._is_looked_after and self._too_many() > 0:
            self._is_looked_after = True
            self._hub.call_later(_PATIENCE, self._look)

    def _go_on(self) -> None:
        self._is_awaited = False
        self._deliver()

    def _begins(self, request: Any) -> bool:
        """Note that a thread begins with a job; False if its message was given to others meanwhile."""
        tag = request.message.delivery_tag
        lease = self._channel.lease
        if tag not in lease.held and not request.message.acknowledged:
            log.warning("%s[%s] is not run here: its message was given to others meanwhile", request.name, request.id)
            worker_state.task_ready(request)
            return False
        lease.begun(tag)
        return True

    def _look(self) -> None:
        self._is_looked_after = False
        if self._pool.is_stuck(_PATIENCE) and (most := self._too_many()) > 0:
            requests = self._pool.take_back(most)
            for request in requests:
                worker_state.task_ready(request)
                request.message._state = "REQUEUED"  # noqa: SLF001 - so that nobody settles it again
            self._channel.qos.put_back([request.message.delivery_tag for request in requests])
        self.look_later()

    def _too_many(self) -> int:
        """Return how many jobs the pool has in front of its threads, beyond what Celery would give it."""
        slots = self._channel.slots
        total, taken = slots() if slots is not None else (0, 0)
        return taken - total
