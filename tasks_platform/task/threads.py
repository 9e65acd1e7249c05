"""Threads: they run what is put in front of them."""

from __future__ import annotations

import logging
from _thread import allocate_lock
from collections import deque
from collections.abc import Callable
from threading import Lock, Thread, current_thread
from time import monotonic
from typing import Any, Final

log = logging.getLogger(__name__)
Job = Callable[[], object]
#: Seconds that a job may take to be called quick: waking another thread takes about as long.
_QUICK: Final = 0.0005
#: Seconds that a job waits for a thread that is awake, before another one takes it.
_LOOK: Final = 0.003
#: Seconds after the last job for which a thread goes on looking.
_LINGER: Final = 0.05


class Threads:
    """As many threads as there is work for, up to *most* of them; each takes the oldest job that none has begun with.

    1. It takes no lock for a job. One that all threads take lets them queue up behind whoever was interrupted with it,
       and each job then waits for another thread to wake up: that is what an executor of the standard library costs.
    2. While jobs are quick they are left to a thread that is awake, and those that sleep are not woken for nothing.
    3. Meanwhile one thread looks every few ms whether what waits gets on. If not, it takes the next job, and has
       another one look.
    """

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._jobs: deque[Job] = deque()
        self._threads: list[Thread] = []
        self._starts = Lock()
        #: What threads wait for that sleep, the last one last, whose caches are warm; and what one waits for that looks
        #: after the others. Who takes it out of here releases it.
        self._idle: deque[Any] = deque()
        self._watching: deque[Any] = deque()
        #: Whether the last job that ended was quick; when one was begun or ended, or a thread woken, for the last time;
        #: and when one was woken that has not come yet. In seconds of the monotonic clock.
        self._is_quick = False
        self._progress = 0.0
        self._called = 0.0
        self._has_ended = False

    def __len__(self) -> int:
        return len(self._threads)

    @property
    def is_idle(self) -> bool:
        """Whether all that have begun wait for work."""
        return len(self._idle) + len(self._watching) >= len(self._threads)

    def put(self, job: Job) -> None:
        """Have a thread run *job*; what it raises is only logged.

        Raises:
            RuntimeError: after the end, or if there is no thread, and none can be started.

        """
        if self._has_ended:
            raise RuntimeError("these threads have ended")
        self._jobs.append(job)
        if self._is_quick and not self.is_idle and monotonic() - self._progress < _LOOK:
            self._have_it_watched()
        else:
            self._wake()

    def end(self, *, wait: bool = True) -> None:
        """Run what was put here, and no more; *wait* until that has ended."""
        self._has_ended = True
        while self._wake_one():
            pass
        for thread in self._threads if wait else ():
            if thread is not current_thread():
                thread.join()

    def _wake(self) -> None:
        self._progress = monotonic()
        if not self._wake_one() and len(self._threads) < self._most:
            self._one_more()

    def _wake_one(self) -> bool:
        for asleep in (self._idle, self._watching):
            try:
                waits = asleep.pop()
            except IndexError:
                continue
            waits.release()
            return True
        return False

    def _one_more(self) -> None:
        with self._starts:  # a thread may call another one, too
            if len(self._threads) >= self._most:
                return
            thread = Thread(target=self._run, name=f"{self._name}-{len(self._threads)}", daemon=True)
            try:
                thread.start()
            except RuntimeError:
                if not self._threads:
                    self._jobs.clear()
                    raise
                log.warning("there are %d threads, and one more cannot be started", len(self._threads), exc_info=True)
            else:
                self._threads.append(thread)

    def _have_it_watched(self) -> None:
        if not self._watching and monotonic() - self._called > _LOOK:
            self._called = monotonic()
            self._wake()

    def _run(self) -> None:
        waits = allocate_lock()
        waits.acquire()
        take = self._jobs.popleft
        self._called = 0.0  # here it is
        while True:
            try:
                job = take()
            except IndexError:
                if self._has_ended:
                    return
                self._park(waits)
                self._called = 0.0
                continue
            self._progress = begun = monotonic()
            if self._jobs:
                self._have_it_watched()
            try:
                job()
            except BaseException:
                log.exception("a job that is run in a thread let an error out")
            del job  # it may be all that holds a message
            self._progress = ended = monotonic()
            self._is_quick = ended - begun < _QUICK

    def _park(self, waits: Any) -> None:
        """Wait until there may be something to do."""
        watches = not self._watching and self._lingers
        place = self._watching if watches else self._idle
        place.append(waits)
        if (self._jobs or self._has_ended) and _withdraw(place, waits):
            return
        while not waits.acquire(timeout=_LOOK if watches else -1):
            is_needed = self._has_ended or (self._jobs and monotonic() - self._progress > _LOOK)
            if (is_needed or not self._lingers) and _withdraw(place, waits):
                return

    @property
    def _lingers(self) -> bool:
        return monotonic() - self._progress < _LINGER


def _withdraw(place: deque[Any], waits: Any) -> bool:
    """Take back that a thread waits; False if somebody is waking it."""
    try:
        place.remove(waits)
    except ValueError:
        return False
    return True
