"""Threads: they run what is put in front of them."""

from __future__ import annotations

import logging
import time
from _thread import allocate_lock
from collections import deque
from collections.abc import Callable
from threading import Thread, current_thread
from typing import Any, Final

log = logging.getLogger(__name__)
Job = Callable[[], object]
#: Seconds that a job may take to be called quick: waking another thread takes about as long.
_QUICK: Final = 0.0005


class Threads:
    """As many threads as there is work for, up to *most* of them; each takes the oldest job that none has begun with.

    It takes no lock: one that all threads take for each job lets them queue up behind whoever was interrupted with it,
    and each job then waits for another thread to wake up. That is what an executor of the standard library costs.
    """

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        #: Called when a job is left to threads that are awake because the last ones were quick: whoever sets it calls
        #: `spread` if they take long. None: a thread is woken for each job.
        self.left: Callable[[], None] | None = None
        self._jobs: deque[Job] = deque()
        #: One entry for each job that was put here and has not ended.
        self._open: deque[None] = deque()
        self._threads: list[Thread] = []
        #: What threads wait for that have nothing to do, the last one last: it is the one whose caches are warm.
        self._idle: deque[Any] = deque()
        self._is_quick = False
        self._has_ended = False

    def __len__(self) -> int:
        return len(self._threads)

    @property
    def is_idle(self) -> bool:
        """Whether all that have begun wait for work."""
        return len(self._idle) == len(self._threads)

    def put(self, job: Job) -> None:
        """Have a thread run *job*; what it raises is only logged."""
        self._open.append(None)
        self._jobs.append(job)
        if self.left is not None and self._is_quick and not self.is_idle:
            self.left()
            return
        if len(self._threads) < min(len(self._open), self._most):
            self._one_more()
        else:
            self._wake()

    def spread(self) -> None:
        """Wake a thread for each job that waits."""
        self._is_quick = False
        for _ in range(len(self._jobs)):
            if self._idle:
                self._wake()
            elif len(self._threads) < min(len(self._open), self._most):
                self._one_more()

    def end(self) -> None:
        """Wait until all has run that was put here."""
        self._has_ended = True
        while self._idle:
            self._wake()
        for thread in self._threads:
            if thread is not current_thread():
                thread.join()

    def _one_more(self) -> None:
        # no reason for the process to go on: whoever ends it has waited for them, or does not want to
        thread = Thread(target=self._run, name=f"{self._name}-{len(self._threads)}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _wake(self) -> None:
        try:
            waits = self._idle.pop()
        except IndexError:
            return  # all are awake
        waits.release()

    def _run(self) -> None:
        waits = allocate_lock()
        waits.acquire()
        take, done, now = self._jobs.popleft, self._open.pop, time.monotonic
        while True:
            try:
                job = take()
            except IndexError:
                if self._has_ended:
                    return
                self._idle.append(waits)
                if (self._jobs or self._has_ended) and self._withdraw(waits):
                    continue
                waits.acquire()
                continue
            begun = now()
            try:
                job()
            except BaseException:
                log.exception("a job that is run in a thread let an error out")
            del job  # it may be all that holds a message
            done()
            self._is_quick = now() - begun < _QUICK

    def _withdraw(self, waits: Any) -> bool:
        """Take back that a thread waits; False if somebody is waking it."""
        try:
            self._idle.remove(waits)
        except ValueError:
            return False
        return True
