"""Act on a verdict; the same in the child and in the worker's main process."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from tasks_platform.events import EventKind, emit, has_listeners
from tasks_platform.policies import DeadLetters
from tasks_platform.policies.dead_letters import cause_of, fingerprint, raising_line
from tasks_platform.policy import Run, Verdict, wrap
from tasks_platform.sealing import censored_error
from tasks_platform.task.envelope import resend
from tasks_platform.task.insist import TROUBLE

if TYPE_CHECKING:
    from tasks_platform.task.base import PlatformTask

log = logging.getLogger(__name__)
PARKED = "PARKED"


def decide(task: PlatformTask[..., Any], run: Run, error: BaseException) -> Verdict:
    """Ask the policies what becomes of *run*.

    A policy that cannot answer (the task's own backoff function has a bug) must not send the message round and
    round: then there is no other attempt, and the letter tells of both errors.
    """
    try:
        return wrap("failed", task.failing, run, error, innermost=Verdict)()
    except TROUBLE:
        raise
    except Exception as bug:
        log.exception("%s[%s]: a policy could not decide what becomes of the run", run.task, run.job_id)
        keepers = [policy for policy in task.failing if isinstance(policy, DeadLetters)]
        bug.__cause__ = error
        return wrap("failed", keepers, run, bug, innermost=Verdict)()


def settle(task: PlatformTask[..., Any], run: Run, request: Any, verdict: Verdict, error: BaseException) -> None:
    """Do what *verdict* says; of a job that is dead and not parked, Celery's failure path does the rest."""
    if not verdict.final:
        resend(task, run.message(), {}, attempt=run.attempt + 1, countdown=verdict.again_in, claim=run.claim)
        mark_step(run, "retrying")
    elif verdict.parked:
        _park(task, run, request, error)
    else:
        _bury(task, run)


def tell(run: Run, verdict: Verdict, error: BaseException) -> None:
    """Tell those who listen what becomes of a run that failed, once all of it is done.

    A job that is dead is told under the fingerprint of its letter.
    """
    cause = cause_of(error)
    if not verdict.final:
        emit(EventKind.RETRYING, run, error=cause, again_in=verdict.again_in)
    elif has_listeners(EventKind.FAILED):
        shared = fingerprint(run.task, cause, raising_line(cause))
        emit(EventKind.FAILED, run, error=cause, fingerprint=shared, parked=verdict.parked)


def _park(task: PlatformTask[..., Any], run: Run, request: Any, error: BaseException) -> None:
    """Record that the job waits as a dead letter.

    Celery's failure path must not run: it would count the chord part, fail the chain and call the errbacks.
    """
    details = {"error": repr(censored_error(cause_of(error))), "letter": run.job_id}
    task.backend.store_result(run.job_id, details, PARKED, request=request)
    mark_step(run, "parked")


def _bury(task: PlatformTask[..., Any], run: Run) -> None:
    """Record that the job is dead.

    Its id stays taken as long as a letter keeps the job; without one, as long as a job that succeeded.
    """
    mark_step(run, "dead")
    if any(isinstance(policy, DeadLetters) for policy in task.failing):
        _tell_schedule(run)
    else:
        _retire(task, run)


def end(task: PlatformTask[..., Any], run: Run, *, why: str = "recovered") -> None:
    """Drop what was kept of a job that has ended, its letter included: the audit says *why*."""
    if run.attempt > 1 or "copy" in run.headers:
        run.store.forget(run.job_id, why=why)
    _retire(task, run)


def skip(task: PlatformTask[..., Any], run: Run) -> None:
    """End the job without a result."""
    for policy in task.policies:
        policy.skipped(run)
    end(task, run, why="skipped")


def cancel(task: PlatformTask[..., Any], run: Run, reason: str) -> None:
    """End the job as cancelled."""
    give_back(task, run, reason)
    request = task.request_stack.top
    task.backend.mark_as_revoked(run.job_id, reason, request=request, store_result=not task.ignore_result)


def give_back(task: PlatformTask[..., Any], run: Run, reason: str) -> None:
    """Let the policies give back what a cancelled job held."""
    for policy in task.policies:
        policy.cancelled(run, reason)
    if "letter" in run.headers:
        run.store.forget(run.job_id, why="cancelled")
    _retire(task, run)
    mark_step(run, "cancelled")


def _retire(task: PlatformTask[..., Any], run: Run) -> None:
    """Keep the id of a job that has ended for a while."""
    _tell_schedule(run)
    if "reserved" in run.headers:
        run.store.retire(run.job_id, task.platform.settings.job_id_retention.total_seconds())


def _tell_schedule(run: Run) -> None:
    """Tell the schedule that the job of a moment has ended: when its id is free again, nothing else knows of it."""
    match run.headers:
        case {"schedule": str(schedule), "moment": str(moment)}:
            run.store.end_firing(schedule, moment, run.job_id)


def mark_step(run: Run, state: str) -> None:
    """Tell the flow of a job what state its step is in."""
    if run.flow_id is not None:
        run.store.mark_step(run.flow_id, run.job_id, state)
