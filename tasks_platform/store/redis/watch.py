"""What people look at while a job runs, in Redis."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from tasks_platform.store.records import Record
from tasks_platform.store.redis.part import RedisPart, ms


class Watch(RedisPart):
    """See ``tasks_platform.store.interface`` for what each operation promises."""

    def report(self, job_id: str, progress: Mapping[str, Any], ttl: float) -> None:
        self.client.set(f"{self._prefix}progress:{job_id}", json.dumps(progress), px=ms(ttl))

    def progress(self, job_id: str) -> Record | None:
        value = self.client.get(f"{self._prefix}progress:{job_id}")
        return cast("Record", json.loads(cast("str", value))) if value else None

    def first_seen(self, what: str, now: float, ttl: float) -> float:
        key = f"{self._prefix}seen:{what}"
        with self._transaction() as pipe:
            _, seen = pipe.set(key, now, nx=True, px=ms(ttl)).get(key).execute()
        return float(seen)
