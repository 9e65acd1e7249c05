"""PlatformConsumer: messages that no task wants are waited for, then kept as dead letters, never dropped."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Mapping
from operator import methodcaller
from typing import Any

import click
from celery.exceptions import InvalidTaskError

import tasks_platform.task.control
import tasks_platform.task.orphans
import tasks_platform.task.scheduled
import tasks_platform.task.stats  # noqa: F401 - workers answer with these
from tasks_platform.broker.leased import CANCELLED, CLAIM, postpone
from tasks_platform.broker.rabbitmq import LevelConsumer
from tasks_platform.errors import SettingsError
from tasks_platform.sealing import UNTRUSTED, distrust
from tasks_platform.store import Store, legible
from tasks_platform.task.cancel_command import note
from tasks_platform.task.cancel_mark import CancelMark
from tasks_platform.task.contained import contained
from tasks_platform.task.envelope import deaths_in
from tasks_platform.task.insist import TROUBLE
from tasks_platform.task.levels import LEVELS, levels_of
from tasks_platform.task.readable import flaw_of
from tasks_platform.task.steady import SteadyConsumer
from tasks_platform.task.stray import Stray

log = logging.getLogger(__name__)

#: Seconds between two looks at a message whose task is unknown.
_LOOK_AGAIN = 5.0
#: Seconds until a letter that the store refused is written again.
_REFUSED_PAUSE = 2.0
_GIVEN_UP = "the broker gave the message up ({}): again and again it came back undone, from workers that died"


class PlatformConsumer(SteadyConsumer):
    """Celery's consumer, which discards what it does not understand; this one does not.

    An unknown task is usually a rolling deploy: another worker knows it, or this one will after its restart.
    Its message waits in the broker, or, where that has no delays, unacknowledged here, and comes again, until a worker
    takes it or the grace is over.
    """

    # Celery's own, which its type stubs leave out
    app: Any
    qos: Any

    def __init__(self, *args: Any, **options: Any) -> None:
        self.levels = levels_of(options.get("worker_options"))
        try:
            options["app"].choose_server()
        except SettingsError as error:
            raise click.ClickException(str(error)) from None  # the worker's command says it and ends
        super().__init__(*args, **options)
        self.app.declare_queues()
        if self.levels:
            for queue in self.app.amqp.queues.consume_from.values():
                queue.consumer_arguments = {LEVELS: list(self.levels)}  # for those who ask which queues are served

    def connection_for_write(self, url: str | None = None, heartbeat: float | None = None) -> Any:
        """Connect to the server that this worker works for: its events are told there, too."""
        return super().connection_for_write(url or self.app.conf.broker_read_url, heartbeat)

    def update_strategies(self) -> None:
        """Let pools without processes of their own hear of a run that gives its message back."""
        super().update_strategies()
        for task in self.app.tasks.values():
            task.__trace__ = contained(task.__trace__)

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Any], Any]:
        """Let no message end the worker."""
        handle: Callable[[Any], Any] = super().create_task_handler(*args, **kwargs)

        def on_task_received(message: Any) -> Any:
            try:
                if (why := self._distrust(message)) is not None:
                    # under an id of its own: it may call itself as an honest job is called
                    job_id, name = f"untrusted-{_digest(message)}", _identity(message)[1]
                    return self._bury(message, job_id, name, f"not trusted: {why}", kind=UNTRUSTED)
                if self.is_known(message):
                    return None
                if (reason := _given_up(message)) is not None:
                    return self._bury(message, *_identity(message), _GIVEN_UP.format(reason), kind="DeliveryLimit")
                if (mark := _cancelled(message)) is not None:
                    note(str(_headers(message).get("id")), CancelMark.read(mark))
                if (flaw := flaw_of(message)) is not None:
                    return self.on_invalid_task(None, message, InvalidTaskError(flaw))
                return handle(message)
            except (TypeError, ValueError, AttributeError, LookupError) as error:
                if message.acknowledged:
                    raise
                log.exception("a message could not be read")
                return self.on_invalid_task(None, message, error)

        return on_task_received

    def on_unknown_task(self, body: Any, message: Any, exc: Exception) -> None:
        """Give the message back after a while; bury it when the grace is over."""
        job_id, name = str(message.headers.get("id")), str(message.headers.get("task"))
        grace = self.app.settings.unknown_task_grace.total_seconds()
        now = time.time()
        try:
            since = self._store.first_seen(f"unknown:{job_id}", now, grace * 2 + 60)
        except TROUBLE as trouble:
            log.warning("cannot tell how long %s[%s] has been unknown: %r", name, job_id, trouble)
            since = now
        if now - since >= grace:
            self._bury(
                message, job_id, name, f"no worker has known the task {name!r} for {grace:.0f} s", kind="NotRegistered"
            )
            return
        log.warning(
            "%s[%s] is a task this worker does not know; held, dead letter in %.0f s",
            name,
            job_id,
            grace - (now - since),
        )
        if postpone(message, min(_LOOK_AGAIN, grace)):
            return
        self.qos.increment_eventually()
        # a broker that counts how often a message comes back gives it up in the end: it gets it back ever more rarely
        pause = max(_LOOK_AGAIN, now - since) if self._counts_deliveries else _LOOK_AGAIN
        self.timer.call_after(min(pause, grace), self._give_back, (message,))

    def on_unknown_message(self, body: Any, message: Any) -> None:
        """Bury what is no task message at all."""
        self._bury(message, _digest(message), "(unknown)", "the message is no task")

    def on_invalid_task(self, body: Any, message: Any, exc: Exception) -> None:
        """Bury a task message that cannot be read."""
        self._bury(message, *_identity(message), legible(f"invalid message: {exc}"))

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """Bury a message whose body cannot be decoded."""
        self._bury(message, *_identity(message), legible(f"cannot be decoded: {exc}"))

    @property
    def _counts_deliveries(self) -> bool:
        return isinstance(self.task_consumer, LevelConsumer)

    @property
    def _store(self) -> Store:
        store: Store = self.app.store
        return store

    def _distrust(self, message: Any) -> str | None:
        """Tell why *message* is not to be read, None if it may be."""
        signing = self.app.settings.signing
        if not (signing.ring or signing.required):
            return None
        return distrust(signing.ring, _headers(message), _body(message), required=signing.required)

    def _give_back(self, message: Any) -> None:
        self.qos.decrement_eventually()
        self.until_taken(message, methodcaller("requeue"))

    def _bury(self, message: Any, job_id: str, name: str, cause: str, *, kind: str = "DecodeError") -> None:
        """Write the letter, then acknowledge: a kill between the two keeps both, and the letter is one."""
        try:
            self._write_letter(message, job_id, name, cause, kind)
        except Exception as trouble:
            # whatever it is: the message must be neither lost nor the end of this worker, and of the next one
            log.warning(
                "the letter of %s[%s] is not written yet: %r",
                name,
                job_id,
                trouble,
                exc_info=not isinstance(trouble, TROUBLE),
            )
            self.timer.call_after(_REFUSED_PAUSE, self._bury, (message, job_id, name, cause), {"kind": kind})
        else:
            self.until_taken(message, methodcaller("ack"))

    def _write_letter(self, message: Any, job_id: str, name: str, cause: str, kind: str) -> None:
        deaths = deaths_in(_headers(message)) if CLAIM in (message.delivery_info or {}) else 0
        stray = Stray(job_id=job_id, task=name, raw=_raw(message), worker=str(self.hostname), deaths=deaths)
        stray.bury(self._store, kind, cause)


def _raw(message: Any) -> dict[str, Any]:
    body = message.body
    return {
        "raw": True,
        "body": body.decode("utf-8", "backslashreplace") if isinstance(body, bytes) else body,
        "headers": message.headers,
        "properties": {name: value for name, value in message.properties.items() if name != "delivery_tag"},
        "content_type": message.content_type,
        "content_encoding": message.content_encoding,
        "queue": (message.delivery_info or {}).get("routing_key"),
    }


def _body(message: Any) -> bytes:
    body = message.body
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body)
    return str(body).encode("utf-8", "surrogatepass")  # JSON may carry lone ones


def _headers(message: Any) -> Mapping[str, Any]:
    return message.headers if isinstance(message.headers, Mapping) else {}


def _identity(message: Any) -> tuple[str, str]:
    headers = _headers(message)
    return legible(str(headers.get("id") or _digest(message))), legible(str(headers.get("task")))


def _given_up(message: Any) -> str | None:
    """Tell why the broker gave a message up; a job that expired meets its end as on every other broker."""
    reason: str | None = (message.delivery_info or {}).get("given_up")
    return None if reason == "expired" and _headers(message).get("expires") else reason


def _cancelled(message: Any) -> str | None:
    mark: str | None = (message.delivery_info or {}).get(CANCELLED)
    return mark


def _digest(message: Any) -> str:
    """Name a message that has no id: the same when it is delivered again, another for an equal message."""
    named = ("delivery_tag", "message_id", "correlation_id")  # the first on Redis, the others where somebody wrote them
    tag = repr([*map(message.properties.get, named), message.headers]).encode()
    return hashlib.sha256(tag + _body(message)).hexdigest()[:32]
