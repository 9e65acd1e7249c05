"""What the parts of the store in memory share: a clock, a lock, and what expires."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

from tasks_platform.store.records import Record

#: How long it is kept what a forgotten job did once, in seconds.
CLAIMS_TTL: Final = 86400.0
#: How long at least what a job did once is kept when it is tried again, in seconds.
JOB_TTL: Final = 30 * 86400.0
#: How long the id of a job is known while nobody says that it ended, in seconds.
KNOWN: Final = 30 * 86400.0


class MemoryPart:
    """A subject of the store."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._expiring: dict[str, tuple[float, Any]] = {}
        self._followers: dict[str, dict[str, Record]] = {}
        self._jobs: dict[str, dict[str, Any]] = {}
        self._letters: dict[str, Record] = {}
        #: In which state each was written.
        self._written_as: dict[str, str] = {}
        self._groups: dict[str, Record] = {}
        self._audited: list[Record] = []
        self._tellers: dict[str, Record] = {}
        self._replays: dict[str, Record] = {}
        self._replayed: dict[str, dict[str, Any]] = {}
        self._replay_ends: dict[str, dict[str, str]] = {}
        self._items: dict[str, dict[str, Record]] = {}
        self._flows: dict[str, Record] = {}
        self._created: dict[str, float] = {}
        self._firings: dict[str, dict[str, Record]] = {}
        self._ends: dict[str, dict[str, int]] = {}

    def together(self) -> AbstractContextManager[None]:
        return nullcontext()

    def _get(self, key: str) -> Any:
        with self._lock:
            until, value = self._expiring.get(key, (0.0, None))
            if until <= self._clock():
                self._expiring.pop(key, None)
                return None
            return value

    def _set(self, key: str, value: Any, ttl: float) -> None:
        with self._lock:
            self._expiring[key] = (self._clock() + ttl, value)


def copied(record: Mapping[str, Any], *, default: Callable[[Any], Any] | None = None) -> Record:
    """Copy through JSON, as the real store does, so that what JSON cannot carry fails, or is text, here too."""
    copy: Record = json.loads(json.dumps(record, default=default))
    return copy
