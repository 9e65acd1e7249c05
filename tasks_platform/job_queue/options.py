"""The options of one call, by Celery's names."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypedDict

from tasks_platform.queues import Priority


class Options(TypedDict, total=False):
    """What may differ from one call to the next; what is left out is as the task declares it."""

    priority: Priority | str
    #: A duration, or seconds, from now before which the job does not run.
    countdown: timedelta | float
    #: The moment before which it does not run.
    eta: datetime
    #: A duration, or seconds, from now, or the moment, after which it does not run any more.
    expires: timedelta | float | datetime
    #: How often it is tried, the first run included.
    max_attempts: int
    #: The queue it waits in.
    queue: str
    #: An id of the caller's choice: sent twice, it is one job.
    task_id: str
    #: The organization the job works for.
    tenant: str
