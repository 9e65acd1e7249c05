"""The queue's twin in memory: for the tests of services, without a server and without a worker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any, ParamSpec, Self, TypeVar, Unpack, cast

from celery import Celery, states
from celery.utils import uuid

from tasks_platform.job_queue.interface import JobQueue, merged
from tasks_platform.job_queue.options import Options
from tasks_platform.queues import broker_priority
from tasks_platform.sending import Call
from tasks_platform.task import PlatformTask
from tasks_platform.task.handle import JobHandle
from tasks_platform.task.on_loop import Awaited

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class SentJob:
    """A job that a service has sent."""

    id: str
    task: PlatformTask[..., Any]
    #: As the function will get them, by position and by name.
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    options: Options


@dataclass
class _Shelf:
    """What all views of one queue share."""

    app: Celery = field(default_factory=lambda: Celery("memory", backend="cache+memory://", set_as_current=False))
    jobs: list[SentJob] = field(default_factory=list)
    done: set[str] = field(default_factory=set)


class MemoryJobQueue(JobQueue):
    """Keep what is sent, checked as the real queue checks it; ``work()`` runs it in this process.

    The functions run as they are: without retries, without policies, in the order they were sent.
    """

    def __init__(self, shelf: _Shelf | None = None, **options: Unpack[Options]) -> None:
        self._shelf = shelf or _Shelf()
        self._options = options

    @property
    def jobs(self) -> Sequence[SentJob]:
        """Everything that was sent, the first first; the same id is there once."""
        return tuple(self._shelf.jobs)

    def using(self, **options: Unpack[Options]) -> Self:
        """Return a view of this queue with *options* for whatever is sent through it."""
        return type(self)(self._shelf, **cast("Options", merged(self._options, options)))

    def send(self, task: PlatformTask[P, R], /, *args: P.args, **kwargs: P.kwargs) -> JobHandle[R]:
        """Keep a job.

        Raises:
            PayloadError: if the arguments do not fit the function's signature.
            ValueError: if the priority is none.

        """
        broker_priority(self._options.get("priority", task.level))
        written = task.payload.write(args, kwargs)
        read_args, read_kwargs = task.payload.read(*written)
        job_id = self._options.get("task_id") or uuid()
        if all(job.id != job_id for job in self._shelf.jobs):
            self._shelf.jobs.append(
                SentJob(id=job_id, task=task, args=read_args, kwargs=read_kwargs, options=self._options)
            )
        return self.job(task, job_id)

    def send_many(self, calls: Iterable[Call[R]], /) -> list[JobHandle[R]]:
        """Keep many jobs, or none of them if one does not fit."""
        given = list(calls)
        for call in given:
            call.task.payload.write(call.args, call.kwargs)
        return [
            self.using(**cast("Options", call.options)).send(call.task, *call.args, **call.kwargs) for call in given
        ]

    async def asend(self, task: PlatformTask[P, R], /, *args: P.args, **kwargs: P.kwargs) -> JobHandle[R]:
        """Keep a job; nothing blocks here."""
        return self.send(task, *args, **kwargs)

    def job(self, task: PlatformTask[..., R], job_id: str) -> JobHandle[R]:
        """Return the handle of a job; it has a result once ``work()`` has run it."""
        return JobHandle(job_id, payload=task.payload, backend=self._shelf.app.backend, app=self._shelf.app)

    def work(self) -> None:
        """Run what was sent and has not run yet, including what those jobs send through this queue."""
        while waiting := [job for job in self._shelf.jobs if job.id not in self._shelf.done]:
            for job in waiting:
                self._shelf.done.add(job.id)
                self._run(job)

    def _run(self, job: SentJob) -> None:
        backend = self._shelf.app.backend
        try:
            value = job.task.business(*job.args, **job.kwargs)
            if job.task.is_async:
                value = Awaited(job.task.name).outcome_of(value, copy_context())
            result = job.task.payload.write_result(value)
        except Exception as error:  # noqa: BLE001 - what a job raises is its outcome
            backend.store_result(job.id, error, states.FAILURE)
        else:
            backend.store_result(job.id, result, states.SUCCESS)
