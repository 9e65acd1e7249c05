"""Jobs that are at work while something is away; each writes into its diary when it starts."""

from __future__ import annotations

import time
from pathlib import Path

from acceptance.diary import note, read
from tasks_platform import ReliableTask, task


@task(base=ReliableTask)
def is_begun(diary: Path) -> None:
    note(diary, "begun")


@task(base=ReliableTask)
def lasts(diary: Path, seconds: float) -> None:
    note(diary, "begun")
    time.sleep(seconds)
    note(diary.with_suffix(".end"), "ended")


@task(base=ReliableTask)
def lasts_until_told(diary: Path) -> None:
    note(diary, "begun")
    while not diary.with_suffix(".end").exists():
        time.sleep(0.02)


@task(base=ReliableTask)
def lasts_the_first_time(diary: Path) -> None:
    note(diary, "begun")
    if len(read(diary)) == 1:
        time.sleep(3600)
