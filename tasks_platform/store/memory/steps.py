"""What happened once inside a job, in memory."""

from __future__ import annotations

import json
from typing import Any, Literal

from tasks_platform.store.memory.part import MemoryPart


class Steps(MemoryPart):
    """See ``tasks_platform.store.interface`` for what each operation promises."""

    def begin_step(self, job_id: str, step: str, run: str, lease: float) -> tuple[Literal["do", "done", "busy"], Any]:
        with self._lock:
            if (done := self._get(f"done:{job_id}:{step}")) is not None:
                return "done", json.loads(done)
            claim = self._jobs.setdefault(f"steps:{job_id}", {})
            until, holder = claim.get(step, (0.0, run))
            if holder != run and until > self._clock():
                return "busy", None
            claim[step] = (self._clock() + lease, run)
            return "do", None

    def finish_step(self, job_id: str, step: str, result: Any, ttl: float) -> None:
        with self._lock:
            self._set(f"done:{job_id}:{step}", json.dumps(result), ttl)
            self._jobs.get(f"steps:{job_id}", {}).pop(step, None)

    def abandon_steps(self, job_id: str, run: str) -> None:
        with self._lock:
            steps = self._jobs.get(f"steps:{job_id}", {})
            for step in [step for step, (_, holder) in steps.items() if holder.startswith(run)]:
                del steps[step]

    def _keep_steps(self, job_id: str, until: float) -> None:
        for key in [key for key in self._expiring if key.startswith(f"done:{job_id}:")]:
            self._expiring[key] = (until, self._expiring[key][1])
