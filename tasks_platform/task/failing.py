"""End a run that has failed, as the policies decide."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, cast

from celery.exceptions import Ignore, Reject, Retry

from tasks_platform.errors import Cancel, MemoryExhaustedError, RejectedError, TryAgain
from tasks_platform.policy import Run, Verdict
from tasks_platform.sealing import censored_error
from tasks_platform.task.envelope import signature_of
from tasks_platform.task.is_cancelled import mark_of
from tasks_platform.task.settling import decide, settle, tell
from tasks_platform.task.surely import surely

if TYPE_CHECKING:
    from tasks_platform.task.base import PlatformTask


def fail_or_cancel(task: PlatformTask[..., Any], request: Any, run: Run, error: Exception) -> NoReturn:
    """End a run that has failed; if its job was cancelled meanwhile, nobody wants another attempt."""
    if run.claim is not None and (mark := mark_of(task.app, run.queue, run.job_id)) is not None:
        raise Cancel(mark.reason) from error
    fail(task, request, run, error)


def fail(task: PlatformTask[..., Any], request: Any, run: Run, error: BaseException) -> NoReturn:
    """Decide what becomes of the run, act on it, and end the run as Celery expects."""
    verdict = surely(run, partial(_settle, task, request, run, error))
    if verdict.final or not request.is_eager:
        tell(run, verdict, error)
    cause = censored_error(error.cause if isinstance(error, TryAgain) and error.cause is not None else error)
    if not verdict.final and request.is_eager:
        raise Retry(exc=_exception(cause), is_eager=True, sig=signature_of(task, run)) from cause
    if not verdict.final:
        raise Retry(exc=_exception(cause), when=cast("Any", verdict.again_in)) from cause
    if verdict.parked:
        raise Ignore(f"parked: {cause!r}") from cause
    if isinstance(cause, TryAgain):
        cause = task.MaxRetriesExceededError(f"{run.task}[{run.job_id}] asked for another attempt and has none left")
    if isinstance(cause, MemoryError):
        # told by its own name it would end the whole worker
        raise MemoryExhaustedError(f"{run.task}[{run.job_id}]: {cause}") from cause
    raise cause


def _exception(cause: BaseException) -> Exception | None:
    return cause if isinstance(cause, Exception) else None


def _settle(task: PlatformTask[..., Any], request: Any, run: Run, error: BaseException) -> Verdict:
    verdict = decide(task, run, error)
    if verdict.final or not request.is_eager:
        settle(task, run, request, verdict, error)
    return verdict


def rejected(run: Run, error: Reject) -> RejectedError:
    """Return the failure that it is when a function rejects its message for good."""
    reason = error.reason  # type: ignore[attr-defined]
    return RejectedError(f"{run.task}[{run.job_id}] rejected its message: {reason}").with_traceback(error.__traceback__)
