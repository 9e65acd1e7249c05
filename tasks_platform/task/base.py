"""PlatformTask: a Celery task whose sending and running are wrapped by its policies."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Mapping, Sequence
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar, ParamSpec, Protocol, TypeVar, cast

import celery
from celery.exceptions import Ignore
from celery.utils import uuid

from tasks_platform.errors import OptionError, PayloadError, SealingError, SetAside, TaskDefinitionError, TryAgain
from tasks_platform.payload import Payload
from tasks_platform.policy import Policy, overriding
from tasks_platform.queues import Priority, broker_priority
from tasks_platform.sealing import KeyRing
from tasks_platform.settings import Settings
from tasks_platform.store import Store
from tasks_platform.task import running
from tasks_platform.task.handle import JobHandle
from tasks_platform.task.job_ids import is_handing_on
from tasks_platform.task.on_loop import request_on_loop
from tasks_platform.task.options import address
from tasks_platform.task.ordering import ordered
from tasks_platform.task.outgoing import outgoing, send
from tasks_platform.task.refused import refuse
from tasks_platform.task.retention import Retention
from tasks_platform.task.straight import StraightWay
from tasks_platform.task.waiting import WaitTally

if TYPE_CHECKING:
    from celery.canvas import Signature


class Platform(Protocol):
    """What a task needs of its application."""

    settings: Settings
    store: Store
    #: The keys of what is sealed in arguments and results.
    ring: KeyRing
    #: Whether the broker takes priority 0 first (Redis) or 9 (RabbitMQ).
    zero_is_first: bool
    #: The straight way of messages to the broker, if there is one.
    straight_way: StraightWay | None
    #: What a worker knows of how long its jobs waited.
    waits: WaitTally

    def takes_with_push(self, name: str, options: Mapping[str, Any]) -> bool:
        """Tell whether a message of the task *name* is pushed in the step that takes its id and its key."""


P = ParamSpec("P")
R = TypeVar("R")


class PlatformTask(celery.Task[P, R]):
    """A Celery task with policies.

    1. ``delay()`` checks the arguments against the function's signature, writes them as plain JSON, and lets
       the policies' ``publish`` have a say before the message is sent.
    2. A worker's child calls ``run``: the policies' ``execute`` around the function.
    3. Whatever fails, in the function or outside of it, the policies' ``failed`` decide once: again, dead
       letter, or parked.

    Called directly, it is the bare function.
    """

    abstract = True
    acks_late = True
    reject_on_worker_lost = False
    max_retries = None
    typing = False  # the payload checks the arguments
    Request = "tasks_platform.task.request:PlatformRequest"

    #: The concerns of this task, outermost first.
    policies: ClassVar[tuple[Policy, ...]] = ()
    #: The queue its jobs wait in, unless a call names another.
    home_queue: ClassVar[str | None] = None
    #: How soon its jobs are taken, unless a call says otherwise.
    level: ClassVar[Priority] = Priority.NORMAL
    #: How long, and how many, of its finished jobs are kept.
    retention: ClassVar[Retention] = Retention()
    #: What its messages carry; with the keys of its application.
    payload: Payload

    def __init__(self) -> None:
        #: The function itself.
        self.business = self.run
        #: Whether that is a coroutine function: it runs on the event loop of its process.
        self.is_async = inspect.iscoroutinefunction(self.run)
        if not hasattr(self, "payload"):  # a class of its own, or Celery's decorator, instead of ``@task``
            name = self.name or type(self).__qualname__
            type(self).payload = Payload(self.run, name=name)
            type(self).policies = ordered(name, self.policies)
        self.payload = self.payload.sealed_with(lambda: self.platform.ring)
        if self.payload.sealing.of_result:
            self.resultrepr_maxsize = len("'sealed'")  # logs and events show that it is, and no ciphertext
        #: A hook of Celery's that runs in front of the function; here it is part of the attempt.
        self.before = self.before_start
        self.before_start = _nothing  # type: ignore[assignment, method-assign]
        self.publishing = overriding("publish", self.policies)
        self.executing = overriding("execute", self.policies)
        self.failing = overriding("failed", self.policies)
        # an instance attribute, not ``__call__``: the tracer keeps its fast path
        self.run = partial(running.perform, self)  # type: ignore[method-assign]

    @property
    def store(self) -> Store:
        """What the platform remembers outside this process."""
        return self.platform.store

    @property
    def platform(self) -> Platform:
        """The application, as the platform assembled it.

        Raises:
            TaskDefinitionError: if it is a plain one.

        """
        app = self.app
        if not hasattr(type(app), "zero_is_first"):
            raise TaskDefinitionError(
                f"{self.name} is a task of the platform, and the application {app.main!r} is plain Celery: "
                "make it with tasks_platform.create_app()"
            )
        return cast("Platform", app)

    def _get_request(self) -> Any:
        found = self.request_stack.top
        if found is None and (found := request_on_loop(self)) is None:
            found = super()._get_request()
        return found

    #: What runs; of a coroutine on the event loop, its own.
    request = property(_get_request)

    def delay(self, *args: P.args, **kwargs: P.kwargs) -> JobHandle[R]:
        """Send a job.

        Raises:
            PayloadError: if the arguments do not fit the function's signature.
            SealingError: if there is no key for what is to be sealed.

        """
        return self.apply_async(args, kwargs)

    async def adelay(self, *args: P.args, **kwargs: P.kwargs) -> JobHandle[R]:
        """Send a job from asyncio code, without blocking its loop."""
        send = partial(copy_context().run, self.delay, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(None, send)

    def send_at(self, moment: datetime, /, *args: P.args, **kwargs: P.kwargs) -> JobHandle[R]:
        """Send a job that is due at *moment*, which says its time zone.

        Raises:
            OptionError: if it does not.
            PayloadError: if the arguments do not fit the function's signature.

        """
        return self.apply_async(args, kwargs, eta=moment)

    def send_after(self, delay: timedelta | float, /, *args: P.args, **kwargs: P.kwargs) -> JobHandle[R]:
        """Send a job that is due after *delay*: a duration, or seconds.

        Raises:
            PayloadError: if the arguments do not fit the function's signature.

        """
        return self.apply_async(args, kwargs, countdown=delay)

    def apply_async(  # type: ignore[override]  # noqa: PLR0913 - what a caller can say
        self,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        task_id: str | None = None,
        *,
        tenant: str | None = None,
        priority: Priority | str | int | None = None,
        max_attempts: int | None = None,
        **options: Any,
    ) -> JobHandle[R]:
        """Send a job with options: Celery's own, a priority by name, a tenant, other attempts than the task has.

        ``countdown`` and ``expires`` may be durations, ``eta`` and ``expires`` aware datetimes. A *task_id* of the
        caller's choice that was sent before is the same job.

        Raises:
            OptionError: if an option cannot work.
            PayloadError: if the arguments do not fit the function's signature.
            SealingError: if there is no key for what is to be sealed.

        """
        address(self, task_id, options, tenant=tenant, priority=priority, max_attempts=max_attempts)
        try:
            job = outgoing(self, args or (), kwargs or {}, task_id, options)
        except (OptionError, PayloadError, SealingError) as error:
            if not is_handing_on():
                raise
            return cast("JobHandle[R]", refuse(self, task_id or uuid(), args or (), kwargs or {}, options, error))
        return cast("JobHandle[R]", send(job))

    def signature(self, args: Any = None, *starargs: Any, **starkwargs: Any) -> Signature[R]:
        """Return a signature; arguments that no call could have are refused here.

        Raises:
            PayloadError: naming the argument.

        """
        kwargs = starkwargs.pop("kwargs", None) or (starargs[0] if starargs else None)
        args, kwargs = self.payload.partial(args or (), kwargs or {})
        return super().signature(args, kwargs, *starargs[1:], **starkwargs)

    subtask = signature

    def s(self, *args: Any, **kwargs: Any) -> Signature[R]:
        """Return a signature of the arguments so far."""
        return self.signature(args, kwargs)

    def si(self, *args: Any, **kwargs: Any) -> Signature[R]:
        """Return a signature that takes no result of an earlier step."""
        return self.signature(args, kwargs, immutable=True)

    def AsyncResult(self, task_id: str, **kwargs: Any) -> JobHandle[R]:  # noqa: N802 - Celery's name
        """Return the handle of a job by its id."""
        return JobHandle(task_id, self.backend, None, self.app, payload=self.payload)

    def retry(  # type: ignore[override]  # noqa: PLR0913, PLR0917 - Celery's own signature
        self,
        args: Any = None,
        kwargs: Any = None,
        exc: BaseException | None = None,
        throw: bool = True,  # noqa: FBT001, FBT002
        eta: datetime | None = None,
        countdown: float | None = None,
        max_retries: int | None = None,
        **options: Any,
    ) -> TryAgain:
        """Count this attempt as failed and run the job again; the ``Retry`` policy says when to stop.

        Nothing is kept on the task, so that a limit given here does not leak into later jobs.
        """
        if self.request.called_directly:
            raise exc or TryAgain(countdown or 0.0)
        if max_retries is not None and self.request.retries >= max_retries:
            used_up = f"{self.name}[{self.request.id}] used up its {max_retries} retries"
            raise TryAgain(None, exc or self.MaxRetriesExceededError(used_up))
        if args is not None or kwargs is not None or options:
            raise TypeError("retry() sends the same job again; for other arguments or options send another job")
        delay = (eta - datetime.now(UTC)).total_seconds() if eta is not None else countdown
        again = TryAgain(max(0.0, self.default_retry_delay if delay is None else delay), exc)
        if throw:
            raise again
        return again

    def on_replace(self, sig: Signature[Any]) -> Any:
        """Let another job go on under this one's id: this is no end."""
        try:
            return super().on_replace(sig)
        except Ignore as instruction:
            raise SetAside(str(instruction)) from None

    @cached_property
    def home_priority(self) -> int:
        """The number its broker wants for its level."""
        return self.number_of(self.level)

    def number_of(self, priority: Priority | str | int) -> int:
        """Return the number the broker wants for *priority*."""
        return broker_priority(priority, highest_first=self.platform.zero_is_first)


def _nothing(*_: Any) -> None:
    """Stand where the tracer would call a hook that ``perform`` calls."""
