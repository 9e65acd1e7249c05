"""A task module that was deployed later than the others."""

from __future__ import annotations

from tasks_platform import ReliableTask, task


@task(base=ReliableTask)
def greet(name: str) -> str:
    return f"Hello, {name}"
