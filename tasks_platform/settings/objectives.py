"""What the levels promise: how soon after it is due a job is started."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator

from tasks_platform.queues import Priority
from tasks_platform.settings.durations import Duration
from tasks_platform.settings.group import Group


def _none(value: Any) -> Any:
    return None if isinstance(value, str) and value.strip().lower() == "none" else value


#: A duration, or ``none``: no promise.
Objective = Annotated[Duration | None, BeforeValidator(_none)]


class Objectives(Group):
    """By level, from the moment a job is due to the start of its first attempt."""

    critical: Objective = timedelta(seconds=1)
    high: Objective = timedelta(seconds=10)
    normal: Objective = timedelta(minutes=5)
    low: Objective = timedelta(hours=1)
    bulk: Objective = None

    def seconds(self, level: Priority) -> float | None:
        """Return what *level* promises, in seconds."""
        objective: timedelta | None = getattr(self, level)
        return None if objective is None else objective.total_seconds()
