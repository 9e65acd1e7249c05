"""Awaited: a coroutine on the event loop, and the thread that waits for it and works for it meanwhile."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Any, Final

from billiard.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded

from tasks_platform.errors import Cancel, CoroutineCancelledError, TaskDefinitionError
from tasks_platform.task.on_loop.event_loop import EventLoop, loop_of_process
from tasks_platform.task.on_loop.steered import Steered, TimeIsUp

log = logging.getLogger(__name__)
#: Seconds that a coroutine has to end when it is cancelled because its time is up.
_LAST_WORDS: Final = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How long a run may take, in seconds; None: as long as it wants."""

    soft: float | None = None
    hard: float | None = None


class Awaited:
    """One run of a function that is a coroutine.

    1. Its thread gives the coroutine to the loop and waits; what would block the loop it does meanwhile.
    2. At the soft limit ``SoftTimeLimitExceeded`` is raised where the coroutine waits; at the hard one, and when
       somebody cancels the job, ``CancelledError``.
    3. A coroutine that does not end then is left alone after a while: nobody waits for it any more.
    """

    def __init__(self, name: str, limits: Limits | None = None) -> None:
        self.name = name
        self._limits = limits or Limits()
        self._todo: deque[Callable[[], object]] = deque()
        self._signal = Lock()
        self._signal.acquire()
        self._steered: Steered | None = None
        self._task: asyncio.Task[None] | None = None
        self._has_ended = False
        self._value: Any = None
        self._error: BaseException | None = None
        #: What somebody, or a limit, has ended it with, and until when it may take that.
        self._verdict: BaseException | None = None
        self._give_up_at = math.inf

    def do(self, action: Callable[[], object]) -> None:
        """Let the thread that waits do *action*; safe in any thread."""
        self._todo.append(action)
        self._wake()

    def cancel(self, reason: str, patience: float) -> None:
        """Cancel the run; safe in any thread, also before it begins. After *patience* seconds nobody waits for it."""
        self.do(partial(self._end_with, Cancel(reason), patience))

    def outcome_of(self, coroutine: Coroutine[Any, Any, Any], context: Context) -> Any:
        """Run *coroutine* on the loop in *context*, and return what it returns.

        Raises:
            Cancel: if the run was cancelled.
            CoroutineCancelledError: if the coroutine ended as cancelled by itself.
            SoftTimeLimitExceeded: if it did not catch that.
            TaskDefinitionError: if the caller is on the loop itself, which would wait for ever.
            TimeLimitExceeded: if it was at work for too long.

        """
        loop = loop_of_process()
        if loop.is_here:
            coroutine.close()
            raise TaskDefinitionError(f"{self.name}: a coroutine would wait for another one of its own loop: await it")
        self._steered = Steered(coroutine, self.name, loop, self._end)
        try:
            self._work()  # it may have been cancelled by now
            if self._verdict is None:
                loop.begin(partial(self._begin, loop, context))
                self._wait(loop)
        except BaseException:
            loop.call(self._leave)
            raise
        if self._task is None:
            coroutine.close()
        if self._has_ended:
            self._task = self._steered = None  # which know this
        return self._judged()

    def _wait(self, loop: EventLoop) -> None:
        begun = time.monotonic()
        soft = begun + (self._limits.soft or math.inf)
        hard = begun + (self._limits.hard or math.inf)
        while not self._has_ended:
            left = min(soft, hard, self._give_up_at) - time.monotonic()
            try:
                self._signal.acquire(timeout=-1 if left == math.inf else max(0.0, left))
                self._work()
            except SoftTimeLimitExceeded as limit:  # the prefork pool's signal
                loop.call(self._interrupt, TimeIsUp(*limit.args))
            now = time.monotonic()
            if now >= self._give_up_at and not self._has_ended:
                log.error("%s does not end although it was told to; it is left to itself", self.name)
                return
            if now >= hard:
                hard = math.inf
                self._end_with(TimeLimitExceeded(self._limits.hard), _LAST_WORDS)
            elif now >= soft:
                soft = math.inf
                loop.call(self._interrupt, TimeIsUp(self._limits.soft))
        self._work()  # what the coroutine has left before it ended

    def _work(self) -> None:
        while self._todo:
            self._todo.popleft()()

    def _begin(self, loop: EventLoop, context: Context) -> None:
        """Begin with the coroutine, in the thread of the loop."""
        if (steered := self._steered) is not None:
            self._task = loop.loop.create_task(steered, name=self.name, context=context)

    def _leave(self) -> None:
        """Cancel the coroutine because nobody waits for it any more, in the thread of the loop."""
        if self._task is not None:
            self._task.cancel()
        elif self._steered is not None:
            self._steered.close()
        self._steered = None

    def _interrupt(self, error: BaseException | None) -> None:
        """Cancel the coroutine, in the thread of the loop; it is *error* that is raised where it waits."""
        if (task := self._task) is None or (steered := self._steered) is None:
            return
        if error is not None:
            steered.raise_when_cancelled(error)
        task.cancel()

    def _end_with(self, verdict: BaseException, patience: float) -> None:
        if self._verdict is None:
            self._verdict = verdict
            self._give_up_at = time.monotonic() + patience
            loop_of_process().call(self._interrupt, None)

    def _end(self, value: Any, error: BaseException | None) -> None:
        self._value, self._error, self._has_ended = value, error, True
        self._wake()

    def _wake(self) -> None:
        with suppress(RuntimeError):  # it was told before, and has not looked yet
            self._signal.release()

    def _judged(self) -> Any:
        """Return what the coroutine returned, or raise what its end means."""
        value, error, verdict = self._value, self._error, self._verdict
        self._value = self._error = self._verdict = None  # an error's traceback would keep this, and this the error
        try:
            if isinstance(verdict, TimeLimitExceeded) or (verdict is not None and (error or not self._has_ended)):
                raise verdict from error
            if error is None:
                return value
            if isinstance(error, TimeIsUp):
                raise SoftTimeLimitExceeded(*error.args).with_traceback(error.__traceback__)
            if isinstance(error, asyncio.CancelledError):
                raise CoroutineCancelledError(f"{self.name} was cancelled, and not by the platform") from error
            raise error
        finally:
            del error, verdict
