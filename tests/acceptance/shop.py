"""A user's own task module: what the workers of these tests run when nothing goes wrong in a task."""

from __future__ import annotations

import os
import signal
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from pydantic import BaseModel

from acceptance.diary import note, read
from tasks_platform import (
    Cancel,
    Deadline,
    Hold,
    PermanentError,
    Priority,
    ProgressTask,
    ReliableTask,
    Retry,
    Unique,
    UniqueTask,
    current_run,
    step,
    task,
    track,
)

TWICE = Retry(max_attempts=2, base=0.05, jitter=False)


def wait_for_file(path: Path) -> None:
    """Be busy until *path* is there."""
    deadline = time.monotonic() + 60
    while not path.exists():
        if time.monotonic() > deadline:
            raise PermanentError(f"{path} never came")
        time.sleep(0.02)


@task(base=ReliableTask)
def add(x: int, y: int) -> int:
    return x + y


@task(base=ReliableTask)
def holds_until(gate: Path) -> None:
    wait_for_file(gate)


@task(base=ReliableTask)
def total(numbers: list[int]) -> int:
    return sum(numbers)


@task(base=ReliableTask)
def sleeps_the_first_time(diary: Path) -> None:
    note(diary, "started")
    if len(read(diary)) == 1:
        time.sleep(60)


@task(base=ReliableTask)
def is_held_once(diary: Path, seconds: float) -> int:
    note(diary, current_run().attempt)
    if len(read(diary)) == 1:
        raise Hold(seconds, "not yet")
    return current_run().attempt


@task(base=ReliableTask)
def takes_a_second(diary: Path) -> None:
    note(diary, "started")
    time.sleep(1)
    note(diary, "ended")


@task(TWICE, Unique(by="order"), base=UniqueTask)
def charges_and_is_killed(diary: Path, order: int) -> int:
    run = current_run()
    note(diary, f"{run.job_id}:{run.attempt}")
    if run.attempt == 1:
        wait_for_file(diary.with_suffix(".go"))
        os.kill(os.getpid(), signal.SIGKILL)
    wait_for_file(diary.with_suffix(".end"))
    return run.attempt


@task(Unique(by="order"), base=UniqueTask)
def charges(diary: Path, order: int) -> int:
    run = current_run()
    note(diary, f"{run.job_id}:{run.attempt}")
    wait_for_file(diary.with_suffix(".end"))
    return order * 100


@task(Deadline(expires=1.0), base=UniqueTask)
def matters_briefly(diary: Path) -> str:
    note(diary, current_run().job_id)
    return current_run().job_id


@task(base=ReliableTask)
def notes_its_id(diary: Path) -> str:
    note(diary, current_run().job_id)
    return current_run().job_id


@task(base=ReliableTask)
def notes_a_number(diary: Path, number: int) -> None:
    note(diary, number)


@task(base=ReliableTask, priority=Priority.HIGH)
def notes_a_number_soon(diary: Path, number: int) -> None:
    note(diary, number)


@task(base=ReliableTask, priority="bulk")
def notes_a_number_late(diary: Path, number: int) -> None:
    note(diary, number)


@task(base=ReliableTask)
def notes_the_time(diary: Path, name: str) -> None:
    note(diary, f"{name}={datetime.now(UTC).isoformat()}")


@task(base=ReliableTask, queue="orders")
def is_ordered(diary: Path, number: int) -> None:
    note(diary, number)


@task(base=ReliableTask)
def whose() -> str:
    return current_run().tenant or "nobody"


@task(base=ReliableTask)
def and_whose(tenants: str | list[str]) -> list[str]:
    return [*([tenants] if isinstance(tenants, str) else tenants), current_run().tenant or "nobody"]


@task(base=ReliableTask)
def notes_whose(diary: Path) -> None:
    note(diary, current_run().tenant)


@task(base=ReliableTask)
def sends_a_child() -> str:
    return str(whose.delay().id)


@task(TWICE, base=ReliableTask)
def whose_after_a_retry() -> str:
    if current_run().attempt == 1:
        raise ConnectionError("down")
    return current_run().tenant or "nobody"


class Item(BaseModel):
    name: str
    count: int


class Parcel(BaseModel):
    order: UUID
    weight: Decimal
    items: list[Item]


@task(base=ReliableTask)
def describes(parcel: Parcel, when: datetime, *, within: timedelta) -> list[str]:
    values = (parcel, parcel.order, parcel.weight, parcel.items[0], when, within)
    return [type(value).__name__ for value in values]


@task(base=ReliableTask)
def ships(parcel: Parcel, when: datetime) -> Parcel:
    return parcel


@task(base=ProgressTask)
def counts(diary: Path) -> int:
    with step("counting", 80):
        while not diary.with_suffix(".end").exists():
            current_run().progress(50)
            time.sleep(0.02)
    return len(list(track(range(2))))


@task(base=ReliableTask)
def goes_on_until_it_is_cancelled(diary: Path) -> None:
    run = current_run()
    note(diary, run.attempt)
    deadline = time.monotonic() + 60
    while not run.cancel_requested:
        if time.monotonic() > deadline:
            raise PermanentError("nobody has cancelled it")
        time.sleep(0.05)
    note(diary, "saw-it")
    raise Cancel("as it was asked to")


@task(base=ReliableTask)
def fails_when_it_is_cancelled(diary: Path) -> None:
    note(diary, current_run().attempt)
    wait_for_file(diary.with_suffix(".end"))
    raise ConnectionError("what it needs is gone")


@task(base=ReliableTask)
def begins_and_ends(diary: Path, number: int, seconds: float) -> None:
    note(diary, f"begun:{number}")
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(0.01)
    note(diary, f"done:{number}")
