"""Which task, and which request of it, the coroutine is about that asks: Celery keeps that for each thread."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

_current: ContextVar[tuple[Any, Any] | None] = ContextVar("tasks_platform_on_loop", default=None)


def enter_loop(task: Any, request: Any) -> None:
    """Let this context be that of a coroutine of *task*."""
    _current.set((task, request))


def request_on_loop(task: Any) -> Any:
    """Return the request of the coroutine of *task* that asks, None if it is none."""
    current = _current.get()
    return current[1] if current is not None and current[0] is task else None


def task_on_loop() -> Any:
    """Return the task whose coroutine asks, None if it is none."""
    current = _current.get()
    return None if current is None else current[0]
