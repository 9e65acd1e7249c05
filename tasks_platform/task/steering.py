"""End a run that a policy, or somebody, has steered: held, cancelled, skipped or set aside."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from celery.exceptions import Ignore

from tasks_platform.broker.leased import HELD
from tasks_platform.errors import Cancel, Hold, SetAside, Skip
from tasks_platform.events import EventKind, emit
from tasks_platform.policy import Run
from tasks_platform.store import legible
from tasks_platform.task.envelope import AWAITING, resend
from tasks_platform.task.settling import cancel, mark_step, skip
from tasks_platform.task.surely import surely
from tasks_platform.task.unwanted import unwanted

if TYPE_CHECKING:
    from tasks_platform.task.base import PlatformTask

#: Characters that a message says of why its job is held.
_SHOWN = 200


def steer(task: PlatformTask[..., Any], run: Run, instruction: BaseException) -> Exception:
    """Do what an instruction says, and return what Celery is told by it."""
    match instruction:
        case Hold(delay=delay, reason=reason):
            surely(run, partial(_hold, task, run, delay, reason))
            emit(EventKind.HELD, run, reason=reason, again_in=delay)
        case Cancel(reason=reason):
            _cancel(task, run, reason)
        case Skip(reason=reason) if _is_awaited(run):
            _cancel(task, run, reason)
        case Skip(reason=reason):
            skip_run(task, run, reason)
        case SetAside():
            emit(EventKind.HELD, run, reason=str(instruction))
    return Ignore(str(instruction))


def _cancel(task: PlatformTask[..., Any], run: Run, reason: str) -> None:
    reason = mark.reason if (mark := unwanted.of(run.job_id)) is not None else reason
    surely(run, partial(cancel, task, run, reason))
    emit(EventKind.CANCELLED, run, reason=reason)


def skip_run(task: PlatformTask[..., Any], run: Run, reason: str) -> None:
    """End a run that has nothing to do, without a result."""
    surely(run, partial(skip, task, run))
    emit(EventKind.SKIPPED, run, reason=reason)


def _is_awaited(run: Run) -> bool:
    options = run.message()["options"]
    return run.flow_id is not None or any(options.get(name) for name in AWAITING)


def _hold(task: PlatformTask[..., Any], run: Run, delay: float, reason: str) -> None:
    if (copy := run.headers.get("copy")) is not None:
        run.store.withdraw(run.job_id, run.attempt, copy)
    message = run.message()
    message["options"]["headers"][HELD] = legible(reason)[:_SHOWN]
    resend(task, message, {}, attempt=run.attempt, countdown=delay, claim=run.claim)
    mark_step(run, "held")
