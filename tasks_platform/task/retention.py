"""How long, and how many, finished jobs of a task are kept with their results."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from celery import states
from kombu.utils.encoding import bytes_to_str

from tasks_platform.errors import TaskDefinitionError
from tasks_platform.settings import Settings
from tasks_platform.task.insist import TROUBLE

if TYPE_CHECKING:
    from tasks_platform.task.base import PlatformTask

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Retention:
    """Keep the results of finished jobs for a time, and no more than a number of them; the oldest go first.

    What is not said is as TASKS_RETENTION__COUNT, __FAILED_COUNT and TASKS_RESULT_EXPIRES say. The dead letter of a
    failed job is not a result: it stays. Nobody should still wait for a job whose result may have been dropped.
    """

    #: A duration, or seconds.
    age: timedelta | float | None = None
    #: Jobs that succeeded.
    count: int | None = None
    #: Jobs that failed, or were cancelled.
    failed_count: int | None = None

    def __post_init__(self) -> None:
        if (age := self._seconds) is not None and not age > 0:
            raise TaskDefinitionError(f"Retention(age={self.age}): it has to be positive")
        if any(count is not None and count < 1 for count in (self.count, self.failed_count)):
            raise TaskDefinitionError("Retention: counts are at least 1; with ignore_result=True a task keeps none")

    @property
    def _seconds(self) -> float | None:
        return self.age.total_seconds() if isinstance(self.age, timedelta) else self.age

    def seconds(self, settings: Settings) -> float:
        """Return how long a result is kept."""
        return settings.result_expires.total_seconds() if self._seconds is None else self._seconds

    def limit(self, settings: Settings, *, succeeded: bool) -> int | None:
        """Return how many results are kept."""
        if succeeded:
            return self.count or settings.retention.count
        return self.failed_count or settings.retention.failed_count


def keeps_all(task: PlatformTask[..., Any]) -> bool:
    """Tell whether no result of *task* is dropped before its time."""
    settings, retention = task.platform.settings, task.retention
    return retention.age is None and all(retention.limit(settings, succeeded=each) is None for each in (True, False))


def keep_result(task: PlatformTask[..., Any], job_id: str, state: str) -> None:
    """Let go of the results of *task* that are too many now that the one of *job_id* was stored."""
    if keeps_all(task):
        return
    settings, retention = task.platform.settings, task.retention
    succeeded, prefix = state == states.SUCCESS, bytes_to_str(cast("Any", task.backend).task_keyprefix)
    age, limit = retention.seconds(settings), retention.limit(settings, succeeded=succeeded)
    try:
        task.store.keep_result(task.name, job_id, age, limit, succeeded=succeeded, prefix=prefix)
    except TROUBLE as trouble:
        log.warning("%s[%s]: older results are not dropped now: %r", task.name, job_id, trouble)
