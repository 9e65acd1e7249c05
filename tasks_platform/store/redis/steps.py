"""What happened once inside a job, in Redis."""

from __future__ import annotations

import json
from typing import Any, Literal

from tasks_platform.store.redis.part import RedisPart, ms


class Steps(RedisPart):
    """See ``tasks_platform.store.interface`` for what each operation promises."""

    def begin_step(self, job_id: str, step: str, run: str, lease: float) -> tuple[Literal["do", "done", "busy"], Any]:
        answer = self._run("begin_step", [self._steps(job_id)], [step, run, ms(lease)])
        return answer[0], json.loads(answer[1]) if answer[0] == "done" else None

    def finish_step(self, job_id: str, step: str, result: Any, ttl: float) -> None:
        key = self._steps(job_id)
        with self._transaction() as pipe:
            pipe.hset(key, f"done:{step}", json.dumps(result)).hdel(key, f"begun:{step}").pexpire(key, ms(ttl))
            pipe.execute()

    def abandon_steps(self, job_id: str, run: str) -> None:
        self._run("abandon_steps", [self._steps(job_id)], [run])
