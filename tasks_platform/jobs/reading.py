"""Read what was found of a job."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from tasks_platform.broker.leased import HELD, payload
from tasks_platform.broker.leased.control import Found
from tasks_platform.broker.leased.storing import StoringChannel
from tasks_platform.jobs.value import Job, Peek, State
from tasks_platform.queues import priority_level
from tasks_platform.sealing import masked
from tasks_platform.task import PlatformTask
from tasks_platform.task.ending import request_of
from tasks_platform.task.envelope import addressed

_MS: Final = 1000


def job_of(found: Found) -> Job:
    """Return the job whose message was *found*."""
    headers = _headers(found.raw)
    retries = headers.get("retries")
    held = headers.get(HELD) if found.state == "delayed" else None
    return Job(
        id=str(headers.get("id")),
        task=str(headers.get("task") or ""),
        state=_state(found, is_held=held is not None),
        queue=found.queue,
        priority=priority_level(found.step),
        attempt=(retries if isinstance(retries, int) else 0) + 1,
        tenant=addressed(headers)["tenant"],
        due=None if found.due is None else datetime.fromtimestamp(found.due / _MS, UTC),
        held=None if held is None else str(held),
        before=found.before,
        worker=found.worker,
    )


def peek_of(app: Any, channel: StoringChannel, found: Found) -> Peek:
    """Return the job whose message was *found*, with its arguments."""
    return Peek(job=job_of(found), headers=masked(_headers(found.raw)), arguments=_arguments(app, channel, found.raw))


def _arguments(app: Any, channel: StoringChannel, raw: bytes) -> Mapping[str, Any] | None:
    try:
        request: Any = request_of(channel, raw)
        task: Any = app.tasks.get(request.task)
        if not isinstance(task, PlatformTask):
            return {"args": masked(request.args), "kwargs": masked(request.kwargs)}
        bound = task.payload.signature.bind_partial(*request.args, **request.kwargs)
        return {name: masked(value) for name, value in bound.arguments.items()}
    except (payload.BadMessageError, ValueError, TypeError, AttributeError):
        return None


def _state(found: Found, *, is_held: bool) -> State:
    match found.state:
        case "ready":
            return "waiting"
        case "delayed":
            return "held" if is_held else "delayed"
        case _:
            return "running" if found.begun else "claimed"


def _headers(raw: bytes) -> dict[str, Any]:
    try:
        return payload.read(raw).get("headers") or {}
    except payload.BadMessageError:
        return {}
