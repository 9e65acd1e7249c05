"""Act on a verdict; the same in the child and in the worker's main process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tasks_platform.policy import Run, Verdict, wrap
from tasks_platform.task.envelope import resend

if TYPE_CHECKING:
    from tasks_platform.task.base import PlatformTask

PARKED = "PARKED"


def decide(task: PlatformTask[..., Any], run: Run, error: BaseException) -> Verdict:
    """Ask the policies what becomes of *run*."""
    return wrap("failed", task.failing, run, error, innermost=Verdict)()


def send_again(task: PlatformTask[..., Any], run: Run, verdict: Verdict) -> None:
    """Send the next attempt."""
    resend(task, run.message(), {}, attempt=run.attempt + 1, countdown=verdict.again_in)
    _mark(run, "retrying")


def settle_as_parked(task: PlatformTask[..., Any], run: Run, request: Any, error: BaseException) -> None:
    """Record that the job waits as a dead letter.

    Celery's failure path must not run: it would count the chord part, fail the chain and call the errbacks.
    """
    details = {"error": repr(error), "letter": run.job_id}
    task.backend.store_result(run.job_id, details, PARKED, request=request)
    _mark(run, "parked")


def settle_as_dead(run: Run) -> None:
    """Record that the job is dead; Celery's failure path does the rest."""
    _mark(run, "dead")


def cancel(task: PlatformTask[..., Any], run: Run, reason: str) -> None:
    """End the job as cancelled."""
    give_back(task, run, reason)
    request = task.request_stack.top
    task.backend.mark_as_revoked(run.job_id, reason, request=request, store_result=not task.ignore_result)


def give_back(task: PlatformTask[..., Any], run: Run, reason: str) -> None:
    """Let the policies give back what a cancelled job held."""
    for policy in task.policies:
        policy.cancelled(run, reason)
    if "reserved" in run.headers:
        run.store.retire(run.job_id, task.platform.settings.job_id_retention.total_seconds())
    _mark(run, "cancelled")


def _mark(run: Run, state: str) -> None:
    if run.flow_id is not None:
        run.store.mark_step(run.flow_id, run.job_id, state)
