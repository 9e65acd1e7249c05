"""End a job whose message was taken out of its queue: what it held is given back, wherever that is done."""

from __future__ import annotations

from typing import Any

from celery.app.task import Context

from tasks_platform.broker.leased import payload
from tasks_platform.broker.leased.storing import StoringChannel
from tasks_platform.events import EventKind, emit
from tasks_platform.task.base import PlatformTask
from tasks_platform.task.cancel_mark import CancelMark
from tasks_platform.task.running import run_of
from tasks_platform.task.settling import give_back


def request_of(channel: StoringChannel, raw: bytes) -> Context:
    """Return the request that the message *raw* is, with its arguments.

    Raises:
        BadMessageError: if it is no message.
        ValueError, TypeError: if it is no message of a job.

    """
    message = channel.Message(payload.read(raw), channel=channel)
    args, kwargs, rest = message.payload
    following = {name: rest.get(name) for name in ("callbacks", "errbacks", "chain", "chord")}
    properties = message.properties
    delivery = {**(message.delivery_info or {}), "priority": properties.get("priority")}
    return Context(
        {
            **message.headers,
            **following,
            "args": args,
            "kwargs": kwargs,
            "delivery_info": delivery,
            "properties": properties,
            "correlation_id": properties.get("correlation_id"),
            "reply_to": properties.get("reply_to"),
        }
    )


def end_cancelled(app: Any, channel: StoringChannel, raw: bytes, mark: CancelMark) -> bool:
    """Give back what the job of the message *raw* held, and record that it is cancelled.

    It may be done again. False if its task is not known here: somebody else has to do it.
    """
    try:
        request: Any = request_of(channel, raw)
    except (payload.BadMessageError, ValueError, TypeError, AttributeError):
        return True  # it is no job, and holds nothing
    task: Any = app.tasks.get(request.task)
    if task is None:
        return False
    ignored = request.__dict__.get("ignore_result")
    kept = not (task.ignore_result if ignored is None else ignored)
    if not isinstance(task, PlatformTask):
        task.backend.mark_as_revoked(request.id, mark.reason, request=request, store_result=kept)
        return True
    run = run_of(task, request, request.args, request.kwargs)
    give_back(task, run, mark.reason)
    task.backend.mark_as_revoked(request.id, mark.reason, request=request, store_result=kept)
    emit(EventKind.CANCELLED, run, reason=mark.reason)
    return True
