"""Steered: a coroutine into which any error can be raised where it waits, and whose steps are timed."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Generator
from typing import Any, NoReturn

from billiard.exceptions import SoftTimeLimitExceeded

from tasks_platform.task.on_loop.event_loop import SLOW, EventLoop

log = logging.getLogger(__name__)
_now = time.perf_counter


class TimeIsUp(SoftTimeLimitExceeded, asyncio.CancelledError):
    """What a soft time limit raises in a coroutine: to asyncio's own groups of tasks it is the cancellation it is."""


class Steered(Coroutine[Any, Any, None]):
    """The coroutine of a job as a task of the loop runs it.

    asyncio can only cancel: what the task raises for that is replaced by what somebody wanted to be raised. How the
    coroutine ends is told to *ended*, and never to the loop.
    """

    __slots__ = ("_ended", "_inner", "_loop", "_name", "_wanted")

    def __init__(
        self, inner: Coroutine[Any, Any, Any], name: str, loop: EventLoop, ended: Callable[[Any, Any], None]
    ) -> None:
        self._inner = inner
        self._name = name
        self._loop = loop
        self._ended = ended
        self._wanted: BaseException | None = None

    def raise_when_cancelled(self, error: BaseException) -> None:
        """Let the next cancellation be *error*."""
        self._wanted = error

    def send(self, value: Any) -> Any:
        """Go on to where the coroutine waits next."""
        return self._step(self._inner.send, value)

    def throw(self, error: Any, value: Any = None, traceback: Any = None) -> Any:
        """Raise an error where the coroutine waits."""
        raised = value if isinstance(value, BaseException) else error
        if isinstance(raised, asyncio.CancelledError) and self._wanted is not None:
            raised, self._wanted = self._wanted, None
            if isinstance(raised, TimeIsUp) and (task := asyncio.current_task()) is not None:
                task.uncancel()  # the coroutine may clean up, and wait for that
        return self._step(self._inner.throw, raised)

    def close(self) -> None:
        """Forget a coroutine that is not to go on."""
        self._inner.close()

    def __await__(self) -> Generator[Any, Any, None]:
        raise NotImplementedError("it is given to a task")

    def _step(self, go_on: Callable[[Any], Any], value: Any) -> Any:
        loop = self._loop
        loop.at_step = self._name
        begun = _now()
        try:
            return go_on(value)
        except StopIteration as end:
            self._ended(end.value, None)
        except BaseException as error:  # noqa: BLE001 - told to who waits for it
            self._ended(None, error)
        finally:
            loop.at_step = None
            if (spent := _now() - begun) > SLOW:
                log.warning(
                    "%s kept the event loop to itself for %.2f s, while no other job on it went on: await what takes "
                    "long, or asyncio.to_thread() it",
                    self._name,
                    spent,
                )
        return _end()


def _end() -> NoReturn:
    raise StopIteration
