"""Tasks whose finished jobs are kept for a while, and no more than a number of them."""

from __future__ import annotations

from datetime import timedelta

from tasks_platform import PermanentError, ReliableTask, Retention, task

FEW = Retention(count=3, failed_count=2, age=timedelta(minutes=10))


@task(base=ReliableTask, retention=FEW)
def squares(number: int) -> int:
    if number < 0:
        raise PermanentError(f"{number} is negative")
    return number * number


@task(base=ReliableTask)
def doubles(number: int) -> int:
    return number * 2


@task(base=ReliableTask, retention=FEW)
def leaves_no_result(number: int) -> None:
    pass
