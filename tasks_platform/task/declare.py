"""``@task``: declare the reliability of a function above it."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, Literal, ParamSpec, Protocol, TypeVar, cast, overload

import celery
from celery import shared_task

from tasks_platform.errors import TaskDefinitionError
from tasks_platform.payload import Payload
from tasks_platform.policy import Policy
from tasks_platform.queues import Priority, broker_priority
from tasks_platform.task.base import PlatformTask
from tasks_platform.task.ordering import ordered
from tasks_platform.task.retention import Retention

P = ParamSpec("P")
R = TypeVar("R")
#: Options of Celery whose work policies do, and what to say to those who give them.
_INSTEAD = {
    "max_retries": "use Retry(max_attempts=...), which counts the first run",
    "default_retry_delay": "use Retry(base=...)",
    "autoretry_for": "use Retry(on=...); what is not permanent is retried anyway",
    "retry_backoff": "use Retry(backoff=...)",
    "retry_on_worker_lost": "a death counts as an attempt; use Retry(max_attempts=...)",
    "reject_on_worker_lost": "a death counts as an attempt; use Retry(max_attempts=...)",
    "acks_late": "a message is acknowledged when its run is settled, so that none is lost",
    "time_limit": "use Deadline(hard=...)",
    "soft_time_limit": "use Deadline(soft=...)",
    "expires": "use Deadline(expires=...)",
}
#: What callers call; an option of that name would overwrite it.
_METHODS = frozenset(
    {
        "apply",
        "apply_async",
        "delay",
        "replace",
        "retry",
        "run",
        "s",
        "send_after",
        "send_at",
        "si",
        "signature",
        "subtask",
    }
)


class CoroutineTask(PlatformTask[P, R]):
    """What a type checker knows of the task of an ``async`` function; at run time it is its base class."""

    abstract = True

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]:  # type: ignore[override]
        """Call the bare function."""
        raise NotImplementedError


class Declare(Protocol):
    """Makes a task of a function; of an ``async`` one, one that returns what is awaited."""

    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> CoroutineTask[P, R]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> PlatformTask[P, R]: ...


class DeclareBound(Protocol):
    """The same of a function whose first argument is the task."""

    @overload
    def __call__(self, function: Callable[Concatenate[Any, P], Coroutine[Any, Any, R]], /) -> CoroutineTask[P, R]: ...
    @overload
    def __call__(self, function: Callable[Concatenate[Any, P], R], /) -> PlatformTask[P, R]: ...


@overload
def task(
    *policies: Policy,
    base: type[PlatformTask[..., Any]],
    queue: str | None = None,
    priority: Priority | str = Priority.NORMAL,
    retention: Retention | None = None,
    bind: Literal[False] = False,
    **options: Any,
) -> Declare: ...


@overload
def task(
    *policies: Policy,
    base: type[PlatformTask[..., Any]],
    queue: str | None = None,
    priority: Priority | str = Priority.NORMAL,
    retention: Retention | None = None,
    bind: Literal[True],
    **options: Any,
) -> DeclareBound: ...


def task(
    *policies: Policy,
    base: type[PlatformTask[..., Any]],
    queue: str | None = None,
    priority: Priority | str = Priority.NORMAL,
    retention: Retention | None = None,
    bind: bool = False,
    **options: Any,
) -> Any:
    """Declare a task: *base* brings policies, *policies* replace those of the same type or add to them.

    *queue* is where its jobs wait, *priority* how soon they are taken, *retention* how long and how many of them are
    kept when they have ended; *options* are Celery's own. A function
    whose annotation says that it returns something has a result, which is stored; ``ignore_result`` overrules.

    Raises:
        TaskDefinitionError: if the declaration cannot work; the message says what was probably meant.

    """

    def declare(function: Callable[..., Any]) -> Any:
        name = options.get("name") or f"{function.__module__}.{function.__qualname__}"
        _check_options(name, options)
        if inspect.isasyncgenfunction(function):
            raise TaskDefinitionError(f"{name}: an async function that yields has no one result; let it return")
        chosen = ordered(name, (*base.policies, *policies))
        payload = Payload(function, name=name, bound=bind)
        for policy in chosen:
            policy.check(name, tuple(payload.signature.parameters))
        enforced = {key: value for policy in chosen for key, value in policy.options.items()}
        declared = {
            "ignore_result": not payload.has_result,
            **enforced,
            **options,
            "base": base,
            "bind": bind,
            "policies": chosen,
            "payload": payload,
            "home_queue": queue,
            "level": _level(name, priority),
            **({} if retention is None else {"retention": retention}),
        }
        proxy = shared_task(**declared)(function)
        object.__setattr__(
            proxy, "declared_payload", payload
        )  # what its arguments are is known before there is an application
        return cast("PlatformTask[..., Any]", proxy)

    return declare


def _check_options(name: str, options: dict[str, Any]) -> None:
    known = {option for option in dir(celery.Task) if not option.startswith("_")} - _METHODS
    for option, value in options.items():
        if (instead := _INSTEAD.get(option)) is not None and not (option == "acks_late" and value):
            raise TaskDefinitionError(f"{name}: {option}={value!r} contradicts the policies; {instead}")
        if option not in known:
            meant = difflib.get_close_matches(option, [*known, "queue", "base", "bind"], 1)
            hint = f"; did you mean {meant[0]!r}?" if meant else ""
            raise TaskDefinitionError(f"{name}: there is no task option {option!r}{hint}")


def _level(name: str, priority: Priority | str) -> Priority:
    try:
        broker_priority(str(priority))
        return Priority(priority.lower())
    except ValueError as error:
        raise TaskDefinitionError(f"{name}: {error}") from None
