"""Which finished jobs are kept, in Redis."""

from __future__ import annotations

from tasks_platform.store.redis.part import RedisPart, ms


class Results(RedisPart):
    """See ``tasks_platform.store.interface`` for what each operation promises."""

    def keep_result(  # noqa: PLR0913 - which job, how it ended, and what is kept
        self, task: str, job_id: str, age: float, count: int | None, *, succeeded: bool = True, prefix: str = ""
    ) -> None:
        kinds = [f"{self._prefix}ended:{task}:{kind}" for kind in ("succeeded", "failed")]
        keys = [f"{prefix}{job_id}", *(kinds if succeeded else kinds[::-1])]
        self._run("keep_result", keys, [job_id, ms(age), count or 0, prefix, f"{self._prefix}progress:"])
