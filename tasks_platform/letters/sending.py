"""Send the job of a dead letter again, or fail what waits for it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

import celery
from celery.app.task import Context

from tasks_platform.broker.rabbitmq import level_of, physical_name
from tasks_platform.errors import LetterError, PermanentError
from tasks_platform.letters.message import Letter, message_to_replay, own_headers, require_trust
from tasks_platform.store import Store
from tasks_platform.task import PlatformTask
from tasks_platform.task.amqp import signed
from tasks_platform.task.envelope import HEADER, resend
from tasks_platform.task.outgoing import readmit


def task_of(app: celery.Celery, letter: Letter) -> PlatformTask[..., Any]:
    """Return the task of a letter.

    Raises:
        LetterError: if this process does not know it.

    """
    task = app.tasks.get(letter["task"])
    if not isinstance(task, PlatformTask):
        raise LetterError(
            f"letter {letter['id']}: this process does not know the task {letter['task']!r}; "
            "name its module in TASKS_MODULES"
        )
    return task


def next_attempt(letter: Letter) -> int:
    """Return the number of the attempt that a replay of *letter* is."""
    return max((int(attempt["attempt"]) for attempt in letter["attempts"]), default=0) + 1


def send_again(
    app: celery.Celery, store: Store, letter: Letter, attempt: int, mark: Callable[[], None] | None = None
) -> None:
    """Send the job of *letter* as number *attempt*, after *mark* has recorded it; without one, it is recorded.

    It is recorded first, so that a worker that is quick records after it what became of the job.

    Raises:
        LetterError: if the job cannot be sent; then it is not recorded either.

    """
    require_trust(letter)
    message = message_to_replay(letter)

    def record() -> None:
        if mark is None:
            return
        mark()
        if (flow := own_headers(message).get("flow")) is not None:
            store.mark_step(flow, letter["id"], "waiting")

    if message.get("raw"):
        record()
        _send_raw(app, message, attempt)
        return
    task = task_of(app, letter)

    def send() -> Any:
        record()
        resend(task, message, {"letter": True}, attempt=attempt)
        return task.AsyncResult(letter["id"])

    readmit(task, message, send)


def fail_what_waits(app: celery.Celery, letter: Letter) -> None:
    """Let the chord, chain or flow that waits for a discarded job fail, as if it had not been parked."""
    message = letter["message"]
    options = message["options"]
    request = Context(
        id=letter["id"],
        task=letter["task"],
        args=message["args"],
        kwargs=message["kwargs"],
        chord=options.get("chord"),
        chain=options.get("chain"),
        group=options.get("group_id"),
        group_index=options.get("group_index"),
        errbacks=options.get("link_error"),
        root_id=options.get("root_id"),
        parent_id=options.get("parent_id"),
    )
    error = PermanentError(f"{letter['task']}[{letter['id']}] was discarded from the dead letters")
    task_of(app, letter).backend.mark_as_failure(letter["id"], error, request=request)


def publish_raw(app: celery.Celery, raw: Mapping[str, Any], headers: Mapping[str, Any]) -> None:
    """Put a message that cannot be read here back in its queue, as it came but for its *headers*, and signed."""
    kept = {name: raw["properties"].get(name) for name in ("correlation_id", "reply_to", "priority")}
    ring = app.settings.signing.ring  # type: ignore[attr-defined]
    with app.producer_or_acquire() as producer:
        producer.publish(
            raw["body"],
            exchange="",
            routing_key=_address(app, raw["queue"], kept["priority"]),
            headers=signed(ring, headers, raw["body"]),
            content_type=raw["content_type"],
            content_encoding=raw["content_encoding"],
            **{name: value for name, value in kept.items() if value is not None},
        )


def _address(app: celery.Celery, queue: str, priority: int | None) -> str:
    if app.zero_is_first:  # type: ignore[attr-defined]
        return queue
    return physical_name(queue, level_of(priority))


def _send_raw(app: celery.Celery, raw: Mapping[str, Any], attempt: int) -> None:
    own = {**own_headers(raw), "letter": True, "copy": uuid.uuid4().hex}
    publish_raw(app, raw, {**(raw["headers"] or {}), HEADER: own, "retries": attempt - 1, "expires": None})
