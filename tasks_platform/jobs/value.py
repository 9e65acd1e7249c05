"""Job: where a job is that has not ended, and what becomes of one that is cancelled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from tasks_platform.queues import Priority

#: It could be begun; it waits for its time; it was set aside by a limit, a key or a breaker; a worker has it and has
#: not begun with it; a worker runs it.
State = Literal["waiting", "delayed", "held", "claimed", "running"]
#: It will not run (again); it runs, and is ended after its grace period; the worker that has it does not answer, and it
#: ends when somebody is given it anew; it had ended before.
Outcome = Literal["cancelled", "ending", "unheard", "ended"]


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job that has not ended."""

    id: str
    #: Empty where its message does not say.
    task: str
    state: State
    queue: str
    priority: Priority
    #: The attempt that it waits for, or that runs.
    attempt: int
    tenant: str | None
    #: When it is due; None: now.
    due: datetime | None
    #: Why it is held.
    held: str | None
    #: How many of its queue and priority are taken before it, at most; None if it does not wait, or is not due.
    before: int | None
    #: The worker that has it: machine, process, and a chance number.
    worker: str | None


@dataclass(frozen=True, kw_only=True)
class Peek:
    """A job, with what its message says."""

    job: Job
    headers: Mapping[str, Any]
    #: Its arguments by the names of its task's parameters; None where they cannot be told. What is sealed is masked.
    arguments: Mapping[str, Any] | None


@dataclass(frozen=True, kw_only=True)
class Cancelled:
    """What became of a job that was to be cancelled."""

    outcome: Outcome
    #: Where it was; None if it had ended before.
    was: Job | None
