"""The real queue: jobs go to the broker of an application."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextvars import copy_context
from dataclasses import replace
from functools import partial
from typing import Any, ParamSpec, Self, TypeVar, Unpack, cast

import celery

from tasks_platform.job_queue.interface import JobQueue, merged
from tasks_platform.job_queue.options import Options
from tasks_platform.sending import Call, enqueue_many
from tasks_platform.task import PlatformTask
from tasks_platform.task.handle import JobHandle

P = ParamSpec("P")
R = TypeVar("R")


class PlatformJobQueue(JobQueue):
    """The queue of the application *app*."""

    def __init__(self, app: celery.Celery, **options: Unpack[Options]) -> None:
        self._app = app
        self._options = options

    def using(self, **options: Unpack[Options]) -> Self:
        """Return this queue with *options* for whatever is sent through it."""
        return type(self)(self._app, **cast("Options", merged(self._options, options)))

    def send(self, task: PlatformTask[P, R], /, *args: P.args, **kwargs: P.kwargs) -> JobHandle[R]:
        """Send a job to the broker."""
        options: dict[str, Any] = dict(self._options)
        return self._mine(task).apply_async(args, kwargs, **options)

    def send_many(self, calls: Iterable[Call[R]], /) -> list[JobHandle[R]]:
        """Send many jobs to the broker at once."""
        return enqueue_many(
            replace(call, task=self._mine(call.task), options=merged(self._options, cast("Options", call.options)))
            for call in calls
        )

    async def asend(self, task: PlatformTask[P, R], /, *args: P.args, **kwargs: P.kwargs) -> JobHandle[R]:
        """Send a job in a thread of the loop's pool."""
        send = partial(copy_context().run, self.send, task, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(None, send)

    def job(self, task: PlatformTask[..., R], job_id: str) -> JobHandle[R]:
        """Return the handle of a job by its id."""
        return self._mine(task).AsyncResult(job_id)

    def _mine(self, task: PlatformTask[P, R]) -> PlatformTask[P, R]:
        """Return *task* as this application knows it: a process may have several applications."""
        return cast("PlatformTask[P, R]", self._app.tasks.get(task.name, task))
