"""Tasks written as people who know Celery write them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from celery import shared_task
from celery._state import connect_on_app_finalize

from acceptance.diary import note, read
from acceptance.shop import wait_for_file
from tasks_platform import (
    PermanentError,
    ReliableTask,
    Retry,
    Skip,
    TransientError,
    Unique,
    UniqueTask,
    current_run,
    task,
)

QUICK = Retry(base=0.05, jitter=False)


@task(base=ReliableTask)
def add(x: int, y: int) -> int:
    return x + y


@task(base=ReliableTask)
def total(numbers: list[int]) -> int:
    return sum(numbers)


@task(base=ReliableTask, bind=True)
def is_replaced(self: Any, x: int) -> int:
    raise self.replace(add.s(x, 100))


@task(Unique(by="diary"), base=UniqueTask, bind=True)
def replaces_itself(self: Any, diary: Path, times: int) -> int:
    note(diary, times)
    if times:
        raise self.replace(self.s(str(diary), times - 1))
    wait_for_file(diary.with_suffix(".end"))
    return len(read(diary))


@task(QUICK, base=ReliableTask, bind=True)
def gives_up_early(self: Any, diary: Path) -> None:
    note(diary, self.request.retries)
    raise self.retry(exc=TransientError("not today"), countdown=0, max_retries=1)


@task(QUICK, base=ReliableTask, bind=True)
def tells_its_headers(self: Any) -> list[Any]:
    if self.request.retries == 0:
        raise TransientError("once more")
    return [self.request.get("x-trace"), self.request.argsrepr, current_run().attempt]


@task(base=ReliableTask)
def is_skipped() -> int:
    raise Skip("nothing to do")


@task(QUICK, base=ReliableTask)
def fails_twice(diary: Path) -> str:
    note(diary, current_run().attempt)
    if len(read(diary)) < 3:
        raise TransientError("not yet")
    return "at last"


@task(base=ReliableTask)
def is_refused() -> int:
    raise PermanentError("never")


@task(Unique(by="key", period=0.5), base=ReliableTask)
def outlasts_its_period(key: str, number: int) -> int:
    time.sleep(1.5)
    return number


@task(Unique(by="key", until="started"), Retry(base=1.0, jitter=False), base=ReliableTask)
def one_runs_one_waits(key: str, diary: Path, name: str) -> str:
    note(diary, f"{name}{current_run().attempt}")
    if name == "a" and current_run().attempt == 1:
        raise TransientError("again, behind b")
    time.sleep(1.5 if name == "b" else 0.1)
    return name


class Doubles(ReliableTask):
    """A task as a class."""

    name = "acceptance.celery_habits.doubles"
    ignore_result = False

    def run(self, x: int) -> int:
        return 2 * x


class Prepares(ReliableTask):
    """A base class with Celery's own hook."""

    abstract = True

    def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
        note(args[0], "before")
        if len(read(args[0])) == 1:
            raise TransientError("not ready")


@task(QUICK, base=Prepares)
def is_prepared(diary: str) -> list[str]:
    return read(diary)


connect_on_app_finalize(lambda app: app.register_task(Doubles()))


@shared_task(base=ReliableTask, ignore_result=False)
def decorated_by_celery(x: int) -> int:
    return x + 1
