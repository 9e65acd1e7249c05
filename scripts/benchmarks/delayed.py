"""The jobs of ``bench delays``: they write down when they were started."""

from __future__ import annotations

import os
import time
from functools import cache

from tasks_platform import ReliableTask, task

#: The variable that names the file of the moments at which jobs were started: a line each, in seconds since 1970.
STARTS = "BENCH_STARTS"


@cache
def _file() -> int:
    return os.open(os.environ[STARTS], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


@task(base=ReliableTask, name="bench.starts")
def starts(number: int) -> None:  # noqa: ARG001 - its message is as long as others
    """Write down the moment, in one step: so do others."""
    os.write(_file(), f"{time.time()!r}\n".encode())
