"""Tasks whose worker is killed while it runs them for the first time; the next attempt comes to its end."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

from acceptance.diary import note, read
from acceptance.shop import wait_for_file
from tasks_platform import Hold, Once, ReliableTask, Retry, Unique, UniqueTask, current_run, task


def _wait_for_death(diary: Path) -> int:
    """Note the attempt; the first one is not to survive. Return the number of another."""
    note(diary, attempt := current_run().attempt)
    if attempt == 1:
        time.sleep(60)
    return attempt


@task(base=ReliableTask)
def ships(diary: Path) -> int:
    return _wait_for_death(diary)


@task(Retry(base=0.05, jitter=False), base=ReliableTask)
def goes_round(diary: Path) -> int:
    """Be held, then fail, and only then be what the worker dies with."""
    note(diary, attempt := current_run().attempt)
    match len(read(diary)):
        case 1:
            raise Hold(0.05, "not yet")
        case 2:
            raise ConnectionError("down")
        case 3:
            time.sleep(60)
    return attempt


@task(Unique(by="order"), base=UniqueTask)
def bills(diary: Path, order: str) -> str:
    _wait_for_death(diary)
    wait_for_file(diary.with_suffix(".end"))
    return current_run().job_id


@task(Unique(by="order", until="started"), base=UniqueTask)
def packs(diary: Path, order: str) -> int:
    return _wait_for_death(diary) if diary.name.endswith("first") else current_run().attempt


#: Seconds that a step which was cut stays taken.
STEP_LEASE = 6.0


@task(Once(lease=STEP_LEASE, poll=0.2), base=ReliableTask)
def pays(diary: Path) -> list[str]:
    """Die in the second of two steps; note when a run asks for it, and when it is done."""
    run = current_run()
    charged = run.once("charge", partial(_charge, diary))
    note(diary.with_suffix(".times"), time.time())
    return [charged, run.once("thank", partial(_thank, diary))]


def _charge(diary: Path) -> str:
    note(diary, done := f"charge:{current_run().attempt}")
    return done


def _thank(diary: Path) -> str:
    note(diary.with_suffix(".times"), time.time())
    note(diary, done := f"thank:{current_run().attempt}")
    if current_run().attempt == 1:
        time.sleep(60)
    return done


@task(base=ReliableTask)
def adds_up(numbers: list[int], diary: Path) -> int:
    note(diary, sum(numbers))
    return sum(numbers)


@task(Retry(max_attempts=1), Unique(by="order"), base=UniqueTask)
def has_one_life(diary: Path, order: str) -> None:
    _wait_for_death(diary)


@task(base=ReliableTask)
def notes_its_attempt(diary: Path) -> None:
    note(diary, current_run().attempt)
