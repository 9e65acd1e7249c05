"""PlatformConsumer: messages that no task wants are waited for, then kept as dead letters, never dropped."""

from __future__ import annotations

import hashlib
import logging
import time
from datetime import UTC, datetime
from typing import Any

from celery.worker.consumer import Consumer

from tasks_platform.policies.dead_letters import SCHEMA
from tasks_platform.store import Store

log = logging.getLogger(__name__)

#: Seconds between two looks at a message whose task is unknown.
_LOOK_AGAIN = 5.0


class PlatformConsumer(Consumer):
    """Celery's consumer, which discards what it does not understand; this one does not.

    An unknown task is usually a rolling deploy: another worker knows it, or this one will after its restart.
    Its message is held here unacknowledged and given back, until a worker takes it or the grace is over.
    """

    # Celery's own, which its type stubs leave out
    app: Any
    qos: Any
    connection_errors: Any

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.app.declare_queues()

    def on_unknown_task(self, body: Any, message: Any, exc: Exception) -> None:
        """Give the message back after a while; bury it when the grace is over."""
        job_id, name = str(message.headers.get("id")), str(message.headers.get("task"))
        grace = self.app.settings.unknown_task_grace.total_seconds()
        now = time.time()
        since = self._store.first_seen(f"unknown:{job_id}", now, grace * 2 + 60)
        if now - since >= grace:
            self._bury(message, job_id, name, f"no worker has known the task {name!r} for {grace:.0f} s")
            return
        log.warning(
            "%s[%s] is a task this worker does not know; held, dead letter in %.0f s",
            name,
            job_id,
            grace - (now - since),
        )
        self.qos.increment_eventually()
        self.timer.call_after(min(_LOOK_AGAIN, grace), self._give_back, (message,))

    def on_unknown_message(self, body: Any, message: Any) -> None:
        """Bury what is no task message at all."""
        self._bury(message, _digest(message), "(unknown)", "the message is no task")

    def on_invalid_task(self, body: Any, message: Any, exc: Exception) -> None:
        """Bury a task message that cannot be read."""
        headers = message.headers or {}
        self._bury(
            message, str(headers.get("id") or _digest(message)), str(headers.get("task")), f"invalid message: {exc}"
        )

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """Bury a message whose body cannot be decoded."""
        headers = message.headers or {}
        self._bury(
            message, str(headers.get("id") or _digest(message)), str(headers.get("task")), f"cannot be decoded: {exc}"
        )

    @property
    def _store(self) -> Store:
        store: Store = self.app.store
        return store

    def _give_back(self, message: Any) -> None:
        self.qos.decrement_eventually()
        message.requeue()

    def _bury(self, message: Any, job_id: str, name: str, cause: str) -> None:
        """Write the letter, then acknowledge: a kill between the two keeps both, and the letter is one."""
        log.error("%s[%s] becomes a dead letter: %s", name, job_id, cause)
        attempt = int((message.headers or {}).get("retries") or 0) + 1
        now = datetime.now(UTC)
        error = {"type": "NotRegistered" if "known" in cause else "DecodeError", "message": cause}
        record = {
            "attempt": attempt,
            "started_at": now.isoformat(),
            "failed_at": now.isoformat(),
            "worker": self.hostname,
        }
        letter = {
            "schema": SCHEMA,
            "id": job_id,
            "task": name,
            "state": "dead",
            "tenant": None,
            "flow": None,
            "died_at": now.timestamp(),
            "message": _raw(message),
            "cause": {**error, "line": ""},
            "traceback": "",
            "fingerprint": hashlib.sha256(f"{name}|{error['type']}".encode()).hexdigest()[:12],
        }
        verdict = {"again_in": None, "parked": False}
        self._store.decide(job_id, attempt, {**record, "worker": self.hostname, "error": error}, verdict, letter)
        message.ack_log_error(log, self.connection_errors)


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


def _identity(message: Any) -> tuple[str, str]:
    headers = message.headers or {}
    return str(headers.get("id") or _digest(message)), str(headers.get("task"))


def _digest(message: Any) -> str:
    body = message.body
    return hashlib.sha256(body if isinstance(body, bytes) else str(body).encode()).hexdigest()[:32]
