"""ThreadPool: Celery's pool of threads, which knows what no thread has begun with."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from functools import partial
from typing import Any

from celery.concurrency import thread

from tasks_platform.task.on_loop import Awaited, Limits, expect, forget, run_awaited


@dataclass(slots=True)
class _Handed:
    """The job of a *request* that waits for a thread, since when in seconds of the monotonic clock."""

    request: Any
    since: float
    awaited: Awaited | None
    future: Future[Any] | None = None


class ThreadPool(thread.TaskPool):
    """Celery's pool of threads; each coroutine on the event loop has one of them."""

    # Celery's own, which its type stubs leave out
    app: Any
    options: Mapping[str, Any]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        #: Told of each request when a thread is about to begin with it; False: the job is not to be run here.
        self.begins: Callable[[Any], bool] = lambda _request: True
        #: Called when a job has ended whose message was acknowledged before it ran.
        self.ended: Callable[[], None] = lambda: None
        #: Called when it stops, before it waits for what runs.
        self.leaves: Callable[[], None] = lambda: None
        #: What no thread has begun with, oldest first.
        self._handed: dict[int, _Handed] = {}

    def on_apply(
        self,
        target: Any,
        args: Any = None,
        kwargs: Any = None,
        callback: Any = None,
        accept_callback: Any = None,
        **options: Any,
    ) -> Any:
        """Run a job in a thread."""
        if (awaited := awaited_of(self, args, options)) is not None:
            target = partial(run_awaited, args[1], awaited, target)
        handed = _Handed(getattr(accept_callback, "__self__", None), time.monotonic(), awaited)

        def accepted(pid: int, moment: float) -> None:
            self._handed.pop(id(handed), None)
            if not self.begins(handed.request):
                _forget(handed)
                raise CancelledError
            accept_callback(pid, moment)

        self._handed[id(handed)] = handed
        try:
            result: Any = super().on_apply(target, args, kwargs, callback, accepted)
        except BaseException:
            del self._handed[id(handed)]
            raise
        handed.future = result.f
        if handed.request is not None and not handed.request.task.acks_late:
            result.f.add_done_callback(lambda _: self.ended())
        return result

    def on_stop(self) -> None:
        """Wait for what runs."""
        self.leaves()
        super().on_stop()

    @property
    def waiting(self) -> int:
        """How many jobs no thread has begun with."""
        return len(self._handed)

    def is_stuck(self, patience: float) -> bool:
        """Tell whether a job has waited for a thread for more than *patience* seconds."""
        oldest = next(iter(list(self._handed.values())), None)
        return oldest is not None and oldest.since < time.monotonic() - patience

    def take_back(self, most: int) -> list[Any]:
        """Take back as many of the last jobs as no thread has begun with, *most* of them; return their requests."""
        back: list[Any] = []
        for handed in list(self._handed.values())[::-1][:most]:
            if handed.future is not None and handed.future.cancel():
                self._handed.pop(id(handed), None)
                _forget(handed)
                back.append(handed.request)
        return back[::-1]


def awaited_of(pool: Any, args: Sequence[Any] | None, options: Mapping[str, Any]) -> Awaited | None:
    """Return what waits for the job of a call of Celery's tracer; None if its function is no coroutine."""
    if not args or not getattr(pool.app.tasks.get(args[0]), "is_async", False):
        return None
    soft = options.get("soft_timeout") or pool.options.get("soft_timeout")
    hard = options.get("timeout") or pool.options.get("timeout")
    awaited = Awaited(f"{args[0]}[{args[1]}]", Limits(soft=soft, hard=hard))
    expect(args[1], awaited)
    return awaited


def _forget(handed: _Handed) -> None:
    if handed.awaited is not None:
        forget(handed.request.id, handed.awaited)
