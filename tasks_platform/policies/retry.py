"""Try again, later and later, until it works or hope is lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import get_args

from tasks_platform.errors import TaskDefinitionError, TryAgain
from tasks_platform.policy import Backoff, Kind, Policy, Proceed, Run, Verdict, backoff_delay, classify, retry_after

Errors = type[BaseException] | tuple[type[BaseException], ...]
DEFAULT_ATTEMPTS = 3


@dataclass(frozen=True, kw_only=True)
class Retry(Policy):
    """Run a failed job again, unless its error is permanent or its attempts are used up.

    With ``base=1`` and no jitter the delays are 1, 2, 4, 8, 16 s (exponential), 1, 2, 3, 4, 5 s (linear) or
    1, 1, 1, 1, 1 s (fixed). A server's ``Retry-After`` wins when it is longer.
    """

    #: Errors that are transient for this task, besides what ``classify`` knows.
    on: Errors = ()
    #: Errors that are permanent for this task; wins over *on*.
    never: Errors = ()
    #: Runs of one job, the first included; 3 unless *give_up_after* is given.
    max_attempts: int | None = None
    #: No new attempt is started this long after the first one: a duration or seconds.
    give_up_after: timedelta | float | None = None
    #: ``"exponential"``, ``"linear"``, ``"fixed"``, or a function of the failed attempt's number.
    backoff: Backoff | Callable[[int], float] = "exponential"
    #: Seconds.
    base: float = 1.0
    factor: float = 2.0
    #: The longest delay, in seconds.
    cap: float = 3600.0
    #: Multiply each delay by a random number in [0.5, 1].
    jitter: bool = True

    def __post_init__(self) -> None:
        if self.max_attempts is not None and self.max_attempts < 1:
            raise TaskDefinitionError(
                f"Retry(max_attempts={self.max_attempts}): the first run counts, so 1 is the least"
            )
        if not callable(self.backoff) and self.backoff not in get_args(Backoff):
            raise TaskDefinitionError(
                f"Retry(backoff={self.backoff!r}): it is exponential, linear, fixed or a function"
            )
        if self.base < 0 or self.cap < 0 or self.factor < 1:
            raise TaskDefinitionError("Retry: base and cap are not negative, and factor is at least 1")

    def failed(self, run: Run, error: BaseException, proceed: Proceed[Verdict]) -> Verdict:
        """Give the job another attempt, or leave it to what is further in."""
        delay = self.delay(run, error)
        return proceed() if delay is None else Verdict(again_in=delay)

    def delay(self, run: Run, error: BaseException) -> float | None:
        """Return the seconds until the attempt after *run*, or None if there is none."""
        asked = error.delay if isinstance(error, TryAgain) else None
        cause = (error.cause or error) if isinstance(error, TryAgain) else error
        if asked is None and self.kind(cause) is Kind.PERMANENT:
            return None
        if self._limit is not None and run.attempt >= self._limit:
            return None
        delay = asked if asked is not None else max(self.planned(run.attempt), retry_after(cause) or 0.0)
        return None if self._too_late(run, delay) else delay

    def kind(self, error: BaseException) -> Kind:
        """Tell what *error* means for this task."""
        if isinstance(error, self.never):
            return Kind.PERMANENT
        return Kind.TRANSIENT if isinstance(error, self.on) else classify(error)

    def planned(self, attempt: int) -> float:
        """Return the backoff after *attempt*, in seconds."""
        return backoff_delay(
            self.backoff, attempt, base=self.base, factor=self.factor, cap=self.cap, jitter=self.jitter
        )

    @property
    def _limit(self) -> int | None:
        if self.max_attempts is None and self.give_up_after is None:
            return DEFAULT_ATTEMPTS
        return self.max_attempts

    def _too_late(self, run: Run, delay: float) -> bool:
        if self.give_up_after is None:
            return False
        limit = self.give_up_after
        seconds = limit.total_seconds() if isinstance(limit, timedelta) else limit
        earlier = run.store.attempts(run.job_id)
        first = datetime.fromisoformat(earlier[0]["started_at"]) if earlier else run.started_at
        return (datetime.now(UTC) - first).total_seconds() + delay > seconds
