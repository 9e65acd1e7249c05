"""Call: one job that is to be sent, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Generic, ParamSpec, TypeVar, cast

from celery.canvas import Signature

from tasks_platform.queues import Priority
from tasks_platform.task import PlatformTask
from tasks_platform.task.handle import JobHandle
from tasks_platform.task.options import address
from tasks_platform.task.outgoing import Outgoing, outgoing, send

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True, kw_only=True)
class Call(Generic[R_co]):
    """A job that is to be sent: a task, arguments, options."""

    task: PlatformTask[..., R_co]
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    #: The id the job has had since it was first tried to send it.
    job_id: str | None = field(default=None, repr=False)
    #: Under which it may have been sent, if the broker did not say whether it was.
    token: str | None = field(default=None, repr=False)

    def set(  # noqa: PLR0913 - what a caller can say
        self,
        *,
        priority: Priority | str | int | None = None,
        countdown: timedelta | float | None = None,
        eta: datetime | None = None,
        expires: timedelta | float | datetime | None = None,
        queue: str | None = None,
        task_id: str | None = None,
        tenant: str | None = None,
        max_attempts: int | None = None,
        **options: Any,
    ) -> Call[R_co]:
        """Return the same call with options, as ``apply_async`` takes them."""
        given = {
            "priority": priority,
            "countdown": countdown,
            "eta": eta,
            "expires": expires,
            "queue": queue,
            "task_id": task_id,
            "tenant": tenant,
            "max_attempts": max_attempts,
            **options,
        }
        said = {name: value for name, value in given.items() if value is not None}
        return replace(self, options={**self.options, **said})

    def send(self) -> JobHandle[R_co]:
        """Send this job alone.

        Raises:
            OptionError: if an option cannot work.
            PayloadError: if the arguments do not fit the function's signature.
            SealingError: if there is no key for what is to be sealed.

        """
        return send(checked(self))  # type: ignore[no-any-return]


def call(task: PlatformTask[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Call[R]:
    """Return the call of *task* with these arguments: set its options, then send it, or many at once."""
    return Call(task=task, args=args, kwargs=kwargs)


def as_call(given: Call[R] | Signature[R]) -> Call[R]:
    """Return a signature as a call.

    Raises:
        TypeError: if it is none of one platform task.

    """
    if isinstance(given, Call):
        return given
    if not isinstance(given, Signature) or given.get("subtask_type") is not None:
        raise TypeError(
            f"{given!r} is no call of one task: give call(task, ...) or task.s(...); send chains and groups alone"
        )
    task = given.type
    if not isinstance(task, PlatformTask):
        raise TypeError(f"{given.task} is a plain Celery task, which nothing checks: send it alone")
    return cast("Call[R]", Call(task=task, args=tuple(given.args), kwargs=given.kwargs, options=given.options))


def checked(given: Call[Any]) -> Outgoing:
    """Check arguments and options of a call.

    Raises:
        OptionError: if an option cannot work.
        PayloadError: if the arguments do not fit the function's signature.

    """
    options = dict(given.options)
    task_id = options.pop("task_id", None)
    ours = {name: options.pop(name, None) for name in ("tenant", "priority", "max_attempts")}
    address(given.task, task_id, options, **ours)
    job = outgoing(given.task, given.args, given.kwargs, task_id, options)
    return job if given.job_id is None or job.chosen else replace(job, job_id=given.job_id)
