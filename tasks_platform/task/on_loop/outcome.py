"""Which jobs are on the event loop of this process, and how one is cancelled."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextvars import ContextVar, copy_context
from typing import Any, Final, TypeVar

from tasks_platform.policy import Run, enter_thread
from tasks_platform.task.on_loop.awaited import Awaited
from tasks_platform.task.on_loop.current import enter_loop

T = TypeVar("T")
#: Seconds that a cancelled job has to end.
_PATIENCE: Final = 10.0
#: By the id of the job.
_awaited: dict[str, Awaited] = {}
_own: ContextVar[Awaited | None] = ContextVar("tasks_platform_awaited", default=None)


def expect(job_id: str, awaited: Awaited) -> None:
    """Let the job *job_id* be found by those who want to cancel it."""
    _awaited[job_id] = awaited


def run_awaited(job_id: str, awaited: Awaited, run: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
    """Call *run*, in which a job is run that is expected: its limits hold, and it may be cancelled by now."""
    token = _own.set(awaited)
    try:
        return run(*args, **kwargs)
    finally:
        _own.reset(token)
        forget(job_id, awaited)


def outcome_of(task: Any, request: Any, run: Run, coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run the *coroutine* of *run* on the event loop of this process, and return what it returns."""
    if (awaited := _own.get()) is None:  # in a process of the prefork pool, or eagerly
        expect(run.job_id, awaited := Awaited(f"{run.task}[{run.job_id}]"))
    _own.set(None)  # it may run another job itself
    context = copy_context()
    context.run(enter_loop, task, request)
    context.run(enter_thread, awaited.do)
    try:
        return awaited.outcome_of(coroutine, context)
    finally:
        forget(run.job_id, awaited)


def forget(job_id: str, awaited: Awaited) -> None:
    """Let nobody find the job *job_id* any more that *awaited* was expected for."""
    if _awaited.get(job_id) is awaited:
        del _awaited[job_id]


def cancel_on_loop(job_id: str, reason: str, *, patience: float = _PATIENCE) -> bool:
    """Cancel a job whose function is a coroutine of this process; False if there is none of that id.

    ``CancelledError`` is raised where it waits, and the job ends as cancelled with *reason*. One that has not ended
    after *patience* seconds is left to itself, and its slot is free.
    """
    if (awaited := _awaited.get(job_id)) is None:
        return False
    awaited.cancel(reason, patience)
    return True
