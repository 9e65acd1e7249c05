"""The child's side: the policies around the function, and what follows."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from celery.exceptions import Ignore, Reject, Retry

from tasks_platform.errors import Cancel, ControlFlow, Hold, ResultNotStoredError, Skip, TryAgain
from tasks_platform.policy import Run, enter_run, leave_run, wrap
from tasks_platform.task.envelope import message_of, own_headers, resend
from tasks_platform.task.hand_on import hand_on
from tasks_platform.task.settling import cancel, decide, send_again, settle_as_dead, settle_as_parked

if TYPE_CHECKING:
    from tasks_platform.task.base import PlatformTask

log = logging.getLogger(__name__)
_NEXT_STEP_DELAY = 5.0


def perform(task: PlatformTask[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Run the function of *task*: bare if it was called directly, else as one attempt at a job."""
    request = task.request_stack.top
    if request is None or request.called_directly:
        return task.business(*args, **kwargs)
    run = run_of(task, request, args, kwargs)
    token = enter_run(run)
    try:
        return _attempt(task, request, run)
    except ControlFlow as instruction:
        raise _steer(task, run, instruction) from instruction
    finally:
        leave_run(token)


def run_of(task: PlatformTask[..., Any], request: Any, args: Any, kwargs: Any) -> Run:
    """Describe the attempt that *request* is."""
    headers = own_headers(request)
    attempt = request.retries + 1
    return Run(
        task=task.name,
        job_id=request.id,
        attempt=attempt,
        args=args,
        kwargs=kwargs,
        arguments=partial(task.payload.bound, args, kwargs),
        store=task.store,
        headers=headers,
        message=partial(message_of, task, request, args, kwargs),
        worker=request.hostname or "",
        announce=partial(_announce, task, request),
        send=partial(_send_other, task),
    )


def _attempt(task: PlatformTask[..., Any], request: Any, run: Run) -> Any:
    copy = run.headers.get("copy")
    if copy is not None and not run.store.begin(run.job_id, run.attempt, copy):
        raise Skip(f"another copy of attempt {run.attempt} was run already")
    if run.flow_id is not None:
        run.store.mark_step(run.flow_id, run.job_id, "active")
    try:
        body = partial(_call, task, run)
        value = wrap("execute", task.executing, run, innermost=body)() if task.executing else body()
    except (Skip, Hold, Cancel, Ignore, Retry):
        raise
    except Reject as error:
        if error.requeue:  # type: ignore[attr-defined]
            raise
        _fail(task, request, run, error)
    except Exception as error:  # noqa: BLE001 - every failure is decided here
        _fail(task, request, run, error)
    _hand_on(task, request, value)
    _finish(task, run)
    return value


def _call(task: PlatformTask[..., Any], run: Run) -> Any:
    args, kwargs = task.payload.read(run.args, run.kwargs)
    value = task.business(*args, **kwargs)
    try:
        return task.payload.write_result(value)
    except Exception as error:
        raise ResultNotStoredError(f"{run.task}[{run.job_id}] returned what JSON cannot carry: {error}") from error


def _fail(task: PlatformTask[..., Any], request: Any, run: Run, error: BaseException) -> None:
    """Decide what becomes of the run, act on it, and end the run as Celery expects; never returns."""
    try:
        verdict = decide(task, run, error)
        if not verdict.final:
            send_again(task, run, verdict)
    except Exception as trouble:
        log.exception("%s[%s]: its failure could not be settled; the message goes back", run.task, run.job_id)
        raise Reject(trouble, requeue=True) from trouble
    cause = error.cause if isinstance(error, TryAgain) and error.cause is not None else error
    if not verdict.final:
        raise Retry(exc=cause if isinstance(cause, Exception) else None, when=cast("Any", verdict.again_in)) from cause
    if verdict.parked:
        settle_as_parked(task, run, request, cause)
        raise Ignore(f"parked: {cause!r}") from cause
    settle_as_dead(run)
    if isinstance(cause, TryAgain):
        cause = task.MaxRetriesExceededError(f"{run.task}[{run.job_id}] asked for another attempt and has none left")
    raise cause


def _hand_on(task: PlatformTask[..., Any], request: Any, value: Any) -> None:
    try:
        hand_on(task.app, request, value)
    except Exception as error:
        # the step succeeded: it waits for a broker that takes the next one, and costs no attempt
        raise Hold(_NEXT_STEP_DELAY, f"the next step could not be published: {error!r}") from error


def _finish(task: PlatformTask[..., Any], run: Run) -> None:
    if run.attempt > 1 or "letter" in run.headers:
        run.store.forget(run.job_id)
    if "reserved" in run.headers:
        run.store.retire(run.job_id, task.platform.settings.job_id_retention.total_seconds())
    if run.flow_id is not None:
        run.store.mark_step(run.flow_id, run.job_id, "succeeded")


def _steer(task: PlatformTask[..., Any], run: Run, instruction: ControlFlow) -> Exception:
    """Translate an instruction into Celery's exceptions."""
    match instruction:
        case Hold(delay=delay):
            try:
                if (copy := run.headers.get("copy")) is not None:
                    run.store.withdraw(run.job_id, run.attempt, copy)
                resend(task, run.message(), {}, attempt=run.attempt, countdown=delay)
                _mark(run, "held")
            except Exception as trouble:  # noqa: BLE001 - whatever it is, the message must not get lost
                return Reject(trouble, requeue=True)
        case Cancel(reason=reason):
            cancel(task, run, reason)
    return Ignore(str(instruction))


def _mark(run: Run, state: str) -> None:
    if run.flow_id is not None:
        run.store.mark_step(run.flow_id, run.job_id, state)


def _announce(task: PlatformTask[..., Any], request: Any, state: str, details: Mapping[str, Any]) -> None:
    if not (request.__dict__.get("ignore_result", task.ignore_result)):
        task.backend.store_result(request.id, dict(details), state, request=request)


def _send_other(task: PlatformTask[..., Any], message: Mapping[str, Any], headers: Mapping[str, Any]) -> None:
    retries = message["options"].get("retries") or 0
    resend(task, message, headers, attempt=retries + 1)
