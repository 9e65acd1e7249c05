"""What a policy sees: a message on its way, a run in progress, and the verdict on a failed one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from tasks_platform.errors import TaskDefinitionError
from tasks_platform.policy.outcome import Outcome
from tasks_platform.policy.taking import Taking

if TYPE_CHECKING:
    from tasks_platform.store import Store

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A job on its way to the broker."""

    task: str
    job_id: str
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    #: The arguments by parameter name, defaults included; computed when asked for.
    arguments: Callable[[], Mapping[str, Any]]
    #: Celery's sending options; a policy may change them.
    options: dict[str, Any]
    #: Whether something waits for this very job: a chord, the next step of a chain, a callback.
    awaited: bool
    #: Whether a dead letter is being sent again.
    replayed: bool
    #: The handle of a job by its id: what a caller gets.
    handle: Callable[[str], Any]
    #: Send a message of the shape of ``Run.message()`` again under its own id, with more headers.
    send: Callable[[Mapping[str, Any], Mapping[str, Any]], None] = lambda _message, _headers: None
    #: What to do once it is known whether the message was sent: among many, after *proceed* has returned.
    outcome: Outcome
    #: What is taken in the step that sends the message; None where that is more than one step.
    taking: Taking | None = None
    store: Store


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One attempt at one job. Policies keep a run's state here, never on the task."""

    task: str
    job_id: str
    #: Counted from 1.
    attempt: int
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    #: The arguments by parameter name, defaults included; computed when asked for.
    arguments: Callable[[], Mapping[str, Any]]
    store: Store
    #: Headers of the message: tenant, flow and what policies added.
    headers: Mapping[str, Any]
    #: The message as it can be sent again: task, args, kwargs and options; computed when asked for.
    message: Callable[[], dict[str, Any]]
    #: Where it runs: the worker's node name.
    worker: str
    #: The queue its message came from.
    queue: str | None = None
    #: Which claim of the broker its message is, where there are claims.
    claim: str | None = None
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    #: Whether somebody has cancelled the job meanwhile; where it has a process of its own, that asks the broker.
    is_cancelled: Callable[[], bool] = lambda: False
    #: Tell watchers of the result backend about the run: state and details.
    announce: Callable[[str, Mapping[str, Any]], None] = lambda _state, _details: None
    #: Send a message of ``message()``'s shape again under its own id, with more headers.
    send: Callable[[Mapping[str, Any], Mapping[str, Any]], None] = lambda _message, _headers: None
    #: Seal what a step returned before it is remembered, where the task is given secrets, and open it again.
    seal: Callable[[str, Any], Any] = lambda _step, value: value
    unseal: Callable[[str, Any], Any] = lambda _step, value: value
    #: What policies remember during this run.
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def tenant(self) -> str | None:
        """The organization this job works for."""
        return self.headers.get("tenant")

    @property
    def flow_id(self) -> str | None:
        """The flow this job is a step of."""
        return self.headers.get("flow")

    @property
    def cancel_requested(self) -> bool:
        """Whether somebody has cancelled this job: it does well to end, by ``raise Cancel()``; else it is ended soon.

        In a pool of processes that asks the broker: between two items, and not in a tight loop.
        """
        return self.is_cancelled()

    def progress(self, percent: float, message: str = "") -> None:
        """Report how far the run is, from 0 to 100; without the ``Progress`` policy nobody hears it."""
        if (report := self.notes.get("progress")) is not None:
            report(percent, message)

    def once(self, step: str, effect: Callable[[], T]) -> T:
        """Let *effect* happen once across all attempts of this job, and return what it returned then.

        What it returned is kept as plain JSON; see ``tasks_platform.policies.Once``, which the task must have.

        Raises:
            TaskDefinitionError: if it has not.

        """
        return self._steps(step).once(step, effect)  # type: ignore[no-any-return]

    async def aonce(self, step: str, effect: Callable[[], Awaitable[T]]) -> T:
        """Let *effect*, an ``async`` function, happen once across all attempts of this job; see ``once``.

        Raises:
            TaskDefinitionError: if the task does not have the policy ``Once``.

        """
        return await self._steps(step).aonce(step, effect)  # type: ignore[no-any-return]

    def _steps(self, step: str) -> Any:
        if (steps := self.notes.get("once")) is None:
            raise TaskDefinitionError(f"{self.task} uses once({step!r}) and does not declare it: add the policy Once()")
        return steps


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What becomes of a failed run."""

    #: Seconds until the next attempt; None means that there is none.
    again_in: float | None = None
    #: Whether the job waits as a dead letter for its flow to be continued.
    parked: bool = False

    @property
    def final(self) -> bool:
        """Whether the job will not run again by itself."""
        return self.again_in is None


_current: ContextVar[Run | None] = ContextVar("tasks_platform_run", default=None)


def current_run() -> Run:
    """Return the run that the calling code is part of.

    Raises:
        LookupError: outside a worker; business code that is called directly should not need its run.

    """
    if (run := _current.get()) is None:
        raise LookupError("no job is running here: the function was called directly")
    return run


def current_run_or_none() -> Run | None:
    """Return the run that the calling code is part of, if there is one."""
    return _current.get()


enter_run = _current.set
leave_run = _current.reset
