"""A checked call on its way to the broker: under its id and past the policies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import celery

from tasks_platform.policy import Message, Outcome, Taking, wrap
from tasks_platform.task import refused, running
from tasks_platform.task.envelope import AWAITING, HEADER
from tasks_platform.task.insist import insist
from tasks_platform.task.job_ids import UNFINISHED, Reserved, is_handing_on, new_id, send_under
from tasks_platform.task.options import check, due_at, is_chosen
from tasks_platform.task.pushing import push_under

if TYPE_CHECKING:
    from tasks_platform.task.base import PlatformTask


@dataclass(frozen=True, kw_only=True, slots=True)
class Outgoing:
    """A call whose arguments and options were checked."""

    task: PlatformTask[..., Any]
    job_id: str
    #: Whether the id is the caller's choice: then it is one job however often it is sent.
    chosen: bool
    #: Plain JSON, like the keyword arguments.
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    #: Celery's, the platform's header among them.
    options: dict[str, Any]


def outgoing(
    task: PlatformTask[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    task_id: str | None,
    options: dict[str, Any],
) -> Outgoing:
    """Check a call whose *options* are addressed.

    Raises:
        OptionError: if an option cannot work.
        PayloadError: if the arguments do not fit the function's signature.

    """
    check(task, options)
    args, kwargs = task.payload.write(args, kwargs)
    chosen = is_chosen(task_id)
    own = options["headers"][HEADER]
    if chosen or task_id is None:
        own["due"] = due_at(options)
    else:
        own.pop("due", None)  # the job that runs goes on as another message
    return Outgoing(task=task, job_id=task_id or new_id(), chosen=chosen, args=args, kwargs=kwargs, options=options)


def send(job: Outgoing) -> Any:
    """Send one job; answer with the handle of the job that does the work."""
    publish = partial(_publish, job.task, tuple(job.args), dict(job.kwargs), job.job_id)
    if (not job.chosen and not job.task.publishing) or job.task.app.conf.task_always_eager:
        return publish(**job.options)
    if not is_handing_on():
        return _send(job, publish)
    try:
        return insist(partial(_send, job, publish))
    except Exception as error:  # noqa: BLE001 - the step before has succeeded: whatever it is, only this one waits
        return refused.refuse(job.task, job.job_id, job.args, job.kwargs, job.options, error)


def offer(
    job: Outgoing,
    outcome: Outcome,
    publish: Callable[..., Any],
    before_waiting: Callable[[], None] = lambda: None,
    reserved: Reserved | None = None,
) -> Any:
    """Send *job* with *publish* unless one of its id or a policy does its work otherwise; answer with the handle.

    What is to be done when the message is known to be sent, or not, is left to *outcome*.
    """
    send = partial(_past_policies, job, outcome, publish)
    if not job.chosen:
        return send()
    return send_under(job.task.store, job.job_id, send, job.task.AsyncResult, outcome, before_waiting, reserved)


def sent_before(job: Outgoing, outcome: Outcome) -> Any:
    """Answer with the handle of a job that has turned out to be sent.

    Its policies have no say a second time: it may have ended by now, and what they hold for it nobody would free.
    """
    if job.chosen:
        outcome.if_sent(partial(job.task.store.confirm, job.job_id, UNFINISHED))
    return job.task.AsyncResult(job.job_id)


def readmit(task: PlatformTask[..., Any], letter: Mapping[str, Any], send: Callable[[], Any]) -> Any:
    """Let the policies have a say before a dead letter is sent again with *send*.

    Raises:
        LetterError: if one of them refuses.

    """
    options = dict(letter["options"])
    job = Outgoing(
        task=task,
        job_id=options["task_id"],
        chosen=False,
        args=letter["args"],
        kwargs=letter["kwargs"],
        options=options,
    )
    return _settled(lambda outcome: _past_policies(job, outcome, lambda **_: send(), replayed=True))


def _publish(task: PlatformTask[..., Any], args: Any, kwargs: Any, task_id: str, **options: Any) -> Any:
    """Send a message the straight way if there is one, else as Celery does."""
    if (way := task.platform.straight_way) is not None and not task.app.conf.task_always_eager:
        sent = way.send(task.name, args, kwargs, complete(task, task_id, options))
        if sent is not None:
            return sent
    return celery.Task.apply_async(task, args, kwargs, task_id, **options)


def complete(task: PlatformTask[..., Any], task_id: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return *options* with what Celery adds to those of a job of *task*."""
    celerys: Any = task
    return {
        **celerys._get_exec_options(),  # noqa: SLF001 - as Celery does
        "ignore_result": task.ignore_result,
        **options,
        "task_id": task_id,
        "task_type": task,
        "result_cls": task.AsyncResult,
    }


def _send(job: Outgoing, publish: Callable[..., Any]) -> Any:
    if not job.task.platform.takes_with_push(job.task.name, job.options):
        return _settled(lambda outcome: offer(job, outcome, publish))
    with_push = partial(_with_push, job, publish)
    sent = push_under(job.task.store, job.job_id, chosen=job.chosen, send=with_push)
    return job.task.AsyncResult(job.job_id) if sent is None else sent


def _with_push(job: Outgoing, publish: Callable[..., Any], taking: Taking, push: Callable[..., Any]) -> Any:
    return _settled(lambda outcome: _past_policies(job, outcome, partial(push, publish), taking=taking))


def _settled(send: Callable[[Outcome], Any]) -> Any:
    """Send a message whose fate is known at once."""
    outcome = Outcome()
    try:
        sent = send(outcome)
    except BaseException:
        outcome.not_sent()
        raise
    outcome.sent()
    return sent


def _past_policies(
    job: Outgoing,
    outcome: Outcome,
    publish: Callable[..., Any],
    *,
    replayed: bool = False,
    taking: Taking | None = None,
) -> Any:
    if not job.task.publishing:
        return publish(**job.options)
    message = Message(
        task=job.task.name,
        job_id=job.job_id,
        args=job.args,
        kwargs=job.kwargs,
        arguments=partial(job.task.payload.bound, job.args, job.kwargs),
        options=dict(job.options),
        awaited=any(job.options.get(name) is not None for name in AWAITING),
        replayed=replayed,
        handle=job.task.AsyncResult,
        send=partial(running.send_other, job.task),
        outcome=outcome,
        taking=taking,
        store=job.task.store,
    )
    return wrap("publish", job.task.publishing, message, innermost=lambda: publish(**message.options))()
