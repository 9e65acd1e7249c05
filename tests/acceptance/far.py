"""Tasks whose jobs wait on another server than those of others."""

from __future__ import annotations

from pathlib import Path

from acceptance.diary import note
from tasks_platform import PermanentError, ReliableTask, Retry, UniqueTask, current_run, every, schedule, task


@task(base=ReliableTask, queue="far")
def doubles(number: int) -> int:
    return 2 * number


@task(base=UniqueTask, queue="far")
def is_unique(diary: Path) -> None:
    note(diary, current_run().job_id)


@task(Retry(max_attempts=1), base=ReliableTask, queue="far")
def fails_until_mended(diary: Path) -> None:
    note(diary, current_run().attempt)
    if not diary.with_suffix(".mended").exists():
        raise PermanentError("a bug")


@task(base=ReliableTask, queue="far")
def ticks() -> None:
    """Do nothing."""


schedule("ticks", every(seconds=1)).runs(ticks)
