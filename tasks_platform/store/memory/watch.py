"""What people look at while a job runs, in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks_platform.store.memory.part import MemoryPart, copied
from tasks_platform.store.records import Record


class Watch(MemoryPart):
    """See ``tasks_platform.store.interface`` for what each operation promises."""

    def report(self, job_id: str, progress: Mapping[str, Any], ttl: float) -> None:
        self._set(f"progress:{job_id}", copied(progress), ttl)

    def progress(self, job_id: str) -> Record | None:
        found = self._get(f"progress:{job_id}")
        return None if found is None else copied(found)

    def first_seen(self, what: str, now: float, ttl: float) -> float:
        with self._lock:
            if (seen := self._get(f"seen:{what}")) is None:
                self._set(f"seen:{what}", now, ttl)
                return now
            return float(seen)
