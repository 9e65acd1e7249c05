"""A named step inside a job happens once, however often the job is run."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from pydantic_core import to_jsonable_python

from tasks_platform.errors import Hold, PermanentError, TaskDefinitionError
from tasks_platform.policy import Policy, Proceed, Run, Verdict, apart, aside, current_run_or_none

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Once(Policy):
    """Remember what a step returned, and do not repeat it.

    ``charge = current_run().once("charge", lambda: gateway.charge(order))``, and where the effect is awaited
    ``charge = await current_run().aonce("charge", lambda: gateway.charge(order))``

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
        run.notes["once"] = _Steps(run, self)
        return proceed()

    def failed(self, run: Run, error: BaseException, proceed: Proceed[Verdict]) -> Verdict:
        """Free the step that a lost process was at; a run that lives has freed its own."""
        if "once" not in run.notes:
            run.store.abandon_steps(run.job_id, _runs_of(run))
        return proceed()


class _Steps:
    """The steps of one run."""

    def __init__(self, run: Run, policy: Once) -> None:
        self._run = run
        self._policy = policy
        self._token = f"{_runs_of(run)}{uuid.uuid4().hex}"

    def once(self, step: str, effect: Callable[[], Any]) -> Any:
        is_done, result = self._begin(step)
        if is_done:
            return result
        try:
            result = effect()
        except BaseException:
            self._abandon()
            raise
        return self._remember(step, result)

    async def aonce(self, step: str, effect: Callable[[], Awaitable[Any]]) -> Any:
        """Do the same with an effect that is awaited; the store is asked where that is in nobody's way."""
        try:
            is_done, result = await apart(partial(self._begin, step))
        except asyncio.CancelledError:
            aside(self._abandon)  # it may be taken all the same
            raise
        if is_done:
            return result
        try:
            result = await effect()
        except BaseException:
            aside(self._abandon)
            raise
        return await apart(partial(self._remember, step, result))

    def _begin(self, step: str) -> tuple[bool, Any]:
        """Take the step; return whether it has happened, and what it returned then.

        Raises:
            Hold: if another run is at it.

        """
        run = self._run
        answer, result = run.store.begin_step(run.job_id, step, self._token, self._policy.lease)
        if answer == "busy":
            raise Hold(self._policy.poll, f"another run of this job is at its step {step!r}")
        return answer == "done", run.unseal(step, result) if answer == "done" else None

    def _abandon(self) -> None:
        self._run.store.abandon_steps(self._run.job_id, self._token)

    def _remember(self, step: str, result: Any) -> Any:
        run, kept = self._run, self._policy.kept
        try:
            plain = to_jsonable_python(result)
        except ValueError as error:
            run.store.finish_step(run.job_id, step, None, kept)
            raise PermanentError(
                f"{run.task}[{run.job_id}]: step {step!r} happened and will not happen again, but what it returned, "
                f"a {type(result).__name__}, cannot be remembered as JSON: let the step return plain values"
            ) from error
        run.store.finish_step(run.job_id, step, run.seal(step, plain), kept)
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
