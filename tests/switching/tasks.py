"""Jobs for workers of two kinds, and a schedule; each writes down that it ran."""

from __future__ import annotations

from switching.ledger import write
from tasks_platform import ReliableTask, every, schedule, task


@task(base=ReliableTask, queue="prefork")
def in_a_process(name: str) -> str:
    write("prefork", name)
    return name


@task(base=ReliableTask, queue="threads")
def in_a_thread(name: str) -> str:
    write("threads", name)
    return name


@task(base=ReliableTask, queue="threads")
def tick() -> None:
    write("beat")


schedule("tick", every(seconds=1)).runs(tick)
