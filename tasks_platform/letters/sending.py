"""Send the job of a dead letter again, or fail what waits for it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import celery
from celery.app.task import Context

from tasks_platform.broker.rabbitmq import level_of, physical_name
from tasks_platform.errors import LetterError, PermanentError, PlatformError
from tasks_platform.letters.message import Letter, message_to_replay, own_headers, require_trust, without_deaths
from tasks_platform.letters.on_its_way import next_attempt
from tasks_platform.task import PlatformTask
from tasks_platform.task.amqp import signed
from tasks_platform.task.envelope import HEADER, resend
from tasks_platform.task.insist import TROUBLE
from tasks_platform.task.outgoing import readmit

if TYPE_CHECKING:
    from tasks_platform.letters.queue import DeadLetterQueue


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


def send_again(queue: DeadLetterQueue, letter: Letter, mark: Callable[[float], bool] | None = None) -> Letter:
    """Send the job of *letter* as its next attempt, and return it as it was understood.

    Before, *mark* records that in the try of that time, and tells whether it could; without one, it is recorded. It is
    recorded first, so that a worker that is quick records after it what became of the job.

    Raises:
        LetterError: if the job cannot be sent; then it is not recorded either, unless a worker has begun it.

    """
    attempt = next_attempt(letter)
    marked: float | None = letter["replayed_at"]
    sending = False

    def record(message: Mapping[str, Any]) -> None:
        nonlocal marked, sending
        if mark is not None:
            at = time.time()
            if not mark(at):
                raise LetterError(f"letter {letter['id']} was replayed, edited or discarded by somebody else meanwhile")
            marked = at
            _mark_step(queue, letter, message, "waiting")
        sending = True

    try:
        understood = queue.understood(letter)
        _send(queue.app, understood, attempt, record)
    except Exception as error:
        if isinstance(error, TROUBLE) or (sending and not isinstance(error, PlatformError)):
            raise  # it may have been sent
        if marked is not None and queue.store.put_back(letter["id"], marked, attempt, by=queue.by):
            _mark_step(queue, letter, message_to_replay(letter), "parked")
        if isinstance(error, LetterError):
            raise
        # arguments that fit no call, no key for what is sealed, a function of the task that makes no unique key of them
        raise LetterError(f"letter {letter['id']} cannot be sent: {error}") from error
    return understood


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


def publish_copy(app: celery.Celery, raw: Mapping[str, Any], headers: Mapping[str, Any]) -> None:
    """Put a message that cannot be read here back in its queue: signed, and as it came but for these *headers*.

    It is named as a copy of its own: sent twice, because somebody was cut off, it is run once.
    """
    found = without_deaths(raw["headers"]) if isinstance(raw["headers"], Mapping) else {}
    own = found.get(HEADER)
    own = {**(own if isinstance(own, Mapping) else {}), **headers.get(HEADER, {}), "copy": uuid.uuid4().hex}
    kept = {name: raw["properties"].get(name) for name in ("correlation_id", "reply_to", "priority")}
    ring = app.settings.signing.ring  # type: ignore[attr-defined]
    address = app.servers.of(raw["queue"])  # type: ignore[attr-defined]
    with app.lines.producer(address) as producer:  # type: ignore[attr-defined]
        producer.publish(
            raw["body"],
            exchange="",
            routing_key=_address(app, raw["queue"], kept["priority"]),
            headers=signed(ring, {**found, **headers, HEADER: own}, raw["body"]),
            content_type=raw["content_type"],
            content_encoding=raw["content_encoding"],
            **{name: value for name, value in kept.items() if value is not None},
        )


def _address(app: celery.Celery, queue: str, priority: int | None) -> str:
    if app.zero_is_first:  # type: ignore[attr-defined]
        return queue
    return physical_name(queue, level_of(priority))


def _send_raw(app: celery.Celery, raw: Mapping[str, Any], attempt: int) -> None:
    publish_copy(app, raw, {HEADER: {"letter": True}, "retries": attempt - 1, "expires": None})


def _send(app: celery.Celery, letter: Letter, attempt: int, record: Callable[[Mapping[str, Any]], None]) -> None:
    require_trust(letter)
    message = message_to_replay(letter)
    if message.get("raw"):
        record(message)
        _send_raw(app, message, attempt)
        return
    task = task_of(app, letter)

    def send() -> Any:
        record(message)
        resend(task, message, {"letter": True}, attempt=attempt)
        return task.AsyncResult(letter["id"])

    readmit(task, message, send)


def _mark_step(queue: DeadLetterQueue, letter: Letter, message: Mapping[str, Any], state: str) -> None:
    if (flow := own_headers(message).get("flow")) is not None:
        queue.store.mark_step(flow, letter["id"], state)
