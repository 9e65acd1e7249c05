"""The tasks of the same application when the first one has moved: the others are as they were."""

from __future__ import annotations

from pathlib import Path

from celery import shared_task

from acceptance.diary import note, read
from tasks_platform import ReliableTask, Retry, task


@task(Retry(max_attempts=4, base=0.05, jitter=False), base=ReliableTask, name="stock.reserve")
def reserve(diary: Path, order: int, items: list[str]) -> int:
    note(diary, f"reserve:{order}")
    if "elusive" in items and len([line for line in read(diary) if line == f"reserve:{order}"]) == 1:
        raise ConnectionError("the warehouse does not answer")
    return len(items)


@shared_task(name="stock.confirm")
def confirm(count: int, diary: str, order: int) -> str:
    note(diary, f"confirm:{order}:{count}")
    return f"{count} items of order {order}"


@shared_task(name="stock.total")
def total(counts: list[int], diary: str) -> int:
    note(diary, f"total:{sum(counts)}")
    return sum(counts)
