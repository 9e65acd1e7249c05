"""Which finished jobs are kept, in memory: results are Celery's, so that only what else is kept of jobs goes."""

from __future__ import annotations

from tasks_platform.store.memory.part import MemoryPart


class Results(MemoryPart):
    """See ``tasks_platform.store.interface`` for what each operation promises."""

    def keep_result(  # noqa: PLR0913 - which job, how it ended, and what is kept
        self, task: str, job_id: str, age: float, count: int | None, *, succeeded: bool = True, prefix: str = ""
    ) -> None:
        kind, other = ("succeeded", "failed") if succeeded else ("failed", "succeeded")
        with self._lock:
            (self._get(f"ended:{task}:{other}") or {}).pop(job_id, None)
            if count is None:
                return
            # a dictionary keeps its order: the oldest first
            ended: dict[str, float] = self._get(f"ended:{task}:{kind}") or {}
            ended.pop(job_id, None)
            ended[job_id] = self._clock()
            alive = [kept for kept, at in ended.items() if at > self._clock() - age]
            for dropped in alive[:-count]:
                self._expiring.pop(f"progress:{dropped}", None)
            self._set(f"ended:{task}:{kind}", {kept: ended[kept] for kept in alive[-count:]}, age)
