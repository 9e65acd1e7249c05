"""The pools without processes of their own, as coroutines need them: with limits, and, in solo, many at a time."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

from celery import bootsteps
from celery.concurrency import solo, thread
from celery.concurrency.base import apply_target

from tasks_platform.errors import TaskDefinitionError
from tasks_platform.task.on_loop import run_awaited
from tasks_platform.task.thread_pool import ThreadPool, awaited_of


class SoloPool(solo.TaskPool):
    """Celery's pool of one, which runs what is no coroutine itself, one at a time.

    Of coroutines as many are on the event loop as its ``--concurrency`` says. Messages come one by one, so that none
    waits behind a job that is none.
    """

    # Celery's own, which its type stubs leave out
    app: Any
    on_apply: Any
    options: Mapping[str, Any]

    def __init__(self, limit: int | None = None, **options: Any) -> None:
        super().__init__(limit, **options)
        self.on_apply = self._apply  # in place of one that Celery puts there for each object
        self._most = limit or 1
        self._executor = ThreadPoolExecutor(self._most, "solo")
        self._on_loop: set[Any] = set()

    @property
    def num_processes(self) -> int:
        """How many jobs it can be at, so that one more may come while there is room."""
        return min(self._most, len(self._on_loop) + 1)

    def on_stop(self) -> None:
        """Wait for the coroutines."""
        self._executor.shutdown(cancel_futures=True)
        super().on_stop()

    def _apply(self, target: Any, args: Any = None, *rest: Any, **options: Any) -> Any:
        if (awaited := awaited_of(self, args, options)) is None:
            return apply_target(target, args, *rest, **options)
        run = partial(run_awaited, args[1], awaited, target)
        job = self._executor.submit(apply_target, run, args, *rest, **options)
        self._on_loop.add(job)
        job.add_done_callback(self._on_loop.discard)
        return thread.ApplyResult(job)  # type: ignore[attr-defined]

    def _get_info(self) -> dict[str, Any]:
        return {**super()._get_info(), "max-concurrency": self._most}  # type: ignore[misc]


#: What takes the place of Celery's own.
_OURS: Final[Mapping[Any, Any]] = {thread.TaskPool: ThreadPool, solo.TaskPool: SoloPool}
_GREEN: Final = ("celery.concurrency.gevent", "celery.concurrency.eventlet")


class CoroutinePools(bootsteps.Step):
    """Gives a worker a pool that can run coroutines, and refuses one that cannot."""

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        if worker.pool_cls.__module__ in _GREEN and (names := _coroutines_of(worker.app)):
            raise TaskDefinitionError(
                f"a pool of greenlets has a loop of its own and cannot run 'async def' tasks ({', '.join(names)}): "
                "start this worker with --pool threads, or let it serve other queues with -Q"
            )
        worker.pool_cls = _OURS.get(worker.pool_cls, worker.pool_cls)


def _coroutines_of(app: Any) -> list[str]:
    """Return the tasks whose functions are coroutines and whose queues a worker of *app* was told to serve."""
    served = app.amqp.queues._consume_from  # noqa: SLF001 - None: of all
    default = app.settings.default_queue
    return [
        name
        for name, task in sorted(app.tasks.items())
        if getattr(task, "is_async", False) and (served is None or (task.home_queue or default) in served)
    ]
