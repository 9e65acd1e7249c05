"""The jobs of ``bench delays``: they write down when they were started."""

from __future__ import annotations

import os
import time
from functools import cache

from redis import Redis

from tasks_platform import ReliableTask, task

#: The list of the moments at which jobs were started, in seconds since 1970.
STARTS = "bench:starts"


@cache
def _client() -> Redis:
    return Redis.from_url(os.environ["TASKS_REDIS_URL"])


@task(base=ReliableTask, name="bench.starts")
def starts(number: int) -> None:  # noqa: ARG001 - its message is as long as others
    """Write down the moment."""
    _client().rpush(STARTS, repr(time.time()))
