"""The interface of a reliability concern: three moments of a job's life.

* ``publish`` wraps sending, in the caller's process.
* ``execute`` wraps the function, in the worker's child.
* ``failed`` decides what becomes of a run that failed, wherever the failure showed: in the function, in
  encoding or storing its result, or because its process died. It may hear of the same run twice.

Each moment is nested in the order of ``tasks_platform.policies.ORDER``, outermost first.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from tasks_platform.policy.run import Message, Run, Verdict

T = TypeVar("T")
Proceed = Callable[[], T]


class Policy:
    """Base class of policies: every moment simply proceeds."""

    def publish(self, message: Message, proceed: Proceed[Any]) -> Any:
        """Wrap sending *message*; answer with the handle of the job that does the work."""
        return proceed()

    def execute(self, run: Run, proceed: Proceed[Any]) -> Any:
        """Wrap the function; *proceed* returns its result as plain JSON."""
        return proceed()

    def failed(self, run: Run, error: BaseException, proceed: Proceed[Verdict]) -> Verdict:
        """Decide what becomes of *run*; *proceed* asks the policies further in."""
        return proceed()

    def cancelled(self, run: Run, reason: str) -> None:
        """Give back what the job held: it was cancelled or has expired before this run."""

    def skipped(self, run: Run) -> None:
        """Give back what the job held: it ended without a result, because it wanted to."""

    def check(self, task: str, parameters: Sequence[str]) -> None:
        """Refuse a declaration that cannot work.

        Raises:
            TaskDefinitionError: naming *task* and what was probably meant.

        """

    @property
    def options(self) -> Mapping[str, Any]:
        """Options of the task that Celery itself enforces."""
        return {}


def overriding(moment: str, policies: Sequence[Policy]) -> tuple[Policy, ...]:
    """Return the *policies* that care about *moment*, in order."""
    return tuple(policy for policy in policies if getattr(type(policy), moment) is not getattr(Policy, moment))


def wrap(moment: str, policies: Sequence[Policy], *subject: Any, innermost: Proceed[T]) -> Proceed[T]:
    """Nest the *moment* of *policies* around *innermost*, the first outermost."""
    proceed = innermost
    for policy in reversed(policies):
        arguments = (*subject, proceed)
        proceed = functools.partial(getattr(policy, moment), *arguments)
    return proceed
