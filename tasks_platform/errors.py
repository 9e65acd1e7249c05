"""Everything this platform raises on purpose.

* PlatformError
  - SettingsError
  - TaskDefinitionError
  - PayloadError
  - OptionError
  - PartlySentError
  - JobError
  - LetterError
  - FlowError
  - ScheduleError
  - NoServerError
  - ResultNotStoredError
  - FollowedJobFailedError
  - PartialFailureError
  - MemoryExhaustedError
  - TaskExitedError
  - CoroutineCancelledError
  - CensoredError
  - TransientError
    + ChordBusyError
    + ServiceUnavailableError
  - PermanentError
    + ServiceRefusedError
    + BooksError
    + SealingError
    + RejectedError
* ControlFlow (not errors: an instruction to the platform)
  - TryAgain
  - Hold
  - Skip
  - SetAside
  - Cancel
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class PlatformError(Exception):
    """Base class of all platform errors."""


class SettingsError(PlatformError):
    """The configuration cannot work; the message lists every problem."""


class TaskDefinitionError(PlatformError):
    """A task was declared in a way that cannot work."""


class PayloadError(PlatformError, TypeError):
    """Arguments do not fit the signature of their task."""


class OptionError(PlatformError, ValueError):
    """An option of a call cannot work."""


class PartlySentError(PlatformError):
    """Of many jobs some could not be sent."""

    def __init__(
        self,
        message: str,
        *,
        sent: Mapping[int, str],
        unsent: Mapping[int, str],
        unsure: Mapping[int, str],
        rest: Sequence[Any],
    ) -> None:
        super().__init__(message)
        #: The ids of the jobs that were sent, or that others do the work of, by their place among the calls.
        self.sent = sent
        #: The ids of the others.
        self.unsent = unsent
        #: Those of *unsent* of which the broker did not say whether it had taken them.
        self.unsure = unsure
        #: What ``enqueue_many`` takes to send the others: none of them twice.
        self.rest = rest


class JobError(PlatformError):
    """A job cannot be found, or cannot be changed any more."""


class LetterError(PlatformError):
    """A dead letter cannot be found, edited, replayed or discarded."""


class FlowError(PlatformError):
    """A flow cannot be built, found or resumed."""


class ScheduleError(PlatformError):
    """A schedule cannot work, or there is none of that name."""


class NoServerError(PlatformError):
    """No Redis server is configured and none is running for this user."""


class ResultNotStoredError(PlatformError):
    """A run succeeded, but what it returned could not be encoded or stored."""


class FollowedJobFailedError(PlatformError):
    """The job that held the unique key, which this one followed, did not succeed."""


class PartialFailureError(PlatformError):
    """Some of the items that one run worked on failed; its cause is the group of their errors."""


class MemoryExhaustedError(PlatformError):
    """A run needed more memory than its process could get."""


class TaskExitedError(PlatformError):
    """A task's function wanted to end the process it shares with others."""


class CoroutineCancelledError(PlatformError):
    """A task's coroutine ended as cancelled, and nobody had cancelled its job."""


class CensoredError(PlatformError):
    """Stands for an error that cannot be shown without what is sealed; the message names its type."""


class TransientError(PlatformError):
    """Something that may work when it is tried again."""


class ChordBusyError(TransientError):
    """The body of a chord is being sent by another process."""


class ServiceUnavailableError(TransientError):
    """A service did not answer, or asked to come back later."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        #: Seconds after which the service wants to be asked again.
        self.retry_after = retry_after


class PermanentError(PlatformError):
    """Something that will not work however often it is tried."""


class ServiceRefusedError(PermanentError):
    """A service understood the request and refused it for good."""


class BooksError(PermanentError):
    """The books cannot take or give what was asked; the message says what to correct."""


class SealingError(PermanentError):
    """What is secret cannot be sealed or opened here; the message says what is missing."""


class RejectedError(PermanentError):
    """A task rejected its message: it wants to be a dead letter at once."""


class ControlFlow(Exception):  # noqa: N818 - an instruction, not an error
    """Base class of what a policy or a task raises to steer its run."""


class TryAgain(ControlFlow):
    """Count this attempt as failed and run the job again after *delay* seconds; None: not again."""

    def __init__(self, delay: float | None, cause: BaseException | None = None) -> None:
        super().__init__("not again" if delay is None else f"again in {delay:.1f} s")
        self.delay = delay
        self.cause = cause


class Hold(ControlFlow):
    """Set the job aside for *delay* seconds; costs no attempt."""

    def __init__(self, delay: float, reason: str) -> None:
        super().__init__(f"held for {delay:.1f} s: {reason}")
        self.delay = delay
        self.reason = reason


class Skip(ControlFlow):
    """End the job without a result; where something waits for it, it is cancelled."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SetAside(ControlFlow):
    """Acknowledge this message: another one does, or will do, its work."""


class Cancel(ControlFlow):
    """End the job as cancelled.

    It is also raised in the function of a job that somebody has cancelled and that has not ended in its grace period,
    where it runs in a thread.
    """

    def __init__(self, reason: str = "it was asked to end") -> None:
        super().__init__(reason)
        self.reason = reason
