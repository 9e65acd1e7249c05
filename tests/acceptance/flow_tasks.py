"""A user's own task module for flows: steps that die of their arguments, and so live when these are corrected."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from acceptance.diary import note
from tasks_platform import Cancel, Deadline, PermanentError, ReliableTask, Retry, Skip, Unique, current_run, task

ONCE = Retry(max_attempts=1)


class TooSmallError(PermanentError):
    """A number that a step does not take."""


@task(base=ReliableTask)
def number(value: int, diary: Path | None = None) -> int:
    if diary is not None:
        note(diary, value)
    return _positive(value)


@task(base=ReliableTask)
def plus(x: int, y: int) -> int:
    return x + _positive(y)


@task(base=ReliableTask)
def listed(numbers: list[int], diary: Path | None = None) -> list[int]:
    if diary is not None:
        note(diary, "listed")
    return numbers


@task(base=ReliableTask)
def total(numbers: list[int], factor: int = 1) -> int:
    return sum(numbers) * _positive(factor)


@task(base=ReliableTask)
def word(value: int) -> str:
    return ["zero", "one", "two", "three"][value]


@task(base=ReliableTask)
def echo(text: str) -> str:
    return text


@task(ONCE, base=ReliableTask)
def survives_a_kill(value: int, *, dies: bool) -> int:
    if dies:
        os.kill(os.getpid(), signal.SIGKILL)
    return value


@task(ONCE, Deadline(hard=1.0), base=ReliableTask)
def survives_its_limit(value: int, *, dies: bool) -> int:
    while dies:
        time.sleep(1)
    return value


@task(Retry(max_attempts=100, backoff="fixed", base=0.1, jitter=False), base=ReliableTask)
def goes_on_trying(file: Path, value: int) -> int:
    """Fail until *file* is there, again and again."""
    if not file.exists():
        raise ConnectionError(f"there is no {file}")
    return value


@task(Unique(by="key"), ONCE, base=ReliableTask)
def takes_a_key(key: str, value: int, diary: Path) -> int:
    """Hold its key until the diary has an end."""
    note(diary, current_run().job_id)
    _positive(value)
    while not diary.with_suffix(".end").exists():
        time.sleep(0.02)
    return value


@task(ONCE, base=ReliableTask)
def has_nothing_to_do(value: int) -> int:
    """Skip where it is told to, and cancel itself."""
    if value == 0:
        raise Skip("there is nothing to do")
    if value == 1:
        raise Cancel("nobody wants it any more")
    return _positive(value)


@task(base=ReliableTask)
def complains(request: Any, error: Any, traceback: Any, diary: Path) -> None:
    """Be called as an errback."""
    note(diary, f"complained-of-{request.id}")


def _positive(value: int) -> int:
    if value < 0:
        raise TooSmallError(f"{value} is less than nothing")
    return value
