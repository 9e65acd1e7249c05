"""The platform's own header, and a message as plain JSON that can be sent again."""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import celery
from celery.canvas import Signature

from tasks_platform.broker.leased import CLAIM, DELIVERIES, DIED, HELD, in_place_of
from tasks_platform.sealing import SIGNATURE, TRUE_ETA

if TYPE_CHECKING:
    from tasks_platform.policy import Run
    from tasks_platform.task.base import PlatformTask

#: The one message header that is ours. Its keys: ``tenant``, ``flow``, ``rule`` (what a failure does to the
#: flow), ``copy`` (which copy of a message this is, once there may be two), ``reserved`` (the id was chosen by
#: the caller), ``due`` (when, in seconds since 1970), ``max_attempts`` (other than the task has), ``letter`` (a dead
#: letter is being replayed), ``outcome`` (a follower's), ``schedule`` and ``moment`` (the entry of the schedule that
#: sent it, and when it was due).
HEADER = "platform"

#: Headers that say something of one message, and nothing of the next one of its job.
_OF_ONE_MESSAGE = (SIGNATURE, TRUE_ETA, "redelivered", DELIVERIES, DIED, HELD)

#: What makes a message part of something that waits for it.
AWAITING = ("chord", "group_id", "group_index", "chain", "link", "link_error")


def own_headers(request: Any) -> dict[str, Any]:
    """Return the platform's header of a request (in the child or in the main process)."""
    found = getattr(request, HEADER, None)
    return dict(found) if isinstance(found, dict) else {}


def claim_of(request: Any) -> str | None:
    """Return which claim of the broker *request* is, where there are claims."""
    properties = getattr(request, "properties", None)
    delivery = properties.get("delivery_info") if isinstance(properties, dict) else None
    return delivery.get(CLAIM) if isinstance(delivery, dict) else None


def deaths_of(request: Any) -> int:
    """Return how many workers have died with the message of *request*, where the broker counts nothing else."""
    count = request.__dict__.get(DELIVERIES)
    return 0 if count is None or claim_of(request) is None else deaths_in({DELIVERIES: count})


def deaths_in(headers: Mapping[str, Any]) -> int:
    """Return how many workers have died with a message of a broker that counts them in its *headers*."""
    count = headers.get(DELIVERIES)
    return count if isinstance(count, int) and count > 0 else 0


def moment(seconds: Any) -> float | None:
    """Return a moment in seconds since 1970 as one can calculate with it; None if it is none, whoever wrote it."""
    try:
        found = float(seconds) if isinstance(seconds, (int, float)) else math.nan
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def due_in(headers: Any) -> float | None:
    """Return when the job of a message was due, in seconds since 1970; None if its *headers* do not say."""
    own = headers.get(HEADER) if isinstance(headers, Mapping) else None
    return moment(own.get("due")) if isinstance(own, Mapping) else None


def addressed(headers: Any) -> dict[str, str | None]:
    """Return the tenant and the flow of a message that nobody has understood, as far as its headers name them."""
    own = headers.get(HEADER) if isinstance(headers, Mapping) else None
    found = {name: own.get(name) if isinstance(own, Mapping) else None for name in ("tenant", "flow")}
    return {name: value if isinstance(value, str) else None for name, value in found.items()}


def message_of(task: PlatformTask[..., Any], request: Any, args: Any, kwargs: Any) -> dict[str, Any]:
    """Return the message of *request* in the shape of a signature: what it takes to send it again."""
    options = {name: value for name, value in request.as_execution_options().items() if value is not None}
    options["retries"] = (request.retries or 0) + deaths_of(request)
    delivery = request.delivery_info or {}
    if delivery.get("routing_key"):
        options["queue"] = delivery["routing_key"]
    if delivery.get("priority") is not None:
        options["priority"] = delivery["priority"]
    if (ignored := request.__dict__.get("ignore_result")) is not None:
        options["ignore_result"] = ignored
    for name in ("argsrepr", "kwargsrepr"):
        if (shown := request.__dict__.get(name)) is not None:
            options[name] = shown  # the caller may have masked what logs show
    options["headers"] = {**(options.get("headers") or {}), HEADER: own_headers(request)}
    for name in _OF_ONE_MESSAGE:
        options["headers"].pop(name, None)
    return {"task": task.name, "args": list(args), "kwargs": dict(kwargs), "options": options}


def signature_of(task: PlatformTask[..., Any], run: Run) -> Any:
    """Return the signature that sends the job of *run* again."""
    message = run.message()
    return Signature(task.name, message["args"], message["kwargs"], dict(message["options"]), type=task, app=task.app)


def resend(  # noqa: PLR0913 - all of it is one message
    task: PlatformTask[..., Any],
    message: Mapping[str, Any],
    headers: Mapping[str, Any],
    *,
    attempt: int,
    countdown: float | None = None,
    claim: str | None = None,
) -> None:
    """Send *message* again under its own id, as run number *attempt*; in place of the one that is *claim*ed, if any.

    Every copy carries a name of its own, so that of two copies of one attempt only one is run.
    """
    options = dict(message["options"])
    own = {**((options.get("headers") or {}).get(HEADER) or {}), **headers, "copy": uuid.uuid4().hex}
    own.pop("due", None)  # of its first attempt alone it is told how long it waited
    options.update(
        headers={**(options.get("headers") or {}), HEADER: own},
        retries=attempt - 1,
        countdown=countdown or None,
        add_to_parent=False,
    )
    with in_place_of(claim, options.get("task_id", "")):
        celery.Task.apply_async(task, tuple(message["args"]), dict(message["kwargs"]), **options)
