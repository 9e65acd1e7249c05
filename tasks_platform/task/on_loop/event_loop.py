"""EventLoop: the one event loop of a process, in a thread of its own."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from tasks_platform.errors import TaskDefinitionError

log = logging.getLogger(__name__)
#: Seconds for which a step of a coroutine may keep the loop to itself before somebody is told.
SLOW: Final = 0.25
#: Seconds between two looks whether the loop still turns.
_LOOK: Final = 1.0


class EventLoop:
    """An event loop that coroutines are given to from other threads; it ends with the process."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._new: deque[Callable[[], object]] = deque()
        self._is_woken = False
        #: Whose coroutine is at a step now.
        self.at_step: str | None = None
        self._thread = threading.Thread(target=self._run, name="tasks-event-loop", daemon=True)
        self._thread.start()
        threading.Thread(target=self._watch, name="tasks-event-loop-watch", daemon=True).start()

    @property
    def is_here(self) -> bool:
        """Whether the calling code runs on it."""
        return threading.current_thread() is self._thread

    def begin(self, make: Callable[[], object]) -> None:
        """Call *make* on the loop; many at a time are one interruption of the loop."""
        self._new.append(make)
        if not self._is_woken:
            self._is_woken = True
            self.loop.call_soon_threadsafe(self._begin_all)

    def call(self, action: Callable[..., object], *args: Any) -> None:
        """Call *action* on the loop."""
        self.loop.call_soon_threadsafe(action, *args)

    def _begin_all(self) -> None:
        self._is_woken = False  # first: what is added from here on is found below, or announced again
        while self._new:
            self._new.popleft()()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        while True:
            try:
                self.loop.run_forever()
            except (SystemExit, KeyboardInterrupt):  # of a task that somebody's coroutine has made
                log.exception("the event loop goes on: a job does not end its process")

    def _watch(self) -> None:
        """Tell of whoever keeps the loop from turning while it is still at it, and where."""
        turned = threading.Event()
        while True:
            turned.clear()
            self.call(turned.set)
            begun = time.monotonic()
            if not turned.wait(_LOOK):
                self._tell()
                turned.wait()
                log.warning("the event loop turns again after %.1f s", time.monotonic() - begun)
            time.sleep(_LOOK)

    def _tell(self) -> None:
        frame = sys._current_frames().get(self._thread.ident or 0)  # noqa: SLF001 - Python has no other way to ask
        where = "".join(traceback.format_stack(frame)[-3:]) if frame is not None else ""
        who = self.at_step or "a task that a job has made"
        log.warning(
            "%s blocks the event loop, and all jobs on it: await what takes long, or asyncio.to_thread() it\n%s",
            who,
            where,
        )


_lock = threading.Lock()
_loop: EventLoop | None = None


def loop_of_process() -> EventLoop:
    """Return the event loop of this process, begun when it is first needed.

    Raises:
        TaskDefinitionError: under gevent, which has a loop of its own.

    """
    global _loop  # noqa: PLW0603 - one per process is the point
    if _loop is None:
        with _lock:
            if _loop is None:
                monkey: Any = sys.modules.get("gevent.monkey")
                if monkey is not None and monkey.is_module_patched("threading"):
                    raise TaskDefinitionError("an 'async def' task cannot run under gevent: use the pool threads")
                _loop = EventLoop()
    return _loop


def _forget() -> None:
    """Let a forked process have one of its own: it has none of the threads."""
    global _loop, _lock
    _loop, _lock = None, threading.Lock()


os.register_at_fork(after_in_child=_forget)
