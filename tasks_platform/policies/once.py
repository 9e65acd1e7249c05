"""A named step inside a job happens once, however often the job is run."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic_core import to_jsonable_python

from tasks_platform.errors import Hold, PermanentError, TaskDefinitionError
from tasks_platform.policy import Policy, Proceed, Run, Verdict, current_run_or_none

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Once(Policy):
    """Remember what a step returned, and do not repeat it.

    ``charge = current_run().once("charge", lambda: gateway.charge(order))``

    What the step returned is remembered as plain JSON, and that is what the run gets, the first time too. It is
    sealed where the task has sealed arguments or a sealed result.
    A step that was cut between its effect and our record of it repeats: exactly once needs an idempotency key
    on the other side. Two runs of one job never are at the same step together: the second is held until the
    first ends or its lease runs out.
    """

    #: The longest a step may take, in seconds; after that a run that vanished no longer blocks it.
    lease: float = 120.0
    #: How long results of steps are kept, in seconds; where the job is tried again, until its next attempt is over at
    #: least, and those of a dead letter as long as the letter.
    kept: float = 7 * 86400.0
    #: Seconds until a held run looks again.
    poll: float = 2.0

    def __post_init__(self) -> None:
        for name in ("lease", "kept", "poll"):
            if not getattr(self, name) > 0:
                raise TaskDefinitionError(f"Once({name}={getattr(self, name)}): it has to be positive")

    def execute(self, run: Run, proceed: Proceed[Any]) -> Any:
        """Give the run its ``once``."""
        token = f"{_runs_of(run)}{uuid.uuid4().hex}"

        def once(step: str, effect: Callable[[], Any]) -> Any:
            answer, result = run.store.begin_step(run.job_id, step, token, self.lease)
            if answer == "busy":
                raise Hold(self.poll, f"another run of this job is at its step {step!r}")
            if answer == "done":
                return run.unseal(step, result)
            try:
                result = effect()
            except BaseException:
                run.store.abandon_steps(run.job_id, token)
                raise
            return self._remember(run, step, result)

        run.notes["once"] = once
        return proceed()

    def failed(self, run: Run, error: BaseException, proceed: Proceed[Verdict]) -> Verdict:
        """Free the step that a lost process was at; a run that lives has freed its own."""
        if "once" not in run.notes:
            run.store.abandon_steps(run.job_id, _runs_of(run))
        return proceed()

    def _remember(self, run: Run, step: str, result: Any) -> Any:
        try:
            plain = to_jsonable_python(result)
        except ValueError as error:
            run.store.finish_step(run.job_id, step, None, self.kept)
            raise PermanentError(
                f"{run.task}[{run.job_id}]: step {step!r} happened and will not happen again, but what it returned, "
                f"a {type(result).__name__}, cannot be remembered as JSON: let the step return plain values"
            ) from error
        run.store.finish_step(run.job_id, step, run.seal(step, plain), self.kept)
        return plain


def once_per_job(step: str, effect: Callable[[], T]) -> T:
    """Let *effect* happen once across the attempts of the job that runs here.

    In a function that is called directly there is only this one attempt.

    Raises:
        TaskDefinitionError: if the task does not have the policy ``Once``.

    """
    run = current_run_or_none()
    return effect() if run is None else run.once(step, effect)


def _runs_of(run: Run) -> str:
    """Return what the names of all runs of an attempt begin with: a message may be delivered twice."""
    return f"{run.attempt}:"
