"""Apart: where code on an event loop does what would block it, in a thread of its run and in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")
#: Takes what the thread is to do that waits for the run of this context; None: nobody waits, there is no event loop.
_thread: ContextVar[Callable[[Callable[[], object]], None] | None] = ContextVar("tasks_platform_thread", default=None)
enter_thread = _thread.set


def aside(action: Callable[[], object]) -> None:
    """Do *action* now; on an event loop soon, and before the run ends."""
    if (do := _thread.get()) is None:
        action()
    else:
        do(action)


async def apart(action: Callable[[], T]) -> T:
    """Do *action* in the thread of this run, after what that was given before, and return what it returns."""
    if (do := _thread.get()) is None:  # of a loop that is not the platform's: a test's, or a web process's
        return await asyncio.to_thread(action)
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def act() -> None:
        try:
            result = action()
        except Exception as error:  # noqa: BLE001 - it is the coroutine's
            loop.call_soon_threadsafe(_answer, answer.set_exception, error)
        else:
            loop.call_soon_threadsafe(_answer, answer.set_result, result)

    def _answer(say: Callable[[Any], None], what: Any) -> None:
        if not answer.done():  # who asked may have been cancelled
            say(what)

    do(act)
    return await answer
