"""``cancel_job``: what a worker does that has the message of a job that is cancelled."""

from __future__ import annotations

import logging
from typing import Any, Final, Literal

from celery.concurrency.prefork import TaskPool as PreforkPool
from celery.worker import state as worker_state
from celery.worker.control import control_command

from tasks_platform.broker.leased.lease import Lease
from tasks_platform.task.cancel_mark import CancelMark
from tasks_platform.task.on_loop import cancel_on_loop
from tasks_platform.task.unwanted import unwanted

log = logging.getLogger(__name__)
#: The command, as others send it.
CANCEL_JOB: Final = "cancel_job"
#: Seconds for which a mark is remembered here longer than it may be needed.
_REMEMBERED: Final = 60.0

#: It will not run; it may have begun, and is ended after its grace period; nothing is known of it.
Answer = Literal["dropped", "ending", "gone"]


@control_command(
    name=CANCEL_JOB,
    args=[("job_id", str), ("worker", str), ("mark", str)],
    signature="<job_id> <worker> <mark>",
)
def cancel_job(state: Any, job_id: str, worker: str, mark: str, **_: Any) -> dict[str, Any]:
    """Drop a job that is cancelled, or end it; 'tasks-platform jobs cancel' asks the worker that has it."""
    consumer = state.consumer
    lease = getattr(getattr(consumer.task_consumer, "channel", None), "own_lease", None)
    if not isinstance(lease, Lease) or lease.worker != worker:
        return {"worker": None}
    return {"worker": worker, "answer": drop_or_end(consumer, lease, job_id, CancelMark.read(mark))}


def note(job_id: str, mark: CancelMark) -> None:
    """Let a job not begin in this process: first of all, so that whatever is looked at next is true."""
    unwanted.add(job_id, mark)
    worker_state.revoked.add(job_id)


def forget(job_id: str) -> None:
    """Forget that a job is cancelled, if it was noted: its id may be sent again."""
    if unwanted.forget(job_id):
        worker_state.revoked.discard(job_id)


def drop_or_end(consumer: Any, lease: Lease, job_id: str, mark: CancelMark) -> Answer:
    """See to it that a job which this worker has does not run, or ends."""
    note(job_id, mark)
    request: Any = worker_state.requests.get(job_id)
    if request is None or request._apply_result is None:  # noqa: SLF001 - Celery has no other way to ask
        _forget_in_time(consumer, lease, job_id)
        return "dropped" if request is not None or _is_to_come(consumer, lease, job_id) else "gone"
    consumer.timer.call_after(mark.grace, _end, (consumer, lease, job_id))
    in_process = not isinstance(consumer.pool, PreforkPool)
    if in_process and hasattr(request, "is_checked") and request.time_start is None:
        return "dropped"  # its thread looks once more before it begins
    log.info("%s[%s] is %s: it has %g s to end", request.name, job_id, mark.reason, mark.grace)
    return "ending"


def _is_to_come(consumer: Any, lease: Lease, job_id: str) -> bool:
    """Tell whether a job that has no slot is still to get one; if not, it has ended, and its message is still here."""
    if (claim := lease.held.of_job(job_id)) is None:
        return False
    if claim.message is None:
        return True  # it was taken ahead, and was not delivered yet
    limited = (waiting[0] for bucket in consumer.task_buckets.values() if bucket for waiting in bucket.contents)
    scheduled: Any = worker_state.scheduled_requests  # type: ignore[attr-defined]
    return any(request.id == job_id for request in (*limited, *scheduled))


def _forget_in_time(consumer: Any, lease: Lease, job_id: str) -> None:
    """Forget that a job is cancelled when its message is not here any more, nor on its way."""

    def look() -> None:
        if lease.held.of_job(job_id) is not None:
            _forget_in_time(consumer, lease, job_id)
        else:
            forget(job_id)

    consumer.timer.call_after(_REMEMBERED, look)


def _end(consumer: Any, lease: Lease, job_id: str) -> None:
    """End what has not ended by itself."""
    _forget_in_time(consumer, lease, job_id)
    request: Any = worker_state.requests.get(job_id)
    mark = unwanted.of(job_id)
    if request is None or mark is None or request._already_revoked:  # noqa: SLF001 - as above
        return
    if isinstance(consumer.pool, PreforkPool):
        request.terminate(consumer.pool, "KILL")
    elif not (cancel_on_loop(job_id, mark.reason) or unwanted.strike(job_id)):
        log.warning("%s[%s] is cancelled, and cannot be ended: it goes on to its end", request.name, job_id)
