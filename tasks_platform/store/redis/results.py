"""Which finished jobs are kept, in Redis."""

from __future__ import annotations

from typing import Final

from tasks_platform.store.redis.part import RedisPart, ms

#: What Celery calls the key of a job's result, but for the job's id.
RESULT: Final = "celery-task-meta-"


class Results(RedisPart):
    """See ``tasks_platform.store.interface`` for what each operation promises."""

    def keep_result(self, kind: str, job_id: str, age: float, count: int | None) -> None:
        keys = [f"{RESULT}{job_id}", f"{self._prefix}ended:{kind}"]
        self._run("keep_result", keys, [job_id, ms(age), count or 0, RESULT, f"{self._prefix}progress:"])
