"""Stray: a message that is no run, because no task could be given it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tasks_platform.events import EventKind, emit
from tasks_platform.policies.dead_letters import SCHEMA, queue_of
from tasks_platform.sealing import UNTRUSTED
from tasks_platform.store import Store
from tasks_platform.task.envelope import addressed


@dataclass(frozen=True, kw_only=True)
class Stray:
    """A message as plain JSON: *raw* has its body, headers, properties, content_type, content_encoding and queue."""

    job_id: str
    task: str
    raw: Mapping[str, Any]
    worker: str
    #: How many workers died with it before: each was an attempt.
    deaths: int = 0
    #: Of its header nothing is believed, before somebody has looked at it.
    headers: Mapping[str, Any] = field(default_factory=dict)

    @property
    def queue(self) -> str | None:
        """The queue it was in."""
        found: str | None = self.raw["queue"]
        return found

    @property
    def attempt(self) -> int:
        """Which attempt it would have been."""
        retries = self.raw["headers"].get("retries") if isinstance(self.raw["headers"], Mapping) else None
        return (retries if isinstance(retries, int) else 0) + self.deaths + 1

    def bury(self, store: Store, kind: str, cause: str) -> None:
        """Make the message a dead letter, unless its job is one; *kind* names the *cause*."""
        trusted = kind != UNTRUSTED
        attempt = self.attempt if trusted else 1
        now = datetime.now(UTC)
        error = {"type": kind, "message": cause}
        letter = {
            "schema": SCHEMA,
            "id": self.job_id,
            "task": self.task,
            "queue": queue_of(self.raw),
            "state": "dead",
            **addressed(self.raw["headers"] if trusted else None),
            "died_at": now.timestamp(),
            "message": self.raw,
            "cause": {**error, "line": ""},
            "traceback": "",
            "fingerprint": hashlib.sha256(f"{self.task}|{kind}".encode()).hexdigest()[:12],
        }
        record = {
            "attempt": attempt,
            "started_at": now.isoformat(),
            "failed_at": now.isoformat(),
            "worker": self.worker,
            "error": error,
        }
        if store.bury(self.job_id, attempt, record, letter):
            emit(EventKind.FAILED, self, fingerprint=letter["fingerprint"], parked=False, reason=cause)
