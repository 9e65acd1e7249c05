"""Try again, later and later, until it works or hope is lost."""

from __future__ import annotations

import difflib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
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
        if (limit := self._give_up) is not None and not limit > 0:
            raise TaskDefinitionError(f"Retry(give_up_after={self.give_up_after}): it has to be positive")
        if not all(math.isfinite(number) for number in (self.base, self.factor, self.cap)):
            raise TaskDefinitionError("Retry: base, factor and cap have to be finite")
        if self.base < 0 or self.cap < 0 or self.factor < 1:
            raise TaskDefinitionError("Retry: base and cap are not negative, and factor is at least 1")
        _check_backoff(self.backoff)
        _check_errors("on", self.on)
        _check_errors("never", self.never)

    def failed(self, run: Run, error: BaseException, proceed: Proceed[Verdict]) -> Verdict:
        """Give the job another attempt, or leave it to what is further in."""
        delay = self.delay(run, error)
        further_in = proceed()  # asked in any case: what this run held there is given back
        return further_in if delay is None else Verdict(again_in=delay)

    def delay(self, run: Run, error: BaseException) -> float | None:
        """Return the seconds until the attempt after *run*, or None if there is none."""
        asked = error.delay if isinstance(error, TryAgain) else None
        cause = (error.cause or error) if isinstance(error, TryAgain) else error
        if isinstance(error, TryAgain) and asked is None:
            return None
        if asked is None and self.kind(cause) is Kind.PERMANENT:
            return None
        limit = run.headers.get("max_attempts", self._limit)
        if limit is not None and run.attempt >= limit:
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

    @property
    def _give_up(self) -> float | None:
        limit = self.give_up_after
        return limit.total_seconds() if isinstance(limit, timedelta) else limit

    def _too_late(self, run: Run, delay: float) -> bool:
        if (limit := self._give_up) is None:
            return False
        return time.time() - _began(run, kept=2 * limit + 3600) + delay > limit


def _began(run: Run, kept: float) -> float:
    """Return when the first attempt began; where attempts are not recorded, its first failure leaves a mark."""
    if earlier := [attempt for attempt in run.store.attempts(run.job_id) if attempt["attempt"] > 0]:
        return datetime.fromisoformat(earlier[0]["started_at"]).timestamp()
    return run.store.first_seen(f"began:{run.job_id}", run.started_at.timestamp(), kept)


def _check_backoff(backoff: object) -> None:
    if not callable(backoff):
        if backoff not in (kinds := get_args(Backoff)):
            meant = difflib.get_close_matches(str(backoff), kinds, 1)
            hint = f"; did you mean {meant[0]!r}?" if meant else ""
            raise TaskDefinitionError(
                f"Retry(backoff={backoff!r}): it is {', '.join(kinds)} or a function of the attempt{hint}"
            )
        return
    try:
        answer = backoff(1)
    except Exception as error:
        raise TaskDefinitionError(
            f"Retry(backoff=...): the function is called with the failed attempt's number, and fails with 1: {error}"
        ) from error
    if not isinstance(answer, (int, float)):
        raise TaskDefinitionError(f"Retry(backoff=...): the function returns seconds, not {answer!r}")


def _check_errors(option: str, kinds: object) -> None:
    for kind in kinds if isinstance(kinds, tuple) else (kinds,):
        if not (isinstance(kind, type) and issubclass(kind, BaseException)):
            raise TaskDefinitionError(f"Retry({option}={kinds!r}): it is an error class, or a tuple of error classes")
