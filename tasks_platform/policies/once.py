"""A named step inside a job happens once, however often the job is run."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tasks_platform.errors import Hold
from tasks_platform.policy import Policy, Proceed, Run, Verdict


@dataclass(frozen=True, kw_only=True)
class Once(Policy):
    """Remember what a step returned, and do not repeat it.

    ``charge = current_run().once("charge", lambda: gateway.charge(order))``

    A step that was cut between its effect and our record of it repeats: exactly once needs an idempotency key
    on the other side. Two runs of one job never are at the same step together: the second is held until the
    first ends or its lease runs out.
    """

    #: The longest a step may take, in seconds; after that a run that vanished no longer blocks it.
    lease: float = 120.0
    #: How long results of steps are kept, in seconds.
    kept: float = 7 * 86400.0
    #: Seconds until a held run looks again.
    poll: float = 2.0

    def execute(self, run: Run, proceed: Proceed[Any]) -> Any:
        """Give the run its ``once``."""
        token = uuid.uuid4().hex

        def once(step: str, effect: Callable[[], Any]) -> Any:
            answer, result = run.store.begin_step(run.job_id, step, token, self.lease)
            if answer == "busy":
                raise Hold(self.poll, f"another run of this job is at its step {step!r}")
            if answer == "done":
                return result
            result = effect()
            run.store.finish_step(run.job_id, step, result, self.kept)
            return result

        run.notes["once"] = once
        return proceed()

    def failed(self, run: Run, error: BaseException, proceed: Proceed[Verdict]) -> Verdict:
        """Free the step that this run was at."""
        run.store.abandon_steps(run.job_id)
        return proceed()
