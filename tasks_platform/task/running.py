"""The child's side: the policies around the function, and what follows."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextvars import copy_context
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from billiard.exceptions import WorkerLostError
from celery import states
from celery.exceptions import Ignore, Reject, Retry

from tasks_platform.broker.leased import DIED
from tasks_platform.errors import Cancel, ControlFlow, Hold, SetAside, Skip
from tasks_platform.events import EventKind, emit, has_listeners
from tasks_platform.policies import Retry as RetryPolicy
from tasks_platform.policy import Run, enter_run, wrap
from tasks_platform.sealing import censored_error, opened_in_a_run
from tasks_platform.task.calling import call
from tasks_platform.task.envelope import claim_of, deaths_of, message_of, moment, own_headers, resend
from tasks_platform.task.failing import fail, fail_or_cancel, rejected
from tasks_platform.task.hand_on import hand_on
from tasks_platform.task.insist import TROUBLE, insist
from tasks_platform.task.is_cancelled import is_cancelled, tell_dropped
from tasks_platform.task.settling import decide, end, mark_step
from tasks_platform.task.steering import skip_run, steer
from tasks_platform.task.surely import surely
from tasks_platform.task.unwanted import unwanted

if TYPE_CHECKING:
    from tasks_platform.task.base import PlatformTask
    from tasks_platform.task.cancel_mark import CancelMark

log = logging.getLogger(__name__)
#: Headers of jobs of which the store knows something: that a run began is told there, and that it ended.
_TRACED = frozenset({"copy", "reserved", "flow"})


def perform(task: PlatformTask[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Run the function of *task*: bare if it was called directly, else as one attempt at a job."""
    request: Any = task.request_stack.top
    if request is None or request.called_directly:
        return task.business(*args, **kwargs)
    run = run_of(task, request, args, kwargs)
    request.began = run.started_at  # for those who come after; the run itself would hold the request, and it the run
    with opened_in_a_run():
        # what the function leaves in context variables is not the next job's
        return copy_context().run(_perform, task, request, run)


def _perform(task: PlatformTask[..., Any], request: Any, run: Run) -> Any:
    enter_run(run)
    try:
        if (mark := unwanted.of(run.job_id)) is not None:
            _drop(task, run, mark)
        return _attempt(task, request, run)
    except ControlFlow as instruction:
        shown = censored_error(instruction)
        raise steer(task, run, shown) from shown
    except Exception as error:
        if (shown := censored_error(error)) is error:
            raise
        raise shown from shown.__cause__


def _drop(task: PlatformTask[..., Any], run: Run, mark: CancelMark) -> NoReturn:
    tell_dropped(task.app, run.queue, run.job_id)
    raise Cancel(mark.reason)


def run_of(task: PlatformTask[..., Any], request: Any, args: Any, kwargs: Any) -> Run:
    """Describe the attempt that *request* is."""
    headers = own_headers(request)
    attempt = (request.retries or 0) + deaths_of(request) + 1
    delivery = request.delivery_info or {}
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
        queue=delivery.get("routing_key"),
        claim=claim_of(request),
        is_cancelled=partial(is_cancelled, task.app, delivery.get("routing_key"), request.id),
        announce=partial(_announce, task, request),
        send=partial(send_other, task),
        seal=task.payload.sealing.seal_step,
        unseal=task.payload.sealing.open_step,
    )


def _attempt(task: PlatformTask[..., Any], request: Any, run: Run) -> Any:
    if (done := _stored_success(task, request)) is not None:
        return _end_again(task, request, run, done["result"])
    _count_death(task, request, run)
    leaves_traces = run.attempt > 1 or not _TRACED.isdisjoint(run.headers)
    if leaves_traces and not surely(run, partial(_begin, run)):
        raise SetAside(f"another copy of attempt {run.attempt} was run already")
    _tell_begin(request, run)
    try:
        task.before(run.job_id, tuple(run.args), dict(run.kwargs))
        body = partial(call, task, request, run)
        value = wrap("execute", task.executing, run, innermost=body)() if task.executing else body()
    except (Skip, SetAside, Hold, Cancel, Retry):
        raise
    except Ignore as instruction:
        skip_run(task, run, str(instruction))
        raise
    except Reject as error:
        if error.requeue:  # type: ignore[attr-defined]
            raise
        fail(task, request, run, rejected(run, error))
    except Exception as error:  # noqa: BLE001 - every failure is decided here
        fail_or_cancel(task, request, run, error)
    if request.callbacks or request.chain:
        _hand_on(task, request, run, value)
    if leaves_traces:
        surely(run, partial(_finish, task, run))
    return value


def _stored_success(task: PlatformTask[..., Any], request: Any) -> Mapping[str, Any] | None:
    """Return what is stored of a job whose worker died when it had succeeded; None also where no result is kept."""
    if not deaths_of(request) or request.__dict__.get("ignore_result", task.ignore_result):
        return None
    stored: Mapping[str, Any] = insist(partial(task.backend.get_task_meta, request.id, cache=False))
    return stored if stored.get("status") == states.SUCCESS else None


def _end_again(task: PlatformTask[..., Any], request: Any, run: Run, value: Any) -> Any:
    """End a run that has succeeded before: what came after it may be missing."""
    _tell_begin(request, run)
    if request.callbacks or request.chain:
        _hand_on(task, request, run, value)
    surely(run, partial(_finish, task, run))
    return value


def _count_death(task: PlatformTask[..., Any], request: Any, run: Run) -> None:
    """Let the attempt that its worker died with have failed; this one is run, if the policies grant one more.

    A job of which no policy says how often it may be run is run until the broker gives it up.
    """
    if not deaths_of(request) or not any(isinstance(policy, RetryPolicy) for policy in task.failing):
        return
    worker = (getattr(request, DIED, None) or ["?"])[-1]
    # the step that it was at stays taken as long as it may: its worker may live, and be cut off
    died = replace(run, attempt=run.attempt - 1, worker=worker, notes={"once": None})
    error = WorkerLostError(f"the worker {worker} died with attempt {died.attempt} of {run.task}[{run.job_id}]")
    if surely(run, partial(decide, task, died, error)).final:
        fail(task, request, died, error)


def _begin(run: Run) -> bool:
    copy = run.headers.get("copy")
    if copy is not None and not run.store.begin(run.job_id, run.attempt, copy):
        return False
    mark_step(run, "active")
    return True


def _tell_begin(request: Any, run: Run) -> None:
    if (request.delivery_info or {}).get("redelivered"):
        emit(EventKind.STALLED, run, reason="delivered again: the worker that had it died, or gave it back")
    if has_listeners(EventKind.STARTED):
        emit(EventKind.STARTED, run, **_waited(run))


def _waited(run: Run) -> dict[str, Any]:
    if run.attempt > 1 or (due := moment(run.headers.get("due"))) is None:
        return {}
    return {"waited": max(0.0, run.started_at.timestamp() - due)}


def _hand_on(task: PlatformTask[..., Any], request: Any, run: Run, value: Any) -> None:
    """Send the next steps; a step that succeeded waits with them for a broker that takes them."""
    try:
        insist(partial(hand_on, task.app, request, value))
    except TROUBLE as trouble:
        log.exception("%s[%s]: the next step could not be sent; the message goes back", run.task, run.job_id)
        raise Reject(trouble, requeue=True) from trouble
    except Exception as error:  # noqa: BLE001 - no broker will ever take it: a letter keeps it
        fail(task, request, run, error)


def _finish(task: PlatformTask[..., Any], run: Run) -> None:
    end(task, run)
    mark_step(run, "succeeded")


def _announce(task: PlatformTask[..., Any], request: Any, state: str, details: Mapping[str, Any]) -> None:
    if not (request.__dict__.get("ignore_result", task.ignore_result)):
        task.backend.store_result(request.id, dict(details), state, request=request)


def send_other(task: PlatformTask[..., Any], message: Mapping[str, Any], headers: Mapping[str, Any]) -> None:
    """Send the job of *message*, which was set aside, again as the attempt that it is."""
    retries = message["options"].get("retries") or 0
    resend(task, message, headers, attempt=retries + 1)
