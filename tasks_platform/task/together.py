"""Together: what many threads want done at the same time is done in one step."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(eq=False, slots=True)
class Waiting(Generic[T]):
    """One thing that is to be done."""

    thing: T
    is_done: bool = False
    error: Exception | None = None


class Together(Generic[T]):
    """Does things in the order in which they were added, as many at a time as there are.

    1. A thread adds its thing, and waits for the lock.
    2. Whoever has the lock does all that wait, its own among them. Meanwhile others come, who are the next batch.
    3. Who gets the lock later finds its thing done, mostly.

    Nothing waits for others to come: a thread that is alone does its thing at once.
    """

    def __init__(self, do: Callable[[list[T]], None], most: int) -> None:
        self._do = do
        #: The most that is done at a time.
        self._most = most
        self._waiting: deque[Waiting[T]] = deque()
        self._at_it = threading.Lock()

    def add(self, thing: T) -> Waiting[T]:
        """Let *thing* be done after all that was added before."""
        waiting = Waiting(thing)
        self._waiting.append(waiting)
        return waiting

    def finish(self, waiting: Waiting[T]) -> None:
        """Return when it is done.

        Raises:
            Exception: what the batch has failed with that it was part of.

        """
        while not waiting.is_done:
            with self._at_it:
                if not waiting.is_done:
                    self._do_some()
        if waiting.error is not None:
            raise waiting.error

    def _do_some(self) -> None:
        batch = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
        error: Exception | None = None
        try:
            self._do([waiting.thing for waiting in batch])
        except Exception as trouble:  # noqa: BLE001 - it is raised by all whose it is
            error = trouble
        except BaseException:  # this thread is to end: the others do it
            self._waiting.extendleft(reversed(batch))
            raise
        for waiting in batch:
            waiting.error, waiting.is_done = error, True
