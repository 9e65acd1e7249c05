"""InThreads: a worker whose jobs run in threads, beside the event loop that hands them out."""

from __future__ import annotations

import logging
import threading
from typing import Any, Final

from celery.worker import state as worker_state

from tasks_platform.broker.leased.channel import Channel
from tasks_platform.broker.leased.pace import HORIZON
from tasks_platform.task.soon import timer_of
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

    def __init__(self, pool: ThreadPool, channel: Channel, hub: Any) -> None:
        self._pool = pool
        self._channel = channel
        self._hub = hub
        self._call_later = timer_of(hub)
        self._loop_thread = threading.get_ident()
        self._is_awaited = False
        self._is_looked_after = False
        self._has_ended = False
        channel.has_queue = True
        pool.begins = self._begins
        pool.ended = self._wake_if_half_empty
        pool.leaves = self.end

    def acknowledge(self, message: Any) -> bool:
        """Acknowledge in this thread; False if that is left to the event loop."""
        if message.channel is not self._channel or threading.get_ident() == self._loop_thread:
            return False
        if not message.acknowledged:
            try:
                message.ack()
            except Exception:
                log.info("an acknowledgement is left to the event loop", exc_info=True)
                return False
        self._wake_if_half_empty()
        return True

    def look_later(self) -> None:
        """See to it that no job waits for a thread for long, if there are any that need not."""
        if not self._is_looked_after and self._too_many() > 0:
            self._is_looked_after = True
            self._call_later(_PATIENCE, self._look)

    def end(self) -> None:
        """Give back all that no thread has begun with: the worker stops, or its connection is lost."""
        if not self._has_ended:
            self._has_ended = True
            self._take_back(self._pool.waiting)

    def _wake_if_half_empty(self) -> None:
        if not self._is_awaited and self._channel.is_half_empty:
            self._is_awaited = True
            self._hub.call_soon(self._woken)  # each time the loop comes round it hands out what it may

    def _woken(self) -> None:
        self._is_awaited = False

    def _begins(self, request: Any) -> bool:
        """Note that a thread begins with a job; False if its message was given to others meanwhile."""
        message, lease = request.message, self._channel.lease
        if message.delivery_tag not in lease.held and not message.acknowledged:
            log.warning("%s[%s] is not run here: its message was given to others meanwhile", request.name, request.id)
            self._forget([request])
            self._wake_if_half_empty()
            return False
        lease.begun(message.delivery_tag)
        return True

    def _look(self) -> None:
        self._is_looked_after = False
        if self._has_ended:
            return
        if self._pool.is_stuck(_PATIENCE) and (most := self._too_many()) > 0:
            self._take_back(most)
        self.look_later()

    def _take_back(self, most: int) -> None:
        self._forget(self._pool.take_back(most))

    def _forget(self, requests: list[Any]) -> None:
        """Put messages back of jobs that are not to be run here, as far as they are still this worker's."""
        for request in requests:
            worker_state.task_ready(request)
            request.message._state = "REQUEUED"  # noqa: SLF001 - so that nobody settles it again
        by_channel: dict[Any, list[str]] = {}
        for request in requests:
            by_channel.setdefault(request.message.channel, []).append(request.message.delivery_tag)
        for channel, tags in by_channel.items():
            channel.qos.put_back(tags)

    def _too_many(self) -> int:
        """Return how many jobs wait in the pool, beyond what Celery would let wait there."""
        slots = self._channel.slots
        allowed = 0 if slots is None else slots().total - self._pool.num_processes
        return self._pool.waiting - max(0, allowed)
