"""ThreadPool: Celery's pool of threads, which knows what no thread has begun with."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from celery.concurrency import thread
from celery.concurrency.base import apply_target

from tasks_platform.task.on_loop import Awaited, Limits, expect, forget, run_awaited
from tasks_platform.task.threads import Threads


@dataclass(slots=True, eq=False)
class _Handed:
    """The job of a *request* that was handed to the threads, since when in seconds of the monotonic clock."""

    request: Any
    since: float
    awaited: Awaited | None


class _Given:
    """What Celery is given for a job in a thread, and keeps a weak reference to: nothing can be asked of it."""


class ThreadPool(thread.TaskPool):
    """Celery's pool of threads; each coroutine on the event loop has one of them."""

    # Celery's own, which its type stubs leave out
    app: Any
    limit: int
    options: Mapping[str, Any]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        #: Told of each request when a thread is about to begin with it; False: the job is not to be run here.
        self.begins: Callable[[Any], bool] = lambda _request: True
        #: Called when a job has ended whose message was acknowledged before it ran.
        self.ended: Callable[[], None] = lambda: None
        #: Called when it stops, before it waits for what runs.
        self.leaves: Callable[[], None] = lambda: None
        self.threads = Threads(self.limit, "job")
        #: What no thread has begun with, oldest first. Who takes a job out of it has it.
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
        self._handed[id(handed)] = handed
        job = partial(apply_target, target, args, kwargs, callback, accept_callback)
        try:
            self.threads.put(partial(self._run, handed, job))
        except BaseException:
            self._handed.pop(id(handed), None)
            raise
        return _Given()

    def on_stop(self) -> None:
        """Wait for what runs; what no thread has begun with is not run here."""
        self.leaves()
        self.take_back(self.waiting)
        self.threads.end()
        super().on_stop()

    def on_terminate(self) -> None:
        """Begin with nothing more, and wait for nothing."""
        self.take_back(self.waiting)
        self.threads.end(wait=False)
        super().on_terminate()

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
            if self._handed.pop(id(handed), None) is not None:
                _forget(handed)
                back.append(handed.request)
        return back[::-1]

    def _run(self, handed: _Handed, job: Callable[[], object]) -> None:
        """Run a job in this thread, unless it was taken back or is not to be run here."""
        if self._handed.pop(id(handed), None) is None:
            return
        if not self.begins(handed.request):
            _forget(handed)
            return
        try:
            job()
        finally:
            if handed.request is not None and not handed.request.task.acks_late:
                self.ended()

    def _get_info(self) -> dict[str, Any]:
        return {**super()._get_info(), "threads": len(self.threads)}  # type: ignore[misc]


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
