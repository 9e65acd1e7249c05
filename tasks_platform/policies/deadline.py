"""Stop what no longer matters, or takes too long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tasks_platform.errors import TaskDefinitionError
from tasks_platform.policy import Message, Policy, Proceed

Duration = timedelta | float


@dataclass(frozen=True, kw_only=True)
class Deadline(Policy):
    """Not started after it stopped mattering, and ended when it takes too long. Durations or seconds."""

    #: After this long in the queue the job is cancelled with the reason ``expired``.
    expires: Duration | None = None
    #: ``SoftTimeLimitExceeded`` is raised in the function: a chance to clean up.
    soft: Duration | None = None
    #: The process is killed; counts as a failed attempt.
    hard: Duration | None = None

    def __post_init__(self) -> None:
        for name in ("expires", "soft", "hard"):
            value = _seconds(getattr(self, name))
            if value is not None and not value > 0:
                raise TaskDefinitionError(f"Deadline({name}={getattr(self, name)}): it has to be positive")
        soft, hard = _seconds(self.soft), _seconds(self.hard)
        if soft is not None and hard is not None and soft >= hard:
            raise TaskDefinitionError(f"Deadline(soft={self.soft}, hard={self.hard}): the soft limit has to come first")

    def publish(self, message: Message, proceed: Proceed[Any]) -> Any:
        """Set the expiry, unless the caller chose one."""
        if self.expires is not None and message.options.get("expires") is None:
            message.options["expires"] = _seconds(self.expires)
        return proceed()

    @property
    def options(self) -> Mapping[str, Any]:
        """Return the limits that the worker enforces."""
        limits = {"soft_time_limit": _seconds(self.soft), "time_limit": _seconds(self.hard)}
        return {name: limit for name, limit in limits.items() if limit is not None}


def _seconds(duration: Duration | None) -> float | None:
    return duration.total_seconds() if isinstance(duration, timedelta) else duration
